"""Patterns of cloth, painted by rest-pose position so that they stick to the body."""

from collections.abc import Callable

import numpy as np

from data.demo.brush import bake, decal, grain, line, mix
from data.demo.mesh import Piece, folds
from data.demo.paint import emblem
from data.demo.person import Body, smooth_step
from understudy.render.mesh import vertex_normals

Colors = tuple[tuple[int, int, int], ...]


def paint_cloth(body: Body, piece: Piece, colors: Colors, pattern: str, size: int, seed: int) -> np.ndarray:
    """Texture [size,size,3], sRGB 0..255: a pattern of the colours, weave and soft folds."""
    normal = vertex_normals(piece.vertices, piece.faces)
    p, n = bake(piece, size, piece.vertices, normal)
    base = np.full(p.shape, np.array(colors[0], float))
    image = PATTERNS[pattern](p, n, base, colors, body)
    weave = 0.035 * grain(p.shape, seed, (1, 1)) + 0.03 * grain(p.shape, seed + 1, (9, 9))
    crease = 0.07 * folds(p, seed + 2, 16, 5, 14, 0.6)
    return image * (1 + weave + crease)[..., None]


def tinted(image: np.ndarray, base: tuple[int, int, int], color: tuple[int, int, int]) -> np.ndarray:
    """A picture painted with ``base`` as its main colour, dyed so that this becomes ``color``."""
    return image * (np.array(color, float) / np.array(base, float))


def _plain(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    return image


def _print(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    """A picture on the chest."""
    chest = body.head("spine01")[2] + 0.015
    u, v = (p[..., 0] + 0.12) / 0.24, (chest + 0.12 - p[..., 2]) / 0.24
    return decal(image, emblem(), u, v, (n[..., 1] < 0) & (np.abs(p[..., 0]) < 0.16))


def _stripes(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    return mix(image, colors[1], line((p[..., 2] / 0.07) % 1 - 0.5, 0.4, 0.05))


def _pinstripes(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    return mix(image, colors[1], 0.8 * line((np.arctan2(p[..., 0], -p[..., 1]) / 0.16) % 1 - 0.5, 0.2, 0.08))


def _checks(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    for axis, width in ((2, 0.5), (0, 0.5)):
        image = mix(image, colors[1], 0.5 * line((p[..., axis] / 0.08) % 1 - 0.5, width, 0.03))
    return mix(image, colors[-1], line((p[..., 2] / 0.08) % 1 - 0.1, 0.05, 0.02))


def _dots(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    turn = np.array([[0.8, 0.36, 0.48], [-0.6, 0.48, 0.64], [0.0, -0.8, 0.6]])
    cell = (p @ turn / 0.045) % 1 - 0.5
    return mix(image, colors[1], smooth_step(-np.linalg.norm(cell, axis=-1), -0.34, -0.28))


def _blotches(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    """Like camouflage: two more colours in patches."""
    for index, color in enumerate(colors[1:3]):
        image = mix(image, color, smooth_step(folds(p, 70 + index, 18, 3, 8, 1.0), 0.12, 0.18))
    return image


def _halves(p: np.ndarray, n: np.ndarray, image: np.ndarray, colors: Colors, body: Body) -> np.ndarray:
    """Two colours, one above the other, with a thin line between."""
    border = body.head("spine02")[2]
    image = mix(image, colors[1], smooth_step(border - p[..., 2], -0.003, 0.003))
    return mix(image, colors[-1], line(p[..., 2] - border, 0.02, 0.004))


PATTERNS: dict[str, Callable[..., np.ndarray]] = {
    "plain": _plain,
    "print": _print,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "checks": _checks,
    "dots": _dots,
    "blotches": _blotches,
    "halves": _halves,
}
