"""Skin weights, distance and UV of the nearest surface point, on a regular grid and exactly.

A grid node holds what its nearest surface point holds, so between nodes the trilinear look-up is only as good as the
step is fine: where weights change within a step (knuckles, toes) it is off by tens of per cent. ``surface_weights``
and ``surface_uv`` ask the mesh itself and have no such error, nor any mixing across UV seams.
"""

from dataclasses import dataclass

import numpy as np

from understudy.canonical.nearest import nearest_surface_points
from understudy.errors import InputError
from understudy.formats.canonical import MOST_NODES, Canonical


@dataclass(frozen=True)
class Volume:
    """A grid round a mesh; node (i, j, k) is at ``origin + step * (i, j, k)``."""

    bw: np.ndarray  # [X,Y,Z,J+1] float32
    """Skin weights of the nearest surface point, and its unsigned distance in m."""
    uv: np.ndarray  # [X,Y,Z,2] float32
    """UV of the nearest surface point."""
    origin: np.ndarray  # [3] float32
    step: float


def build_volume(
    vertices: np.ndarray,  # [V,3] m
    faces: np.ndarray,  # [F,3]
    lbs_weights: np.ndarray,  # [V,J]
    vt: np.ndarray,  # [VT,2]
    ft: np.ndarray,  # [F,3]
    margin: float,
    step: float,
) -> Volume:
    """Grid over the box of ``vertices`` grown by ``margin`` m on every side; the last plane is at the box or beyond it.

    Raises:
        InputError: The grid would have more than ``MOST_NODES`` nodes.
    """
    origin = (vertices.min(axis=0) - margin).astype(np.float32)
    extent = vertices.max(axis=0) + margin - origin
    shape = tuple(int(count) + 1 for count in np.ceil(extent / step - 1e-6))
    if np.prod(shape) > MOST_NODES:
        raise InputError(f"canonical.step {step} m asks for {np.prod(shape)} volume nodes; take a larger one.")
    nodes = np.stack(np.meshgrid(*(np.arange(count) for count in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    nearest = nearest_surface_points(origin + step * nodes, vertices, faces)
    weights = nearest.interpolate(lbs_weights, faces)
    bw = np.concatenate([weights, nearest.distance[:, None]], axis=1).astype(np.float32)
    uv = nearest.interpolate(vt, ft).astype(np.float32)
    return Volume(bw.reshape(*shape, -1), uv.reshape(*shape, 2), origin, step)


def sample_volume(volume: np.ndarray, origin: np.ndarray, step: float, points: np.ndarray) -> np.ndarray:
    """Values [N,C] of ``volume`` [X,Y,Z,C] at ``points`` [N,3] m, trilinear; points outside take the border's value.

    UV must not be asked for where the eight nodes lie on different sides of a seam.
    """
    last = np.array(volume.shape[:3]) - 1
    place = np.clip((points - origin) / step, 0, last)
    base = np.minimum(place.astype(np.int64), np.maximum(last - 1, 0))
    share = place - base
    values = np.zeros((len(points), volume.shape[3]))
    for corner in np.ndindex(2, 2, 2):
        node = np.minimum(base + corner, last)
        weight = np.prod(np.where(np.array(corner) == 1, share, 1.0 - share), axis=1)
        values += weight[:, None] * volume[node[:, 0], node[:, 1], node[:, 2]]
    return values


def surface_weights(canonical: Canonical, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skin weights [N,J] of the big-pose surface point nearest to each of ``points`` [N,3] m, and its distance [N]."""
    nearest = nearest_surface_points(points, canonical.vertices, canonical.faces)
    return nearest.interpolate(canonical.lbs_weights, canonical.faces), nearest.distance


def surface_uv(canonical: Canonical, points: np.ndarray) -> np.ndarray:
    """UV [N,2] of the big-pose surface point nearest to each of ``points`` [N,3] m."""
    nearest = nearest_surface_points(points, canonical.vertices, canonical.faces)
    return nearest.interpolate(canonical.vt, canonical.ft)
