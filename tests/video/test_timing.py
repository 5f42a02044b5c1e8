import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.video.timing import frame_rate, frames_on_grid, keep_frames, needed_packets


@given(
    rate=st.sampled_from([10.0, 24000 / 1001, 25.0, 29.97, 60.0, 240.0]),
    # up to a tenth of a step no interval can pass for two, whatever the median: 1.2 / 0.8 < 1.55
    jitter=st.lists(st.floats(-0.1, 0.1), min_size=9, max_size=200),
)
def test_jittered_times_neither_double_nor_drop_a_frame(rate, jitter):
    times = (np.arange(len(jitter)) + jitter) / rate
    seen = frame_rate(times)
    assert seen == pytest.approx(rate, rel=2 / len(jitter))
    np.testing.assert_array_equal(frames_on_grid(times, seen), np.arange(len(jitter)))


@given(st.lists(st.floats(0.001, 1.0), min_size=8, max_size=60), st.floats(1.0, 60.0))
def test_each_point_of_the_grid_gets_the_nearest_frame(intervals, rate):
    times = np.cumsum([0.0, *intervals])
    chosen = frames_on_grid(times, rate)
    assert (np.diff(chosen) >= 0).all()
    assert chosen.min() >= 0 and chosen.max() < len(times)
    span = times[-1] - times[0]
    assert len(chosen) == pytest.approx(span * rate + 1, abs=1.01)
    phases = (times[chosen] - np.arange(len(chosen)) / rate) * rate
    gaps = np.max(intervals) * rate / 2 + 0.51
    assert np.abs(phases).max() <= gaps


def test_millisecond_times_give_the_exact_rate():
    times = np.round(np.arange(900) * 1001 / 30) / 1000
    assert frame_rate(times) == pytest.approx(30000 / 1001, rel=1e-5)
    assert frame_rate(times, declared=30000 / 1001) == 30000 / 1001
    np.testing.assert_array_equal(frames_on_grid(times, frame_rate(times)), np.arange(900))


def test_a_declared_rate_that_is_wrong_is_not_believed():
    assert frame_rate(np.arange(50) / 30, declared=24.0) == pytest.approx(30.0)


def test_a_pause_is_filled_with_its_neighbours():
    times = np.r_[np.arange(20), np.arange(24, 40)] / 30
    assert frame_rate(times) == pytest.approx(30.0)
    chosen = frames_on_grid(times, 30.0)
    assert len(chosen) == 40
    np.testing.assert_array_equal(chosen[:20], np.arange(20))
    assert set(chosen[20:24]) == {19, 20}
    np.testing.assert_array_equal(chosen[24:], np.arange(20, 36))


def test_a_stretch_at_half_the_rate_does_not_change_it():
    times = np.cumsum(np.r_[0, np.full(60, 1 / 30), np.full(20, 1 / 15)])
    assert frame_rate(times) == pytest.approx(30.0)
    times = np.cumsum(np.r_[0, np.full(60, 1 / 30), np.full(90, 1 / 15)])
    assert frame_rate(times) == pytest.approx(15.0)


def test_start_and_stop_hit_their_frames():
    kept, step = keep_frames(100, 29.97, 10 / 29.97, 20 / 29.97, 1, 300)
    np.testing.assert_array_equal(kept, np.arange(10, 20))
    assert step == 1


@given(st.integers(1, 5000), st.integers(1, 7), st.integers(9, 300))
def test_thinning_is_even_and_keeps_within_the_limit(count, step, most):
    kept, new_step = keep_frames(count, 30.0, 0.0, None, step, most)
    assert 1 <= len(kept) <= most
    assert new_step % step == 0
    assert (np.diff(kept) == new_step).all()
    assert count - kept[-1] <= new_step
    if new_step > step:  # one step less would have been too many
        assert len(range(0, count, new_step - step)) > most


def test_only_what_a_frame_needs_is_decoded():
    pts = np.array([0, 3, 1, 2, 4, 7, 5, 6, 8, 9])
    keyframes = np.isin(np.arange(10), (0, 4, 8))
    np.testing.assert_array_equal(np.flatnonzero(needed_packets(pts, keyframes, np.array([7]))), [4, 5])
    np.testing.assert_array_equal(np.flatnonzero(needed_packets(pts, keyframes, np.array([1, 8]))), [0, 1, 2, 8])


def test_leading_pictures_of_an_open_group_need_the_group_before():
    pts = np.array([0, 3, 1, 2, 6, 4, 5, 7, 10, 8, 9])
    keyframes = np.isin(np.arange(11), (0, 4, 8))
    np.testing.assert_array_equal(np.flatnonzero(needed_packets(pts, keyframes, np.array([4]))), [0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(np.flatnonzero(needed_packets(pts, keyframes, np.array([9]))), np.arange(4, 11))
