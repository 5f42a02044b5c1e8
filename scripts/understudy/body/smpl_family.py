"""SMPL-H and SMPL-X on SMPL's 24 joints: hands as one piece each, a face that moves with the head.

The pose of such a body is that of the file with flat hands, closed mouth and eyes straight ahead: its surface and body
joints are the same. Sources: Romero et al., Embodied Hands (SIGGRAPH Asia 2017), section 5; Pavlakos et al., Expressive
Body Capture (CVPR 2019), section 3.1.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.body.model import JOINTS
from understudy.body.parts import SMPL_PARENTS
from understudy.errors import InputError

MODELS = ("auto", "smpl", "smplh", "smplx")
"""What ``body.model`` may ask for."""

_BODY = 22
"""Joints that all three have in one order, pelvis to wrists."""

_HAND_OF_WRIST = {20: 22, 21: 23}
_HEAD = 15

_OTHERS = {16: "MANO, a hand alone", 5: "FLAME, a head alone"}

_FEATURES = 9
"""Pose features of a joint."""


@dataclass(frozen=True)
class Family:
    """One of the three."""

    name: str
    title: str
    joints: int
    hands: tuple[int, int] | None = None
    """First of the 15 joints of the left and right hand: index, middle, pinky, ring finger, thumb, 3 each."""


_FAMILIES = {
    24: Family("smpl", "SMPL", 24),
    52: Family("smplh", "SMPL-H", 52, (22, 37)),
    55: Family("smplx", "SMPL-X", 55, (25, 40)),
}
_MIDDLE, _KNUCKLES = 3, {"index": (0,), "pinky": (6,), "thumb": (13, 14)}
"""Places among the 15 joints of a hand: SMPL's own hand joint, and the knuckles that detectors name (thumb: between two)."""


def family_of(path: Path, tree: np.ndarray, model: str = "auto") -> Family:
    """Which of the three a file is, by its tree of joints.

    Args:
        path: The file, for messages.
        tree: ``kintree_table`` [2,J].
        model: What the user says it is; ``auto`` for nothing.

    Raises:
        InputError: It is none of them, or another one than ``model``.
    """
    if model not in MODELS:
        raise InputError(f"body.model is {model}; it must be one of {', '.join(MODELS)}.")
    count = tree.shape[-1] if tree.ndim == 2 else 0
    if count not in _FAMILIES:
        whose = f", as of {_OTHERS[count]}" if count in _OTHERS else ""
        raise InputError(f"{path} has {count} joints{whose}; give the file of a whole body: SMPL, SMPL-H or SMPL-X.")
    family = _FAMILIES[count]
    if model not in ("auto", family.name):
        raise InputError(
            f"{path} is of {family.title} ({count} joints), but body.model is {model}; set it to {family.name} or auto, "
            "or give the other file."
        )
    # the root's parent is stored as -1 or, unsigned, as 4294967295
    with np.errstate(invalid="ignore"):  # what is no number is in no tree
        parents = tree[0].astype(np.int64)
    body = family.joints if family.name == "smpl" else _BODY
    fits = tuple(parents[1:body]) == SMPL_PARENTS[1:body]
    if not fits or any(_owner(parents, joint) is None for joint in range(body, count)):
        raise InputError(f"{path} has {count} joints, but not in the tree of {family.title}.")
    return family


def on_smpl_joints(arrays: dict[str, np.ndarray], family: Family) -> dict[str, np.ndarray]:
    """The arrays of a file of SMPL-H or SMPL-X as those of one with SMPL's 24 joints; SMPL's own come back as they are.

    Skin weights of fingers go to the hand, whose joint is the middle finger's first knuckle as in SMPL, those of jaw and eyes
    to the head; pose correctives of both are dropped, since they stay at rest. The shape space stays; its first
    components are the body's shape, expressions come after 10 or 300 of them.
    """
    if family.hands is None:
        return arrays
    parents = arrays["kintree_table"][0].astype(np.int64)
    owner = [*range(_BODY), *(_owner(parents, joint) for joint in range(_BODY, family.joints))]
    kept = [*range(_BODY), *(first + _MIDDLE for first in family.hands)]
    folded = {
        **arrays,
        "J_regressor": arrays["J_regressor"][kept],
        "weights": arrays["weights"] @ np.eye(len(JOINTS))[np.array(owner, np.int64)],
        "kintree_table": np.stack([np.array(SMPL_PARENTS), np.arange(len(JOINTS))]),
    }
    if "posedirs" in arrays:
        posedirs = np.zeros((*arrays["posedirs"].shape[:2], _FEATURES * (len(JOINTS) - 1)))
        posedirs[..., : _FEATURES * (_BODY - 1)] = arrays["posedirs"][..., : _FEATURES * (_BODY - 1)]
        folded["posedirs"] = posedirs
    return folded


def knuckle_rows(regressor: np.ndarray, family: Family) -> dict[str, np.ndarray]:
    """Rows [V] of the hands' keypoints by name, from the regressor [J,V] of a file that has fingers; none else."""
    if family.hands is None:
        return {}
    return {
        f"{side}_{name}": regressor[[first + place for place in places]].mean(axis=0)
        for side, first in zip(("left", "right"), family.hands, strict=True)
        for name, places in _KNUCKLES.items()
    }


def _owner(parents: np.ndarray, joint: int) -> int | None:
    """The joint of SMPL that a finger's or face's joint moves with; None for one that hangs elsewhere."""
    while joint >= _BODY:
        above = int(parents[joint])
        if not 0 <= above < joint:
            return None
        joint = above
    return _HAND_OF_WRIST.get(joint, joint if joint == _HEAD else None)
