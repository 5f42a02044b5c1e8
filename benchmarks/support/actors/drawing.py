"""A quick renderer: textured meshes under one sun and soft light from everywhere, with shadows, by the mesh rasterizer."""

from dataclasses import dataclass

import cv2
import numpy as np

from understudy.render.camera import Camera, look_at
from understudy.render.mesh import MeshRender, rasterize_mesh, vertex_normals

OVERSAMPLING = 2
"""Rays per pixel along each side."""
SUN_DISTANCE = 60.0
"""From where the shadow map looks, m: far enough to be parallel."""
SUN_MAP = 640
"""Side of the shadow map, px."""
SUN_REACH = 3.4
"""Side of the square that the shadow map sees, m."""
SUN_BIAS = 0.015
"""How far below the lit surface a point must lie to be in shadow, m."""


@dataclass(frozen=True)
class Light:
    """What lights a scene; strengths are linear."""

    sun: tuple[float, float, float]
    """Direction towards the sun or lamp, world axes."""
    strength: float
    ambient: float
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour of all light."""
    softness: float = 4.0
    """Blur of shadows on the room, px."""

    @property
    def towards(self) -> np.ndarray:
        """Unit vector to the sun [3]."""
        return np.asarray(self.sun, float) / np.linalg.norm(self.sun)


@dataclass(frozen=True)
class Surface:
    """A textured mesh."""

    vertices: np.ndarray  # [V,3] m, world
    faces: np.ndarray  # [F,3] int32
    uv: np.ndarray  # [F,3,2] px of the texture, or texture units where there are tiles
    texture: np.ndarray  # [H,W,3] uint8 sRGB
    tiles: np.ndarray | None = None  # [F,2] px: first pixel of the face's tile, which repeats
    tile_size: int = 0

    def albedo(self, render: MeshRender, seen: tuple[np.ndarray, ...]) -> np.ndarray:
        """Linear colours [N,3] at the pixels ``seen``."""
        face, bary = render.face[seen], render.bary[seen]
        place = np.einsum("nkc,nk->nc", self.uv[face].astype(np.float32), bary)
        if self.tiles is not None:
            place = self.tiles[face] + 1 + (place % 1) * (self.tile_size - 2)
        x, y = (np.ascontiguousarray(place[None, :, i] - 0.5, np.float32) for i in (0, 1))
        # OpenCV's remap takes less than 32767 columns: fold the list of pixels
        width = 16384
        short = -len(face) % width
        x, y = (np.pad(a[0], (0, short)).reshape(-1, width) for a in (x, y))
        colors = cv2.remap(self.texture, x, y, cv2.INTER_LINEAR).reshape(-1, 3)[: len(face)]
        return to_linear(colors)


def to_linear(colors: np.ndarray) -> np.ndarray:
    """Linear light 0..1 of sRGB 0..255, by its plain power law."""
    return (np.arange(256, dtype=np.float32) / 255)[colors] ** 2.2


def to_srgb(light: np.ndarray) -> np.ndarray:
    """sRGB 0..255 float of linear light."""
    return 255 * np.clip(light, 0, 1) ** (1 / 2.2)


@dataclass(frozen=True)
class Shadows:
    """Depth of a mesh as the sun sees it."""

    camera: Camera
    depth: np.ndarray  # [S,S]

    @classmethod
    def of(cls, vertices: np.ndarray, faces: np.ndarray, light: Light) -> "Shadows":
        """The shadow map of a mesh [V,3], world axes."""
        middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        view = look_at(middle + SUN_DISTANCE * light.towards, middle, np.array([0.0, 0.1, 1.0]))
        focal = SUN_MAP / SUN_REACH * SUN_DISTANCE
        K = np.array([[focal, 0, SUN_MAP / 2], [0, focal, SUN_MAP / 2], [0, 0, 1.0]])
        camera = Camera(K, SUN_MAP, SUN_MAP, view)
        return cls(camera, rasterize_mesh(camera.to_camera(vertices), faces, K, camera.size).depth)

    def light_at(self, points: np.ndarray) -> np.ndarray:
        """Share of sunlight [N] that reaches points [N,3]: the mean of four neighbouring rays."""
        local = self.camera.to_camera(points)
        pixels = self.camera.K[0, 0] * local[:, :2] / local[:, 2:] + SUN_MAP / 2
        share = np.zeros(len(points), np.float32)
        for shift in ((-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7), (0.7, 0.7)):
            column, row = np.clip(pixels + shift, 0, SUN_MAP - 1).astype(np.int32).T
            share += 0.25 * (local[:, 2] < self.depth[row, column] + SUN_BIAS)
        return share


@dataclass(frozen=True)
class Plate:
    """The empty room in a camera."""

    light: np.ndarray  # [H,W,3] linear
    points: np.ndarray  # [H,W,3] m, world; what each pixel's middle shows


def draw_room(room: Surface, light: Light, camera: Camera, oversampling: int = OVERSAMPLING) -> Plate:
    """Draw the empty room."""
    fine = camera.scaled(oversampling)
    render = rasterize_mesh(fine.to_camera(room.vertices), room.faces, fine.K, fine.size)
    seen = np.nonzero(render.face >= 0)
    normals = vertex_normals(room.vertices, room.faces)
    normal = render.interpolate(normals, room.faces)[seen]
    brightness = light.ambient + light.strength * np.clip(normal @ light.towards, 0, 1)
    picture = np.zeros((*render.face.shape, 3), np.float32)
    picture[seen] = room.albedo(render, seen) * brightness[:, None] * np.array(light.tint, np.float32)
    points = render.interpolate(room.vertices, room.faces)
    points = points[oversampling // 2 :: oversampling, oversampling // 2 :: oversampling]
    return Plate(cv2.resize(picture, camera.size, interpolation=cv2.INTER_AREA), points)


def draw_person(
    person: Surface, light: Light, camera: Camera, shadows: Shadows
) -> tuple[np.ndarray, np.ndarray, tuple[slice, slice]]:
    """Draw a person alone.

    Returns:
        Linear light times coverage [h,w,3] and coverage [h,w] 0..1 in the person's box, and that box's rows and columns.
    """
    local = camera.to_camera(person.vertices)
    pixels = camera.project(person.vertices)
    low = np.clip(np.floor(pixels.min(axis=0)) - 2, 0, camera.size).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)) + 2, 0, camera.size).astype(int)
    width, height = (high - low).tolist()
    box = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
    if width < 1 or height < 1:
        return np.zeros((0, 0, 3), np.float32), np.zeros((0, 0), np.float32), (slice(0, 0), slice(0, 0))
    fine = camera.crop(int(low[0]), int(low[1]), width, height).scaled(OVERSAMPLING)
    render = rasterize_mesh(local, person.faces, fine.K, fine.size)
    seen = np.nonzero(render.face >= 0)
    normals = vertex_normals(person.vertices, person.faces)
    normal = render.interpolate(normals, person.faces)[seen]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    points = render.interpolate(person.vertices, person.faces)[seen]
    to_eye = camera.centre - points
    to_eye /= np.linalg.norm(to_eye, axis=1, keepdims=True)
    facing = (normal * to_eye).sum(axis=1)
    normal *= np.where(facing < 0, -1.0, 1.0)[:, None]  # the inside of a sleeve
    sun = np.clip(normal @ light.towards, 0, 1) * shadows.light_at(points)
    around = light.ambient * (0.72 + 0.28 * normal[:, 2]) * (0.65 + 0.35 * np.abs(facing))
    picture = np.zeros((*render.face.shape, 4), np.float32)
    brightness = (around + light.strength * sun)[:, None] * np.array(light.tint, np.float32)
    picture[(*seen, slice(0, 3))] = person.albedo(render, seen) * brightness
    picture[(*seen, 3)] = 1.0
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return picture[..., :3], picture[..., 3], box


def draw_frame(
    plate: Plate, person: Surface, feet: np.ndarray, light: Light, camera: Camera, grain: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The finished picture [H,W,3] uint8 and the person's share of each pixel [H,W].

    Args:
        plate: The empty room.
        person: The posed person.
        feet: Points under which the floor is darkened [N,3], m.
        light: What lights both.
        camera: Where from.
        grain: Standard deviation of the film grain, of 255.
        seed: Its seed.
    """
    shadows = Shadows.of(person.vertices, person.faces, light)
    flat = plate.points.reshape(-1, 3)
    lit = shadows.light_at(flat).reshape(plate.points.shape[:2])
    soft = cv2.GaussianBlur(lit, (0, 0), light.softness)
    shade = 1 - (1 - soft) * light.strength / (light.strength + light.ambient)
    for foot in feet:
        near = np.exp(-((np.linalg.norm(plate.points[..., :2] - foot[:2], axis=-1) / 0.13) ** 2))
        fade = np.exp(-max(float(foot[2]), 0.0) / 0.12)
        shade *= 1 - 0.45 * fade * near * np.exp(-np.maximum(plate.points[..., 2], 0) / 0.05)
    picture = plate.light * shade[..., None].astype(np.float32)
    color, share, box = draw_person(person, light, camera, shadows)
    picture[box] = color + (1 - share[..., None]) * picture[box]
    alpha = np.zeros(picture.shape[:2], np.float32)
    alpha[box] = share
    noise = np.random.default_rng(seed).normal(0, grain, (*alpha.shape, 1)).astype(np.float32)
    picture = cv2.GaussianBlur(to_srgb(picture), (0, 0), 0.45) + noise
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8), alpha
