"""``understudy``: what one does by hand with an actor's results."""

import contextlib
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from understudy.errors import InputError, Stopped, sentence, stoppable
from understudy.files.owned import check_apart
from understudy.layouts.config import LayoutName
from understudy.log import PrintableFormatter
from understudy.streams import OutputLost, open_streams, printing, say, tell
from understudy.text import one_line, printable

if TYPE_CHECKING:
    from understudy.weights.manifest import Weights

MODELS = Path("models")
FREE_BODY = MODELS / "understudy_body.npz"
REPOSITORY = Path(__file__).parents[2]
"""Where the free body is, whatever the working folder."""


@dataclass(frozen=True)
class Inspect:
    """Show the worst frames by every measure: a table here, and a contact sheet to look at."""

    folder: Annotated[Path, tyro.conf.Positional]
    """An actor's folder, as results/actor; what is finished is inspected."""
    output: Path | None = None
    """Picture to write, .jpg or .png; default FOLDER/inspect.jpg."""
    count: int = 6
    """Frames for each measure."""
    body: Path | None = None
    """File of the body that was fitted; default the one of its hash in models/ here, beside the results or in Understudy."""

    def run(self) -> None:
        """Write the sheet and print the table."""
        from rich.table import Table

        from understudy.inspection.inspect import inspect_actor

        if self.output is not None:
            check_apart([self.output], [self.folder / "avatar.tar", self.body])
        done = inspect_actor(self.folder, self.output, self.count, self.body, _bodies(self.folder))
        table = Table("measure", "unit", "look at", "median", "worst", "beyond", "worst frames")
        for line in done.lines:
            numbers = (f"{line.median:.3g}", f"{line.worst:.3g}", str(line.beyond))
            table.add_row(line.title, line.unit, line.limit, *numbers, ", ".join(map(str, line.frames)))
        _show(table)
        _say("".join(f"{note}\n" for note in done.notes) + f"pictures: {done.sheet}\n")


@dataclass(frozen=True)
class Import:
    """Turn another program's tracking into an actor's files, so that the workflow goes on from there."""

    source: Annotated[Path, tyro.conf.Positional]
    """File or folder of EasyMocap, OpenPose, AlphaPose, ROMP, 4D-Humans, WHAM, GVHMR, InstantAvatar, NTC, instant-nvr, ..."""
    folder: Annotated[Path, tyro.conf.Positional]
    """The actor's folder to write, as results/actor."""
    kind: str = "auto"
    """Format; auto looks at the files. docs/importing.md lists them."""
    pictures: Path | None = None
    """The video or its frames, if the source names none."""
    body: Path | None = FREE_BODY
    """The body that the poses are put on: the free one, or the SMPL file they were made with."""
    person: str | None = None
    """Name or number of the person, where there are several; default the largest one who stays longest."""
    camera: str | None = None
    """Name or number of the camera, where there are several."""
    first: int | None = None
    """Number of the video's first picture in the files' numbering."""
    every: int = 1
    """For files that only list frames: they are of every Nth picture."""
    size: tuple[int, int] | None = None
    """Width and height of the tracked pictures, px, where neither they nor the files say it."""
    focal_px: float | None = None
    """Focal length, px, where you know better than the files."""

    def run(self) -> None:
        """Import, and say what was written."""
        from understudy.body.files import load_body
        from understudy.importers.config import ReadOptions
        from understudy.importers.run import import_tracking
        from understudy.video.decode import FramesConfig

        done = import_tracking(
            self.source, self.folder, self.kind, self.pictures,
            load_body(_found(self.body)) if self.body else None,
            ReadOptions(self.person, self.camera, self.first, self.every, self.size),
            FramesConfig(focal_px=self.focal_px) if self.focal_px is not None else None,
        )  # fmt: skip
        _say(f"{done.kind}: {done.frames} frames, {done.pointed} with keypoints, {done.posed} with poses\n")
        if done.reprojection is not None:
            _say(f"keypoints lie {done.reprojection:.1f} px off the posed body (median)\n")
        _say("".join(f"wrote {path}\n" for path in done.files))


