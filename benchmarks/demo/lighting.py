"""One light over directions, by which pictures of a body are told apart from its colours.

A video shows surfaces lit as they were while they faced the camera. From another side the same room lights them otherwise, and
nothing in the video says how; so a view from another side is scored as it is, and once more after one light is fitted to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Lit:
    """A render and the true picture [H,W,3], and the normals [H,W,3] of what both show, zeros where they are not compared."""

    render: np.ndarray
    truth: np.ndarray
    normals: np.ndarray


def with_one_light(pictures: Sequence[Lit]) -> list[np.ndarray]:
    """The renders after the factors on their colours, smooth over normals and one set for all, that bring them nearest the truth.

    Source: Ramamoorthi and Hanrahan, An efficient representation for irradiance environment maps (SIGGRAPH 2001): nine
    numbers a channel, spherical harmonics of order two.
    """
    inside = [np.abs(picture.normals).sum(axis=-1) > 0 for picture in pictures]
    waves = [harmonics(picture.normals[where]) for picture, where in zip(pictures, inside, strict=True)]
    relit = [picture.render.copy() for picture in pictures]
    for channel in range(3):
        rows = [
            wave * picture.render[where][:, channel, None]
            for wave, picture, where in zip(waves, pictures, inside, strict=True)
        ]
        wanted = [picture.truth[where][:, channel] for picture, where in zip(pictures, inside, strict=True)]
        factors = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
        for picture, row, where in zip(relit, rows, inside, strict=True):
            picture[where, channel] = np.clip(row @ factors, 0.0, 1.0)
    return relit


def harmonics(normals: np.ndarray) -> np.ndarray:
    """The nine spherical harmonics of order two [N,9], without their constants, of normals [N,3]."""
    x, y, z = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, z * x, x * x - y * y, 3 * z * z - 1], axis=1)
