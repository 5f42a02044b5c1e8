"""Where along a limb one thing ends and the next begins."""

from dataclasses import dataclass

import numpy as np

LEAST = 3
"""Vertices that a bin needs to say anything."""


@dataclass(frozen=True)
class Split:
    """A change along an axis."""

    place: float
    """Where it is: the first thing lies before, the second after."""
    sure: float
    """Mean evidence per bin for the two things being so, in nats."""


def profile(place: np.ndarray, evidence: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Mean of ``evidence`` [N] in each bin of ``place`` [N] between ``bounds`` [B+1]; NaN where it says nothing."""
    index = np.digitize(place, bounds) - 1
    inside = (index >= 0) & (index < len(bounds) - 1)
    count = np.bincount(index[inside], minlength=len(bounds) - 1)
    total = np.bincount(index[inside], evidence[inside], minlength=len(bounds) - 1)
    return np.where(count >= LEAST, total / np.maximum(count, 1), np.nan)


def best_split(gain: np.ndarray, bounds: np.ndarray, first: float = -np.inf, last: float = np.inf) -> Split:
    """The one change that explains a profile best, by maximum likelihood.

    Args:
        gain: Evidence [B] for the second thing against the first in each bin, NaN where there is none.
        bounds: Ends of the bins [B+1]; the change is at one of them, at an outer one if there is none.
        first: Least place of the change.
        last: Greatest.
    """
    known = np.where(np.isnan(gain), 0.0, gain)
    score = np.concatenate([[0.0], np.cumsum(-known)]) + np.concatenate([np.cumsum(known[::-1])[::-1], [0.0]])
    score[(bounds < first) | (bounds > last)] = -np.inf
    # in the middle of the places that are as good, so that unseen bins are shared
    best = np.flatnonzero(score >= score.max() - 1e-9)
    sure = float(score[best[0]]) / max(1, int(np.count_nonzero(~np.isnan(gain))))
    return Split(float(bounds[best].mean()), sure)


def split_sides(gains: list[np.ndarray], bounds: np.ndarray, first: float, apart: float) -> tuple[Split, Split]:
    """The changes on two sides: one place for both unless two explain the profiles better by ``apart`` nats per bin.

    Args:
        gains: Evidence [B] of each side.
        bounds: Ends of the bins [B+1].
        first: Least place of a change.
        apart: Nats per bin.
    """
    left, right = gains
    both = np.where(np.isnan(left), right, np.where(np.isnan(right), left, (left + right) / 2))
    shared = best_split(both, bounds, first)
    own = best_split(left, bounds, first), best_split(right, bounds, first)
    if (own[0].sure + own[1].sure) / 2 > shared.sure + apart:
        return own
    return shared, shared
