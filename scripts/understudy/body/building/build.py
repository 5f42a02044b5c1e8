"""Steps that turn samples of a rigged character into a body of SMPL format: regroup bones, unpose, shape space, regressors.

Everything is numpy in float64; S samples of the character's shape, V vertices, N bones, J joints. Metres.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import nnls
from scipy.sparse.linalg import splu


@dataclass(frozen=True)
class ShapeSpace:
    """A linear shape space."""

    mean: np.ndarray  # [V,3]
    directions: np.ndarray  # [V,3,B], each for one standard deviation
    betas: np.ndarray  # [S,B] of the samples it was made from
    explained: np.ndarray  # [B] share of the variance explained by the first b+1 components


def strongest(weights: np.ndarray, most: int = 8) -> np.ndarray:
    """Skin weights [V,J] of which each vertex keeps the ``most`` largest; rows sum to one."""
    rank = np.argsort(np.argsort(-weights, axis=1, kind="stable"), axis=1)
    kept = np.where((rank < most) & (weights > 1e-3), weights, 0.0)
    return kept / kept.sum(axis=1, keepdims=True)


def smooth_weights(weights: np.ndarray, vertices: np.ndarray, faces: np.ndarray, length: float) -> np.ndarray:
    """Skin weights [V,J] diffused over the surface by about ``length`` (m), so that painted edges do not crease.

    One implicit step of heat diffusion with the cotangent Laplacian, negative cotangents cut off: weights stay within 0..1
    and rows keep their sum. (Desbrun et al., Implicit Fairing of Irregular Meshes, SIGGRAPH 1999, sections 3 and 4.)
    """
    count = len(vertices)
    rates, mass = sparse.csr_matrix((count, count)), np.zeros(count)
    for corner in range(3):
        tip, a, b = (faces[:, (corner + k) % 3] for k in range(3))
        left, right = vertices[a] - vertices[tip], vertices[b] - vertices[tip]
        area = np.maximum(np.linalg.norm(np.cross(left, right), axis=1), 1e-12)
        cotangent = np.maximum((left * right).sum(axis=1) / area, 0.0) / 2
        rates = rates + sparse.csr_matrix((cotangent, (a, b)), shape=(count, count))
        np.add.at(mass, tip, area / 6)
    rates = rates + rates.T
    laplacian = sparse.diags(np.asarray(rates.sum(axis=1))[:, 0]) - rates
    system = sparse.diags(mass) + length**2 / 2 * laplacian
    return splu(system.tocsc()).solve(mass[:, None] * weights)


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


def shape_space(vertices: np.ndarray, faces: np.ndarray, components: int) -> ShapeSpace:
    """Principal components of samples [S,V,3] with ``faces`` [F,3], each scaled to one standard deviation.

    Signs: the first component makes the body taller, every other one makes it bulkier.
    """
    mean = vertices.mean(axis=0)
    flat = (vertices - mean).reshape(len(vertices), -1)
    variances, samples = np.linalg.eigh(flat @ flat.T)
    order = np.argsort(variances)[::-1][:components]
    explained = np.cumsum(variances[order]) / variances.sum()
    betas = samples[:, order] * np.sqrt(len(vertices) - 1)
    directions = (flat.T @ betas / (len(vertices) - 1)).reshape(*mean.shape, components)
    top, bottom = mean[:, 1].argmax(), mean[:, 1].argmin()
    a, b, c = (mean[faces[:, corner]] for corner in range(3))
    outwards = np.cross(b - a, c - a)
    signs = np.sign(np.einsum("fcb,fc->b", directions[faces].sum(axis=1), outwards))
    signs[0] = np.sign(directions[top, 1, 0] - directions[bottom, 1, 0])
    return ShapeSpace(mean, directions * signs, betas * signs, explained)


def sparse_regressor(
    vertices: np.ndarray,  # [S,V,3]
    points: np.ndarray,  # [S,3]
    weights: np.ndarray,  # [V,J]
    count: int,
    candidates: int = 400,
    spread: float = 1e-3,
    posed: float = 0.2,
    stride: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """A convex combination of few vertices that stays at a point for every shape and in every pose.

    With skin weights w and coefficients a, a posed combination is ``sum_j M_j sum_i a_i w_ij v_i`` with one rigid M_j for each
    joint. It follows the point p in every pose where p is fixed to all joints that take part, if
    ``sum_i a_i w_ij (v_i - p) = 0`` for each j; these are the equations solved, by non-negative least squares, together with
    those for the rest shape, ``sum_i a_i (v_i - p) = 0``, which must hold first.

    Args:
        vertices: Samples of the rest shape.
        points: The point on each sample.
        weights: Skin weights.
        count: Largest number of vertices.
        candidates: How many of the nearest vertices to choose from.
        spread: Weight of the wish for even coefficients, m.
        posed: Weight of the equations for posed meshes against those for the rest shape.
        stride: Take every so many of the candidates only, which reaches further where the mesh is fine.

    Returns:
        Vertex indices and coefficients [<=count], which sum to one.
    """
    chosen = _nearest(vertices, points, candidates)[::stride]
    # ever fewer vertices, dropping those that count least
    while True:
        values, vectors = np.linalg.eigh(
            _normal_equations(vertices[:, chosen] - points[:, None], weights[chosen], posed)
        )
        size = len(chosen)
        compact = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        system = np.vstack([compact, spread * np.eye(size), 10.0 * np.ones((1, size))])
        coefficients = nnls(system, np.append(np.zeros(2 * size), 10.0))[0]
        if size <= count:
            return chosen, coefficients / coefficients.sum()
        keep = max(count, int(size * 0.7))
        chosen = chosen[np.sort(np.argsort(-coefficients, kind="stable")[:keep])]


def joint_regressor(
    vertices: np.ndarray,  # [S,V,3]
    points: np.ndarray,  # [S,3]
    weights: np.ndarray,  # [V,J]
    candidates: int = 1000,
    ridge: float = 6e-4,
    posed: float = 0.1,
) -> tuple[np.ndarray, np.ndarray]:
    """A combination of the nearest vertices that gives a joint for every shape and, nearly, on the posed mesh too.

    The equations of ``sparse_regressor`` with any signs, which is what lets the combination follow a joint inside a changing
    shape to a millimetre.

    Args:
        vertices: Samples of the rest shape.
        points: The joint on each sample.
        weights: Skin weights.
        candidates: How many of the nearest vertices to combine.
        ridge: Weight of the wish for small coefficients, m.
        posed: Weight of the equations for posed meshes against those for the rest shape.

    Returns:
        Vertex indices and coefficients [candidates], which sum to one.
    """
    chosen = _nearest(vertices, points, min(candidates, vertices.shape[1]))
    offsets, size = vertices[:, chosen] - points[:, None], len(chosen)
    gram = _normal_equations(offsets, weights[chosen], posed) + ridge**2 * np.eye(size)
    coefficients = np.linalg.solve(gram, np.ones(size))
    return chosen, coefficients / coefficients.sum()


def _nearest(vertices: np.ndarray, points: np.ndarray, count: int) -> np.ndarray:
    distance = np.linalg.norm(vertices.mean(axis=0) - points.mean(axis=0), axis=-1)
    return np.argsort(distance, kind="stable")[:count]


def _normal_equations(offsets: np.ndarray, weights: np.ndarray, posed: float) -> np.ndarray:
    """Normal matrix [M,M], over samples, of the rest shape's and posed meshes' equations.

    For offsets [S,M,3] from the point and skin weights [M,J]: with the weights w_ij of ``sum_i a_i w_ij (v_i - p) = 0``
    squared out, the inner product of the offsets of i and k counts ``1 + posed^2 sum_j w_ij w_kj`` times.
    """
    flat = offsets.swapaxes(1, 2).reshape(-1, offsets.shape[1])
    return (flat.T @ flat) * (1.0 + posed**2 * (weights @ weights.T)) / len(offsets)


def mirror_vertices(vertices: np.ndarray) -> np.ndarray:
    """Index [V] of each vertex's counterpart across x = 0, for a symmetric mesh [V,3].

    Raises:
        ValueError: The mesh is not symmetric to half a millimetre.
    """
    from scipy.spatial import cKDTree

    distance, index = cKDTree(vertices).query(vertices * [-1.0, 1.0, 1.0])
    if distance.max() > 5e-4 or not np.array_equal(index[index], np.arange(len(index))):
        raise ValueError(f"the mesh is not symmetric (off by up to {distance.max():.4f} m)")
    return index


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Right-handed orthonormal frames [S,3,3], columns first, second (made square to it), third."""
    first = first / np.linalg.norm(first, axis=-1, keepdims=True)
    second = second - first * (first * second).sum(axis=-1, keepdims=True)
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
