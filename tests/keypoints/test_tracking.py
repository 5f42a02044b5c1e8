import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from understudy.formats.tracks import fill_rows, link, main_picks, overlap


def box(x, size, y=0.0):
    return np.array([x, y, x + size, y + size], float)


def frames_of(*people):
    """Boxes per frame of people given as one box or None per frame."""
    return [np.array([b for b in now if b is not None]).reshape(-1, 4) for now in zip(*people, strict=True)]


def test_overlap_of_known_boxes():
    a = np.array([[0.0, 0, 2, 2]])
    b = np.array([[1.0, 0, 3, 2], [0, 0, 2, 2], [5, 5, 6, 6]])
    np.testing.assert_allclose(overlap(a, b), [[1 / 3, 1, 0]])


def test_people_who_walk_past_each_other_keep_their_tracks():
    large = [box(100, 200) for _ in range(20)]
    small = [box(10 * t, 60) for t in range(20)]
    tracks = link(frames_of(small, large), fps=10)
    assert sorted(len(track.frames) for track in tracks) == [20, 20]
    for track in tracks:
        assert len({b[2] - b[0] for b in track.boxes}) == 1


def test_the_largest_person_is_taken_whatever_the_order_of_detections():
    large, small = [box(0, 200)] * 12, [box(400, 80)] * 12
    boxes = frames_of(large, small)
    for t in range(0, 12, 2):
        boxes[t] = boxes[t][::-1]
    picks = main_picks(link(boxes, fps=10), 12)
    assert all(boxes[t][picks[t], 2] == 200 for t in range(12))


def test_someone_large_for_a_moment_does_not_beat_someone_who_stays():
    passer = [box(300, 150) if 5 <= t < 8 else None for t in range(40)]
    boxes = frames_of([box(0, 100)] * 40, passer)
    picks = main_picks(link(boxes, fps=10), 40)
    assert (picks == 0).all()


def test_a_track_goes_on_after_a_short_gap():
    person = [box(t, 100) if not 10 <= t < 15 else None for t in range(30)]
    tracks = link(frames_of(person), fps=10)
    assert len(tracks) == 1
    picks = main_picks(tracks, 30)
    np.testing.assert_array_equal(np.flatnonzero(picks < 0), np.arange(10, 15))


def test_someone_who_appears_far_off_as_another_leaves_is_someone_else():
    boxes = frames_of([box(0, 100) if t < 10 else box(500, 100) for t in range(20)])
    assert [track.frames for track in link(boxes, fps=10)] == [list(range(10)), list(range(10, 20))]


def test_someone_who_steps_aside_between_two_frames_is_the_same():
    boxes = frames_of([box(0, 100) if t < 10 else box(60, 100) for t in range(20)])
    assert len(link(boxes, fps=10)) == 1


def test_someone_in_the_same_place_long_after_may_be_someone_else():
    boxes = frames_of([box(0, 100) if t < 10 or t >= 35 else None for t in range(45)])
    assert [len(track.frames) for track in link(boxes, fps=10)] == [10, 10]


def test_a_piece_in_a_gap_is_compared_with_the_nearest_frames_of_the_person():
    away = [box(0, 150 - 4 * t) if t < 20 else None for t in range(80)]  # goes away, and is large on coming back
    away[23:30], away[50:] = [box(900, 65)] * 7, [box(0, 150)] * 30
    assert np.flatnonzero(main_picks(link(frames_of(away), fps=10), 80) >= 0).tolist() == [
        *range(20), *range(23, 30), *range(50, 80),
    ]  # fmt: skip


def test_the_person_who_comes_back_elsewhere_is_the_same_but_a_child_is_not():
    def picks_with(size):
        person = [box(0, 100) if t < 30 else box(900, size) if t >= 50 else None for t in range(60)]
        return main_picks(link(frames_of(person), fps=10), 60)

    assert (picks_with(110) >= 0).sum() == 40
    assert (picks_with(40) >= 0).sum() == 30


def test_frames_without_anybody_are_no_trouble():
    assert link([np.zeros((0, 4))] * 3, fps=10) == []
    np.testing.assert_array_equal(main_picks([], 3), [-1, -1, -1])


@given(
    known=st.lists(st.booleans(), min_size=1, max_size=40).map(np.array),
    longest=st.integers(0, 10),
    slope=st.floats(-5, 5),
)
def test_filling_gaps_restores_straight_lines_and_touches_nothing_else(known, longest, slope):
    truth = np.stack([slope * np.arange(len(known)) + 3, np.ones(len(known))], axis=1)
    values, filled = fill_rows(np.where(known[:, None], truth, 777.0), known, longest)
    assert not (filled & known).any()
    np.testing.assert_allclose(values[known | filled], truth[known | filled], atol=1e-9)
    assert not values[~(known | filled)].any()
    gaps = "".join("k" if k else "f" if f else "." for k, f in zip(known, filled, strict=True)).strip(".").split("k")
    for gap in gaps:
        assert gap in ("f" * len(gap), "." * len(gap))
        assert ("f" in gap) == (0 < len(gap) <= longest)
