"""The one person: detections linked over time into tracks, the largest continuous one taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

LEAST_OVERLAP = 0.15
"""Intersection over union from which boxes of neighbouring frames can be one person."""
LINK_SECONDS = 1.0
"""A track that was lost this long has ended."""
SIZE_RATIO = 2.0
"""Pieces of one person's track differ in size by less than this."""


@dataclass
class Track:
    """Detections of one person: frame numbers in rising order, which detection of the frame, its box."""

    frames: list[int] = field(default_factory=list)
    picks: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)

    def add(self, frame: int, pick: int, box: np.ndarray) -> None:
        """Append a detection."""
        self.frames.append(frame)
        self.picks.append(pick)
        self.boxes.append(box)

    @property
    def weight(self) -> float:
        """Sum of the boxes' areas, px^2: large and long tracks weigh most."""
        return float(sum(np.prod(box[2:] - box[:2]) for box in self.boxes))


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union [N,M] of boxes [N,4] and [M,4], x0 y0 x1 y1."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) for boxes in (a, b)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


def link(boxes: Sequence[np.ndarray], fps: float) -> list[Track]:
    """Link boxes [n,4] of every frame into tracks, each frame's to the last ones by the best total overlap."""
    tracks: list[Track] = []
    live: list[Track] = []
    patience = max(1, round(LINK_SECONDS * fps))
    for frame, found in enumerate(boxes):
        live = [track for track in live if frame - track.frames[-1] <= patience]
        taken, known = set(), len(tracks)
        if live and len(found):
            scores = overlap(np.stack([track.boxes[-1] for track in live]), found)
            for row, pick in zip(*linear_sum_assignment(-scores), strict=True):
                if scores[row, pick] >= LEAST_OVERLAP:
                    live[row].add(frame, int(pick), found[pick])
                    taken.add(int(pick))
        for pick in range(len(found)):
            if pick not in taken:
                tracks.append(Track())
                tracks[-1].add(frame, pick, found[pick])
        live += tracks[known:]
    return tracks


def main_picks(tracks: list[Track], length: int) -> np.ndarray:
    """Which detection of each frame is the person, -1 for none [length].

    The heaviest track is the person. Others join it, heaviest first, where it has a gap and they are of its size:
    the person who left the picture and came back, wherever that is.
    """
    picks = np.full(length, -1)
    sizes = np.full(length, np.nan)
    seen = np.zeros(0, np.int64)  # frames with a pick, rising
    for track in sorted(tracks, key=lambda track: -track.weight):
        frames = np.array(track.frames)
        first, last = frames[0], frames[-1]
        if (picks[first : last + 1] >= 0).any():
            continue
        size = np.array([box[3] - box[1] for box in track.boxes])
        if len(seen):
            place = int(np.searchsorted(seen, first))
            near = seen[max(place - 1, 0) : place + 1]
            nearest = near[np.abs(near - first).argmin()]
            ratio = float(np.median(size)) / sizes[nearest]
            if not 1 / SIZE_RATIO < ratio < SIZE_RATIO:
                continue
        picks[frames] = track.picks
        sizes[frames] = size
        seen = np.insert(seen, np.searchsorted(seen, frames), frames)
    return picks


def person_picks(boxes: Sequence[np.ndarray], fps: float) -> np.ndarray:
    """Which of the boxes [n,4] of every frame is the person's, -1 for none [T]: ``link``, then ``main_picks``."""
    return main_picks(link(boxes, fps), len(boxes))


def crowd_note(people: np.ndarray) -> str:
    """What to say of numbers of people [T] in frames of which some have more than one."""
    return (
        f"up to {people.max()} people at once, in {(people > 1).sum()} of {len(people)} frames more than one; "
        "the largest one who stays longest is taken"
    )


def fill_rows(values: np.ndarray, known: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill gaps of up to ``longest`` frames by straight lines between their ends.

    Args:
        values: [T,...].
        known: [T] bool, which rows are given.
        longest: The longest gap to fill, frames. Gaps at the start or the end are never filled.

    Returns:
        The values with zeros where nothing is known, and which rows were filled in [T] bool.
    """
    values = np.where(known.reshape(-1, *[1] * (values.ndim - 1)), values, 0.0).astype(np.float64)
    filled = np.zeros(len(values), bool)
    places = np.flatnonzero(known)
    for start, end in pairwise(places):
        if 1 < end - start <= longest + 1:
            inside = np.arange(start + 1, end)
            share = ((inside - start) / (end - start)).reshape(-1, *[1] * (values.ndim - 1))
            values[inside] = values[start] * (1 - share) + values[end] * share
            filled[inside] = True
    return values, filled
