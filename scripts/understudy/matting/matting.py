"""The matte of one frame: the silhouette at full resolution from image evidence, coarse mask and fitted body.

Near the coarse outline, and where the body contradicts it, each pixel is weighed: its colour against tables of the
person's and the surroundings' colours over the whole video, near that part of the body; against the empty scene, where
the video shows it; against sure pixels near by; the coarse mask's opacity; the places of both outlines. The weights are
those of a logistic regression. Neighbours of like colour then settle on one answer: the mean field of a
contrast-sensitive Potts model, whose graph GrabCut (Rother et al. 2004) cuts instead.
"""

import cv2
import numpy as np

from understudy.matting.appearance import Appearance
from understudy.matting.band import FEATURES, gather, settle, surroundings, tie
from understudy.matting.config import MattingConfig
from understudy.matting.looks import Look, signed_distance
from understudy.silhouettes.blobs import draw_skeleton, without_specks

WEIGHTS = np.array([-0.11, 0.73, -0.79, 0.27, 0.70, 0.44, -0.20, 0.44, 0.48], np.float32)
"""Of ``band.gather``'s evidence: ``python -m benchmarks.mattes.truth --fit`` on six synthetic actors and a scanned person
composed over seven scenes."""
PERSON, SCENE = 1, 2
"""What a pixel surely shows."""
NEAR = 0.06
"""How far a pixel looks for sure colours, in heights of the person."""
LOOKS = 64
"""How many places it looks at."""
SWEEPS = 10
SIDES = np.array([(0, 1), (1, 0), (1, 1), (1, -1)])
"""Neighbours that a pixel is tied to, rows down and columns to the right; those on the other sides are tied to it."""


def refine(
    look: Look, appearance: Appearance, points: np.ndarray, config: MattingConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Matte [h,w] float32 0..1 and unknown pixels [h,w] bool of one look.

    Args:
        look: The crop.
        appearance: Of the video.
        points: [J,3] px of the whole frame, confidence: bones between sure points stay inside.
        config: How.
    """
    surely = sure_pixels(look)
    surely[_bones(look, points)] = PERSON
    band = np.argwhere(surely == 0).astype(np.int32)
    features = evidence(look, appearance, surely, band)
    odds = features @ WEIGHTS
    share = _settled(look, surely, band, odds, config.likeness)
    coarse = look.inner > 0
    mask = without_specks(share > 0.5, coarse, (0.004 * look.height) ** 2)
    unknown = _unknown(look, mask, coarse, band, odds, config)
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7), unknown


def sure_pixels(look: Look) -> np.ndarray:
    """uint8 [h,w]: ``PERSON`` deep inside mask and body, ``SCENE`` well outside both, 0 between."""
    person = (look.inner > 0.018) & (look.body > 0.01) | (look.inner > 0.08)
    scene = (look.inner < -0.02) & (look.body < -0.008) | (look.inner < -0.06) & (look.body < 0.01)
    return np.where(person, PERSON, np.where(scene, SCENE, 0)).astype(np.uint8)


def evidence(look: Look, appearance: Appearance, surely: np.ndarray, band: np.ndarray) -> np.ndarray:
    """What speaks for the person at each pixel of ``band`` [N,2]: float32 [N,FEATURES] (``band.gather``)."""
    plate = appearance.plate
    known = plate.known[look.window]
    colour = plate.colour[look.window]
    free = known & (surely == SCENE)
    if np.count_nonzero(free) > 500:  # exposure drifts
        gain = np.median(look.image[free] + 1.0, axis=0) / np.median(colour[free] + 1.0, axis=0)
        colour = colour * np.clip(gain, 0.8, 1.25).astype(np.float32)
    features = np.zeros((len(band), FEATURES), np.float32)
    places = _places(NEAR * look.height)
    around = surroundings(look.image, surely, int(np.abs(places).max()))
    gather(
        look.image,
        look.alpha,
        look.inner,
        look.body,
        band,
        look.region,
        appearance.person,
        appearance.scene,
        np.ascontiguousarray(colour),
        np.ascontiguousarray(plate.spread[look.window]),
        np.ascontiguousarray(known),
        around,
        places @ np.array([around.shape[1], 1]),
        features,
    )
    return features


def _settled(look: Look, surely: np.ndarray, band: np.ndarray, odds: np.ndarray, likeness: float) -> np.ndarray:
    """Share of the person [h,w] float32 after neighbours have settled."""
    share = (surely == PERSON).astype(np.float32)
    share[tuple(band.T)] = 1.0 / (1.0 + np.exp(-odds))
    # a rim of nobody's pixels, tied to nothing, so that each pixel has eight neighbours
    padded = np.pad(share, 1)
    settle(band + 1, odds, *neighbour_ties(look.image, likeness), padded, SWEEPS)
    return padded[1:-1, 1:-1]


def neighbour_ties(image: np.ndarray, likeness: float) -> np.ndarray:
    """How strongly pixels are tied to their right, lower, lower right and lower left neighbours: float32 [4,h+2,w+2].

    ``likeness`` for the same colour, falling with the contrast relative to its mean over the picture; zeros on the rim.
    """
    ties = np.zeros((len(SIDES), image.shape[0] + 2, image.shape[1] + 2), np.float32)
    tie(cv2.GaussianBlur(image, (0, 0), 0.6), likeness, SIDES, ties)
    return ties


def _places(radius: float) -> np.ndarray:
    """Places [M,2] int32 round a pixel within ``radius`` px, evenly spread on a spiral."""
    step = np.arange(LOOKS) + 0.5
    distance, turn = radius * np.sqrt(step / LOOKS), step * np.pi * (3 - np.sqrt(5))
    spiral = np.stack([distance * np.sin(turn), distance * np.cos(turn)], axis=1)
    return np.unique(spiral.round().astype(np.int32), axis=0)


def _bones(look: Look, points: np.ndarray) -> np.ndarray:
    """Bones between sure points [J,3] that the coarse mask covers too: bool [h,w]."""
    row, column = look.corner
    drawn = draw_skeleton(points - np.array([column, row, 0], points.dtype), look.alpha.shape, sure=0.7)
    return drawn & (look.alpha > 200)


def _unknown(
    look: Look, mask: np.ndarray, coarse: np.ndarray, band: np.ndarray, odds: np.ndarray, config: MattingConfig
) -> np.ndarray:
    """Pixels along the outline, and those whose evidence is weak: bool [h,w]."""
    doubt = np.zeros(mask.shape, bool)
    doubt[tuple(band.T)] = np.abs(odds) < config.doubt
    distance = np.abs(signed_distance(mask))
    near = distance <= max(1.0, config.unknown * look.height)
    return near | doubt
