import cv2
import numpy as np
import pytest
from PIL import Image

from understudy.backends import mediapipe
from understudy.backends.protocols import Pose
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha
from understudy.formats.skeleton import INDEX, KEYPOINTS
from understudy.silhouettes.config import SilhouettesConfig
from understudy.silhouettes.segment import VIEW, cut_silhouettes, draw_skeleton, grown, keep_touching, person_view

WIDTH, HEIGHT = 320, 240


def standing(x=100.0, top=40.0, length=160.0):
    """Points of somebody who stands upright."""
    points = np.zeros((len(KEYPOINTS), 3), np.float32)
    heights = {
        "nose": 0.05, "neck": 0.18, "shoulder": 0.18, "elbow": 0.35, "wrist": 0.5, "mid_hip": 0.5, "hip": 0.5,
        "knee": 0.75, "ankle": 1.0,
    }  # fmt: skip
    for name, i in INDEX.items():
        part = name.removeprefix("left_").removeprefix("right_")
        if part in heights:
            side = 0.08 if name.startswith("left") else -0.08 if name.startswith("right") else 0.0
            points[i] = x + side * length, top + heights[part] * length, 0.9
    return points


class Painted:
    """A backend whose mask is the image itself: white things are people."""

    def __init__(self, masks):
        assert masks

    def find_pose(self, image, region):
        return Pose(np.zeros((0, 3)), np.zeros((0, 3)), image[..., 0].astype(np.float32) / 255)

    def close(self):
        pass


@pytest.fixture
def cut_painted(tmp_path, monkeypatch):
    monkeypatch.setattr(mediapipe, "MediaPipePose", Painted)

    def cut(pictures, points, bbox, interpolated=None, config=SilhouettesConfig()):  # noqa: B008
        (tmp_path / "frames").mkdir(exist_ok=True)
        for index, picture in enumerate(pictures):
            Image.fromarray(np.stack([picture] * 3, axis=-1)).save(tmp_path / f"frames/{index:06d}.jpg", quality=100)
        count, height, width = np.shape(pictures)
        frames = Frames(tmp_path / "frames", 10, width, height, "a.mp4", "", np.arange(count), np.eye(3), "default")
        keypoints = Keypoints(
            np.array(points, np.float32), KEYPOINTS, np.array(bbox, np.float32), "painted", np.zeros_like(points),
            np.zeros(count, bool) if interpolated is None else interpolated, np.zeros(count, bool), np.ones(count, int),
        )  # fmt: skip
        cut_silhouettes(frames, keypoints, tmp_path / "alpha", config)
        return np.stack([read_alpha(tmp_path / "alpha", index) for index in range(count)])

    return cut


def picture(*rectangles, width=WIDTH, height=HEIGHT):
    image = np.zeros((height, width), np.uint8)
    for x0, y0, x1, y1 in rectangles:
        image[y0:y1, x0:x1] = 255
    return image


def test_only_the_tracked_person_is_kept(cut_painted):
    person, neighbour, far = (80, 35, 120, 205), (135, 60, 150, 200), (280, 100, 300, 180)
    alpha = cut_painted([picture(person, neighbour, far)], [standing()], [[70, 30, 140, 210]])
    expected = picture(person) > 127
    found = alpha[0] > 127
    assert (found & expected).sum() / (found | expected).sum() > 0.97
    assert not alpha[0, :, 130:].any()


def test_nothing_outside_the_grown_box_is_kept(cut_painted):
    alpha = cut_painted([picture((0, 100, WIDTH, 130))], [standing()], [[60, 40, 140, 200]])
    columns = np.flatnonzero(alpha[0].any(axis=0))
    assert (columns[0], columns[-1]) == (50, 149)


def test_frames_without_the_person_are_empty_and_interpolated_ones_are_tried(cut_painted):
    person = picture((80, 35, 120, 205))
    points = np.stack([standing(), standing() * [1, 1, 0], np.zeros_like(standing())])
    box = [70, 30, 130, 210]
    alpha = cut_painted([person] * 3, points, [box, box, [0] * 4], np.array([False, True, False]))
    assert alpha[0].any() and alpha[1].any() and not alpha[2].any()


def test_masks_of_large_frames_keep_their_place(cut_painted):
    large = picture((400, 175, 600, 1025), width=1600, height=1200)
    alpha = cut_painted(
        [large], [standing(500, 200, 800)], [[350, 150, 650, 1050]], config=SilhouettesConfig(margin=1.25, max_size=300)
    )
    found = alpha[0] > 127
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    np.testing.assert_allclose([columns[0], columns[-1] + 1, rows[0], rows[-1] + 1], [400, 600, 175, 1025], atol=2)


def test_a_removed_blob_takes_its_soft_border_along_and_the_kept_one_keeps_its_own():
    sharp = np.zeros((100, 200), np.float32)
    sharp[30:70, 20:60] = 1
    sharp[30:70, 120:160] = 1
    soft = cv2.GaussianBlur(sharp, (0, 0), 4)
    skeleton = np.zeros(soft.shape, bool)
    skeleton[35:65, 40] = True
    kept = keep_touching(soft, skeleton)
    np.testing.assert_array_equal(kept[:, :88], soft[:, :88])
    assert not kept[:, 92:].any()


def test_every_blob_that_touches_the_skeleton_is_kept():
    soft = np.zeros((60, 60), np.float32)
    soft[5:20, 20:40] = 0.9
    soft[30:55, 20:40] = 0.9
    skeleton = np.zeros(soft.shape, bool)
    skeleton[10:50, 30] = True
    np.testing.assert_array_equal(keep_touching(soft, skeleton), soft)
    assert not keep_touching(soft, np.zeros_like(skeleton)).any()


def test_the_skeleton_is_drawn_between_sure_points_only():
    points = standing()
    whole = draw_skeleton(points, (HEIGHT, WIDTH, 3))
    assert whole[120, 100] and not whole[120, 20]
    points[INDEX["left_ankle"], 2] = 0.1
    assert draw_skeleton(points, (HEIGHT, WIDTH)).sum() < whole.sum()


def test_the_view_is_centred_on_the_hips_and_turned_with_the_body():
    points = standing()
    view = person_view(points)
    np.testing.assert_allclose((view.x, view.y, view.angle), (100, 120, 0), atol=1e-4)
    reach = np.hypot(0.08 * 160, 80)
    np.testing.assert_allclose(view.size, VIEW * reach, rtol=1e-5)
    lying = points.copy()
    lying[:, 0], lying[:, 1] = 100 + (120 - points[:, 1]), 120 + (points[:, 0] - 100)  # head to the right
    np.testing.assert_allclose(person_view(lying).angle, np.pi / 2, atol=1e-5)
    assert person_view(np.zeros_like(points)) is None


def test_boxes_grow_about_their_centre_and_stay_inside():
    assert grown(np.array([100, 100, 140, 180]), 1.5, 640, 480) == (90, 80, 150, 200)
    assert grown(np.array([0, 100, 40, 480]), 1.5, 640, 480) == (0, 5, 50, 480)
    assert grown(np.zeros(4), 1.5, 640, 480) is None
