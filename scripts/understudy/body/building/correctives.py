"""Pose correctives: what plain skinning gets wrong, learned from posed meshes and added to the rest shape.

Source: Loper et al., SMPL (SIGGRAPH Asia 2015), section 3, "pose blend shapes": offsets of the rest shape that are linear in
the elements of ``R(pose) - I``. Only joints near a vertex take part, as in Osman et al., STAR (ECCV 2020), section 3.
"""

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from understudy.body.building.build import mirror_vertices
from understudy.body.joints import SMPL_JOINTS
from understudy.body.lbs import joint_transforms
from understudy.body.model import BodyModel
from understudy.formats.skeleton import mirrored

NEAR = 0.02
"""Skin weight from which a joint, and the joints that hang on it, may move a vertex."""

RIDGE = 1e-3
"""Weight of the wish for small directions, against the mean square of the features."""

LEAST = (2e-4, 6e-4)
"""A joint's directions of a vertex whose largest entry is below the first are dropped, above the second kept, m."""

DAMPING = 0.02
"""Of the way back through a blended transform that skinning has flattened."""

FLIP = np.array([-1.0, 1.0, 1.0])


class Unposer:
    """The way back from posed meshes to offsets of the rest shape."""

    def __init__(self, body: BodyModel) -> None:
        self.weights = body.lbs_weights.double().numpy()
        self.vertices = body.v_template.double().numpy()
        self.joints = body.J_regressor.double() @ body.v_template.double()
        self.parents = body.parents

    def offsets(self, body_pose: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Offsets [V,3] of the rest shape that skinning turns into the mesh ``target`` [V,3] of a pose [3(J-1)]."""
        local = torch.eye(3, dtype=torch.float64).repeat(1, len(SMPL_JOINTS), 1, 1)
        local[0, 1:] = torch.from_numpy(_matrices(body_pose[None])[0])
        transforms = joint_transforms(local, self.joints, self.parents)[0, :, :3].numpy()
        blended = (self.weights @ transforms.reshape(len(SMPL_JOINTS), 12)).reshape(-1, 3, 4)
        turn = blended[..., :3]
        missing = target - np.einsum("vab,vb->va", turn, self.vertices) - blended[..., 3]
        back = turn.swapaxes(1, 2)
        # least squares with a little damping: no finite offset reaches a target along a direction that was flattened away
        system = (back @ turn + DAMPING * np.eye(3)) / (1.0 + DAMPING)
        return np.linalg.solve(system, back @ missing[..., None])[..., 0]


def learn_correctives(body: BodyModel, body_pose: np.ndarray, offsets: np.ndarray) -> Tensor:
    """Directions ``posedirs`` [V,3,9(J-1)] (float16 numbers) that give the offsets [N,V,3] in poses [N,3(J-1)].

    Ridge regression without a constant, so that nothing moves in the rest pose. Each pose counts mirrored, too.
    """
    vertices = body.v_template.double().numpy()
    mirror = mirror_vertices(vertices)
    features = _matrices(body_pose) - np.eye(3)
    count, mirrored = len(features), _mirrored(features)
    near = body.lbs_weights.numpy() > NEAR
    taking_part = near.copy()
    for joint, parent in enumerate(body.parents):
        if parent >= 0:
            taking_part[:, joint] |= near[:, parent]
    half = np.flatnonzero(vertices[:, 0] >= np.minimum(vertices[mirror, 0], 0))
    kinds, kind = np.unique(taking_part[half, 1:], axis=0, return_inverse=True)
    directions = np.zeros((len(vertices), 3, len(body.parents) - 1, 9))
    for index, joints in enumerate(map(np.flatnonzero, kinds)):
        chosen = half[kind.reshape(-1) == index]
        x = np.concatenate([part[:, joints].reshape(count, -1) for part in (features, mirrored)])
        y = np.concatenate([offsets[:, chosen], offsets[:, mirror[chosen]] * FLIP]).reshape(2 * count, -1).astype(float)
        gram = x.T @ x + RIDGE * len(x) * np.eye(x.shape[1])
        solution = np.linalg.solve(gram, x.T @ y).reshape(len(joints), 9, len(chosen), 3)
        directions[chosen[:, None], :, joints] = solution.transpose(2, 0, 3, 1)
    blocks = directions.reshape(*directions.shape[:3], 3, 3)
    opposite = (
        _mirrored(blocks.reshape(-1, *blocks.shape[2:])).reshape(blocks.shape)[mirror] * FLIP[:, None, None, None]
    )
    other = np.setdiff1d(np.arange(len(vertices)), half)
    blocks[other] = opposite[other]
    middle = mirror == np.arange(len(vertices))
    blocks[middle] = (blocks[middle] + opposite[middle]) / 2
    largest = np.abs(directions).max(axis=(1, 3), keepdims=True)
    step = np.clip((largest - LEAST[0]) / (LEAST[1] - LEAST[0]), 0.0, 1.0)
    return torch.from_numpy((directions * step).reshape(len(vertices), 3, -1).astype(np.float16).astype(np.float32))


def with_rest_shape(body: BodyModel, v_template: np.ndarray) -> BodyModel:
    """The body with other rest vertices [V,3], made symmetric, and the same joints, for every shape.

    Each joint's regressor changes by the least that keeps the joint where it was.
    """
    template, shapedirs = (array.double().numpy() for array in (body.v_template, body.shapedirs))
    v_template = (v_template + v_template[mirror_vertices(template)] * FLIP) / 2
    regressor = body.J_regressor.double().numpy().copy()
    for row in regressor:
        used = np.flatnonzero(row)
        kept = np.concatenate([np.ones((1, len(used))), v_template[used].T, shapedirs[used].reshape(len(used), -1).T])
        wanted = np.zeros(len(kept))
        wanted[1:4] = row[used] @ (template[used] - v_template[used])
        row[used] += np.linalg.pinv(kept, rcond=1e-9) @ wanted
    return replace(body, v_template=_float(v_template), J_regressor=_float(regressor))


def _float(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


def _matrices(body_pose: np.ndarray) -> np.ndarray:
    """Rotations [N,J-1,3,3] of poses [N,3(J-1)]."""
    return (
        Rotation.from_rotvec(np.asarray(body_pose, float).reshape(-1, 3)).as_matrix().reshape(len(body_pose), -1, 3, 3)
    )


def _mirrored(features: np.ndarray) -> np.ndarray:
    """Features, or directions by feature, [N,J-1,3,3] of the mirrored person."""
    order = np.array(mirrored(SMPL_JOINTS))[1:] - 1
    return features[:, order] * np.outer(FLIP, FLIP)
