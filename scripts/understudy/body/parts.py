"""Body parts of faces, from skin weights."""

from collections.abc import Sequence

import numpy as np

from understudy.body.joints import FINGERS
from understudy.body.model import PARTS

_PART_OF_JOINT = {
    "hip": "leg", "knee": "leg", "ankle": "foot", "foot": "foot", "collar": "torso", "shoulder": "arm", "elbow": "arm",
    "wrist": "hand", "hand": "hand", "neck": "neck", "head": "face", "jaw": "face", "eye": "face",
}  # fmt: skip


def parts_from_weights(faces: np.ndarray, lbs_weights: np.ndarray, joint_names: Sequence[str]) -> np.ndarray:
    """Part [F] (uint8, index into PARTS) of each face [F,3]: the one whose joints weigh most on its corners.

    All of the head counts as face, since skin weights [V,J] cannot tell hair.
    """
    owner = np.array([PARTS.index(_part_name(joint)) for joint in joint_names])
    share = lbs_weights[faces].sum(axis=1) @ np.eye(len(PARTS))[owner]
    return share.argmax(axis=1).astype(np.uint8)


def _part_name(joint: str) -> str:
    side, _, stem = joint.rpartition("_")
    if joint in FINGERS:
        return f"{side}_hand"
    part = _PART_OF_JOINT.get(stem, "torso")
    return f"{side}_{part}" if f"{side}_{part}" in PARTS else part
