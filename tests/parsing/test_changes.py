"""Where along a limb one thing ends and the next begins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.parsing.changes import best_split, profile, split_sides


@given(st.lists(st.floats(-3, 3) | st.just(float("nan")), min_size=1, max_size=15))
def test_the_split_is_the_best_of_all(gain):
    gain = np.array(gain)
    bounds = np.arange(len(gain) + 1.0)
    known = np.nan_to_num(gain)
    scores = [known[k:].sum() - known[:k].sum() for k in range(len(gain) + 1)]
    split = best_split(gain, bounds)
    assert split.sure * max(1, np.isfinite(gain).sum()) == pytest.approx(max(scores), abs=1e-6)
    best = [k for k, score in enumerate(scores) if score > max(scores) - 1e-9]
    assert min(best) <= split.place <= max(best)


def test_profiles_are_means_of_bins_and_say_nothing_of_too_few():
    place, evidence = np.array([0.1, 0.2, 0.3, 1.1, 1.2, 9.0]), np.array([1.0, 2.0, 3.0, 5.0, 5.0, 7.0])
    assert np.array_equal(profile(place, evidence, np.array([0.0, 1.0, 2.0])), [2.0, np.nan], equal_nan=True)


def test_a_side_that_was_not_seen_takes_the_others_length():
    left, right = np.array([-2.0, -2.0, 2.0, 2.0]), np.full(4, np.nan)
    assert [split.place for split in split_sides([left, right], np.arange(5.0), 0.0, 0.4)] == [2.0, 2.0]


def test_sides_that_hardly_differ_share_one_length_and_sides_that_clearly_do_keep_their_own():
    bounds = np.arange(7.0)
    left, right = (np.where(np.arange(6) < place, -1.0, 1.0) for place in (2, 4))
    for strength, expected in ((0.2, [3.0, 3.0]), (3.0, [2.0, 4.0])):
        splits = split_sides([strength * left, strength * right], bounds, 0.0, 0.4)
        assert [split.place for split in splits] == expected
