"""Tools to paint with: spreading values over a texture, lines, grain, prints."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from data.demo.mesh import Piece


def bake(piece: Piece, size: int, *attributes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Spread vertex attributes [V,C] over the texture: [size,size,C] each, gaps filled from the nearest texel."""
    values = np.concatenate(attributes, 1)
    image = np.zeros((size, size, values.shape[1]), np.float32)
    filled = np.zeros((size, size), bool)
    pixels = piece.uv * [size, -size] + [0, size] - 0.5
    for corners, face in zip(pixels, piece.faces, strict=True):
        lo = np.maximum(np.floor(corners.min(0)).astype(int), 0)
        hi = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, size)
        x, y = np.meshgrid(np.arange(lo[0], hi[0]), np.arange(lo[1], hi[1]))
        a, b, c = corners
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if x.size == 0 or abs(area) < 1e-9:
            continue
        v = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
        w = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
        hit = (v >= -0.02) & (w >= -0.02) & (v + w <= 1.02)
        bary = np.stack([1 - v - w, v, w], -1)[hit]
        image[y[hit], x[hit]] = bary @ values[face]
        filled[y[hit], x[hit]] = True
    near = distance_transform_edt(~filled, return_distances=False, return_indices=True)
    image = image[near[0], near[1]]
    splits = np.cumsum([a.shape[1] for a in attributes])[:-1]
    return tuple(np.split(image.astype(np.float64), splits, -1))


def mix(image: np.ndarray, color: tuple[float, float, float], share: np.ndarray) -> np.ndarray:
    """Blend a colour (0..255) into an image where share [...] is 1."""
    return image + (np.array(color, float) - image) * np.clip(share, 0, 1)[..., None]


def line(distance: np.ndarray, width: float, soft: float) -> np.ndarray:
    """1 on a line (|distance| < width / 2), 0 off it; soft is the width of the edge, same unit."""
    return np.clip((width / 2 - np.abs(distance)) / soft + 0.5, 0, 1)


def grain(shape: tuple[int, ...], seed: int, blur: tuple[float, float]) -> np.ndarray:
    """Unit-variance noise [H,W], blurred by (x, y) pixels."""
    noise = np.random.default_rng(seed).normal(size=shape[:2]).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=max(blur[0], 0.1), sigmaY=max(blur[1], 0.1))
    return noise / noise.std()


def decal(image: np.ndarray, art: np.ndarray, u: np.ndarray, v: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Print an RGBA picture on a surface; (u, v) in 0..1 run right and down over the picture."""
    n = art.shape[0]
    inside = where & (u > 0) & (u < 1) & (v > 0) & (v < 1)
    x, y = (u * n).astype(np.float32), (v * n).astype(np.float32)
    sample = cv2.remap(art, x, y, cv2.INTER_LINEAR).astype(np.float64)
    share = sample[..., 3:] / 255 * inside[..., None]
    return image + (sample[..., :3] - image) * share
