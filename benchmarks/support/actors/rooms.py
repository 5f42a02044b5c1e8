"""Rooms behind the actors: floors, walls and furniture with textures from seeded noise, plain or cluttered."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import ArrayLike

from benchmarks.support.actors.drawing import Light, Surface

TILE = 512
"""Side of a texture, px."""
CELL = 0.5
"""Side of the squares that surfaces are cut into, m: the rasterizer drops triangles that reach behind the camera."""


@dataclass
class _Builder:
    rng: np.random.Generator
    vertices: list[np.ndarray] = field(default_factory=list)
    faces: list[np.ndarray] = field(default_factory=list)
    uv: list[np.ndarray] = field(default_factory=list)
    tile: list[np.ndarray] = field(default_factory=list)
    textures: list[np.ndarray] = field(default_factory=list)

    def texture(self, picture: np.ndarray) -> int:
        self.textures.append(np.clip(picture, 0, 255).astype(np.uint8))
        return len(self.textures) - 1

    def quad(self, corner: ArrayLike, along: ArrayLike, up: ArrayLike, texture: int, period: float = 0.0) -> None:
        """A rectangle; its normal is along x up. ``period``: width of one repeat of the texture, m; 0 stretches one over all."""
        corner, along, up = (np.asarray(a, float) for a in (corner, along, up))
        n, m = (max(1, int(np.ceil(np.linalg.norm(a) / CELL))) for a in (along, up))
        s, t = np.meshgrid(np.arange(n + 1) / n, np.arange(m + 1) / m)
        points = corner + s[..., None] * along + t[..., None] * up
        index = np.arange((n + 1) * (m + 1)).reshape(m + 1, n + 1)
        a, b, c, d = (i.ravel() for i in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
        scale = np.array([np.linalg.norm(along), np.linalg.norm(up)]) / period if period else np.array([0.999, 0.999])
        uv = (np.stack([s, 1 - t], -1) * scale).reshape(-1, 2)
        self.faces.append(faces + sum(len(v) for v in self.vertices))
        self.vertices.append(points.reshape(-1, 3))
        self.uv.append(uv[faces])
        self.tile.append(np.full(len(faces), texture))

    def box(self, low: ArrayLike, size: ArrayLike, front: int, sides: int) -> None:
        """A box; its front looks to -y."""
        x, y, z = np.diag(np.asarray(size, float))
        low = np.asarray(low, float)
        self.quad(low, x, z, front)
        self.quad(low + x, y, z, sides)
        self.quad(low + y, -y, z, sides)
        self.quad(low + z, x, y, sides)

    def surface(self) -> Surface:
        across = 4
        rows = -(-len(self.textures) // across)
        texture = np.zeros((rows * TILE, across * TILE, 3), np.uint8)
        for index, picture in enumerate(self.textures):
            y, x = divmod(index, across)
            texture[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE] = picture
        tile = np.concatenate(self.tile)
        origin = np.stack([tile % across, tile // across], 1) * TILE
        faces = np.concatenate(self.faces).astype(np.int32)
        return Surface(np.concatenate(self.vertices), faces, np.concatenate(self.uv), texture, origin, TILE)

    # textures, sRGB [TILE,TILE,3]

    def noise(self, color: tuple[int, ...], fine: float, coarse: float, size: float = 24.0) -> np.ndarray:
        """A colour with fine grain and coarse patches (relative deviations)."""
        picture = np.full((TILE, TILE, 3), np.array(color, float))
        return picture * (1 + fine * self.wave(1.0) + coarse * self.wave(size))[..., None]

    def wave(self, size: float | tuple[float, float]) -> np.ndarray:
        """Unit noise that repeats, of a size in px."""
        x, y = (size, size) if isinstance(size, (int, float)) else size
        noise = self.rng.normal(size=(TILE, TILE)).astype(np.float32)
        noise = cv2.GaussianBlur(np.tile(noise, (3, 3)), (0, 0), sigmaX=x, sigmaY=y)[TILE:-TILE, TILE:-TILE]
        return noise / noise.std()

    def planks(self, color: tuple[int, ...]) -> np.ndarray:
        picture = np.full((TILE, TILE, 3), np.array(color, float)) * (1 + 0.06 * self.wave((40.0, 1.5)))[..., None]
        for row in range(8):
            rows = slice(row * 64, row * 64 + 64)
            picture[rows] *= self.rng.uniform(0.82, 1.12)
            picture[row * 64 : row * 64 + 2] *= 0.55
            picture[rows, (row * 197) % TILE : (row * 197) % TILE + 3] *= 0.6
        return picture

    def squares(self, first: tuple[int, ...], second: tuple[int, ...]) -> np.ndarray:
        picture = self.noise(first, 0.02, 0.03)
        y, x = np.mgrid[:TILE, :TILE] // (TILE // 2)
        picture[(x + y) % 2 == 1] *= np.array(second, float) / np.array(first, float)
        picture[:: TILE // 2] *= 0.7
        picture[:, :: TILE // 2] *= 0.7
        return picture

    def bricks(self, color: tuple[int, ...]) -> np.ndarray:
        picture = self.noise(color, 0.06, 0.08, 10.0)
        for row in range(16):
            for column in range(5):
                x = column * 128 - 64 * (row % 2)
                picture[row * 32 : row * 32 + 32, max(x, 0) : max(x + 128, 0)] *= self.rng.uniform(0.8, 1.15)
                picture[row * 32 : row * 32 + 32, max(x, 0) : max(x + 5, 0)] = (168, 160, 150)
            picture[row * 32 : row * 32 + 4] = (168, 160, 150)
        return picture

    def stripes(self, first: tuple[int, ...], second: tuple[int, ...], count: int) -> np.ndarray:
        picture = self.noise(first, 0.015, 0.02)
        picture[:, (np.arange(TILE) * count // TILE) % 2 == 1] *= np.array(second, float) / np.array(first, float)
        return picture

    def books(self) -> np.ndarray:
        picture = np.full((TILE, TILE, 3), (70.0, 48.0, 34.0))
        for shelf in range(4):
            x = 10
            while x < TILE - 40:
                width, height = int(self.rng.integers(9, 30)), int(self.rng.integers(70, 112))
                if self.rng.random() < 0.86:
                    color = self.rng.uniform(30, 225, 3)
                    top = shelf * 128 + 122 - height
                    picture[top : shelf * 128 + 122, x : x + width] = color
                    picture[top + 12 : top + 18, x : x + width] = 255 - color
                x += width + 1
            picture[shelf * 128 + 122 : shelf * 128 + 128] = (96, 68, 48)
        return picture

    def poster(self) -> np.ndarray:
        picture = np.full((TILE, TILE, 3), self.rng.uniform(60, 240, 3))
        for _ in range(7):
            middle, radius = self.rng.integers(60, TILE - 60, 2).tolist(), int(self.rng.integers(25, 130))
            color = self.rng.uniform(10, 245, 3).tolist()
            if self.rng.random() < 0.5:
                cv2.circle(picture, middle, radius, color, -1, cv2.LINE_AA)
            else:
                cv2.rectangle(picture, middle, [middle[0] + radius, middle[1] + 2 * radius], color, -1)
        cv2.rectangle(picture, (0, 0), (TILE - 1, TILE - 1), (25, 25, 25), 16)
        return picture

    def leaves(self, dark: tuple[int, ...], light: tuple[int, ...]) -> np.ndarray:
        share = 1 / (1 + np.exp(-2.2 * (0.7 * self.wave(4.0) + 0.6 * self.wave(14.0))))
        share = np.clip(share + 0.12 * self.wave(1.2), 0, 1)[..., None]
        return np.array(dark, float) * (1 - share) + np.array(light, float) * share

    def window(self) -> np.ndarray:
        fade = np.linspace(0, 1, TILE)[:, None, None]
        picture = (1 - fade) * np.array([214.0, 232, 250]) + fade * np.array([170.0, 196, 170])
        picture = np.tile(picture, (1, TILE, 1)) + 6 * self.wave(18.0)[..., None]
        for middle in (0, TILE // 2, TILE - 1):
            picture[max(middle - 14, 0) : middle + 14] = (236, 234, 228)
            picture[:, max(middle - 14, 0) : middle + 14] = (236, 234, 228)
        return picture


@dataclass(frozen=True)
class Room:
    """A background and its light."""

    surface: Surface
    light: Light


def _indoors(builder: _Builder, floor: int, wall: int, back: float, side: float, periods: tuple[float, float]) -> None:
    builder.quad([-side, -9, 0], [2 * side, 0, 0], [0, back + 9, 0], floor, periods[0])
    builder.quad([-side, back, 0], [2 * side, 0, 0], [0, 0, 3.0], wall, periods[1])
    builder.quad([-side, -9, 0], [0, back + 9, 0], [0, 0, 3.0], wall, periods[1])
    builder.quad([side, back, 0], [0, -back - 9, 0], [0, 0, 3.0], wall, periods[1])
    ceiling = builder.texture(builder.noise((226, 224, 218), 0.01, 0.01))
    builder.quad([-side, back, 3.0], [2 * side, 0, 0], [0, -back - 9, 0], ceiling, 2.0)
    skirting = builder.texture(builder.noise((236, 234, 230), 0.01, 0.01))
    builder.quad([-side, back - 0.01, 0], [2 * side, 0, 0], [0, 0, 0.09], skirting)


def plain_wall(builder: _Builder, back: float) -> Light:
    """A pale wall and planks; nothing else."""
    wall = builder.texture(builder.noise((202, 196, 184), 0.012, 0.02))
    _indoors(builder, builder.texture(builder.planks((152, 112, 78))), wall, back, 4.0, (1.2, 1.5))
    return Light((-0.5, -0.9, 1.5), 0.75, 0.5, softness=7.0)


def living_room(builder: _Builder, back: float) -> Light:
    """Wallpaper, shelves of books, posters, a window, a sofa: clutter."""
    wall = builder.texture(builder.stripes((176, 168, 150), (158, 150, 134), 8))
    _indoors(builder, builder.texture(builder.planks((112, 74, 48))), wall, back, 3.2, (1.1, 1.0))
    wood = builder.texture(builder.planks((96, 68, 48)))
    cloth = builder.texture(builder.noise((96, 110, 92), 0.05, 0.06, 6.0))
    for x, width in ((-2.9, 1.0), (1.3, 1.2)):
        builder.box([x, back - 0.36, 0], [width, 0.34, 1.95], builder.texture(builder.books()), wood)
    for x, z in ((-1.55, 1.35), (-0.7, 1.5), (0.25, 1.3)):
        size = builder.rng.uniform(0.4, 0.7, 2)
        builder.quad([x, back - 0.015, z], [size[0], 0, 0], [0, 0, size[1]], builder.texture(builder.poster()))
    builder.quad([2.65, back - 0.02, 0.9], [0.5, 0, 0], [0, 0, 1.3], builder.texture(builder.window()))
    builder.box([-1.6, back - 0.95, 0], [1.9, 0.85, 0.42], cloth, cloth)
    builder.box([-1.6, back - 0.3, 0.42], [1.9, 0.25, 0.42], cloth, cloth)
    builder.box([0.55, back - 0.7, 0], [0.5, 0.5, 0.5], wood, wood)
    return Light((0.9, -0.7, 1.6), 0.65, 0.48, (1.0, 0.95, 0.86), 7.0)


def gym(builder: _Builder, back: float) -> Light:
    """Chequered floor, two-coloured wall, boxes and a mirror-like panel."""
    wall = builder.texture(builder.noise((146, 158, 168), 0.015, 0.02))
    floor = builder.texture(builder.squares((118, 122, 124), (150, 152, 150)))
    _indoors(builder, floor, wall, back, 4.0, (1.0, 1.5))
    band = builder.texture(builder.noise((58, 84, 122), 0.02, 0.03))
    builder.quad([-4, back - 0.012, 0.09], [8, 0, 0], [0, 0, 1.0], band, 1.0)
    for index in range(5):
        texture = builder.texture(builder.noise(tuple(builder.rng.uniform(40, 190, 3)), 0.03, 0.05))
        size = builder.rng.uniform(0.35, 0.7, 3)
        builder.box([-2.6 + 1.15 * index, back - 0.1 - size[1], 0], size, texture, texture)
    return Light((0.3, -0.8, 1.8), 0.6, 0.55, (0.94, 0.98, 1.0), 8.0)


def garden(builder: _Builder, back: float) -> Light:
    """A lawn, a hedge, sky: fine texture everywhere and a hard sun."""
    lawn = builder.texture(builder.leaves((58, 84, 34), (122, 146, 74)))
    hedge = builder.texture(builder.leaves((22, 42, 18), (92, 126, 58)))
    sky = np.linspace(0, 1, TILE)[:, None, None]
    sky = np.tile((1 - sky) * np.array([116.0, 162, 214]) + sky * np.array([206.0, 222, 234]), (1, TILE, 1))
    builder.quad([-9, -9, 0], [18, 0, 0], [0, back + 9, 0], lawn, 0.9)
    builder.quad([-9, back, 0], [18, 0, 0], [0, 0, 1.9], hedge, 1.3)
    builder.quad([-14, back + 5, -0.5], [28, 0, 0], [0, 0, 12], builder.texture(sky))
    trunk = builder.texture(builder.noise((86, 66, 50), 0.1, 0.1, 8.0))
    for x in (-2.2, 1.9):
        builder.box([x, back - 0.6, 0], [0.22, 0.22, 2.6], trunk, trunk)
    return Light((0.8, -0.6, 1.3), 1.15, 0.36, (1.0, 0.97, 0.9), 1.6)


def street(builder: _Builder, back: float) -> Light:
    """Asphalt, a brick wall with doors and windows, a parked box of a van."""
    asphalt = builder.texture(builder.noise((112, 112, 114), 0.09, 0.04, 30.0))
    brick = builder.texture(builder.bricks((150, 84, 66)))
    builder.quad([-9, -9, 0], [18, 0, 0], [0, back + 9, 0], asphalt, 1.4)
    builder.quad([-9, back, 0], [18, 0, 0], [0, 0, 7.0], brick, 1.1)
    for x in (-2.6, -0.4, 1.7):
        builder.quad([x, back - 0.03, 0.95], [0.9, 0, 0], [0, 0, 1.2], builder.texture(builder.window()))
    door = builder.texture(builder.stripes((44, 78, 62), (36, 66, 52), 6))
    builder.quad([0.75, back - 0.03, 0], [0.75, 0, 0], [0, 0, 2.05], door)
    paint = builder.texture(builder.noise((190, 182, 60), 0.01, 0.02))
    builder.box([-4.6, back - 1.9, 0.3], [2.3, 1.5, 1.5], paint, paint)
    return Light((-1.0, -0.8, 1.5), 0.95, 0.42, (0.98, 0.98, 1.0), 2.2)


def studio(builder: _Builder, back: float) -> Light:
    """A grey backdrop with a soft gradient."""
    gradient = np.linspace(1.12, 0.86, TILE)[:, None, None]
    wall = builder.texture(builder.noise((128, 130, 134), 0.008, 0.015, 60.0) * gradient)
    floor = builder.texture(builder.noise((122, 124, 128), 0.01, 0.02))
    builder.quad([-6, -9, 0], [12, 0, 0], [0, back + 9, 0], floor, 2.0)
    builder.quad([-6, back, 0], [12, 0, 0], [0, 0, 5.0], wall)
    return Light((-0.8, -1.2, 1.6), 0.85, 0.42, softness=9.0)


ROOMS: dict[str, Callable[[_Builder, float], Light]] = {
    "plain wall": plain_wall,
    "living room": living_room,
    "gym": gym,
    "garden": garden,
    "street": street,
    "studio": studio,
}


def make_room(name: str, back: float, seed: int) -> Room:
    """A room whose back wall stands at y = ``back``, m."""
    builder = _Builder(np.random.default_rng(seed))
    light = ROOMS[name](builder, back)
    return Room(builder.surface(), light)
