"""What was seen of the person: 2D keypoints with weights, and the backend's 3D guess of directions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.body.joints import LIMBS
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints

MIN_MAIN_POINTS = 6
"""A frame counts as seen with so many confident points of the limbs, on which a pose rests."""

_WEIGHTS = {
    "shoulder": 1.0, "elbow": 1.0, "wrist": 1.0, "hip": 1.0, "knee": 1.0, "ankle": 1.0, "neck": 0.3, "mid_hip": 0.3,
    "toe": 0.5, "heel": 0.5, "nose": 0.4, "ear": 0.3, "eye": 0.1, "mouth": 0.1, "pinky": 0.2, "index": 0.3, "thumb": 0.1,
}  # fmt: skip
"""Trust in a point by a part of its name: loose face and finger points count little."""


@dataclass(frozen=True)
class Evidence:
    """Keypoints that both the backend and the body have, ``P`` of them over ``T`` frames."""

    names: tuple[str, ...]  # [P]
    points: Tensor  # [T,P,2] px
    weights: Tensor  # [T,P], confidence times trust; 0 where unseen
    world: Tensor  # [T,P,3] m, camera axes, origin anywhere
    world_weights: Tensor  # [T,P], 0 where the backend gave no 3D guess
    seen: Tensor  # [T] bool
    """Frames with enough confident points of their own."""
    K: Tensor  # [3,3]
    fps: float

    def __len__(self) -> int:
        return len(self.points)

    def index(self, name: str) -> int:
        """Place of a keypoint, -1 if it is not there."""
        return self.names.index(name) if name in self.names else -1

    def at(self, frames: Tensor) -> "Evidence":
        """The evidence of some frames only."""
        return Evidence(
            self.names, self.points[frames], self.weights[frames], self.world[frames],
            self.world_weights[frames], self.seen[frames], self.K, self.fps,
        )  # fmt: skip


def gather_evidence(keypoints: Keypoints, frames: Frames, body: BodyModel, min_confidence: float) -> Evidence:
    """Pick and weight what the fit may rely on.

    Points under ``min_confidence``, of interpolated frames or that are not finite get weight 0.

    Raises:
        InputError: Keypoints and frames differ in number, no points in common, or no confident one.
    """
    if len(keypoints) != len(frames):
        raise InputError(
            f"There are keypoints for {len(keypoints)} frames but {len(frames)} frames; run the keypoints stage again."
        )
    names = tuple(name for name in keypoints.names if name in body.keypoint_names)
    if not set(LIMBS) & set(names):
        raise InputError(
            f"The keypoints ({keypoints.backend}) have none of the body's points; name them as BODY_25 does."
        )
    columns = [keypoints.names.index(name) for name in names]
    values = keypoints.keypoints[:, columns].astype(np.float32)
    finite = np.asarray(np.isfinite(values).all(axis=-1))
    values = np.where(finite[..., None], values, 0.0)
    confident = (values[..., 2] >= min_confidence) & (values[..., 2] > 0) & ~keypoints.interpolated[:, None]
    trust = np.array([_trust(name) for name in names], np.float32)
    weights = np.where(confident, np.clip(values[..., 2], 0.0, 1.0), 0.0) * trust
    seen = confident[:, [name in LIMBS for name in names]].sum(axis=1) >= MIN_MAIN_POINTS
    if not seen.any():
        raise InputError(
            f"No frame of {frames.source} shows a person with at least {MIN_MAIN_POINTS} confident keypoints; "
            "use a video that shows the whole body, or another keypoints backend."
        )
    world = keypoints.world[:, columns].astype(np.float32)
    given = np.isfinite(world).all(axis=(1, 2)) & (np.abs(world).sum(axis=(1, 2)) > 0)
    return Evidence(
        names=names,
        points=torch.from_numpy(values[..., :2].copy()),
        weights=torch.from_numpy(weights.astype(np.float32)),
        world=torch.from_numpy(np.where(given[:, None, None], world, 0.0).astype(np.float32)),
        world_weights=torch.from_numpy((weights * given[:, None]).astype(np.float32)),
        seen=torch.from_numpy(seen),
        K=torch.from_numpy(frames.K.astype(np.float32)),
        fps=float(frames.fps),
    )


def _trust(name: str) -> float:
    return next((weight for part, weight in _WEIGHTS.items() if part in name), 0.1)
