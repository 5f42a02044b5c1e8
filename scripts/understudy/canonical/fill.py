"""Colours for the texels that no frame shows: from the other side of the body, then by diffusion over the surface."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from understudy.canonical.atlas import Atlas

MIRROR_REACH = 0.015
"""m; a texel's mirrored place has a counterpart if a seen texel is as near as this."""
NORMAL_LENGTH = 0.03
"""m; opposite normals count as twice this much distance, which keeps lips, fingers and thighs apart."""


def mirror_unseen(
    colors: np.ndarray,  # [N,3]
    seen: np.ndarray,  # [N] bool
    points: np.ndarray,  # [N,3] places of the texels in the rest pose, m
    normals: np.ndarray,  # [N,3] there
    middle: float,  # x of the body's plane of symmetry, m
) -> tuple[np.ndarray, np.ndarray]:
    """Copy colours of seen texels to unseen ones across the plane ``x = middle``.

    Returns:
        Colours [N,3] and which texels [N] now have one.
    """
    unseen = np.flatnonzero(~seen)
    if not len(unseen) or not seen.any():
        return colors, seen
    flip = np.array([-1.0, 1.0, 1.0])
    mirrored = points[unseen] * flip + np.array([2 * middle, 0.0, 0.0])
    tree = cKDTree(np.hstack([points[seen], NORMAL_LENGTH * normals[seen]]))
    asked = np.hstack([mirrored, NORMAL_LENGTH * normals[unseen] * flip])
    distance, place = tree.query(asked, distance_upper_bound=MIRROR_REACH)
    found = np.isfinite(distance)
    colors, has_color = colors.copy(), seen.copy()
    colors[unseen[found]] = colors[np.flatnonzero(seen)[place[found]]]
    has_color[unseen[found]] = True
    return colors, has_color


def diffuse_unseen(
    colors: np.ndarray,  # [N,3]
    known: np.ndarray,  # [N] bool, at least one
    atlas: Atlas,
    faces: np.ndarray,  # [F,3]
    vertices: np.ndarray,  # [V,3] any pose, m
) -> np.ndarray:
    """Colours [N,3] where the unknown texels hold the harmonic continuation of the known ones over the mesh.

    Vertices take the mean of the known texels round them; the others solve Laplace's equation on the mesh's edges,
    weighted by inverse length. So colours flow across UV seams, and parts without any known texel (an eye behind
    closed lids) take the colour of the nearest known vertex.
    """
    if known.all():
        return colors
    corners = faces[atlas.face[known]]
    share = atlas.bary[known]
    total = np.bincount(corners.ravel(), share.ravel(), len(vertices))
    vertex_colors = np.stack(
        [
            np.bincount(corners.ravel(), (share * colors[known, channel, None]).ravel(), len(vertices))
            for channel in range(3)
        ],
        axis=1,
    )
    fixed = total > 1e-3
    vertex_colors[fixed] /= total[fixed, None]
    edges = _edge_weights(faces, vertices)

    component = connected_components(edges, directed=False)[1]
    reached = np.isin(component, component[fixed])
    alone = np.flatnonzero(~reached)
    nearest = cKDTree(vertices[fixed]).query(vertices[alone])[1]
    vertex_colors[alone] = vertex_colors[np.flatnonzero(fixed)[nearest]]

    free = np.flatnonzero(reached & ~fixed)
    if len(free):
        laplacian = sparse.diags(np.asarray(edges.sum(axis=1)).ravel()) - edges
        inner = laplacian[free][:, free].tocsc()
        flow = -laplacian[free][:, np.flatnonzero(fixed)] @ vertex_colors[fixed]
        vertex_colors[free] = spsolve(inner, flow).reshape(len(free), 3)
    filled = atlas.interpolate(vertex_colors.astype(np.float32), faces)
    return np.where(known[:, None], colors, filled)


def _edge_weights(faces: np.ndarray, vertices: np.ndarray) -> sparse.csr_matrix:
    """Symmetric matrix [V,V] of inverse edge lengths."""
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    weights = 1.0 / np.maximum(length, 1e-6)
    half = sparse.coo_matrix((weights, (edges[:, 0], edges[:, 1])), (len(vertices), len(vertices)))
    return (half + half.T).tocsr()
