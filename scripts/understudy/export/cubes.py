"""A mesh by marching cubes over the Gaussians' density: whatever the body below is like, and without its topology."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from understudy.commands import called
from understudy.errors import InputError
from understudy.export.splats import Splats, quat_matrices

STEP = 0.006
"""Side of a cube, m."""
DENSE = 0.35
"""Density of the shell, which encloses the inside."""
LEVEL = 0.28
"""Smoothed density at the surface, at which silhouettes agree best with those of our own pictures."""
BLUR = 0.7
"""Standard deviation of the smoothing, cubes: without it the surface has pits and handles by the dozen."""
REACH = 3.0
"""Standard deviations as far as a Gaussian counts."""
CLOSED = 4
"""Gaps of the cloud up to twice this many cubes wide do not open the body's inside."""
SPECK = 0.02
"""Pieces with so few vertices, as a share of the largest one's, are left out."""
CHUNK = 1 << 20
"""Places that are looked at together."""
MOST_NODES = 1 << 26
"""Of the grid: room of 2.4 m in all directions."""
MOST_LOOKS = 1 << 30
"""Nodes that Gaussians reach, summed over all of them; some twenty times what a person's do."""


@dataclass(frozen=True)
class ColoredMesh:
    """A closed mesh with a colour at each vertex."""

    vertices: np.ndarray  # [V,3] float32 m
    faces: np.ndarray  # [F,3] int32, outward by the right-hand rule
    colors: np.ndarray  # [V,3] float32 sRGB 0..1


def cubes_mesh(splats: Splats) -> ColoredMesh:
    """The outer surface of a cloud that lies like a shell round a person.

    The density of Gaussians with opacities ``o`` is ``sum_i o_i exp(-m_i^2 / 2)``, m the Mahalanobis distance, and what
    it encloses counts as dense. A vertex has the mean colour of the Gaussians there, weighted by the same terms.

    Source: Lorensen and Cline, Marching Cubes (SIGGRAPH 1987), as Lewiner et al. (2003) made it topologically sure.

    Raises:
        InputError: scikit-image is missing, nothing is as dense as ``DENSE``, or the Gaussians reach too far.
    """
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise InputError(
            f"Marching cubes need scikit-image: {called('pip')} install -e '.[export]' in Understudy's folder."
        ) from None
    field, origin = _field(splats)
    if field[..., 0].max() <= DENSE:
        raise InputError("The avatar's Gaussians are too thin for marching cubes; export the body's mesh.")
    solid = ndimage.gaussian_filter(_filled(field[..., 0]), BLUR)
    places, faces, _, _ = marching_cubes(solid, LEVEL, gradient_direction="ascent")
    values = [ndimage.map_coordinates(field[..., channel], places.T, order=1) for channel in range(4)]
    colors = (np.stack(values[1:], axis=1) / np.maximum(values[0], 1e-6)[:, None]).clip(0, 1)
    return _without_specks(ColoredMesh((origin + STEP * places).astype(np.float32), faces, colors.astype(np.float32)))


def solid_density(splats: Splats) -> tuple[np.ndarray, np.ndarray]:
    """Density [X,Y,Z] of the cloud and what it encloses, nowhere above twice ``DENSE``, and the first node's place [3].

    Node (i, j, k) is at ``origin + STEP * (i, j, k)``.
    """
    field, origin = _field(splats)
    return _filled(field[..., 0]), origin


def _field(splats: Splats) -> tuple[np.ndarray, np.ndarray]:
    """Density, and colours times density [X,Y,Z,4] float32, and the place of the first node [3].

    Raises:
        InputError: The grid would have more than ``MOST_NODES`` nodes, or be looked at more than ``MOST_LOOKS`` times.
    """
    axes = quat_matrices(splats.quats)
    # half the sides of the ellipsoids' boxes
    reach = REACH * np.sqrt(np.einsum("nab,nb->na", np.square(axes), np.square(splats.scales)))
    margin = (CLOSED + 2) * STEP
    origin = (splats.means - reach).min(axis=0) - margin
    extent = (splats.means + reach).max(axis=0) + margin - origin
    shape = tuple(int(count) for count in np.ceil(extent / STEP) + 1)
    low = np.ceil((splats.means - reach - origin) / STEP).astype(np.int64)
    size = np.floor((splats.means + reach - origin) / STEP).astype(np.int64) - low + 1
    count = size.prod(axis=1)
    if math.prod(shape) > MOST_NODES or count.sum(dtype=np.float64) > MOST_LOOKS:
        room = " x ".join(f"{side:.3g}" for side in extent)
        raise InputError(
            f"The avatar's Gaussians reach over {room} m, too far for a surface to be found; choose another pose or avatar."
        )
    inverse = (axes / splats.scales[:, None, :]).astype(np.float32)
    values = np.concatenate([np.ones((len(splats), 1)), splats.colors], axis=1) * splats.opacities[:, None]
    field = np.zeros((int(np.prod(shape)), 4), np.float32)
    ends = np.cumsum(count)
    for first, last in _chunks(ends):
        which = np.repeat(np.arange(first, last), count[first:last])
        number = np.arange(len(which)) + ends[first] - count[first] - (ends - count)[which]
        rest, k = np.divmod(number, size[which, 2])
        i, j = np.divmod(rest, size[which, 1])
        node = low[which] + np.stack([i, j, k], axis=1)
        offset = (origin + STEP * node - splats.means[which]).astype(np.float32)
        distance = np.square(np.einsum("nc,nca->na", offset, inverse[which])).sum(axis=1)
        near = distance < REACH**2
        share = np.exp(-0.5 * distance[near])[:, None] * values[which[near]]
        flat = np.ravel_multi_index(tuple(node[near].T), shape)
        for channel in range(4):
            np.add.at(field[:, channel], flat, share[:, channel].astype(np.float32))
    return field.reshape(*shape, 4), origin


def _chunks(ends: np.ndarray) -> list[tuple[int, int]]:
    """Ranges of Gaussians with about ``CHUNK`` nodes each, of the running number of nodes [N]."""
    cuts = np.searchsorted(ends, np.arange(0, ends[-1], CHUNK), side="left").tolist()
    cuts = sorted({*cuts, len(ends)})
    return list(pairwise(cuts))


def _filled(density: np.ndarray) -> np.ndarray:
    """The density [X,Y,Z] cut at twice what the shell must have, and as much in all that the shell encloses.

    So its smoothing hardly moves the surface.
    """
    if density.max() < DENSE:
        return density
    closed = ndimage.distance_transform_edt(density < DENSE) <= CLOSED
    pieces = ndimage.label(~closed)[0]
    # what was added to the shell to close it is taken away again
    inside = ndimage.distance_transform_edt(pieces != pieces[0, 0, 0]) > CLOSED + 1
    return np.where(inside, 2 * DENSE, np.minimum(density, 2 * DENSE))


def _without_specks(mesh: ColoredMesh) -> ColoredMesh:
    """The pieces with more than ``SPECK`` of the largest one's vertices."""
    pairs = np.concatenate([mesh.faces[:, :2], mesh.faces[:, 1:]])
    edges = coo_matrix((np.ones(len(pairs), bool), pairs.T), (len(mesh.vertices),) * 2)
    piece = connected_components(edges, directed=False)[1]
    size = np.bincount(piece)
    kept = (size > SPECK * size.max())[piece]
    faces = (np.cumsum(kept) - 1)[mesh.faces[kept[mesh.faces[:, 0]]]]
    return ColoredMesh(mesh.vertices[kept], faces.astype(np.int32), mesh.colors[kept])
