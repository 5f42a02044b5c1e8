"""Other skeletons' motions on SMPL's 24 joints.

A rig's joint and ours turn together, but for a constant rotation between their axes. Where the rig stands upright with
all channels at zero, that constant is read off this pose; otherwise it is the mean over the clip of what the joints'
places say. Limbs are then swung so that they point exactly where the rig's do.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.model import JOINTS, BodyModel
from understudy.errors import InputError
from understudy.motion.bvh import Bvh, read_bvh
from understudy.motion.clip import Clip

_ALIASES = {
    "pelvis": ("hips", "hip", "pelvis"),
    "hip": ("upleg", "thigh", "hip"),
    "knee": ("leg", "calf", "knee", "lowleg", "shin"),
    "ankle": ("foot", "ankle"),
    "shoulder": ("arm", "upperarm", "uparm", "shoulder"),
    "elbow": ("forearm", "elbow", "lowarm"),
    "wrist": ("hand", "wrist"),
    "neck": ("neck", "lowerneck", "necktwist01"),
    "head": ("head",),
    "chest": ("spine3", "spine2", "spine02", "chest2", "spine1", "chest", "spine"),
}
"""Names of rigs, without their prefix and side, the likeliest first."""

_COLLARS = ("collar", "clavicle", "shoulder")
_SIDED = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "collar")
_BENDS = {"shoulder": ("elbow", "wrist"), "hip": ("knee", "ankle")}
_INDEX = {name: index for index, name in enumerate(JOINTS)}


def bvh_clip(path: str | Path, body: BodyModel) -> Clip:
    """The motion of a BVH file on a body: scaled to its legs, standing on the ground, starting towards +z.

    Raises:
        InputError: As ``read_bvh``, or a joint that every person has cannot be found by its name.
    """
    bvh = read_bvh(path)
    joints = _find_joints(bvh, Path(path))
    rest = (body.J_regressor @ body.v_template).double().numpy()
    orient, places = bvh.posed()
    points = {name: places[:, index] for name, index in joints.items()}
    upright = _upright_axes(points)
    points = {name: place @ upright.T for name, place in points.items()}
    turns = {name: upright @ orient[:, index] for name, index in joints.items()}
    still = {name: (bvh.rest()[1][index] @ upright.T)[None] for name, index in joints.items()}
    if _stands(still):
        constants = {name: upright.T @ guess[0] for name, guess in _orientations(still, rest, True)[0].items()}
    else:
        guesses, weights = _orientations(points, rest, False)
        constants = {
            name: _mean_rotation(turns[name].transpose(0, 2, 1) @ guess, weights[name])
            for name, guess in guesses.items()
        }
    world = {name: turns[name] @ constant for name, constant in constants.items()}
    _point_limbs(world, points, rest)
    return _place(_local(world), points, rest, body, bvh.fps)


def _find_joints(bvh: Bvh, path: Path) -> dict[str, int]:
    """Index of each joint of ours in the rig."""
    plain: dict[str, int] = {}
    for index, name in enumerate(bvh.names):
        key = name.split(":")[-1].lower().removeprefix("cc_base_").replace("_", "").replace(" ", "")
        plain.setdefault(key, index)
    found = {}
    for kind, aliases in {**_ALIASES, "collar": _COLLARS}.items():
        for side in ("left", "right") if kind in _SIDED else ("",):
            prefixes = (side, side[:1]) if side else ("",)
            keys = [prefix + alias for alias in aliases for prefix in prefixes]
            match = next((plain[key] for key in keys if key in plain), None)
            if match is not None:
                found[f"{side}_{kind}" if side else kind] = match
    for side in ("left", "right"):
        if found.get(f"{side}_collar") == found.get(f"{side}_shoulder"):
            found.pop(f"{side}_collar", None)
    missing = [
        name
        for kind in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        for name in (f"left_{kind}", f"right_{kind}")
        if name not in found
    ] + [name for name in ("pelvis", "head") if name not in found]
    if missing:
        raise InputError(
            f"{path}: no joint is named like {missing[0].replace('_', ' ')}; rename the rig's joints as in CMU or Mixamo files."
        )
    for name, instead in (("neck", "head"), ("chest", "pelvis")):
        found.setdefault(name, found[instead])
    return found


def _upright_axes(points: dict[str, np.ndarray]) -> np.ndarray:
    """Rotation [3,3] from the file's axes to y up; up is the axis along which heads are above feet."""
    up = (points["head"] - (points["left_ankle"] + points["right_ankle"]) / 2).mean(axis=0)
    axis = int(np.abs(up).argmax())
    direction = np.eye(3)[axis] * np.sign(up[axis])
    turn, _ = Rotation.align_vectors([[0.0, 1.0, 0.0]], [direction])
    return turn.as_matrix()


