"""Pictures of an act: colours, silhouettes, depths or normals, over a background."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch

from understudy.errors import InputError
from understudy.render.camera import Camera
from understudy.rendering.backdrop import Backdrop
from understudy.rendering.config import Layer
from understudy.rendering.performance import Performance
from understudy.rendering.shadow import ground_shadow

LAYERS = get_args(Layer)
MILLIMETRES = 1000.0
COVERED = 0.5
"""Depth is given where the person covers at least so much of a pixel."""


@dataclass(frozen=True)
class Picture:
    """One rendered picture, H px high and W px wide."""

    rgb: np.ndarray  # [H,W,3] float32
    """Premultiplied by alpha; sRGB 0..1, or a unit normal in the camera's axes."""
    alpha: np.ndarray  # [H,W] float32
    """How much of the pixel the person covers, 0..1, the shadow included."""
    depth: np.ndarray  # [H,W] float32, m
    """Along the camera's z; 0 where nothing is."""


def check_layer(layer: str) -> None:
    """Refuse an unknown layer."""
    if layer not in LAYERS:
        raise InputError(f"layer is {layer!r}; it must be one of {', '.join(LAYERS)}.")


def render_performance(
    act: Performance, cameras: Sequence[Camera], layer: str = "color", shadow: bool = False
) -> Iterator[Picture]:
    """Draw one picture after the other: camera ``i`` sees frame ``i`` of the act, and its last frame from then on.

    Args:
        act: Who is seen.
        cameras: One for each picture, in the act's world.
        layer: What ``rgb`` holds: normals for ``normal``, colours for ``color``, ``alpha`` and ``depth``.
        shadow: Whether the person throws a soft shadow on the ground, y = 0; in colour pictures alone.

    Returns:
        The pictures, each drawn when it is asked for.

    Raises:
        InputError: There is no such layer.
    """
    check_layer(layer)
    for number, camera in enumerate(cameras):
        with torch.no_grad():
            posed = act.posed(min(number, len(act) - 1))
            drawn = posed.draw(camera, normals=layer == "normal")
            if layer == "normal" and drawn.normal is None:
                raise InputError(f"An avatar of the method {act.avatar.method} draws no normals; choose another layer.")
            picture, alpha = drawn.rgb if drawn.normal is None else drawn.normal, drawn.alpha
            if shadow and layer == "color":
                # black behind the person adds nothing to the colours
                alpha = alpha + (1 - alpha) * ground_shadow(posed, camera)
            yield Picture(*(part.cpu().numpy() for part in (picture, alpha, drawn.depth)))


def to_pixels(
    picture: Picture,
    layer: str,
    number: int,
    backdrop: Backdrop,
    near_far: tuple[float, float] | None = None,
) -> np.ndarray:
    """Pixels to write: uint8 [H,W,3]; [H,W,4] where the backdrop is transparent; [H,W] for alpha; depth as below.

    Args:
        picture: What was rendered.
        layer: Of which it is.
        number: Of the picture, for a backdrop that moves.
        backdrop: What is behind the person.
        near_far: Depths (m) that become white and nearly black, uint8 [H,W]; None for millimetres, uint16 [H,W],
            0 where nothing is.
    """
    if layer == "alpha":
        return _bytes(picture.alpha)
    if layer == "depth":
        covered = picture.alpha >= COVERED
        if near_far is None:
            return np.where(covered, np.rint(picture.depth * MILLIMETRES).clip(0, 65535), 0).astype(np.uint16)
        near, far = near_far
        share = (far - picture.depth) / max(far - near, 1e-6)
        return _bytes(np.where(covered, 0.1 + 0.9 * share.clip(0, 1), 0.0))
    color, alpha = picture.rgb, picture.alpha[..., None]
    if layer == "normal":
        straight = color / np.maximum(np.linalg.norm(color, axis=-1, keepdims=True), 1e-6)
        # as normal maps have it: x right, y up, z towards the viewer
        color = (straight * [1.0, -1.0, -1.0] * 0.5 + 0.5) * alpha
    behind = backdrop.pixels(number, (color.shape[1], color.shape[0]))
    if behind is None:
        straight = color / np.maximum(alpha, 1e-6)
        return _bytes(np.concatenate([np.where(alpha > 0, straight, 0.0), alpha], axis=-1))
    return _bytes(color + (1 - alpha) * behind)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)
