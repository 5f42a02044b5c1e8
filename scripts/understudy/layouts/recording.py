"""What a data set is written from: one actor's frames, masks and fitted body."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.actor_folder import open_result
from understudy.body.joints import BIG_POSE, SMPL_JOINTS, on_joints, pose_of
from understudy.body.lbs import joint_transforms, pose_rotations, skin
from understudy.body.model import BodyModel
from understudy.body.posed import posed_vertices
from understudy.body.smpl_joints import on_smpl_joints
from understudy.errors import InputError
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.importers.tracking import REST_PELVIS

SMPL_BETAS = 10
HALF_PIXEL = 0.5
"""Ours has pixel centres at +0.5, most other programs at whole numbers."""


@dataclass(frozen=True)
class Recording:
    """One person over ``T`` frames before a camera that stands still; images are read one at a time."""

    frames: Frames
    track: BodyTrack
    body: BodyModel
    masks: Path
    """Folder of soft masks."""
    keypoints: Keypoints | None = None
    parsing: Path | None = None
    """Folder of CIHP-20 labels."""
    canonical: Path | None = None
    """``canonical.npz``."""
    held_out: tuple[int, ...] = ()
    """Frames that are to test with."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames, px."""
        return self.frames.width, self.frames.height

    @property
    def K(self) -> np.ndarray:
        """The frames' camera [3,3] for pixel centres at whole numbers."""
        K = self.track.K.copy()
        K[:2, 2] -= HALF_PIXEL
        return K

    def alpha(self, frame: int) -> np.ndarray:
        """Soft mask [H,W] uint8."""
        return read_alpha(self.masks, frame, self.size)

    def vertices(self, frame: int) -> np.ndarray:
        """The posed body [V,3] float32, m, in the camera's frame, pose correctives included."""
        return posed_vertices(self.body, self.track, frame)

    def on_smpl_joints(self) -> "Recording":
        """The same on SMPL's joints, which are all that most programs know: fingers, jaw and eyes are at rest."""
        names, track = self.body.joint_names, self.track
        pose = on_joints(track.body_pose.reshape(len(track), -1, 3), names[1:], SMPL_JOINTS[1:])
        kept = replace(track, body_pose=pose.reshape(len(track), -1))
        return replace(self, body=on_smpl_joints(self.body), track=kept)

    def rest(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices [V,3] and joints [J,3] of the shaped body in its rest pose, m."""
        with torch.no_grad():
            vertices, joints = self.body.shaped(torch.from_numpy(self.track.betas))
        return vertices.numpy(), joints.numpy()

    @property
    def is_smpl(self) -> bool:
        """Whether the body is SMPL itself, which most programs have a file of."""
        return self.body.name == "smpl"

    def for_smpl(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What programs need that pose an SMPL file of their own: its betas [B], its rest pelvis [3], and transl [T,3], m.

        Of another body SMPL takes the poses in its mean shape, its pelvis where ours is.
        """
        own = self.rest()[1][0].astype(np.float64)
        if self.is_smpl:
            return self.track.betas, own, self.track.transl
        pelvis = np.array(REST_PELVIS["smpl"])
        return np.zeros(SMPL_BETAS, np.float32), pelvis, self.track.transl + own - pelvis

    def root_about_origin(self, pelvis: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """``Rh`` [T,3] and ``Th`` [T,3] m of EasyMocap and those after it: the root turns about the model's origin.

        smplx, and so ``smpl.npz``, turns it about the pelvis ``p``: ``Th = transl + p - R p``.

        Args:
            pelvis: Rest pelvis [3] of the model that is posed; default our body's.
        """
        own = self.rest()[1][0].astype(np.float64)
        Rh = self.track.global_orient.astype(np.float64)
        return Rh, self.track.transl + own - Rotation.from_rotvec(Rh).apply(own if pelvis is None else pelvis)

    def bone_transforms(self, body_pose: np.ndarray) -> np.ndarray:
        """Transforms [J,4,4] of the joints from the rest pose to a pose [3(J-1)], the root unturned, at its place."""
        _, joints = self.rest()
        rotations = pose_rotations(torch.zeros(1, 3), torch.from_numpy(body_pose.astype(np.float32))[None])
        return joint_transforms(rotations, torch.from_numpy(joints), self.body.parents)[0].numpy()

    def big_pose_vertices(self) -> np.ndarray:
        """The shaped body [V,3] in the big pose by plain linear blending, as readers of data sets pose it."""
        vertices, _ = self.rest()
        transforms = torch.from_numpy(self.bone_transforms(pose_of(self.body.joint_names, BIG_POSE)))[None]
        return skin(torch.from_numpy(vertices), self.body.lbs_weights, transforms)[0].numpy()


def open_recording(
    folder: str | Path, body: str | Path | None = None, bodies: Iterable[Path] = (), hold_out: int = 0
) -> Recording:
    """What an actor's folder holds, for :func:`write_dataset`.

    Args:
        folder: An actor's folder, such as ``results/actor``; ``smpl.npz`` and masks must be there.
        body: File of the body that was fitted; None to look for it.
        bodies: Files and folders among which that file may be; its hash tells.
        hold_out: Every Nth frame is to test with; 0 for none.

    Raises:
        InputError: Something is missing, damaged, or of another video or body.
    """
    if hold_out < 0 or hold_out == 1:
        raise InputError(f"hold_out is {hold_out}; it must be 0, for no test frames, or 2 or more.")
    folder = Path(folder)
    found = open_result(folder, body, bodies)
    if found.track is None:
        raise InputError(f"{folder} has no smpl.npz yet; run the stage fitting.")
    if found.masks is None:
        raise InputError(f"{folder} has no masks yet; run the stage matting.")
    if found.body is None:
        raise InputError(
            f"The body {found.track.body_model[0]} that was fitted was not found; give its file with --body."
        )
    canonical = folder / "canonical.npz"
    return Recording(
        frames=found.frames,
        track=found.track,
        body=found.body,
        masks=found.masks,
        keypoints=found.keypoints,
        parsing=folder / "parsing" if (folder / "parsing").is_dir() else None,
        canonical=canonical if canonical.is_file() else None,
        held_out=tuple(held_out_frames(len(found.frames), hold_out)),
    )
