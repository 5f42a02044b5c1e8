"""Other skeletons' joints under our names: which is which, in metres or not, with y up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.joints import ARM, LEG
from understudy.errors import InputError
from understudy.motion.bvh import LONGEST, Bvh, read_bvh

_ALIASES = {
    "pelvis": ("hips", "hip", "pelvis"),
    "hip": ("upleg", "upperleg", "thigh", "hip"),
    "knee": ("leg", "calf", "knee", "lowleg", "lowerleg", "shin"),
    "ankle": ("foot", "ankle"),
    "foot": ("toebase", "toe", "toes", "ball"),
    "shoulder": ("arm", "upperarm", "uparm", "shoulder"),
    "elbow": ("forearm", "elbow", "lowarm", "lowerarm"),
    "wrist": ("hand", "wrist"),
    "neck": ("neck", "lowerneck", "necktwist01", "neck01"),
    "head": ("head",),
    "chest": ("spine3", "spine03", "chest4", "spine2", "spine02", "chest3", "chest2", "spine1", "chest", "spine"),
}
"""Names of rigs, without their prefix and side, the likeliest first."""

_COLLARS = ("collar", "clavicle", "shoulder")
_MAKERS = re.compile(r"^(ccbase|mixamorig\d*|bip0*1|valvebipedbip0*1|def)(?=.)")
"""What programs put before every name, in small letters without marks."""
MOST_LETTERS = 10_000
"""Of a sentence that lists a rig's joints."""
_SIDED = (*LEG, *ARM, "collar", "foot")


Points = dict[str, np.ndarray]


@dataclass(frozen=True)
class Rig:
    """The motion of a skeleton over ``T`` frames, in its own unit, y up; joints by our names."""

    points: Points
    """Places [T,3]."""
    turns: Points
    """Orientations [T,3,3]."""
    still: Points
    """Places [3] with all channels at zero."""
    upright: np.ndarray  # [3,3]
    """From the file's axes to y up."""
    fps: float

    def __len__(self) -> int:
        return len(self.points["pelvis"])

    def part(self, start: int, stop: int) -> "Rig":
        """Frames ``start`` to ``stop``, the latter not included."""
        points, turns = ({name: value[start:stop] for name, value in own.items()} for own in (self.points, self.turns))
        return replace(self, points=points, turns=turns)

    def scale_to(self, joints: Points) -> float:
        """Length of the legs between places [3] by name over that of the rig's."""
        bones = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in pairwise(LEG)]
        own = sum(float(np.linalg.norm(joints[b] - joints[a])) for a, b in bones)
        return own / sum(float(np.linalg.norm(self.points[b] - self.points[a], axis=1).mean()) for a, b in bones)

    def stands(self) -> bool:
        """Whether the pose with all channels at zero is a person standing upright."""
        height = self.still["head"][1] - self.still["left_ankle"][1]
        order = [self.still[f"{side}_{name}"][1] for side in ("left", "right") for name in ("ankle", "knee", "hip")]
        rising = order[0] < order[1] < order[2] and order[3] < order[4] < order[5]
        return bool(height > 0 and rising and order[2] - order[0] > 0.35 * height)


def read_rig(path: str | Path, joint_map: Mapping[str, str] | None = None) -> Rig:
    """The motion of a BVH file under our joints' names; up is the axis along which heads are above feet.

    Args:
        path: The file, of any units and axes.
        joint_map: The rig's joint by ours (``left_knee``; ``pelvis``, ``chest``, ``neck``, ``head``), for names that are
            not known or are taken wrongly.

    Raises:
        InputError: As ``read_bvh``, or a joint that every person has cannot be found by its name.
    """
    bvh = read_bvh(path)
    joints = _find_joints(bvh, Path(path), joint_map or {})
    wanted = sorted(set(joints.values()))
    row = {name: wanted.index(index) for name, index in joints.items()}
    orient, places = bvh.posed(wanted)
    _, still = bvh.rest(wanted)
    points = {name: places[:, index] for name, index in row.items()}
    upright = _upright_axes(points)
    return Rig(
        points={name: place @ upright.T for name, place in points.items()},
        turns={name: upright @ orient[:, index] for name, index in row.items()},
        still={name: upright @ still[index] for name, index in row.items()},
        upright=upright,
        fps=bvh.fps,
    )


def _find_joints(bvh: Bvh, path: Path, joint_map: Mapping[str, str]) -> dict[str, int]:
    """Index of each joint of ours in the rig."""
    plain: dict[str, int] = {}
    for index, name in enumerate(bvh.names):
        plain.setdefault(_plain(name), index)
    found = {}
    for kind, aliases in {**_ALIASES, "collar": _COLLARS}.items():
        for side in ("left", "right") if kind in _SIDED else ("",):
            sides = (side, side[:1]) if side else ("",)
            keys = [key for alias in aliases for mark in sides for key in (mark + alias, alias + mark)]
            match = next((plain[key] for key in keys if key in plain), None)
            if match is not None:
                found[f"{side}_{kind}" if side else kind] = match
    for side in ("left", "right"):
        if found.get(f"{side}_collar") == found.get(f"{side}_shoulder"):
            found.pop(f"{side}_collar", None)
    found |= _mapped(bvh, path, joint_map)
    missing = [name for kind in (*LEG, *ARM) for name in (f"left_{kind}", f"right_{kind}") if name not in found] + [
        name for name in ("pelvis", "head") if name not in found
    ]
    if missing:
        raise InputError(
            f"{path}: no joint is named like {', '.join(name.replace('_', ' ') for name in missing)}; say which they are in "
            f'a joint map ({{"{missing[0]}": "NAME"}}). The rig has {_listed(bvh.names)}.'
        )
    for name, instead in (("neck", "head"), ("chest", "pelvis")):
        found.setdefault(name, found[instead])
    return found


def _plain(name: str) -> str:
    """A joint's name in small letters, without a namespace, marks and the program's own prefix."""
    return _MAKERS.sub("", re.sub(r"[\W_]", "", name.split(":")[-1].lower()))


def _mapped(bvh: Bvh, path: Path, joint_map: Mapping[str, str]) -> dict[str, int]:
    """Indices of the joints that the user names."""
    known = [*(f"{side}_{kind}" for kind in _SIDED for side in ("left", "right")), "pelvis", "chest", "neck", "head"]
    unknown = [name for name in joint_map if name not in known]
    if unknown:
        raise InputError(
            f"the joint map names {unknown[0][:LONGEST]}, which is not a joint of ours; they are {', '.join(known)}."
        )
    absent = [name for name in joint_map.values() if name not in bvh.names]
    if absent:
        raise InputError(f"the joint map names {absent[0][:LONGEST]}, which {path} lacks; it has {_listed(bvh.names)}.")
    return {name: bvh.names.index(own) for name, own in joint_map.items()}


def _listed(names: Sequence[str]) -> str:
    """Names for a sentence, of which no rig of people has so many that they do not fit."""
    text = ", ".join(names)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]} ..."


def _upright_axes(points: dict[str, np.ndarray]) -> np.ndarray:
    """Rotation [3,3] from the file's axes to y up; up is the axis along which heads are above feet."""
    up = (points["head"] - (points["left_ankle"] + points["right_ankle"]) / 2).mean(axis=0)
    axis = int(np.abs(up).argmax())
    direction = np.eye(3)[axis] * np.sign(up[axis])
    turn, _ = Rotation.align_vectors([[0.0, 1.0, 0.0]], [direction])
    return turn.as_matrix()
