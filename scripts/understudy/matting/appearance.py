"""What person and scene look like over a whole video."""

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from understudy.body.model import BodyModel
from understudy.evenly import evenly
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack
from understudy.matting.colours import ColourCounts, cells
from understudy.matting.looks import look_at
from understudy.matting.plate import Plate, build_plate
from understudy.threads import side_by_side

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Appearance:
    """What person and scene look like over the whole video."""

    person: np.ndarray  # [regions,CELLS] float32
    scene: np.ndarray  # [regions,CELLS] float32
    plate: Plate


def learn_appearance(
    frames: Frames, alpha_folder: str | Path, track: BodyTrack, body: BodyModel, samples: int, threads: int
) -> Appearance:
    """Colours of person and surroundings, and the empty scene, from ``samples`` evenly spread frames."""
    chosen = evenly(len(frames), samples)
    person, scene = ColourCounts(), ColourCounts()
    pictures = np.zeros((len(chosen), frames.height, frames.width, 3), np.uint8)
    free = np.zeros(pictures.shape[:3], bool)
    looks = side_by_side(partial(look_at, frames, alpha_folder, track, body), chosen.tolist(), threads)
    for place, look in enumerate(looks):
        if look is None:
            continue
        cell = cells(look.image)
        inside = (look.inner > 0.005) & (look.body > -0.02)
        person.add(cell[inside], look.region[inside])
        outside = (look.inner < -0.02) & (look.body < -0.01)
        near = outside & (look.inner > -0.12)
        scene.add(cell[near], look.region[near])
        pictures[place] = frames.read(look.frame)
        free[place] = True
        free[place][look.window] = outside
    plate = build_plate(pictures, free, threads)
    if plate.known.any():
        logger.info(
            "the camera stands still; the empty scene is known for %.0f %% of the picture", 100 * plate.known.mean()
        )
    else:
        logger.info("the camera moves (colours spread by %.0f levels): no empty scene", plate.jitter)
    return Appearance(person.probabilities(), scene.probabilities(), plate)