def _stands(still: dict[str, np.ndarray]) -> bool:
    """Whether the pose with all channels at zero is a person standing upright."""
    height = still["head"][0, 1] - still["left_ankle"][0, 1]
    order = [still[f"{side}_{name}"][0, 1] for side in ("left", "right") for name in ("ankle", "knee", "hip")]
    rising = order[0] < order[1] < order[2] and order[3] < order[4] < order[5]
    straight = order[2] - order[0] > 0.35 * height
    return bool(height > 0 and rising and straight)


def _orientations(
    points: dict[str, np.ndarray], rest: np.ndarray, standing: bool
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Orientations [T,3,3] of our joints in the world as the places tell, and how far to trust each frame [T].

    Args:
        points: Places [T,3] by joint.
        rest: Our joints [24,3] at rest.
        standing: Whether the limbs are straight and untwisted, so that a plain swing is right.
    """
    middle = (points["left_hip"] + points["right_hip"]) / 2
    crown = (points["left_shoulder"] + points["right_shoulder"]) / 2
    at = {name: rest[index] for name, index in _INDEX.items()}
    up = (at["left_shoulder"] + at["right_shoulder"] - at["left_hip"] - at["right_hip"]) / 2
    across = at["left_hip"] - at["right_hip"]
    world = {"pelvis": _aligned(across, up, points["left_hip"] - points["right_hip"], crown - middle)}
    across = at["left_shoulder"] - at["right_shoulder"]
    world["chest"] = _aligned(across, up, points["left_shoulder"] - points["right_shoulder"], crown - middle)
    weights = {name: np.ones(len(middle)) for name in ("pelvis", "chest")}
    for side in ("left", "right"):
        for upper, (lower, end) in _BENDS.items():
            base = world["pelvis" if upper == "hip" else "chest"]
            names = [f"{side}_{name}" for name in (upper, lower, end)]
            bones = [at[b] - at[a] for a, b in pairwise(names)]
            seen = [points[b] - points[a] for a, b in pairwise(names)]
            # the elbow's hinge is vertical in the T-pose, the knee's points to the left
            hinge = (
                np.array([1.0, 0.0, 0.0]) if upper == "hip" else np.array([0.0, -1.0 if side == "left" else 1.0, 0.0])
            )
            bend = np.cross(_unit(seen[0]), _unit(seen[1]))
            for name, bone, direction in zip(names, bones, seen, strict=False):
                world[name] = _swung(base, bone, direction) if standing else _aligned(bone, hinge, direction, bend)
                weights[name] = np.linalg.norm(bend, axis=1) ** 2 + 1e-6
        # rigs differ in where a foot's bone ends, so feet and hands are flat where they are so on average
        world[f"{side}_ankle"] = world[f"{side}_knee"]
        world[f"{side}_wrist"] = world[f"{side}_elbow"]
        weights[f"{side}_ankle"] = weights[f"{side}_wrist"] = np.ones(len(middle))
        if f"{side}_collar" in points:
            world[f"{side}_collar"], weights[f"{side}_collar"] = world["chest"], weights["chest"]
    world["head"], weights["head"] = world["chest"], weights["chest"]
    return world, weights


def _point_limbs(world: dict[str, np.ndarray], points: dict[str, np.ndarray], rest: np.ndarray) -> None:
    """Swing the limbs' orientations so that the bones point where the rig's do, in place."""
    for side in ("left", "right"):
        for upper, (lower, end) in _BENDS.items():
            names = [f"{side}_{name}" for name in (upper, lower, end)]
            for start, stop in pairwise(names):
                bone = rest[_INDEX[stop]] - rest[_INDEX[start]]
                world[start] = _swung(world[start], bone, points[stop] - points[start])


def _local(world: dict[str, np.ndarray]) -> np.ndarray:
    """Rotation vectors [T,24,3] of our joints relative to their parents; spine and neck share what lies between."""
    local = np.zeros((len(world["pelvis"]), 24, 3))

    def between(parent: str, child: str) -> np.ndarray:
        return Rotation.from_matrix(world[parent].transpose(0, 2, 1) @ world[child]).as_rotvec()

    local[:, 0] = Rotation.from_matrix(world["pelvis"]).as_rotvec()
    local[:, [_INDEX["spine1"], _INDEX["spine2"], _INDEX["spine3"]]] = between("pelvis", "chest")[:, None] / 3
    local[:, [_INDEX["neck"], _INDEX["head"]]] = between("chest", "head")[:, None] / 2
    for side in ("left", "right"):
        base = "chest"
        if f"{side}_collar" in world:
            local[:, _INDEX[f"{side}_collar"]] = between("chest", f"{side}_collar")
            base = f"{side}_collar"
        chains = ((base, "shoulder", "elbow", "wrist"), ("pelvis", "hip", "knee", "ankle"))
        for chain in chains:
            names = [chain[0], *(f"{side}_{name}" for name in chain[1:])]
            for parent, child in pairwise(names):
                local[:, _INDEX[child]] = between(parent, child)
    return local


def _place(rotvecs: np.ndarray, points: dict[str, np.ndarray], rest: np.ndarray, body: BodyModel, fps: float) -> Clip:
    """The clip: scaled by the legs, turned to start towards +z, lowest point of the feet at y = 0."""
    import torch

    legs = sum(np.linalg.norm(points[f"{side}_{b}"] - points[f"{side}_{a}"], axis=1).mean() for side in ("left", "right")
               for a, b in (("hip", "knee"), ("knee", "ankle")))  # fmt: skip
    own = sum(np.linalg.norm(rest[_INDEX[f"{side}_{b}"]] - rest[_INDEX[f"{side}_{a}"]]) for side in ("left", "right")
              for a, b in (("hip", "knee"), ("knee", "ankle")))  # fmt: skip
    root = Rotation.from_rotvec(rotvecs[:, 0])
    forward = root[0].apply([0.0, 0.0, 1.0])
    turn = Rotation.from_rotvec([0.0, -np.arctan2(forward[0], forward[2]), 0.0])
    middle = turn.apply((points["left_hip"] + points["right_hip"]) / 2 * (own / legs))
    middle -= middle[0] * [1.0, 0.0, 1.0]
    hips = (rest[_INDEX["left_hip"]] + rest[_INDEX["right_hip"]]) / 2
    root = turn * root
    transl = middle - root.apply(hips - rest[0]) - rest[0]
    rotvecs = rotvecs.copy()
    rotvecs[:, 0] = root.as_rotvec()
    flat = torch.from_numpy(rotvecs.reshape(len(rotvecs), 72).astype(np.float32))
    feet = body.keypoint_body()
    with torch.no_grad():
        moved = torch.from_numpy(transl.astype(np.float32))
        low = feet(torch.zeros(body.num_betas), flat[:, :3], flat[:, 3:], moved).vertices[..., 1].amin(dim=1)
    transl[:, 1] -= np.percentile(low.numpy(), 5)
    return Clip(flat[:, :3].numpy(), flat[:, 3:].numpy(), transl.astype(np.float32), float(fps))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _frames(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Right-handed frames [...,3,3] with ``first`` as first column and ``second`` as near the second as can be."""
    first = _unit(first)
    second = _unit(second - (second * first).sum(axis=-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def _aligned(bone: np.ndarray, side: np.ndarray, direction: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Rotations [T,3,3] that turn ``bone`` [3] to ``direction`` [T,3], and ``side`` [3] as near ``towards`` [T,3] as can be."""
    return _frames(direction, towards) @ _frames(bone, side).T


def _swung(base: np.ndarray, bone: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """``base`` [T,3,3] turned by the smallest angle so that ``bone`` [3] points to ``direction`` [T,3]."""
    start, end = _unit(np.broadcast_to(base, (len(direction), 3, 3)) @ bone), _unit(direction)
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine[:, 0], (start * end).sum(axis=1))
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-12) * angle[:, None]).as_matrix() @ base


def _mean_rotation(rotations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean [3,3] of rotations [T,3,3]."""
    return Rotation.from_matrix(rotations).mean(weights=weights).as_matrix()
