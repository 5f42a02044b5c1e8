"""Outlines: how far a mesh's outline is from the one of the Gaussians, seen from all round."""

import numpy as np
from scipy.ndimage import map_coordinates

from understudy.export.rings import ring_cameras, seen_by
from understudy.render.camera import Camera
from understudy.render.cloud import Gaussians
from understudy.render.mesh import rasterize_mesh, vertex_normals

HEIGHT = 700
"""px of the person's height in the pictures."""
AROUND = 12
"""Views in a ring."""
ELEVATIONS = (-30.0, 0.0, 30.0)
"""Of the rings, degrees."""
GRAZING = 0.25
"""Largest cosine between a vertex's normal and the line of sight at an outline."""
REACH = (-0.02, 0.04)
"""How far from the mesh's outline, along its normal, the Gaussians' one is looked for, m."""
STEPS = 49
"""Samples on that way."""
PIXEL_AND_A_HALF = 1.5


class Outlines:
    """Silhouettes of Gaussians from all round, to compare a mesh in the same pose with."""

    def __init__(self, gaussians: Gaussians) -> None:
        self.cameras = ring_cameras(gaussians.means.numpy(), HEIGHT, AROUND, ELEVATIONS)
        self.alphas = [seen_by(camera, gaussians).alpha.numpy() for camera in self.cameras]

    def distances(self, vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance [V] from the mesh's outline outwards to the Gaussians', m, and the number of views that say so [V]."""
        total, count = np.zeros(len(vertices)), np.zeros(len(vertices))
        normals = vertex_normals(vertices, faces)
        for camera, alpha in zip(self.cameras, self.alphas, strict=True):
            index, distance = _outline_distance(camera, alpha, vertices, faces, normals)
            total[index] += distance
            count[index] += 1
        return total / np.maximum(count, 1), count


def _outline_distance(
    camera: Camera, alpha: np.ndarray, vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices on the mesh's outline, and how far outwards of them the alpha falls below one half, m."""
    points = camera.to_camera(vertices)
    facing = normals @ camera.view[:3, :3].T
    sight = points / np.linalg.norm(points, axis=1, keepdims=True)
    index = np.flatnonzero(np.abs((facing * sight).sum(axis=1)) < GRAZING)
    outward = facing[index, :2]
    outward = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    pixels = camera.project(vertices[index])
    per_metre = camera.K[0, 0] / points[index, 2]

    # just outside of its outline the mesh is not
    mesh = (rasterize_mesh(points, faces, camera.K, camera.size).face >= 0).astype(np.float32)
    free = _sample(mesh, pixels + PIXEL_AND_A_HALF * outward) < 0.25
    index, outward, pixels, per_metre = index[free], outward[free], pixels[free], per_metre[free]

    ways = np.linspace(*REACH, STEPS)
    places = pixels[:, None] + (ways[None] * per_metre[:, None])[..., None] * outward[:, None]
    opaque = _sample(alpha, places.reshape(-1, 2)).reshape(len(index), STEPS)
    inside = opaque >= 0.5
    # the last sample before the first one outside, and the crossing between the two
    first_out = np.argmin(inside, axis=1)
    found = inside[:, 0] & ~inside.all(axis=1)
    rows = np.arange(len(index))
    before, after = opaque[rows, first_out - 1], opaque[rows, first_out]
    share = (before - 0.5) / np.maximum(before - after, 1e-6)
    distance = ways[first_out - 1] + share * (ways[1] - ways[0])
    distance = np.where(inside[:, 0], distance, REACH[0])
    keep = found | ~inside[:, 0]
    return index[keep], distance[keep]


def _sample(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Values [N] of an image at places [N,2] (x, y) in px, by bilinear interpolation; zero outside."""
    return map_coordinates(image, [pixels[:, 1] - 0.5, pixels[:, 0] - 0.5], order=1, mode="constant")
