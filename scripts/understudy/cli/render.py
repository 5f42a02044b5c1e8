"""``understudy render``."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from understudy.cli.terminal import print_text
from understudy.errors import InputError
from understudy.files.owned import check_apart
from understudy.rendering.config import ShowConfig

OF_MOTIONS = ("size", "fps", "loop", "freeze", "shadow", "shape")
"""Options of ``ShowConfig`` that a re-enactment does not take."""


@dataclass(frozen=True)
class Render:
    """Render an avatar: in a motion or standing, on a camera path or by given cameras, or beside its own video."""

    avatar: Positional[Path]
    """avatar.tar"""
    output: Positional[Path]
    """Video to write, .mp4; .webm, .mov or .gif with transparency; or a folder, for PNG pictures."""
    motion: Path | None = None
    """BVH, or npz of SMPL parameters (AMASS, AIST++, another actor's smpl.npz); default standing with the arms lowered."""
    joint_map: Path | None = None
    """JSON with the rig's joint by ours, for a BVH file with names that are not known; docs/rendering.md."""
    cameras: Path | None = None
    """Cameras: our JSON, NeRF's transforms.json, EasyMocap's folder or intri.yml, NTC's camera.mat; docs/rendering.md."""
    camera: str | None = None
    """Name or number of one camera of several; default all of them in turn."""
    at: tuple[float, float, float] | None = None
    """Where in the cameras' world the motion starts, m; default its origin."""
    video: Path | None = None
    """Re-enactment: the video or the actor's folder (results/anna) on the left, the avatar in its own poses on the right."""
    video_start: float = 0.0
    """Seconds of that video before the first frame that was used."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""
    show: OmitArgPrefixes[ShowConfig] = field(default_factory=ShowConfig)
    """What is rendered, and how it looks."""

    def run(self) -> None:
        """Render, and say what was written."""
        from understudy.avatar.archive import load_archive

        self._check_options()
        behind = Path(self.show.background) if Path(self.show.background).exists() else None
        read = (self.avatar, self.motion, self.joint_map, self.cameras, self.video, self.body, behind)
        check_apart([self.output], read)
        archive = load_archive(self.avatar, self.body)
        if self.video is not None:
            from understudy.rendering.reenactment import render_reenactment

            look = (self.show.frames, self.show.background, self.show.layer)
            count = render_reenactment(archive, self.video, self.output, *look, self.video_start, self.show.device)
        else:
            from understudy.rendering.cameras import read_cameras
            from understudy.rendering.render import read_joint_map, render_motion

            names = read_joint_map(self.joint_map) if self.joint_map else None
            given = read_cameras(self.cameras, self.camera, self.show.size, self.at) if self.cameras else None
            count = render_motion(archive, self.output, self.show, self.motion, names, given)
        print_text(f"wrote {self.output}: {count} pictures\n")

    def _check_options(self) -> None:
        """Refuse options that would do nothing beside others.

        Raises:
            InputError: There are such.
        """
        usual = ShowConfig()
        path = self.show.path != usual.path
        if self.video is not None:
            changed = {f"--{name}": getattr(self.show, name) != getattr(usual, name) for name in OF_MOTIONS}
            motion = {"--motion": self.motion, "--cameras": self.cameras, "a path": path}
            given = [name for name, value in {**motion, **changed}.items() if value]
            if given:
                raise InputError(
                    "--video shows the avatar's own poses by its own camera, at the video's size and rate; leave out"
                    f" {', '.join(given)}."
                )
        if self.cameras is None and (self.camera is not None or self.at is not None):
            raise InputError("--camera and --at are about the cameras of a file; give --cameras too.")
        if self.cameras is not None and path:
            raise InputError("--cameras says where the camera is; leave out the path.")
