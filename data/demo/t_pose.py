"""A synthetic person's joints and rest pose by SMPL's meaning, as the pipeline's own body has them."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from data.demo.person import Body
from understudy.body.building.build import group_joints, smooth_weights, strongest, unpose
from understudy.body.building.from_anny import SMOOTHING, bone_groups, rest_rotations
from understudy.body.joints import SMPL_JOINTS, SMPL_PARENTS

TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From SMPL's axes (y up, facing +z) to Blender's."""


def group_of_bones(body: Body) -> np.ndarray:
    """SMPL joint [B] that each bone belongs to."""
    return bone_groups(tuple(body.names))


def smpl_joints(body: Body, heads: np.ndarray) -> np.ndarray:
    """SMPL's joints [T,J,3] of bone heads [T,B,3]: the mean head of the first bones of each part (toes, fingers)."""
    return group_joints(heads, body.parents, group_of_bones(body), len(SMPL_JOINTS))


def t_pose_rotations(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """World rotations [J,3,3] from the body's rest to the T-pose, and its joints [J,3] at rest; y up."""
    heads = (body.heads @ TO_Z_UP)[None]
    joints = smpl_joints(body, heads)
    # all that the rotations depend on are the bones' heads
    samples = cast(Any, SimpleNamespace(heads=heads, labels=tuple(body.names)))
    return rest_rotations(samples, joints)[0], joints[0]


def rest_in_t_pose(body: Body) -> np.ndarray:
    """Vertices [V,3] in the T-pose, m: y up, facing +z, the pelvis at the origin."""
    rotations, joints = t_pose_rotations(body)
    vertices = body.vertices @ TO_Z_UP
    weights = body.weights @ np.eye(len(SMPL_JOINTS))[group_of_bones(body)]
    weights = strongest(smooth_weights(weights, vertices, body.faces, SMOOTHING))
    moved, placed = unpose(vertices[None], joints[None], rotations[None], weights, SMPL_PARENTS)
    return moved[0] - placed[0, 0]
