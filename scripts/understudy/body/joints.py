"""Joints by name: those of SMPL, SMPL-H and SMPL-X in their files' order, and what hangs on what.

The three begin with the same joints, pelvis to wrists. Then come one joint for each hand (SMPL), the fingers (SMPL-H),
or jaw, eyes and fingers (SMPL-X). Names follow the package smplx.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from understudy.errors import InputError
from understudy.formats.limits import check_tree

SIDES = ("left", "right")
ARM = ("shoulder", "elbow", "wrist")
LEG = ("hip", "knee", "ankle")
LIMBS = tuple(f"{side}_{part}" for side in SIDES for part in (*ARM, *LEG))
"""The limbs' joints, which 2D detectors name alike."""

_BODY = {
    "pelvis": "", "left_hip": "pelvis", "right_hip": "pelvis", "spine1": "pelvis", "left_knee": "left_hip",
    "right_knee": "right_hip", "spine2": "spine1", "left_ankle": "left_knee", "right_ankle": "right_knee",
    "spine3": "spine2", "left_foot": "left_ankle", "right_foot": "right_ankle", "neck": "spine3",
    "left_collar": "spine3", "right_collar": "spine3", "head": "neck", "left_shoulder": "left_collar",
    "right_shoulder": "right_collar", "left_elbow": "left_shoulder", "right_elbow": "right_shoulder",
    "left_wrist": "left_elbow", "right_wrist": "right_elbow",
}  # fmt: skip
_HANDS = {f"{side}_hand": f"{side}_wrist" for side in SIDES}
_FINGERS = {
    f"{side}_{finger}{number}": f"{side}_{finger}{number - 1}" if number > 1 else f"{side}_wrist"
    for side in SIDES for finger in ("index", "middle", "pinky", "ring", "thumb") for number in (1, 2, 3)
}  # fmt: skip
_FACE = dict.fromkeys(("jaw", "left_eye", "right_eye"), "head")
_PARENT = {**_BODY, **_HANDS, **_FACE, **_FINGERS}
"""What each joint hangs on."""

BODY_JOINTS = tuple(_BODY)
"""What every body has."""
FINGERS = tuple(_FINGERS)
SMPL_JOINTS = (*BODY_JOINTS, *_HANDS)
SMPLH_JOINTS = (*BODY_JOINTS, *_FINGERS)
SMPLX_JOINTS = (*BODY_JOINTS, *_FACE, *_FINGERS)

_KNUCKLE = {f"{side}_hand": f"{side}_middle1" for side in SIDES}
"""Where SMPL's joint of a hand is on a hand with fingers."""


def parents_of(names: Sequence[str]) -> tuple[int, ...]:
    """Parents [J] of joints in one of the orders above; -1 at the root."""
    return tuple(names.index(_PARENT[name]) if _PARENT[name] else -1 for name in names)


def joint_index(names: Sequence[str], name: str) -> int:
    """Index of a joint; hands with fingers have the middle one's first joint for SMPL's ``left_hand`` and ``right_hand``.

    Raises:
        InputError: There is no such joint.
    """
    if name in names:
        return names.index(name)
    if name in _KNUCKLE and _KNUCKLE[name] in names:
        return names.index(_KNUCKLE[name])
    raise InputError(f"The body has no joint {name}; it has {', '.join(names)}.")


def on_joints(
    values: np.ndarray, names: Sequence[str], wanted: Sequence[str], rest: float | np.ndarray = 0.0
) -> np.ndarray:
    """Turns [T,J,...] of joints as those [T,W,...] of the ``wanted`` ones, which are at ``rest`` if not among the ``names``."""
    found = np.empty((len(values), len(wanted), *values.shape[2:]), values.dtype)
    found[:] = rest
    common = [name for name in wanted if name in names]
    found[:, [wanted.index(name) for name in common]] = values[:, [names.index(name) for name in common]]
    return found


def pose_of(names: Sequence[str], turns: Mapping[str, Sequence[float]]) -> np.ndarray:
    """``body_pose`` [3(J-1)] float32 of joints of which some are turned (axis-angle by name) and the others at rest."""
    pose = np.zeros((len(names), 3), np.float32)
    for name, turn in turns.items():
        pose[names.index(name)] = turn
    return pose[1:].ravel()


SMPL_PARENTS = parents_of(SMPL_JOINTS)

A_POSE: dict[str, tuple[float, float, float]] = {
    "left_shoulder": (0.0, 0.0, -0.9), "right_shoulder": (0.0, 0.0, 0.9),
    "left_hip": (0.0, 0.0, 0.08), "right_hip": (0.0, 0.0, -0.08),
}  # fmt: skip
"""Arms lowered, feet a little apart, for ``pose_of``."""
BIG_POSE: dict[str, tuple[float, float, float]] = {
    "left_hip": (0.0, 0.0, np.pi / 6),
    "right_hip": (0.0, 0.0, -np.pi / 6),
}
"""Legs apart, arms in a T: canonical space, as in instant-nvr."""


def check_joints(names: Sequence[str], parents: np.ndarray) -> None:
    """Refuse joints that do not hang together as SMPL's do, or lack one that every body has; the root's parent may be any.

    Raises:
        ValueError: They are such.
    """
    if len(names) != len(parents):
        raise ValueError(f"there are {len(names)} names for {len(parents)} joints")
    lacking = [name for name in BODY_JOINTS if name not in names]
    lacking += [hand for hand, knuckle in _KNUCKLE.items() if hand not in names and knuckle not in names]
    if lacking:
        raise ValueError(f"there is no joint {lacking[0]}")
    check_tree(parents)
    found = {name: names[parent] for name, parent in zip(names[1:], parents[1:], strict=True)}
    wanted = {name: parent for name, parent in {**_BODY, **_HANDS}.items() if name in found}
    if names[0] != BODY_JOINTS[0] or any(found[name] != parent for name, parent in wanted.items()):
        raise ValueError("the joints' parents are not those of SMPL")
