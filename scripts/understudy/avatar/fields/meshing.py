"""Meshes of fields by marching cubes, of the whole person or of one part."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from understudy.avatar.fields.avatar import CHUNK, PosedField
from understudy.avatar.fields.compositing import composite
from understudy.avatar.fields.rays import Rays
from understudy.commands import called
from understudy.errors import InputError
from understudy.progress import track
from understudy.render.mesh import vertex_normals

MOST_NODES = 1 << 27
"""Of the lattice: a person in nodes of 3 mm."""
OFF, DEEP, LOOKS = 0.008, 0.016, 8
"""How far outside a vertex its colour is looked at from, m, how far along, m, and at how many places."""


@dataclass(frozen=True)
class FieldMesh:
    """A mesh with a colour at each vertex."""

    vertices: np.ndarray  # [V,3] float32 m, world frame
    faces: np.ndarray  # [F,3] int32, outward by the right-hand rule
    colors: np.ndarray  # [V,3] float32 sRGB 0..1


@torch.no_grad()
def field_mesh(posed: PosedField, step: float = 0.005, level: float = 0.1, part: str | None = None) -> FieldMesh:
    """The surface of a field in a pose.

    Args:
        posed: The field.
        step: Distance of the lattice's nodes, m.
        level: Occupancy at the surface.
        part: One of the field's ``part_names``; None for all of it.

    Source: Lorensen and Cline, Marching Cubes (SIGGRAPH 1987); step and level as in Geng et al. (CVPR 2023).

    Raises:
        InputError: scikit-image is missing, there is no such part, the lattice would be too fine, or nothing is so occupied.
    """
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise InputError(
            f"Marching cubes need scikit-image: {called('pip')} install -e '.[export]' in Understudy's folder."
        ) from None
    names = posed.avatar.part_names
    if part is not None and part not in names:
        known = f"it has {', '.join(names)}" if names else "it is of one piece"
        raise InputError(f"There is no part {part!r} of an avatar of {posed.avatar.method}; {known}.")
    volume, origin = _volume(posed, step, part)
    if volume.max() <= level:
        raise InputError(f"Nothing of the avatar is occupied by more than {level}; choose a lower level.")
    # deep inside, where no ray ever comes, there is nothing
    volume[ndimage.binary_fill_holes(volume > level) & (volume <= level)] = 1.0
    places, faces, _, _ = marching_cubes(volume, level, gradient_direction="ascent")
    vertices = (origin + step * places).astype(np.float32)
    return FieldMesh(vertices, faces.astype(np.int32), _colors(posed, vertices, faces))


def _volume(posed: PosedField, step: float, part: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Occupancies [X,Y,Z] float32 on a lattice round the body, and its first node [3]."""
    anchors = posed.surface.vertices
    margin = posed.avatar.space.outside + 2.0 * step
    origin = (anchors.amin(dim=0) - margin).cpu().numpy().astype(np.float64)
    counts = np.ceil(((anchors.amax(dim=0) + margin).cpu().numpy() - origin) / step).astype(np.int64) + 1
    if counts.prod() > MOST_NODES:
        raise InputError(f"A step of {step * 1000:g} mm makes {counts.prod():,} nodes here; give a larger one.")
    volume = np.zeros(counts, np.float32)
    across = torch.from_numpy(np.stack(np.meshgrid(*(np.arange(n) for n in counts[1:]), indexing="ij"), axis=-1))
    plane = torch.from_numpy(origin[1:]).float() + step * across.reshape(-1, 2).float()
    for x in track(range(int(counts[0])), "marching through the field"):
        points = torch.cat([torch.full((len(plane), 1), origin[0] + step * x), plane], dim=1).to(anchors)
        seen = [posed.avatar.occupancy(posed.surface, some, posed.moment, part) for some in points.split(8 * CHUNK)]
        volume[x] = torch.cat(seen).view(*counts[1:].tolist()).cpu().numpy()
    return volume, origin


def _colors(posed: PosedField, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """What is seen of vertices [V,3] from straight in front of them [V,3]."""
    device = posed.surface.vertices.device
    normals = torch.from_numpy(vertex_normals(vertices, faces)).to(device)
    places = torch.from_numpy(vertices).to(device)
    colors = []
    for some, ways in zip(places.split(CHUNK), normals.split(CHUNK), strict=True):
        colors.append(_seen_from_outside(posed, some, ways))
    return torch.cat(colors).clamp(0.0, 1.0).cpu().numpy()


def _seen_from_outside(posed: PosedField, places: Tensor, normals: Tensor) -> Tensor:
    ends = places.new_full((len(places),), DEEP)
    rays = Rays(places + OFF * normals, -normals, 0.0 * ends, ends, ends, ends)
    depths = rays.stratified(LOOKS)
    alphas, rgb = posed.avatar.samples(
        posed.surface, rays, depths, rays.steps(depths), torch.ones_like(ends), posed.moment
    )
    drawn = composite(alphas, rgb, depths)
    return drawn.rgb / drawn.alpha.clamp_min(1e-3)[:, None]
