"""How alike an avatar is part by part: head, hands, torso, arms, legs and feet, by the video's own part labels."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from understudy.body.model import PARTS, BodyModel
from understudy.body.posed import posed_vertices
from understudy.formats.masks import CIHP, read_parsing
from understudy.formats.metrics import SCORED_PARTS
from understudy.formats.smpl import BodyTrack
from understudy.metrics.image import psnr
from understudy.render.mesh import rasterize_mesh

FEWEST = 30
"""Pixels from which a part counts as seen in a frame; fewer are but its edge."""
NOWHERE = 255
"""In a map of parts: pixels of none."""
OF_BODY = {
    "inside": "head", "hair": "head", "face": "head", "neck": "torso", "torso": "torso",
    "left_arm": "arms", "right_arm": "arms", "left_hand": "hands", "right_hand": "hands",
    "left_leg": "legs", "right_leg": "legs", "left_foot": "feet", "right_foot": "feet",
}  # fmt: skip
"""The scored part that a part of the body belongs to."""
OF_LABEL = {
    "hat": ("head",), "hair": ("head",), "sunglasses": ("head",), "face": ("head",), "glove": ("hands",),
    "upper_clothes": ("torso", "arms"), "coat": ("torso", "arms"), "dress": ("torso", "arms"),
    "torso_skin": ("torso",), "scarf": ("torso",), "pants": ("legs",), "skirt": ("legs",), "socks": ("legs", "feet"),
    "left_arm": ("arms", "hands"), "right_arm": ("arms", "hands"), "left_leg": ("legs", "feet"),
    "right_leg": ("legs", "feet"), "left_shoe": ("feet",), "right_shoe": ("feet",),
}  # fmt: skip
"""The scored parts that a label's pixels can be of; among several the posed body decides."""

logger = logging.getLogger(__name__)


@dataclass
class PartScores:
    """Scores of parts over the frames that are measured; none where there are no labels."""

    body: BodyModel
    poses: BodyTrack
    parsing_folder: Path | None
    rows: dict[str, list[dict[str, tuple[float, int]]]] = field(default_factory=dict)
    """By the section of ``metrics.json``, for each frame PSNR and number of pixels of each part."""
    _last: tuple[int, np.ndarray] | None = None

    @classmethod
    def of(cls, body: BodyModel, poses: BodyTrack, parsing_folder: str | Path | None) -> "PartScores":
        """Nothing measured yet; says so where there are no labels to measure by.

        Args:
            body: The avatar's body.
            poses: Its poses in the video.
            parsing_folder: The video's part labels; None for none.
        """
        if parsing_folder is None:
            logger.info("no part labels were given, so parts of the body are not scored")
        return cls(body.to("cpu"), poses, None if parsing_folder is None else Path(parsing_folder))

    def add(self, section: str, frame: int, picture: Tensor, truth: Tensor, alpha: Tensor) -> None:
        """Score a picture of a frame; each call of a section is one more frame of it.

        Args:
            section: Of ``metrics.json``.
            frame: Index in the video.
            picture: [H,W,3], 0..1.
            truth: [H,W,3], 0..1.
            alpha: [H,W], 0..1, where the person is.

        Raises:
            InputError: The frame's labels are missing, damaged or of another size.
        """
        if self.parsing_folder is None:
            return
        if self._last is None or self._last[0] != frame:
            height, width = alpha.shape
            labels = read_parsing(self.parsing_folder, frame, (width, height))
            vertices = posed_vertices(self.body, self.poses, frame)
            face = rasterize_mesh(vertices, self.body.faces, self.poses.K, (width, height)).face
            self._last = frame, part_map(labels, np.where(face >= 0, self.body.parts[face], NOWHERE))
        part = np.where(alpha.numpy() > 0.5, self._last[1], NOWHERE)
        self.rows.setdefault(section, []).append(score_parts(picture, truth, part))

    def summary(self) -> dict[str, Any]:
        """``parts`` of ``metrics.json``; empty where nothing was scored."""
        return {"parts": {name: _figures(rows) for name, rows in self.rows.items()}} if self.rows else {}


def part_map(labels: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The scored part [H,W] uint8 of each pixel, index into ``SCORED_PARTS``; ``NOWHERE`` in the background.

    A label that can be of several parts is of that which the posed body shows nearest.

    Args:
        labels: CIHP-20 labels [H,W] uint8.
        drawn: Parts of the posed body [H,W], index into ``body.model.PARTS``; ``NOWHERE`` where it is not.
    """
    parts = np.full(labels.shape, NOWHERE, np.uint8)
    shown = np.full(256, NOWHERE, np.uint8)
    shown[: len(PARTS)] = [SCORED_PARTS.index(OF_BODY[part]) for part in PARTS]
    shown = shown[drawn]
    nearest = np.full(labels.shape, np.inf, np.float32)
    for index, name in enumerate(SCORED_PARTS):
        candidates = [CIHP.index(label) for label, names in OF_LABEL.items() if name in names]
        closer = np.isin(labels, candidates)
        # a part that is not drawn is farther than any that is
        distance = np.full(labels.shape, np.finfo(np.float32).max, np.float32)
        if (shown == index).any():
            distance = cv2.distanceTransform((shown != index).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        closer &= distance < nearest
        parts[closer], nearest[closer] = index, distance[closer]
    return parts


def score_parts(picture: Tensor, truth: Tensor, part: np.ndarray) -> dict[str, tuple[float, int]]:
    """PSNR in dB, NaN where a part has fewer than ``FEWEST`` pixels, and number of pixels of each part.

    Args:
        picture: [H,W,3], 0..1.
        truth: [H,W,3], 0..1.
        part: Index into ``SCORED_PARTS`` [H,W].
    """
    scores = {}
    for index, name in enumerate(SCORED_PARTS):
        inside = part == index
        count = int(inside.sum())
        scores[name] = (psnr(picture, truth, inside) if count >= FEWEST else math.nan, count)
    return scores


def _figures(rows: list[dict[str, tuple[float, int]]]) -> Mapping[str, Any]:
    """Figures of each part: None for a frame, and for the mean, in which it is not seen; 100 dB for equal pictures."""
    figures = {}
    for name in SCORED_PARTS:
        values = [None if math.isnan(row[name][0]) else min(row[name][0], 100.0) for row in rows]
        known = [value for value in values if value is not None]
        figures[name] = {
            "mean": float(np.mean(known)) if known else None,
            "per_frame": [None if value is None else round(value, 5) for value in values],
            "pixels": [row[name][1] for row in rows],
        }
    return figures
