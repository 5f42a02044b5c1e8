"""From what Blender renders to the finished picture: less noise, the same texture, actor and shadow over the room."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def composite(folder: Path, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """The finished picture [H,W,3] uint8 RGB and the actor's share of each pixel [H,W] 0..1.

    The actor's light (picture / surface colour) is smoothed, the texture is not; the shadow on the room is smoothed
    and laid over the empty room, so that the background has no noise but the little film grain added at the end.
    """
    actor = read_16bit(folder / f"{frame:04d}.png")
    albedo = read_16bit(folder / f"{frame:04d}_albedo.png")
    share = actor[..., 3:]
    color = to_linear(actor[..., :3]) * share
    light = (color + 0.004) / (albedo + 0.004)
    known = (share > 0.5).astype(np.float32)
    around = cv2.GaussianBlur(light * known, (0, 0), 4) / np.maximum(
        cv2.GaussianBlur(known, (0, 0), 4)[..., None], 1e-3
    )
    light = np.log(np.where(known > 0, light, np.maximum(around, 1e-3)).clip(1e-3, 20))
    middle = cv2.medianBlur(light, 3)
    light = np.where(np.abs(light - middle) > 0.35, middle, light)
    for _ in range(2):
        light = cv2.bilateralFilter(light, 9, 0.36, 2.0)
    smooth = np.where(known > 0, np.exp(light) * (albedo + 0.004) - 0.004, color).clip(0)
    plate = to_linear(read_16bit(folder / "plate.png")[..., :3])
    plate = cv2.bilateralFilter(plate, 5, 0.03, 1.2)
    near = [t for t in (frame - 1, frame, frame + 1) if (folder / f"{t:04d}_room.png").exists()]
    shade = np.mean([shadow(folder, t, plate) for t in near], 0)
    shade = cv2.GaussianBlur(cv2.resize(np.exp(shade), plate.shape[1::-1], interpolation=cv2.INTER_CUBIC), (0, 0), 1.5)
    picture = to_srgb(smooth + (1 - share) * plate * shade.clip(0, 1.05)[..., None])
    grain = np.random.default_rng(frame).normal(0, 0.6, (*picture.shape[:2], 1))
    return np.clip(picture[..., ::-1] * 255 + grain + 0.5, 0, 255).astype(np.uint8), share[..., 0]


def read_16bit(path: Path) -> np.ndarray:
    """A 16-bit PNG as float32 [H,W,C] 0..1, channels BGR(A)."""
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32) / 65535


def shadow(folder: Path, frame: int, plate: np.ndarray) -> np.ndarray:
    """Log of the share of light that the actor leaves the room [H/3,W/3], smoothed; plate [H,W,3] is linear."""
    room = to_linear(
        cv2.imread(str(folder / f"{frame:04d}_room.png"), cv2.IMREAD_UNCHANGED)[..., :3].astype(np.float32) / 65535
    )
    small = cv2.resize(plate, (room.shape[1], room.shape[0]), interpolation=cv2.INTER_AREA)
    shade = np.log((cv2.blur(room.mean(-1), (3, 3)) + 0.01) / (cv2.blur(small.mean(-1), (3, 3)) + 0.01)).clip(-3, 0.5)
    shade = cv2.medianBlur(shade.astype(np.float32), 5)
    return cv2.bilateralFilter(cv2.bilateralFilter(shade, 9, 0.2, 3.0), 9, 0.2, 3.0)


def to_linear(x: np.ndarray) -> np.ndarray:
    """sRGB to linear light, both 0..1."""
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(x: np.ndarray) -> np.ndarray:
    """Linear light to sRGB, both 0..1."""
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
