"""Colours for the texels that no frame shows well: from the other side of the body, then smoothly over the surface."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from understudy.body.model import PARTS
from understudy.textures.atlas import Atlas
from understudy.textures.maps import SURE

MIRROR_REACH = 0.015
"""m; a texel's mirrored place has a counterpart if a seen texel is as near as this."""
STIFFNESS = 0.02
"""How much neighbouring vertices hold together, against a vertex seen at its best."""
ACROSS_PARTS = 0.003
"""Factor of the hold between neighbours on two different parts of the body."""
THROUGH_BODY = 0.005
"""Weight of the colour on the other side of the body for a vertex that was never seen, against one seen at its best."""
WITNESSES = 64
"""Seen vertices on the other side whose median colour counts: so many that a print is left behind."""
HEAD = tuple(PARTS.index(part) for part in ("inside", "hair", "face"))
"""Parts whose front says nothing of their back."""
NORMAL_LENGTH = 0.03
"""m; opposite normals count as twice this much distance, which keeps lips, fingers and thighs apart."""


def mirror_unseen(
    colors: np.ndarray,  # [N,3]
    quality: np.ndarray,  # [N] 0..1
    points: np.ndarray,  # [N,3] places of the texels in the rest pose, m
    normals: np.ndarray,  # [N,3] there
    middle: float,  # x of the body's plane of symmetry, m
) -> tuple[np.ndarray, np.ndarray]:
    """Copy colours and quality of texels seen well to those that are not, across the plane ``x = middle``.

    Returns:
        Colours [N,3] and quality [N].
    """
    good, poor = np.flatnonzero(quality >= SURE), np.flatnonzero(quality < SURE)
    colors, quality = colors.copy(), quality.copy()
    if len(good) and len(poor):
        flip = np.array([-1.0, 1.0, 1.0])
        mirrored = points[poor] * flip + np.array([2 * middle, 0.0, 0.0])
        tree = cKDTree(np.hstack([points[good], NORMAL_LENGTH * normals[good]]))
        asked = np.hstack([mirrored, NORMAL_LENGTH * normals[poor] * flip])
        distance, place = tree.query(asked, distance_upper_bound=MIRROR_REACH)
        found = np.isfinite(distance)
        source = good[place[found]]
        colors[poor[found]], quality[poor[found]] = colors[source], quality[source]
    return colors, quality


def smooth_unseen(
    colors: np.ndarray,  # [N,3]
    quality: np.ndarray,  # [N] 0..1, somewhere above zero
    atlas: Atlas,
    faces: np.ndarray,  # [F,3]
    parts: np.ndarray,  # [F] body part of each face
    vertices: np.ndarray,  # [V,3] in the rest pose, m
) -> np.ndarray:
    """Colours [N,3] in which texels below the quality ``SURE`` fade into a smooth continuation over the surface.

    The continuation x minimises ``sum_v w_v |x_v - c_v|^2 + STIFFNESS sum_uv k_uv |x_u - x_v|^2`` over the mesh's
    vertices, where c_v is the mean colour round a vertex, w_v its squared quality and k_uv the edge's inverse length
    over the mean one, less where two body parts meet: the back of the head takes the colour of the hair in front rather
    than of the neck. For a vertex that was never seen, c_v is the colour on the other side of the body, with little
    weight: trousers are the same behind. So it is harmonic where nothing was seen, averages where views contradict each
    other, and flows across UV seams. Pieces without any view (an eye behind a closed lid) take the colour of the nearest
    seen vertex.
    """
    corners = faces[atlas.face]
    share = atlas.bary * np.square(quality)[:, None]
    weight = np.bincount(corners.ravel(), share.ravel(), len(vertices))
    area = np.bincount(corners.ravel(), atlas.bary.ravel(), len(vertices))
    pull = np.stack(
        [
            np.bincount(corners.ravel(), (share * colors[:, channel, None]).ravel(), len(vertices))
            for channel in range(3)
        ],
        axis=1,
    )
    part = _vertex_parts(faces, parts, len(vertices))
    behind, guess = _through_body(pull, weight, part, vertices)
    weight[behind], pull[behind] = THROUGH_BODY * area[behind], THROUGH_BODY * area[behind, None] * guess
    edges = _edge_weights(faces, part, vertices)
    component = connected_components(edges, directed=False)[1]
    reached = np.isin(component, component[weight > 0])
    inside = np.flatnonzero(reached)
    per_vertex = np.maximum(area[inside], 1e-6)
    laplacian = sparse.diags(np.asarray(edges.sum(axis=1)).ravel()) - edges
    system = sparse.diags(weight[inside] / per_vertex) + STIFFNESS * laplacian[inside][:, inside]
    vertex_colors = np.zeros((len(vertices), 3))
    vertex_colors[inside] = splu(system.tocsc()).solve(pull[inside] / per_vertex[:, None])

    alone, seen = np.flatnonzero(~reached), np.flatnonzero(weight > 0)
    if len(alone):
        vertex_colors[alone] = vertex_colors[seen[cKDTree(vertices[seen]).query(vertices[alone])[1]]]
    own = np.minimum(quality / SURE, 1.0)[:, None]
    return own * colors + (1.0 - own) * atlas.interpolate(vertex_colors, faces)


def _vertex_parts(faces: np.ndarray, parts: np.ndarray, count: int) -> np.ndarray:
    """Part [V] of each vertex: the last of those of its faces."""
    part = np.zeros(count, parts.dtype)
    np.maximum.at(part, faces, parts[:, None])
    return part


def _through_body(
    pull: np.ndarray, weight: np.ndarray, part: np.ndarray, vertices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices that were never seen, and for each the median colour of those in front of or behind it on the same part.

    ``vertices`` face +z, so that nearness in x and y is nearness through the body.
    """
    behind, guesses = [np.zeros(0, np.int64)], [np.zeros((0, 3))]
    for one in np.setdiff1d(part, HEAD):
        unseen = np.flatnonzero((part == one) & (weight == 0))
        seen = np.flatnonzero((part == one) & (weight > 0))
        if len(unseen) and len(seen) >= WITNESSES:
            witnesses = seen[cKDTree(vertices[seen, :2]).query(vertices[unseen, :2], WITNESSES)[1]]
            behind.append(unseen)
            guesses.append(np.median((pull / np.maximum(weight, 1e-12)[:, None])[witnesses], axis=1))
    return np.concatenate(behind), np.concatenate(guesses)


def _edge_weights(faces: np.ndarray, part: np.ndarray, vertices: np.ndarray) -> sparse.csr_matrix:
    """Symmetric matrix [V,V] of inverse edge lengths over their mean; edges between two parts count less."""
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    weights = 1.0 / np.maximum(length, 0.01 * length.mean())
    weights /= weights.mean()
    weights[part[edges[:, 0]] != part[edges[:, 1]]] *= ACROSS_PARTS
    half = sparse.coo_matrix((weights, (edges[:, 0], edges[:, 1])), (len(vertices), len(vertices)))
    return (half + half.T).tocsr()
