"""Body parts of faces, from skin weights."""

import numpy as np

from understudy.body.model import JOINTS, PARTS

SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
"""Parent of each of SMPL's 24 joints."""

_PART_OF_JOINT = {
    "hip": "leg", "knee": "leg", "ankle": "foot", "foot": "foot", "collar": "torso", "shoulder": "arm", "elbow": "arm",
    "wrist": "hand", "hand": "hand", "neck": "neck", "head": "face",
}  # fmt: skip


def check_tree(parents: np.ndarray) -> None:
    """Refuse parents [24] that are not ``SMPL_PARENTS``; the root's may be any, as files have it in many ways.

    Raises:
        ValueError: They are not.
    """
    if tuple(parents[1:].tolist()) != SMPL_PARENTS[1:]:
        raise ValueError("the joints' parents are not those of SMPL")


def parts_from_weights(faces: np.ndarray, lbs_weights: np.ndarray) -> np.ndarray:
    """Part [F] (uint8, index into PARTS) of each face [F,3]: the one whose joints weigh most on its corners.

    All of the head counts as face, since skin weights [V,24] cannot tell hair.
    """
    owner = np.array([PARTS.index(_part_name(joint)) for joint in JOINTS])
    share = lbs_weights[faces].sum(axis=1) @ np.eye(len(PARTS))[owner]
    return share.argmax(axis=1).astype(np.uint8)


def _part_name(joint: str) -> str:
    side, _, stem = joint.rpartition("_")
    part = _PART_OF_JOINT.get(stem, "torso")
    return f"{side}_{part}" if side and part != "torso" else part
