"""Where the joints are in a motion, and how they are turned."""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.body.lbs import joint_transforms
from understudy.body.model import BodyModel
from understudy.motion.clip import Clip

PART = 1024
"""Frames that are posed at once: what lies in between takes the memory of so many only, and stays in the cache."""


def parts(length: int) -> Iterator[slice]:
    """Slices of up to ``PART`` frames that make up all of them."""
    return (slice(start, start + PART) for start in range(0, length, PART))


def rest_places(body: BodyModel) -> dict[str, np.ndarray]:
    """Places [3] (m, double precision) of the joints by name, of the body's template at rest."""
    return dict(zip(body.joint_names, (body.J_regressor @ body.v_template).double().numpy(), strict=True))


def joint_frames(clip: Clip, body: BodyModel) -> tuple[np.ndarray, np.ndarray]:
    """Orientations [T,J,3,3] and places [T,J,3] (m) of the joints, for the body's template."""
    rest = (body.J_regressor @ body.v_template).double().numpy()
    rotvecs = clip.rotvecs
    turns, places = np.empty((*rotvecs.shape, 3)), np.empty(rotvecs.shape)
    for part in parts(len(clip)):
        local = Rotation.from_rotvec(rotvecs[part].reshape(-1, 3)).as_matrix().reshape(-1, len(rest), 3, 3)
        moved = joint_transforms(torch.from_numpy(local), torch.from_numpy(rest), body.parents).numpy()
        turns[part] = moved[..., :3, :3]
        places[part] = np.einsum("tjab,jb->tja", moved[..., :3, :3], rest) + moved[..., :3, 3] + clip.transl[part, None]
    return turns, places


def ground_height(body: BodyModel, root: np.ndarray, pose: np.ndarray, transl: np.ndarray) -> float:
    """Height (m) of a motion's ground: of the lowest point in a frame that only 5 % of the frames are under.

    Args:
        body: Who moves.
        root: Axis-angle [T,3].
        pose: Axis-angle [T,3(J-1)].
        transl: m [T,3].
    """
    few, low = body.keypoint_body(), np.empty(len(root), np.float32)
    for part in parts(len(root)):
        with torch.no_grad():
            values = (torch.from_numpy(np.asarray(value[part], np.float32)) for value in (root, pose, transl))
            low[part] = few(torch.zeros(body.num_betas), *values).vertices[..., 1].amin(dim=1).numpy()
    return float(np.percentile(low, 5))