@dataclass(frozen=True)
class Render:
    """Render an avatar: in a motion or standing, on a camera path or by given cameras, or beside its own video."""

    avatar: Annotated[Path, tyro.conf.Positional]
    """avatar.tar"""
    output: Annotated[Path, tyro.conf.Positional]
    """Video to write, .mp4; .webm or .mov with transparency; or a folder, for PNG pictures."""
    motion: Path | None = None
    """BVH, or npz of SMPL parameters (AMASS, AIST++, another actor's smpl.npz); default standing with the arms lowered."""
    joint_map: Path | None = None
    """JSON with the rig's joint by ours, for a BVH file with names that are not known; docs/rendering.md."""
    loop: float | None = None
    """Loop the motion's best cycle for this many seconds; a walk walks on."""
    cameras: Path | None = None
    """Cameras: our JSON, NeRF's transforms.json, EasyMocap's folder or intri.yml, NTC's camera.mat; docs/rendering.md."""
    camera: str | None = None
    """Name or number of one camera of several; default all of them in turn."""
    at: tuple[float, float, float] | None = None
    """Where in the cameras' world the motion starts, m; default its origin."""
    path: Literal["turntable", "circle", "line", "zoom", "still"] | None = None
    """Camera path, where no cameras are given; default turntable, or still for a motion."""
    azimuth: float = 0.0
    """Degrees by which the path's camera stands towards the person's left."""
    elevation: float = 0.0
    """Degrees by which it looks down."""
    follow: Literal["yes", "no"] | None = None
    """Whether it goes along with the person; default all paths but still do."""
    video: Path | None = None
    """Re-enactment: the video or the actor's folder (results/anna) on the left, the avatar in its own poses on the right."""
    video_start: float = 0.0
    """Seconds of that video before the first frame that was used."""
    size: str | None = None
    """Width and height, px, such as 720x1280."""
    fps: float = 24.0
    """Pictures per second."""
    frames: int | None = None
    """Maximum number of pictures."""
    background: str = "white"
    """white, black, grey, transparent (not in .mp4), #rrggbb, an image, a video; with --video also: video."""
    layer: Literal["color", "alpha", "depth", "normal"] = "color"
    """What is shown. Depth in folders is 16-bit, millimetres."""
    shadow: bool = False
    """A soft shadow on the ground."""
    betas: tuple[float, ...] | None = None
    """Shape components in place of the person's own."""
    height: float | None = None
    """Height in cm, with the rest of the shape as likely as can be."""
    weight: float | None = None
    """Weight in kg at this height, without clothes."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""

    def run(self) -> None:
        """Render, and say what was written."""
        from understudy.avatar.archive import load_archive
        from understudy.body.config import ShapeConfig
        from understudy.rendering.cameras import read_cameras
        from understudy.rendering.paths import PathConfig
        from understudy.rendering.reenactment import render_reenactment
        from understudy.rendering.render import ShowConfig, read_joint_map, render_motion

        follow = None if self.follow is None else self.follow == "yes"
        path = self.path or ("still" if self.motion else "turntable")
        config = ShowConfig(
            _size(self.size), self.fps, self.loop, self.frames, self.layer, self.background, self.shadow,
            PathConfig(path, self.azimuth, self.elevation, follow), ShapeConfig(self.betas, self.height, self.weight),
        )  # fmt: skip
        if self.video is not None and (self.motion or self.cameras):
            raise InputError(
                "--video shows the avatar's own poses by its own camera; leave out --motion and --cameras."
            )
        behind = Path(self.background) if Path(self.background).exists() else None
        read = (self.avatar, self.motion, self.joint_map, self.cameras, self.video, self.body, behind)
        check_apart([self.output], read)
        archive = load_archive(self.avatar, self.body)
        if self.video is not None:
            options = (self.frames, self.background, self.layer, self.video_start)
            count = render_reenactment(archive, self.video, self.output, *options)
        else:
            names = read_joint_map(self.joint_map) if self.joint_map else None
            given = read_cameras(self.cameras, self.camera, config.size, self.at) if self.cameras else None
            count = render_motion(archive, self.output, config, self.motion, names, given)
        _say(f"wrote {self.output}: {count} pictures\n")


@dataclass(frozen=True)
class Export:
    """Write an avatar for other programs: docs/exporting.md."""

    avatar: Annotated[Path, tyro.conf.Positional]
    """avatar.tar"""
    folder: Annotated[Path, tyro.conf.Positional]
    """Folder to write into."""
    only: tuple[str, ...] = ()
    """Files to write, of those of docs/exporting.md; default all."""
    pose: str = "a"
    """Of the files without joints: a (arms lowered), t, big (T-pose, legs apart), or the number of a frame of the video."""
    motion: tuple[Path, ...] = ()
    """Motions for avatar.glb: BVH, or npz of SMPL parameters (AMASS, AIST++, another actor's smpl.npz)."""
    take: Literal["yes", "no"] = "yes"
    """Whether the video's own motion goes into avatar.glb too."""
    fps: float = 30.0
    """Most frames per second of the motions."""
    texture_size: int = 2048
    """Side of the mesh's texture, px."""
    mesh: Literal["body", "cubes"] = "body"
    """Surface of mesh.ply: the body's mesh moved to the Gaussians, or marching cubes over their density."""
    author: str = "unknown"
    """Whom avatar.vrm names as its author."""
    betas: tuple[float, ...] | None = None
    """Shape components in place of the person's own."""
    height: float | None = None
    """Height in cm, with the rest of the shape as likely as can be."""
    weight: float | None = None
    """Weight in kg; the height stays."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""

    def run(self) -> None:
        """Export, and say what was written."""
        from understudy.avatar.archive import load_archive
        from understudy.body.config import ShapeConfig
        from understudy.export.run import FILES, ExportConfig, export_avatar, reshaped

        config = ExportConfig(self.pose, self.texture_size, self.fps, self.take == "yes", self.mesh, self.author)
        check_apart((self.folder / name for name in FILES), [self.avatar, self.body, *self.motion])
        archive = reshaped(load_archive(self.avatar, self.body), ShapeConfig(self.betas, self.height, self.weight))
        written = export_avatar(archive, self.folder, config, self.motion, self.only or FILES)
        _say("".join(f"wrote {path}\n" for path in written))


@dataclass(frozen=True)
class Dataset:
    """Write an actor's results as the data set of another avatar program: docs/exporting.md."""

    folder: Annotated[Path, tyro.conf.Positional]
    """An actor's folder, as results/actor."""
    output: Annotated[Path, tyro.conf.Positional]
    """Folder to write; a data set that was written there before is replaced, anything else is left alone."""
    layout: LayoutName
    """The program whose layout it is."""
    hold_out: int = 8
    """Name every Nth frame as a test frame, where the layout can say so; 0 for none."""
    body: Path | None = None
    """File of the body that was fitted; default the one of its hash in models/ here, beside the results or in Understudy."""

    def run(self) -> None:
        """Write the data set, and say where."""
        from understudy.layouts.recording import open_recording
        from understudy.layouts.run import write_dataset

        check_apart([self.output], [self.folder, self.body])
        recording = open_recording(self.folder, self.body, _bodies(self.folder), self.hold_out)
        write_dataset(recording, self.output, self.layout)
        _say(f"wrote {self.output}: {len(recording)} frames\n")


@dataclass(frozen=True)
class View:
    """Look at an avatar in the browser: posed and reshaped live, or in a page of its own that needs no program."""

    avatar: Annotated[Path, tyro.conf.Positional]
    """avatar.tar"""
    motion: tuple[Path, ...] = ()
    """Motions to choose from besides the video's own: BVH, or npz of SMPL parameters; the first one plays at the start."""
    page: Path | None = None
    """Write this .html in place of serving: one file, which any browser plays without a server or the internet."""
    results: Path | None = None
    """The actor's folder, whose frames are shown in the camera that filmed them; default the avatar's own folder."""
    host: str = "localhost"
    """Where to listen: 0.0.0.0 for every computer of the network. The view opens to those alone who have its whole address."""
    port: int = 8080
    """The next free one where it is taken."""
    fps: float = 30.0
    """Frames per second of the motions."""
    loop: float | None = None
    """Loop each motion's best cycle for this many seconds; a walk walks on."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""

    def run(self) -> None:
        """Write the page, or serve until interrupted."""
        from understudy.avatar.archive import load_archive
        from understudy.threads import use_threads
        from understudy.viewer.acts import ViewerConfig

        config, archive = ViewerConfig(self.fps, loop=self.loop), load_archive(self.avatar, self.body)
        if self.page is not None:
            from understudy.viewer.page import write_page

            check_apart([self.page], [self.avatar, self.body, *self.motion])
            write_page(self.page, archive, config, self.motion)
            _say(f"wrote {self.page}\n")
            return
        from understudy.viewer.live import LiveView

        use_threads(1)  # the browser wants the others; one poses fast enough
        view = LiveView(archive, self.motion, config, self.results or self.avatar.parent, self.host, self.port)
        try:
            sys.stdout.write(f"open {' or '.join(view.urls)}\n")
            if not view.local:
                sys.stdout.write("whoever has the address can look and play; nothing of it is encrypted\n")
            sys.stdout.write("Ctrl-C ends the view\n")
            sys.stdout.flush()
            view.run()
        except KeyboardInterrupt:
            pass
        finally:
            view.stop()


@dataclass(frozen=True)
class Status:
    """Say of every video which stages are done, running or failed, and why."""

    results: Annotated[Path, tyro.conf.Positional] = Path("results")
    """Folder with the actors' folders."""
    write: bool = False
    """Write summary.tsv and index.html there as well, as the workflow does at the end of a run."""

    def run(self) -> None:
        """Print the table."""
        from rich.table import Column, Table
        from rich.text import Text

        from understudy.batch.status import all_statuses
        from understudy.batch.summary import shown, write_summary
        from understudy.stages import STAGES

        if not self.results.is_dir():
            raise InputError(f"{self.results} is no folder; give the one with the actors' folders, as results.")
        rows = all_statuses(self.results)
        table = Table(
            "actor",
            "state",
            "stages",
            "frames",
            "PSNR aligned",
            "SSIM aligned",
            "s",
            "MB",
            Column("at", overflow="fold"),
        )
        colours = {"failed": "red", "running": "blue", "done": "green"}
        for row in rows:
            numbers = (shown(row, column) for column in ("frames", "psnr", "ssim", "seconds", "peak_mb"))
            state = Text(row.state, colours.get(row.state, ""))
            name, stage = Text(one_line(row.actor)), Text(one_line(row.stage))
            table.add_row(name, state, f"{row.done}/{len(STAGES)}", *numbers, stage)
        _show(table)
        _say("".join(one_line(f"{row.actor}, {row.stage}: {row.error}") + "\n" for row in rows if row.error))
        if self.write:
            write_summary(self.results)
            _say(f"wrote {self.results / 'summary.tsv'}\nwrote {self.results / 'index.html'}\n")


@dataclass(frozen=True)
class Videos:
    """Name the actors whose videos are in a folder, one a line, as the workflow counts them."""

    folder: Annotated[Path, tyro.conf.Positional] = Path("data/videos")
    """Folder with videos and folders of images."""
    number: int | None = None
    """Of one of them alone, from 0."""

    def run(self) -> None:
        """Print the names, and say which videos are left out."""
        from understudy.video.sources import list_videos, unusable_videos

        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is no folder; give the one with the videos.")
        names = list(list_videos(self.folder))
        if self.number is None:
            _say("".join(f"{name}\n" for name in names))
            _warn(unusable_videos(self.folder).values())
        elif 0 <= self.number < len(names):
            _say(f"{names[self.number]}\n")
        else:
            raise InputError(
                f"{self.folder} has no video of number {self.number}; there are {len(names)}, counted from 0."
            )


@dataclass(frozen=True)
class Models:
    """List the weights that other backends need, fetch some, check those that are there, or vouch for some: docs/backends.md."""

    action: Annotated[Literal["list", "get", "check", "trust"], tyro.conf.Positional]
    """list: what there is, and where it comes from; get: fetch those of these names; check: compare checksums; trust: record
    that you trust files as they are now, of these names or paths."""
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Names of weights, as list shows them; default all, but for get and trust."""
    folder: Path | None = None
    """Where the files are or go; default models/ here, else Understudy's own."""
    trust: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """With get: you trust what comes where its publisher names no checksum; that it has now holds from then on."""

    def run(self) -> None:
        """Do it, and say what was found."""
        from understudy.weights.manifest import chosen, read_manifest

        folder = self.folder or (MODELS if MODELS.is_dir() else REPOSITORY / MODELS)
        manifest = read_manifest(REPOSITORY / MODELS / "manifest.yaml")
        if self.action in ("get", "trust") and not self.names:
            raise InputError(f"Name the weights to {self.action}; `understudy models list` shows what there is.")
        if self.trust and self.action != "get":
            raise InputError("--trust is for get; `understudy models trust NAME` vouches for a file that is there.")
        if self.action == "trust":
            self._vouch(manifest, folder)
        elif self.action == "list":
            self._list(chosen(manifest, self.names), folder)
        elif self.action == "get":
            self._fetch(chosen(manifest, self.names), folder)
        else:
            from understudy.weights.check import check_weights

            lines, others = check_weights(chosen(manifest, self.names), folder)
            _say("".join(f"{line}\n" for line in lines))
            if others:
                raise InputError(f"{', '.join(others)}: not the files that are known by these names; fetch them again.")

    def _list(self, entries: "dict[str, Weights]", folder: Path) -> None:
        from rich.table import Column, Table
        from rich.text import Text

        from understudy.weights.check import state_of

        table = Table(Column("name", no_wrap=True), "there", "MB", Column("for", no_wrap=True))
        for name, entry in entries.items():
            there = state_of(entry, folder) if (folder / entry.file).is_file() else ""
            size = "" if entry.size_mb is None else f"{entry.size_mb:g}"
            cells = (name, there, size, "\n".join(entry.used_by))
            table.add_row(*(Text(printable(cell)) for cell in cells))
        _show(table)
        for name, entry in entries.items():
            _say(one_line(f"{name} ({entry.licence}): {entry.url or entry.how or 'no source'}") + "\n")

    def _fetch(self, entries: "dict[str, Weights]", folder: Path) -> None:
        """Fetch them all, also where one of them cannot be had."""
        from understudy.weights.check import UNVERIFIED, state_of
        from understudy.weights.fetch import fetch_weights

        failed = []
        for name, entry in entries.items():
            try:
                path = fetch_weights(name, entry, folder, self.trust)
            except InputError as error:
                failed.append(str(error))
            else:
                state = state_of(entry, folder)
                _say(f"{name}: {path}, {state}, {entry.licence}\n")
                if state == UNVERIFIED:
                    _warn([f"nobody vouches for {path}; `understudy models trust {name}` says that you do."])
        if failed:
            _warn(failed[:-1])
            raise InputError(failed[-1])

    def _vouch(self, manifest: "dict[str, Weights]", folder: Path) -> None:
        from understudy.weights.check import OTHER, VERIFIED, state_of, trust

        for name in self.names:
            entry = manifest.get(name)
            file = Path(name) if entry is None else folder / entry.file
            if not file.is_file():
                raise InputError(f"{file}: no such file; name weights as `understudy models list` does, or a file.")
            state = None if entry is None else state_of(entry, folder)
            if entry is not None and entry.sha256 is not None and state == OTHER:
                raise InputError(
                    f"{file} is another file than its publisher's, whose checksum models/manifest.yaml names; if you want it"
                    " all the same, give it another name."
                )
            digest = "by its publisher" if state == VERIFIED else f"by you (SHA-256 {trust(file, folder)})"
            _say(f"{file} is vouched for {digest}\n")


def _say(text: str) -> None:
    """Write to the terminal what may hold names and words out of files."""
    say(printable(text))


def _warn(sentences: Iterable[str]) -> None:
    tell("".join(f"warning: {one_line(text)}\n" for text in sentences))


def _show_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback, whose words may be a file's too."""
    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, trace))))


