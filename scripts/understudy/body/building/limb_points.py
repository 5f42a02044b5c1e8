"""Keypoints in limbs that keep their places when a body gets pose correctives.

A 2D detector's shoulder, elbow or knee goes with the bones, while correctives move the flesh that its keypoint was a mixture of;
another mixture of vertices is looked for that stays where it was, over poses and shapes.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from understudy.body.building.build import mirror_vertices
from understudy.body.joints import ARM, LEG, SMPL_JOINTS
from understudy.body.model import BodyModel

MIDDLES = {"neck": "shoulder", "mid_hip": "hip"}

MOST_VERTICES = 32
"""Largest number of vertices behind a limb's keypoint."""

REACHES = ((400, 1), (800, 2), (1200, 3), (2400, 6))
"""How many of the nearest vertices to choose from, and every so many of them: the best on poses kept back is taken."""

RIDGE = 1e-3
"""Weight of the wish for small coefficients, m."""


def keep_limb_points(body: BodyModel, plain: BodyModel, body_pose: np.ndarray, seed: int) -> BodyModel:
    """The ``body`` with keypoints in its limbs where they are on the ``plain`` body.

    Args:
        body: With correctives.
        plain: The same body without.
        body_pose: Poses [N,3(J-1)] to hold it in; each with a shape of its own.
        seed: Of the shapes.
    """
    poses, still = torch.from_numpy(body_pose.astype(np.float32)), torch.zeros(len(body_pose), 3)
    betas = torch.randn(len(poses), body.num_betas, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        before, after = plain(betas, still, poses, still), body(betas, still, poses, still)
        points = plain.keypoints(before.vertices)
    mirror = mirror_vertices(body.v_template.double().numpy())
    names, count = list(body.keypoint_names), 2 * MOST_VERTICES
    indices, coefficients = _widened(plain.keypoint_vertices, plain.keypoint_weights, count)
    for limb in (*ARM, *LEG):
        # in the joint's own frame, where near vertices are near in every pose
        to_joint = torch.linalg.inv(before.transforms[:, SMPL_JOINTS.index(f"left_{limb}")].double())
        point = _moved(to_joint, points[:, names.index(f"left_{limb}"), None])[:, 0]
        place = names.index(f"left_{limb}")
        used = np.flatnonzero(coefficients[place])[:MOST_VERTICES]
        present = indices[place, used], coefficients[place, used] / coefficients[place, used].sum()
        chosen, row = _best_row(_moved(to_joint, after.vertices), point, present)
        for name, vertices in ((f"left_{limb}", chosen), (f"right_{limb}", mirror[chosen])):
            _put(indices, coefficients, names.index(name), vertices, row)
        for middle in (middle for middle, of in MIDDLES.items() if of == limb):
            both = np.concatenate([chosen, mirror[chosen]])
            _put(indices, coefficients, names.index(middle), both, np.tile(row / 2, 2))
    return replace(
        body,
        keypoint_vertices=torch.from_numpy(indices),
        keypoint_weights=torch.from_numpy(coefficients.astype(np.float32)),
    )


def _best_row(
    vertices: np.ndarray, points: np.ndarray, present: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and coefficients, which sum to one, of the mixture nearest to points [N,3] of meshes [N,V,3]."""
    kept_back = np.arange(len(points)) % 3 == 0
    rows = [_row(vertices[~kept_back], points[~kept_back], *reach) for reach in REACHES]

    def error(found: tuple[np.ndarray, np.ndarray]) -> float:
        chosen, row = found
        return float(((np.einsum("m,nmc->nc", row, vertices[kept_back][:, chosen]) - points[kept_back]) ** 2).sum())

    return min([present, *rows], key=error)


def _row(vertices: np.ndarray, points: np.ndarray, candidates: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Least squares over ever fewer vertices, dropping those that count least."""
    distance = np.linalg.norm(vertices.mean(axis=0) - points.mean(axis=0), axis=-1)
    chosen = np.argsort(distance, kind="stable")[:candidates:stride]
    while True:
        offsets = (vertices[:, chosen] - points[:, None]).swapaxes(1, 2).reshape(-1, len(chosen))
        gram = offsets.T @ offsets / len(points) + RIDGE**2 * np.eye(len(chosen))
        row = np.linalg.solve(gram, np.ones(len(chosen)))
        row /= row.sum()
        if len(chosen) <= MOST_VERTICES:
            return chosen, row
        left = max(MOST_VERTICES, int(0.8 * len(chosen)))
        chosen = chosen[np.sort(np.argsort(-np.abs(row), kind="stable")[:left])]


def _moved(transforms: Tensor, points: Tensor) -> np.ndarray:
    """Points [N,P,3] float64 moved by transforms [N,4,4]."""
    return (points.double() @ transforms[:, :3, :3].mT + transforms[:, None, :3, 3]).numpy()


def _widened(vertices: Tensor, weights: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Keypoint vertices and weights [K,count], padded with the row's first vertex at weight zero."""
    more = count - vertices.shape[1]
    padded = torch.cat([vertices, vertices[:, :1].expand(-1, more)], dim=1)
    return padded.numpy().copy(), torch.nn.functional.pad(weights, (0, more)).double().numpy().copy()


def _put(indices: np.ndarray, coefficients: np.ndarray, place: int, vertices: np.ndarray, row: np.ndarray) -> None:
    indices[place], coefficients[place] = vertices[0], 0.0
    indices[place, : len(vertices)], coefficients[place, : len(row)] = vertices, row
