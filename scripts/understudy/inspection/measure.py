"""One way to fail, as a number a frame."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Overlay = Literal["keypoints", "mask", "change", "motion", "mesh", "frame", "held out"]
"""What to draw over a frame; ``sheet`` knows how."""


@dataclass(frozen=True)
class Measure:
    """One way to fail, over ``T`` frames."""

    title: str
    unit: str
    limit: float
    """What is still usual; a frame beyond deserves a look."""
    values: np.ndarray  # [T], NaN where it says nothing
    overlay: Overlay
    low: bool = False
    """Whether small values are bad."""
    notes: tuple[str, ...] | None = None  # [T]
    """What it is in each frame, such as a joint's name."""
    marks: np.ndarray | None = None  # [T,M,2] px
    """Places to mark, joined by a line."""

    @property
    def badness(self) -> np.ndarray:
        """The values [T] so that more is worse."""
        return -self.values if self.low else self.values

    @property
    def beyond(self) -> np.ndarray:
        """Frames [T] bool beyond the limit."""
        return self.badness > (-self.limit if self.low else self.limit)

    def worst(self, count: int) -> list[int]:
        """Up to ``count`` frames, the worst first, far enough apart that no two show the same moment; none that is faultless."""
        apart = max(1, len(self.values) // (4 * count))
        faulty = np.isfinite(self.values) & (self.low | (self.values > 0))
        badness = np.where(faulty, self.badness, -np.inf)
        chosen: list[int] = []
        for frame in np.argsort(-badness, kind="stable").tolist():
            if len(chosen) == count or not np.isfinite(badness[frame]):
                break
            if all(abs(frame - other) >= apart for other in chosen):
                chosen.append(frame)
        return chosen

    def note(self, frame: int) -> str:
        """What it is in a frame."""
        return self.notes[frame] if self.notes is not None else ""


def runs(flags: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Runs of flagged frames [T] bool as values: the run's length at its middle frame, NaN elsewhere; and its ends as text."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    values, notes = np.full(len(flags), np.nan), [""] * len(flags)
    for start, end in edges.reshape(-1, 2).tolist():
        values[(start + end - 1) // 2] = end - start
        notes[(start + end - 1) // 2] = f"{start} to {end - 1}" if end - start > 1 else ""
    return values, tuple(notes)
