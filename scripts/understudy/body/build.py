"""Steps that turn samples of a rigged character into a body of SMPL format: regroup bones, unpose, shape space, regressors.

Everything is numpy in float64; S samples of the character's shape, V vertices, N bones, J joints. Metres.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls


@dataclass(frozen=True)
class ShapeSpace:
    """A linear shape space."""

    mean: np.ndarray  # [V,3]
    directions: np.ndarray  # [V,3,B], each for one standard deviation
    betas: np.ndarray  # [S,B] of the samples it was made from
    explained: np.ndarray  # [B] share of the variance explained by the first b+1 components


def collapse_weights(weights: np.ndarray, groups: np.ndarray, count: int, most: int = 4) -> np.ndarray:
    """Skin weights [V,count] of groups of bones, from those [V,N] of the bones; rows sum to one.

    Args:
        weights: Skin weights of the bones.
        groups: Group [N] of each bone.
        count: Number of groups.
        most: Largest number of groups that a vertex keeps.
    """
    collapsed = weights @ np.eye(count)[groups]
    threshold = -np.sort(-collapsed, axis=1)[:, most - 1 : most] if most < count else 0.0
    collapsed = np.where(collapsed >= np.maximum(threshold, 1e-4), collapsed, 0.0)
    return collapsed / collapsed.sum(axis=1, keepdims=True)


def group_joints(heads: np.ndarray, bone_parents: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Joints [S,count,3] of groups of bones: the mean head of each group's topmost bones.

    Args:
        heads: Bone heads [S,N,3].
        bone_parents: Parent [N] of each bone, -1 at the root.
        groups: Group [N] of each bone.
        count: Number of groups.
    """
    topmost = (bone_parents < 0) | (groups[bone_parents] != groups)
    share = np.eye(count)[groups].T * topmost
    return np.einsum("jn,snc->sjc", share / share.sum(axis=1, keepdims=True), heads)


