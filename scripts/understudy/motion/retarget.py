"""Other skeletons' motions on a body's joints.

A rig's joint and ours turn together, but for a constant rotation between their axes. Where the rig stands upright with
all channels at zero, that constant is read off this pose; otherwise it is the mean over the clip of what the joints'
places say. Limbs are then swung so that they point exactly where the rig's do.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.joints import ARM, LEG, SIDES
from understudy.body.model import BodyModel
from understudy.motion.clip import Clip
from understudy.motion.frames import ground_height, rest_places
from understudy.motion.rigs import Points, Rig, read_rig
from understudy.motion.turns import aligned, mean_rotation, swung, unit


def bvh_clip(path: str | Path, body: BodyModel, joint_map: Mapping[str, str] | None = None) -> Clip:
    """The motion of a BVH file on a body: scaled to its legs, standing on the ground, starting towards +z.

    Args:
        path: The file, of any units and axes.
        body: Who moves.
        joint_map: As ``read_rig`` takes it.

    Raises:
        InputError: As ``read_rig``.
    """
    rig = read_rig(path, joint_map)
    rest = rest_places(body)
    if rig.stands():
        still = {name: place[None] for name, place in rig.still.items()}
        constants = {name: rig.upright.T @ guess[0] for name, guess in _orientations(still, rest, True)[0].items()}
    else:
        guesses, weights = _orientations(rig.points, rest, False)
        constants = {
            name: mean_rotation(rig.turns[name].transpose(0, 2, 1) @ guess, weights[name])
            for name, guess in guesses.items()
        }
    world = {name: rig.turns[name] @ constant for name, constant in constants.items()}
    _point_limbs(world, rig.points, rest)
    return _place(_local(world, body), rig, rest, body)


def _orientations(points: Points, at: Points, standing: bool) -> tuple[Points, Points]:
    """Orientations [T,3,3] of our joints in the world as the places tell, and how far to trust each frame [T].

    Args:
        points: Points [T,3] by joint.
        at: Our joints [3] at rest, by name.
        standing: Whether the limbs are straight and untwisted, so that a plain swing is right.
    """
    middle = (points["left_hip"] + points["right_hip"]) / 2
    if standing:
        # rigs put the hips' joints up to 5 cm before or behind the trunk, so that the line to the shoulders would lean
        up, rising = np.array([0.0, 1.0, 0.0]), np.broadcast_to([0.0, 1.0, 0.0], middle.shape)
    else:
        up = (at["left_shoulder"] + at["right_shoulder"] - at["left_hip"] - at["right_hip"]) / 2
        rising = (points["left_shoulder"] + points["right_shoulder"]) / 2 - middle
    level = up if standing else np.zeros(3)
    world = {}
    for name, joint in (("pelvis", "hip"), ("chest", "shoulder")):
        across, seen_across = (
            at[f"left_{joint}"] - at[f"right_{joint}"],
            points[f"left_{joint}"] - points[f"right_{joint}"],
        )
        across, seen_across = across - (across @ level) * level, seen_across - (seen_across @ level)[:, None] * level
        world[name] = aligned(across, up, seen_across, rising)
    weights = {name: np.ones(len(middle)) for name in ("pelvis", "chest")}
    for side in SIDES:
        for limb in (ARM, LEG):
            base = world["pelvis" if limb is LEG else "chest"]
            names = [f"{side}_{name}" for name in limb]
            bones = [at[b] - at[a] for a, b in pairwise(names)]
            seen = [points[b] - points[a] for a, b in pairwise(names)]
            # the elbow's hinge is vertical in the T-pose, the knee's points to the left
            hinge = np.array([1.0, 0.0, 0.0]) if limb is LEG else np.array([0.0, -1.0 if side == "left" else 1.0, 0.0])
            bend = np.cross(unit(seen[0]), unit(seen[1]))
            for name, bone, direction in zip(names, bones, seen, strict=False):
                world[name] = swung(base, bone, direction) if standing else aligned(bone, hinge, direction, bend)
                weights[name] = np.linalg.norm(bend, axis=1) ** 2 + 1e-6
        # rigs differ in where a foot's bone ends, so feet and hands are flat where they are so on average
        world[f"{side}_ankle"] = world[f"{side}_knee"]
        world[f"{side}_wrist"] = world[f"{side}_elbow"]
        weights[f"{side}_ankle"] = weights[f"{side}_wrist"] = np.ones(len(middle))
        if f"{side}_collar" in points:
            world[f"{side}_collar"], weights[f"{side}_collar"] = world["chest"], weights["chest"]
    world["head"], weights["head"] = world["chest"], weights["chest"]
    return world, weights


def _point_limbs(world: Points, points: Points, rest: Points) -> None:
    """Swing the limbs' orientations so that the bones point where the rig's do, in place."""
    for side in SIDES:
        for limb in (ARM, LEG):
            names = [f"{side}_{name}" for name in limb]
            for start, stop in pairwise(names):
                bone = rest[stop] - rest[start]
                world[start] = swung(world[start], bone, points[stop] - points[start])


def _local(world: Points, body: BodyModel) -> np.ndarray:
    """Rotation vectors [T,J,3] of our joints relative to their parents; spine and neck share what lies between."""
    local = np.zeros((len(world["pelvis"]), len(body.joint_names), 3))

    def between(parent: str, child: str) -> np.ndarray:
        return Rotation.from_matrix(world[parent].transpose(0, 2, 1) @ world[child]).as_rotvec()

    local[:, 0] = Rotation.from_matrix(world["pelvis"]).as_rotvec()
    local[:, [body.joint(name) for name in ("spine1", "spine2", "spine3")]] = between("pelvis", "chest")[:, None] / 3
    local[:, [body.joint(name) for name in ("neck", "head")]] = between("chest", "head")[:, None] / 2
    for side in SIDES:
        base = "chest"
        if f"{side}_collar" in world:
            local[:, body.joint(f"{side}_collar")] = between("chest", f"{side}_collar")
            base = f"{side}_collar"
        chains = ((base, *ARM), ("pelvis", *LEG))
        for chain in chains:
            names = [chain[0], *(f"{side}_{name}" for name in chain[1:])]
            for parent, child in pairwise(names):
                local[:, body.joint(child)] = between(parent, child)
    return local


def _place(rotvecs: np.ndarray, rig: Rig, rest: Points, body: BodyModel) -> Clip:
    """The clip: scaled by the legs, turned to start towards +z, lowest point of the feet at y = 0."""
    points, scale = rig.points, rig.scale_to(rest)
    root = Rotation.from_rotvec(rotvecs[:, 0])
    forward = root[0].apply([0.0, 0.0, 1.0])
    turn = Rotation.from_rotvec([0.0, -np.arctan2(forward[0], forward[2]), 0.0])
    middle = turn.apply((points["left_hip"] + points["right_hip"]) / 2 * scale)
    middle -= middle[0] * [1.0, 0.0, 1.0]
    hips = (rest["left_hip"] + rest["right_hip"]) / 2
    root = turn * root
    transl = middle - root.apply(hips - rest["pelvis"]) - rest["pelvis"]
    rotvecs = rotvecs.copy()
    rotvecs[:, 0] = root.as_rotvec()
    clip = Clip.of(rotvecs, transl, rig.fps)
    transl[:, 1] -= ground_height(body, clip.global_orient, clip.body_pose, transl)
    return replace(clip, transl=transl.astype(np.float32))
