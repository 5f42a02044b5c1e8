"""YOLO: random weights through the real package, and the choice of the one person by known answers."""

import numpy as np
import pytest
from PIL import Image

from tests.support.toy_networks import import_ultralytics, yolo
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.skeleton import COCO_17, INDEX, KEYPOINTS
from understudy.keypoints.config import KeypointsConfig
from understudy.keypoints.detect import detect_keypoints


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yolo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YOLO_CONFIG_DIR", str(folder))
        patch.setenv("YOLO_OFFLINE", "true")
        import_ultralytics()
        yield folder


def noise(width=320, height=240, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize("generation", ["yolov8n", "yolo11n", "yolo26n"])
def test_people_and_poses_come_in_our_skeleton_whatever_the_generation(folder, generation):
    from understudy.backends.ultralytics import UltralyticsPose

    backend = UltralyticsPose(yolo(folder / f"{generation}-pose.pt", generation))
    people = backend.find_people(noise())
    assert people and all(region.angle == 0 and region.size > 0 for region in people)
    pose = backend.find_pose(noise(), people[0])
    assert pose.points.shape == (len(KEYPOINTS), 3) and not pose.world.any()
    known = [INDEX[name] for name in (*COCO_17, "neck", "mid_hip")]
    assert (pose.points[known, 2] > 0).all()
    assert not np.delete(pose.points, known, axis=0).any()
    backend.close()


def test_nobody_is_found_by_a_network_that_is_sure_of_nothing(folder):
    from understudy.backends.protocols import Region
    from understudy.backends.ultralytics import UltralyticsPose

    backend = UltralyticsPose(yolo(folder / "shy.pt", eager=False))
    assert backend.find_people(noise()) == []
    assert backend.find_pose(noise(), Region(100.0, 100.0, 150.0)) is None


def test_the_threads_stay_as_they_were(folder):
    import torch

    from understudy.backends.ultralytics import UltralyticsPose

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    UltralyticsPose(yolo(folder / "threads.pt")).find_people(noise())
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)


def test_the_stage_runs_on_it(folder, tmp_path):
    for index in range(3):
        Image.fromarray(noise(seed=index)).save(tmp_path / f"{index:06d}.jpg")
    frames = Frames(tmp_path, 10.0, 320, 240, "noise.mp4", "0" * 64, np.arange(3), np.eye(3), "default")
    config = KeypointsConfig(backend="ultralytics", min_height=1)
    keypoints = detect_keypoints(frames, config, weights=yolo(folder / "stage.pt"))
    assert keypoints.backend == "ultralytics" and keypoints.keypoints[..., 2].any(axis=1).all()


def test_masks_are_of_the_pictures_size(folder):
    from understudy.backends.ultralytics import UltralyticsMasks

    backend = UltralyticsMasks(yolo(folder / "yolo11n-seg.pt", task="segment"))
    points = np.zeros((len(KEYPOINTS), 3))
    points[:5] = [[160 + 10 * i, 120, 0.9] for i in range(5)]
    mask = backend.find_mask(noise(), np.array([100, 50, 220, 200]), points)
    assert mask.shape == (240, 320) and mask.dtype == np.float32 and set(np.unique(mask)) <= {0.0, 1.0}


def test_other_files_are_refused_in_one_sentence(folder, tmp_path):
    from understudy.backends.ultralytics import UltralyticsPose

    (tmp_path / "text.pt").write_text("nothing")
    with pytest.raises(InputError, match=r"text\.pt is not a network of Ultralytics"):
        UltralyticsPose(tmp_path / "text.pt")
    with pytest.raises(InputError, match="a network for the task segment; give one for the task pose"):
        UltralyticsPose(yolo(folder / "other-seg.pt", task="segment"))


def test_the_mask_that_most_points_lie_on_is_the_persons():
    from understudy.backends.ultralytics import persons_mask

    masks = np.zeros((3, 100, 100), bool)
    masks[0, 10:90, 10:40] = True  # the neighbour
    masks[1, 10:90, 50:80] = True  # the person
    masks[2, 0:95, 45:99] = True  # the person with their bag
    points = np.zeros((5, 3))
    points[:4] = [[60, 20, 0.9], [65, 50, 0.9], [60, 80, 0.9], [20, 50, 0.9]]
    box = np.array([48, 8, 82, 92])
    np.testing.assert_array_equal(persons_mask(masks, box, points), masks[1].astype(np.float32))
    assert not persons_mask(masks[:1], box, points).any()  # a quarter of the points
    assert not persons_mask(masks, box, points * [1, 1, 0]).any()
    assert not persons_mask(masks[:0], box, points).any()


def test_cocos_points_are_placed_by_name_with_half_a_pixel():
    from understudy.backends.ultralytics import placed

    raw = np.column_stack([np.arange(17), 2.0 * np.arange(17), np.full(17, 0.5)])
    raw[3, 2] = 0.0
    points = placed(raw, 100, 200)
    for place, name in enumerate(COCO_17):
        expected = (0, 0, 0) if place == 3 else (100.5 + place, 200.5 + 2 * place, 0.5)
        np.testing.assert_allclose(points[INDEX[name]], expected)
    np.testing.assert_allclose(points[INDEX["neck"], :2], (100.5 + 5.5, 200.5 + 11))


def test_an_exported_onnx_file_does_as_well(folder):
    pytest.importorskip("onnx", reason="onnx is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    from understudy.backends.ultralytics import UltralyticsPose

    network = import_ultralytics().YOLO(str(yolo(folder / "exported-pose.pt")))
    exported = network.export(format="onnx", imgsz=320, simplify=False, verbose=False)
    backend = UltralyticsPose(folder / "exported-pose.onnx")
    assert exported and backend.find_people(noise())