def unpose(
    vertices: np.ndarray,  # [S,V,3]
    joints: np.ndarray,  # [S,J,3]
    rotations: np.ndarray,  # [S,J,3,3]
    weights: np.ndarray,  # [V,J]
    parents: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Move samples into another rest pose so that skinning them back gives exactly the samples.

    Args:
        vertices: Vertices in the samples' own pose.
        joints: Joints in that pose.
        rotations: World rotation of each joint from that pose to the new rest pose.
        weights: Skin weights.
        parents: Parent of each joint; parents come before children, -1 at the root.

    Returns:
        Vertices [S,V,3] and joints [S,J,3] in the new rest pose, the root joint where it was.
    """
    placed = joints.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            bone = joints[:, joint] - joints[:, parent]
            placed[:, joint] = placed[:, parent] + np.einsum("sab,sb->sa", rotations[:, parent], bone)
    # the inverse of the blended transform from the new pose to the old one: x_old = A x_new + b
    back = rotations.swapaxes(-1, -2)
    shift = joints - np.einsum("sjab,sjb->sja", back, placed)
    moved = np.empty_like(vertices)
    for sample in range(len(vertices)):
        blended = np.einsum("vj,jab->vab", weights, back[sample])
        offset = vertices[sample] - weights @ shift[sample]
        moved[sample] = np.linalg.solve(blended, offset[..., None])[..., 0]
    return moved, placed


def frame_rotation(
    first: np.ndarray, second: np.ndarray, to_first: tuple[float, ...], to_second: tuple[float, ...]
) -> np.ndarray:
    """Rotations [S,3,3] that take ``first`` [S,3] onto the direction ``to_first`` and ``second`` nearest to ``to_second``."""
    source = _frame(first, second)
    target = _frame(np.asarray(to_first, float)[None], np.asarray(to_second, float)[None])
    return target @ source.swapaxes(-1, -2)


def shape_space(vertices: np.ndarray, components: int) -> ShapeSpace:
    """Principal components of samples [S,V,3], each scaled to one standard deviation.

    Signs: the first component makes the body taller, every other one makes it deeper and wider.
    """
    mean = vertices.mean(axis=0)
    flat = (vertices - mean).reshape(len(vertices), -1)
    variances, samples = np.linalg.eigh(flat @ flat.T)
    order = np.argsort(variances)[::-1][:components]
    explained = np.cumsum(variances[order]) / variances.sum()
    betas = samples[:, order] * np.sqrt(len(vertices) - 1)
    directions = (flat.T @ betas / (len(vertices) - 1)).reshape(*mean.shape, components)
    top, bottom = mean[:, 1].argmax(), mean[:, 1].argmin()
    outwards = np.einsum("vcb,vc->b", directions[:, [0, 2]], mean[:, [0, 2]] - mean[:, [0, 2]].mean(axis=0))
    signs = np.sign(outwards)
    signs[0] = np.sign(directions[top, 1, 0] - directions[bottom, 1, 0])
    return ShapeSpace(mean, directions * signs, betas * signs, explained)


def joint_regressor(
    vertices: np.ndarray,  # [S,V,3]
    points: np.ndarray,  # [S,3]
    weights: np.ndarray,  # [V,J] or [V,1]
    count: int,
    candidates: int = 400,
    spread: float = 1e-3,
) -> tuple[np.ndarray, np.ndarray]:
    """A convex combination of few vertices that stays at a point for every shape and in every pose.

    With skin weights w and coefficients a, a posed combination is ``sum_j M_j sum_i a_i w_ij v_i`` with one rigid M_j for each
    joint. It follows the point p in every pose where p is fixed to all joints that take part, if
    ``sum_i a_i w_ij (v_i - p) = 0`` for each j; these are the equations solved, by non-negative least squares.

    Args:
        vertices: Samples of the rest shape.
        points: The point on each sample.
        weights: Skin weights; a single column of ones asks for the rest pose only.
        count: Largest number of vertices.
        candidates: How many of the nearest vertices to choose from.
        spread: Weight of the wish for even coefficients, m.

    Returns:
        Vertex indices and coefficients [<=count], which sum to one.
    """
    distance = np.linalg.norm(vertices.mean(axis=0) - points.mean(axis=0), axis=-1)
    chosen = np.argsort(distance, kind="stable")[:candidates]
    # ever fewer vertices, dropping those that count least
    while True:
        coefficients = _convex_fit(vertices[:, chosen] - points[:, None], weights[chosen], spread)
        if len(chosen) <= count:
            return chosen, coefficients / coefficients.sum()
        keep = max(count, int(len(chosen) * 0.7))
        chosen = chosen[np.sort(np.argsort(-coefficients, kind="stable")[:keep])]


def _convex_fit(offsets: np.ndarray, weights: np.ndarray, spread: float) -> np.ndarray:
    """Non-negative coefficients [M] of about unit sum for offsets [S,M,3] from the point and skin weights [M,J]."""
    joints = np.flatnonzero(weights.max(axis=0) > 0.05)
    rows = np.einsum("smc,mj->sjcm", offsets, weights[:, joints]).reshape(-1, offsets.shape[1])
    # a small square system with the same normal equations, whatever the number of samples
    values, vectors = np.linalg.eigh(rows.T @ rows / len(offsets))
    compact = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    size = len(compact)
    system = np.vstack([compact, spread * np.eye(size), 10.0 * np.ones((1, size))])
    return nnls(system, np.append(np.zeros(2 * size), 10.0))[0]


def linear_regressor(
    vertices: np.ndarray,  # [S,V,3]
    points: np.ndarray,  # [S,3]
    candidates: int = 200,
    ridge: float = 1e-3,
) -> tuple[np.ndarray, np.ndarray]:
    """Indices and coefficients [candidates] of a combination of the nearest vertices, summing to one, that gives a point.

    Coefficients may be negative, which is what lets them follow a joint inside a changing shape to a millimetre.
    """
    distance = np.linalg.norm(vertices.mean(axis=0) - points.mean(axis=0), axis=-1)
    chosen = np.argsort(distance, kind="stable")[:candidates]
    offsets = (vertices[:, chosen] - points[:, None]).swapaxes(1, 2).reshape(-1, candidates)
    gram = offsets.T @ offsets / len(vertices) + ridge**2 * np.eye(candidates)
    coefficients = np.linalg.solve(gram, np.ones(candidates))
    return chosen, coefficients / coefficients.sum()


def mirror_vertices(vertices: np.ndarray) -> np.ndarray:
    """Index [V] of each vertex's counterpart across x = 0, for a symmetric mesh [V,3].

    Raises:
        ValueError: The mesh is not symmetric to a tenth of a millimetre.
    """
    from scipy.spatial import cKDTree

    distance, index = cKDTree(vertices).query(vertices * [-1.0, 1.0, 1.0])
    if distance.max() > 1e-4 or not np.array_equal(index[index], np.arange(len(index))):
        raise ValueError(f"the mesh is not symmetric (off by up to {distance.max():.4f} m)")
    return index


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Right-handed orthonormal frames [S,3,3], columns first, second (made square to it), third."""
    first = first / np.linalg.norm(first, axis=-1, keepdims=True)
    second = second - first * (first * second).sum(axis=-1, keepdims=True)
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
