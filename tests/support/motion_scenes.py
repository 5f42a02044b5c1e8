"""Motions of other rigs: BVH files of our own rest joints, in other axes and units."""

import numpy as np
from scipy.spatial.transform import Rotation

from tests.support.bodies import sausage_body
from understudy.body.joints import SMPL_JOINTS

RIG = {
    "hip": "Hips", "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot", "right_hip": "RightUpLeg",
    "right_knee": "RightLeg", "right_ankle": "RightFoot", "spine3": "Spine", "head": "Head", "left_shoulder": "LeftArm",
    "left_elbow": "LeftForeArm", "left_wrist": "LeftHand", "right_shoulder": "RightArm", "right_elbow": "RightForeArm",
    "right_wrist": "RightHand",
}  # fmt: skip


PARENT = {
    "left_hip": "hip", "right_hip": "hip", "spine3": "hip", "left_knee": "left_hip", "right_knee": "right_hip",
    "left_ankle": "left_knee", "right_ankle": "right_knee", "head": "spine3", "left_shoulder": "spine3",
    "right_shoulder": "spine3", "left_elbow": "left_shoulder", "right_elbow": "right_shoulder",
    "left_wrist": "left_elbow", "right_wrist": "right_elbow",
}  # fmt: skip


SAME = np.eye(3)


def rest_joints():
    body = sausage_body()
    rest = (body.J_regressor @ body.v_template).numpy()
    places = {name: rest[SMPL_JOINTS.index(name)] for name in RIG if name != "hip"}
    return {**places, "hip": rest[0]}


def write_rig(path, rotations, places, axes=SAME, unit=1.0, ways=None):
    """A BVH file of our own rest joints, in other axes and units.

    ``rotations`` are vectors [T,3] by joint, ``ways`` [T,3] where the hip goes from its place (m).
    """
    length = len(next(iter(rotations.values())))

    def joint(name, depth):
        parent = places[PARENT[name]] if name in PARENT else np.zeros(3)
        x, y, z = axes @ (places[name] - parent) * unit
        kind = "JOINT" if name in PARENT else "ROOT"
        own = "" if name in PARENT else "Xposition Yposition Zposition "
        yield f"{kind} {RIG[name]}\n{{\nOFFSET {x} {y} {z}\nCHANNELS {3 if not own else 6} {own}Zrotation Xrotation Yrotation"
        order.append(name)
        children = [child for child in PARENT if PARENT[child] == name]
        for child in children:
            yield from joint(child, depth + 1)
        if not children:
            yield "End Site\n{\nOFFSET 0 0 0\n}"
        yield "}"

    order = []
    text = "\n".join(joint("hip", 0))
    rows = []
    for frame in range(length):
        row = list(axes @ (places["hip"] + (0.0 if ways is None else ways[frame])) * unit)
        for name in order:
            turn = Rotation.from_rotvec(axes @ rotations[name][frame]) if name in rotations else Rotation.identity()
            row += turn.as_euler("ZXY", degrees=True).tolist()
        rows.append(" ".join(f"{value:.8f}" for value in row))
    path.write_text(f"HIERARCHY\n{text}\nMOTION\nFrames: {length}\nFrame Time: 0.02\n" + "\n".join(rows) + "\n")


def wave(length=12):
    swing = np.linspace(0, 1, length)[:, None]
    return {
        "left_shoulder": swing * [0.2, 0.1, 0.9], "right_elbow": swing * [0.0, 1.4, 0.0],
        "left_knee": swing * [1.0, 0.0, 0.0], "right_hip": swing * [-0.8, 0.0, -0.2], "hip": swing * [0.0, 0.7, 0.0],
    }  # fmt: skip
