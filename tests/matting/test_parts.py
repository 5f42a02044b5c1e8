"""Pieces of matting, each with a known answer."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from understudy.body.model import PARTS
from understudy.matting.band import settle
from understudy.matting.coherence import flickering, outliers
from understudy.matting.colours import CELLS, REGIONS, ColourCounts, cells, region_of_part
from understudy.matting.plate import STILL, build_plate
from understudy.silhouettes.blobs import of_nearest, without_specks


def test_every_part_of_the_body_has_one_table_of_colours():
    assert sorted(part for parts in REGIONS for part in parts) == sorted(PARTS)
    assert len(region_of_part()) == len(PARTS)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=30))
def test_tables_of_colours_are_probabilities_that_know_what_was_seen(colours):
    image = np.array(colours, np.uint8)
    counts = ColourCounts()
    counts.add(cells(image), np.ones(len(image), np.int32))
    tables = counts.probabilities()
    np.testing.assert_allclose(tables.sum(axis=1), 1, atol=1e-3)
    assert (tables[:, cells(image)] > 1 / CELLS).all()  # also where the region itself was never seen


def test_the_plate_is_what_the_person_leaves_free():
    random = np.random.default_rng(0)
    truth = random.integers(40, 200, (30, 40, 3))
    pictures = np.clip(truth + random.normal(0, 2, (12, 30, 40, 3)), 0, 255).astype(np.uint8)
    free = np.ones((12, 30, 40), bool)
    for s in range(12):  # somebody walks through
        pictures[s, :, 3 * s : 3 * s + 6], free[s, :, 3 * s : 3 * s + 6] = 255, False
    free[:, 5, 5] = False
    plate = build_plate(pictures, free, threads=1)
    assert plate.jitter < 4 and not plate.known[5, 5]
    plate.known[5, 5] = True
    assert plate.known.all()
    seen = np.ones((30, 40), bool)
    seen[5, 5] = False
    assert np.abs(plate.colour - truth)[seen].max() < 5 and plate.spread[seen].max() < 6


def test_a_moving_camera_has_no_plate():
    texture = np.random.default_rng(0).integers(0, 255, (30, 80, 3)).astype(np.uint8)
    pictures = np.stack([texture[:, 3 * s : 3 * s + 40] for s in range(12)])
    plate = build_plate(pictures, np.ones((12, 30, 40), bool), threads=1)
    assert plate.jitter > STILL and not plate.known.any()


def test_pixels_without_evidence_follow_their_like_neighbours():
    band = np.argwhere(np.ones((9, 9), bool)).astype(np.int32) + 1
    share = np.zeros((11, 11), np.float32)
    share[1:-1, 1:-1] = 0.5
    odds = np.where((band[:, 1] < 4), 4.0, np.where(band[:, 1] > 6, -4.0, 0.0)).astype(np.float32)
    ties = [np.zeros((11, 11), np.float32) for _ in range(4)]
    for tie in ties:
        tie[1:-1, 1:-1] = 2.0
    ties[0][:, 5] = 0.01  # an edge of the picture right of the fifth column
    ties[2][:, 5] = 0.01
    ties[3][:, 6] = 0.01
    ties[0][:, 9] = ties[2][:, 9] = ties[3][:, 1] = 0
    settle(band, odds, *ties, share, 12)
    assert (share[2:9, 1:6] > 0.9).all() and (share[2:9, 6:10] < 0.1).all()


def test_settling_ends_near_where_it_would_end_at_last():
    random = np.random.default_rng(3)
    band = np.argwhere(np.ones((40, 40), bool)).astype(np.int32) + 1
    odds = random.normal(0, 2, len(band)).astype(np.float32)
    ties = [np.pad(random.uniform(0, 0.4, (40, 40)), 1).astype(np.float32) for _ in range(4)]
    share = np.pad(1 / (1 + np.exp(-odds.reshape(40, 40))), 1).astype(np.float32)
    fixed = share.copy()
    settle(band, odds, *ties, share, 100)

    def pull(tie, down, right):
        """What the neighbours on a side and those on the other side add to the log odds of the inner pixels."""
        signed = 2 * fixed - 1
        ahead, behind = (np.roll(signed, (sign * down, sign * right), (0, 1)) for sign in (-1, 1))
        return (tie * ahead + np.roll(tie, (down, right), (0, 1)) * behind)[1:-1, 1:-1]

    for _ in range(300):
        total = sum(pull(tie, *side) for tie, side in zip(ties, ((0, 1), (1, 0), (1, 1), (1, -1)), strict=True))
        fixed[1:-1, 1:-1] += 0.3 * (1 / (1 + np.exp(-odds.reshape(40, 40) - total)) - fixed[1:-1, 1:-1])
    off = np.abs(share - fixed)[1:-1, 1:-1]
    assert 0 < off.mean() < 3e-4 and ((share > 0.5) == (fixed > 0.5)).mean() > 0.999


def test_labels_spread_to_the_nearest_known_pixel():
    labels, known = np.zeros((5, 9), np.int32), np.zeros((5, 9), bool)
    labels[2, 1], labels[2, 7], known[2, [1, 7]] = 3, 4, True
    spread = of_nearest(labels, known)
    assert (spread[:, :4] == 3).all() and (spread[:, 5:] == 4).all()
    assert not of_nearest(labels, known & False).any()


def test_specks_and_islands_that_nobody_saw_go_and_gaps_stay():
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:30] = True
    mask[20:22, 15:17] = False  # speck of a hole
    mask[30:40, 15:25] = False  # a gap
    mask[5:7, 50:52] = True  # speck
    mask[30:45, 40:55] = True  # an island
    coarse = np.zeros_like(mask)
    coarse[10:50, 10:30] = True
    expected = np.zeros_like(mask)
    expected[10:50, 10:30] = True
    expected[30:40, 15:25] = False
    np.testing.assert_array_equal(without_specks(mask, coarse, 20), expected)
    coarse[35, 45] = True
    assert without_specks(mask, coarse, 20)[30:45, 40:55].all()


def test_a_jump_of_the_area_stands_out_and_a_drift_does_not():
    body = np.linspace(5000, 9000, 30)  # somebody comes nearer
    coarse, fine = 1.2 * body, 1.2 * body * np.exp(np.linspace(0.0, 0.1, 30))
    fine[12] *= 1.2
    coarse[17] *= 1.2  # the coarse mask fills a gap, which refinement opens
    fine[20] = coarse[20] = 0
    agreed = np.full(30, 0.97)
    agreed[5] = 0.8
    found = outliers(np.stack([fine, coarse, body], axis=1), agreed, tolerance=0.04, least=0.9)
    assert np.flatnonzero(found).tolist() == [5, 12]


def test_flicker_is_what_both_moved_neighbours_contradict():
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8), (0, 0), 2)

    def frame(shift, hole):
        mask = np.zeros((100, 120), bool)
        mask[30:80, 40 + shift : 90 + shift] = True
        if hole:
            mask[45:60, 55 + shift : 70 + shift] = False
        return mask, np.ascontiguousarray(texture[:100, 20 - shift : 140 - shift])

    mask, image = frame(0, hole=True)
    beside = [frame(-4, hole=False), frame(4, hole=False)]
    found = flickering(mask, image, beside)
    assert found[47:58, 57:68].all() and found.sum() < 1.4 * 15 * 15
    assert not flickering(mask, image, [beside[0], frame(4, hole=True)])[47:58, 57:68].any()
    assert not flickering(mask, image, []).any()
    assert not flickering(mask[:20, :20], image[:20, :20], [(m[:20, :20], i[:20, :20]) for m, i in beside]).any()