def _size(text: str | None) -> tuple[int, int] | None:
    """Width and height of an option such as 540x960."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise InputError(f"--size is {text[:80]}; give width and height in px, such as 540x960.")
    return int(parts[0]), int(parts[1])


def _bodies(folder: Path) -> list[Path]:
    """Where the body of an actor's folder may be."""
    return [base / FREE_BODY.parent for base in (Path(), folder.parent.parent, REPOSITORY)]


def _found(body: Path) -> Path:
    """The free body of the repository where there is none in the working folder."""
    return REPOSITORY / body if body == FREE_BODY and not body.exists() else body


def _show(table: Any) -> None:
    """Print a table as the terminal is."""
    from rich.console import Console

    console = Console()
    with console.capture() as text:
        console.print(table)
    say(text.get())


def _prepare_terminal() -> None:
    """Let warnings, logs and tracebacks out as text alone, and names in letters that the terminal lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)
    sys.excepthook = _show_fault


def _parse() -> Any:
    """The verb of the command line; what is wrong with it is shown as text, for arguments may be names of files."""
    steering = any(printable(argument) != argument for argument in sys.argv)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said) if steering else contextlib.nullcontext():
            return tyro.extras.subcommand_cli_from_dict(
                {
                    "status": Status, "inspect": Inspect, "import": Import, "render": Render, "export": Export,
                    "dataset": Dataset, "view": View, "videos": Videos, "models": Models,
                },
                description=__doc__,
            )  # fmt: skip
    finally:
        tell(printable(said.getvalue()))


def main() -> None:
    """Run a verb; what the user can mend is told in one sentence, and the exit status is 2; stopped, it is the signal's."""
    closed = sys.stdout is None
    open_streams()
    _prepare_terminal()
    try:
        if closed:
            raise InputError("standard output is closed; send it to a file, or to /dev/null.")
        with stoppable():
            _run()
    except Stopped as stopped:
        tell(f"stopped by {stopped.name}\n")
        sys.exit(stopped.status)
    except OutputLost as lost:
        if isinstance(lost.__cause__, BrokenPipeError):  # as of head, which has seen enough
            sys.exit(128 + signal.SIGPIPE)
        tell(f"error: standard output cannot be written ({lost}); send it to another file, or to a terminal.\n")
        sys.exit(2)
    except Exception as error:
        told = sentence(error, "understudy")
        if told is None:
            raise
        tell(one_line(f"error: {told}") + "\n")
        sys.exit(2)


def _run() -> None:
    try:
        os.getcwd()
    except FileNotFoundError:
        raise InputError("the working folder is no longer there; go to another one.") from None
    with printing():  # of --help
        verb = _parse()
    verb.run()


if __name__ == "__main__":
    main()
