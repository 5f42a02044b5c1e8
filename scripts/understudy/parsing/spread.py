"""From materials drawn on the body to labels of a mask's pixels, which the frame's own colours may move a little."""

from dataclasses import dataclass

import cv2
import numpy as np

from understudy.body.part_labels import MATERIALS
from understudy.matting.colours import cells
from understudy.matting.looks import mask_window
from understudy.silhouettes.blobs import of_nearest

REACH = 0.012
"""Distance, in heights of the person, at which a border moves for one nat of colour."""
LOOSE = 0.6
"""By how much of its distance from the body this grows for a pixel beside it."""
CLIP = 4.0
"""Nats that the colours round a pixel say at most."""
STAND_OFF = 2.0
"""Nats against skin at this distance from the body: hair and cloth stand off it, skin does not."""
RIM = 0.002
"""Width, in heights of the person, of the mask's rim, whose pixels are mixed with the background and say nothing."""
LOOK = 0.002
"""Radius, in heights of the person, of the patch whose colours are pooled for a pixel."""


@dataclass(frozen=True, eq=False)
class ColourTables:
    """What colours say about the materials."""

    against: np.ndarray  # [CELLS,materials] float32
    """How much less likely a colour is than for the material it fits best, nats, at most ``CLIP``."""

    @classmethod
    def of(cls, likely: np.ndarray) -> "ColourTables":
        """Of log densities [materials,CELLS]."""
        return cls(np.ascontiguousarray(np.minimum(likely.max(axis=0) - likely, CLIP).T, np.float32))


def cut_labels(drawn: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Labels uint8 [H,W] inside ``mask`` [H,W]: those of ``drawn`` [H,W], or of its nearest labelled pixel."""
    if not mask.any() or not drawn.any():
        return np.zeros_like(drawn)
    window = mask_window(mask | (drawn > 0), 0)
    part = np.ascontiguousarray(drawn[window])
    labels = np.zeros_like(drawn)
    labels[window] = np.where(mask[window], of_nearest(part, part > 0), 0)
    return labels


def settled_labels(
    image: np.ndarray, mask: np.ndarray, drawn: np.ndarray, material: np.ndarray, tables: ColourTables
) -> np.ndarray:
    """Labels uint8 [H,W] inside ``mask``.

    Each pixel weighs its distance to what the body shows of each material against its colours. Off the body, where
    the body says less, distance counts less. The label is that of the nearest pixel of the body of that material.

    Args:
        image: RGB uint8 [H,W,3].
        mask: The person, bool [H,W].
        drawn: Labels of the body [H,W] uint8, 0 where it is not.
        material: Its materials [H,W] uint8; anything where it is not.
        tables: Of the person.
    """
    if not mask.any() or not drawn.any():
        return np.zeros_like(drawn)
    window = mask_window(mask | (drawn > 0), 0)
    inside, part, made = (np.ascontiguousarray(values[window]) for values in (mask, drawn, material))
    rows = np.flatnonzero(inside.any(axis=1))
    height = float(rows[-1] - rows[0] + 1)
    body = part > 0
    off = cv2.distanceTransform((~body).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    reach = REACH * height
    scale = 1.0 / (reach + LOOSE * off)
    against = _pooled(tables, image[window], inside, *(max(1, round(size * height)) for size in (LOOK, RIM)))
    best = np.full(part.shape, np.inf, np.float32)
    labels = np.zeros(part.shape, np.uint8)
    skin = MATERIALS.index("skin")
    for index in range(tables.against.shape[1]):
        known = body & (made == index)
        if known.any():
            distance, place = _nearest_place(known)
            cost = (
                distance * scale
                + against[..., index]
                + (STAND_OFF * np.minimum(off / reach, 1) if index == skin else 0)
            )
            better = cost < best
            best[better] = cost[better]
            labels[better] = part.ravel()[place[better]]
    whole = np.zeros_like(drawn)
    whole[window] = np.where(inside, labels, 0)
    return whole


def _pooled(tables: ColourTables, image: np.ndarray, mask: np.ndarray, radius: int, rim: int) -> np.ndarray:
    """Mean [H,W,materials] of what the colours round about say, without the mask's rim; zeros where there are none."""
    inner = cv2.erode(np.pad(mask.astype(np.uint8), 1), np.ones((2 * rim + 1,) * 2, np.uint8))[1:-1, 1:-1]
    side = (2 * radius + 1,) * 2
    share = cv2.blur(inner.astype(np.float32), side)
    against = cv2.blur(tables.against[cells(image)] * inner[..., None], side)
    return against / np.maximum(share, 1.0 / (side[0] * side[1]))[..., None]


def _nearest_place(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance [H,W] float32 px to the nearest known pixel and that pixel's place [H,W] in the flattened picture.

    Args:
        known: bool [H,W], somewhere true.
    """
    distance, number = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # OpenCV numbers the zero pixels, here the known ones, in an order of its own from 1
    place = np.zeros(int(number.max()) + 1, np.int64)
    place[number[known]] = np.flatnonzero(known)
    return distance, place[number]
