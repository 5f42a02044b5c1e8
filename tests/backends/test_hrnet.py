"""HRNet: the published checkpoints' names and shapes, and the published way from crop to points."""

import math
import pickle
import re
from itertools import product

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from understudy.backends.checkpoints import load_weights, read_weights
from understudy.backends.hrnet import HRNetPose, crop_affine, decode, flipped_back, load_hrnet, normalised, placed
from understudy.backends.hrnet_network import PoseHRNet
from understudy.backends.protocols import Pose, Region
from understudy.errors import InputError
from understudy.formats.skeleton import COCO_17, INDEX, KEYPOINTS

TABLE = """
conv1 bn1 64 3 3 | conv2 bn2 64 64 3
layer1.0.conv1 layer1.0.bn1 64 64 1 | layer1.[1-3].conv1 layer1.[1-3].bn1 64 256 1
layer1.[0-3].conv2 layer1.[0-3].bn2 64 64 3 | layer1.[0-3].conv3 layer1.[0-3].bn3 256 64 1
layer1.0.downsample.0 layer1.0.downsample.1 256 64 1
transition1.0.0 transition1.0.1 C 256 3 | transition1.1.0.0 transition1.1.0.1 2C 256 3
transition2.2.0.0 transition2.2.0.1 4C 2C 3 | transition3.3.0.0 transition3.3.0.1 8C 4C 3
stage2.0.branches.0.[0-3].conv[1-2] stage2.0.branches.0.[0-3].bn[1-2] C C 3
stage2.0.branches.1.[0-3].conv[1-2] stage2.0.branches.1.[0-3].bn[1-2] 2C 2C 3
stage3.[0-3].branches.0.[0-3].conv[1-2] stage3.[0-3].branches.0.[0-3].bn[1-2] C C 3
stage3.[0-3].branches.1.[0-3].conv[1-2] stage3.[0-3].branches.1.[0-3].bn[1-2] 2C 2C 3
stage3.[0-3].branches.2.[0-3].conv[1-2] stage3.[0-3].branches.2.[0-3].bn[1-2] 4C 4C 3
stage4.[0-2].branches.0.[0-3].conv[1-2] stage4.[0-2].branches.0.[0-3].bn[1-2] C C 3
stage4.[0-2].branches.1.[0-3].conv[1-2] stage4.[0-2].branches.1.[0-3].bn[1-2] 2C 2C 3
stage4.[0-2].branches.2.[0-3].conv[1-2] stage4.[0-2].branches.2.[0-3].bn[1-2] 4C 4C 3
stage4.[0-2].branches.3.[0-3].conv[1-2] stage4.[0-2].branches.3.[0-3].bn[1-2] 8C 8C 3
stage2.0.fuse_layers.0.1.0 stage2.0.fuse_layers.0.1.1 C 2C 1
stage2.0.fuse_layers.1.0.0.0 stage2.0.fuse_layers.1.0.0.1 2C C 3
stage3.[0-3].fuse_layers.0.1.0 stage3.[0-3].fuse_layers.0.1.1 C 2C 1
stage3.[0-3].fuse_layers.0.2.0 stage3.[0-3].fuse_layers.0.2.1 C 4C 1
stage3.[0-3].fuse_layers.1.0.0.0 stage3.[0-3].fuse_layers.1.0.0.1 2C C 3
stage3.[0-3].fuse_layers.1.2.0 stage3.[0-3].fuse_layers.1.2.1 2C 4C 1
stage3.[0-3].fuse_layers.2.0.0.0 stage3.[0-3].fuse_layers.2.0.0.1 C C 3
stage3.[0-3].fuse_layers.2.0.1.0 stage3.[0-3].fuse_layers.2.0.1.1 4C C 3
stage3.[0-3].fuse_layers.2.1.0.0 stage3.[0-3].fuse_layers.2.1.0.1 4C 2C 3
stage4.[0-2].fuse_layers.0.1.0 stage4.[0-2].fuse_layers.0.1.1 C 2C 1
stage4.[0-2].fuse_layers.0.2.0 stage4.[0-2].fuse_layers.0.2.1 C 4C 1
stage4.[0-2].fuse_layers.0.3.0 stage4.[0-2].fuse_layers.0.3.1 C 8C 1
stage4.[0-1].fuse_layers.1.0.0.0 stage4.[0-1].fuse_layers.1.0.0.1 2C C 3
stage4.[0-1].fuse_layers.1.2.0 stage4.[0-1].fuse_layers.1.2.1 2C 4C 1
stage4.[0-1].fuse_layers.1.3.0 stage4.[0-1].fuse_layers.1.3.1 2C 8C 1
stage4.[0-1].fuse_layers.2.0.0.0 stage4.[0-1].fuse_layers.2.0.0.1 C C 3
stage4.[0-1].fuse_layers.2.0.1.0 stage4.[0-1].fuse_layers.2.0.1.1 4C C 3
stage4.[0-1].fuse_layers.2.1.0.0 stage4.[0-1].fuse_layers.2.1.0.1 4C 2C 3
stage4.[0-1].fuse_layers.2.3.0 stage4.[0-1].fuse_layers.2.3.1 4C 8C 1
stage4.[0-1].fuse_layers.3.0.[0-1].0 stage4.[0-1].fuse_layers.3.0.[0-1].1 C C 3
stage4.[0-1].fuse_layers.3.0.2.0 stage4.[0-1].fuse_layers.3.0.2.1 8C C 3
stage4.[0-1].fuse_layers.3.1.0.0 stage4.[0-1].fuse_layers.3.1.0.1 2C 2C 3
stage4.[0-1].fuse_layers.3.1.1.0 stage4.[0-1].fuse_layers.3.1.1.1 8C 2C 3
stage4.[0-1].fuse_layers.3.2.0.0 stage4.[0-1].fuse_layers.3.2.0.1 8C 4C 3
"""
"""Convolution, batch norm, channels out and in, and kernel; C is the width. What else there is: the final layer."""


def expanded(name):
    """Names with ranges such as [0-3] written out."""
    parts = re.split(r"\[(\d)-(\d)\]", name)
    ranges = [range(int(a), int(b) + 1) for a, b in zip(parts[1::3], parts[2::3], strict=True)]
    texts = parts[0::3]
    return ["".join(f"{text}{number}" for text, number in zip(texts, (*numbers, ""), strict=True))
            for numbers in product(*ranges)]  # fmt: skip


def published(width):
    """Name: (shape, dtype) of everything in a published checkpoint of a width."""
    table = {"final_layer.weight": ((17, width, 1, 1), torch.float32), "final_layer.bias": ((17,), torch.float32)}
    for row in re.split(r"\s*[|\n]\s*", TABLE.strip()):
        conv, norm, out, into, kernel = row.split()
        out, into = (int(n[:-1] or 1) * width if n.endswith("C") else int(n) for n in (out, into))
        for name in expanded(conv):
            table[f"{name}.weight"] = ((out, into, int(kernel), int(kernel)), torch.float32)
        for name in expanded(norm):
            for part in ("weight", "bias", "running_mean", "running_var"):
                table[f"{name}.{part}"] = ((out,), torch.float32)
            table[f"{name}.num_batches_tracked"] = ((), torch.int64)
    return table


def written(path, state, **options):
    torch.save(state, path, **options)
    return path


@pytest.fixture(scope="module")
def w32():
    torch.manual_seed(0)
    return PoseHRNet(32).eval()


@pytest.mark.parametrize(("width", "millions"), [(32, 28.5), (48, 63.6)])
def test_names_shapes_and_types_are_those_of_the_published_checkpoints(width, millions):
    with torch.device("meta"):
        network = PoseHRNet(width)
    own = {name: (tuple(value.shape), value.dtype) for name, value in network.state_dict().items()}
    assert own == published(width)
    assert len(own) == 1754
    assert round(sum(value.numel() for value in network.parameters()) / 1e6, 1) == millions


@pytest.mark.parametrize(("name", "size"), [
    ("pose_hrnet_w32_256x192.pth", (192, 256)), ("pose_hrnet_w32_384x288.pth", (288, 384)), ("mine.pth", (288, 384)),
])  # fmt: skip
def test_a_checkpoint_of_the_old_format_comes_back_and_its_name_tells_the_size(tmp_path, w32, name, size):
    state = {f"module.{key}": value for key, value in w32.state_dict().items() if "num_batches" not in key}
    network, found = load_hrnet(written(tmp_path / name, state, _use_new_zipfile_serialization=False))
    assert found == size and not network.training
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.equal(network(image), w32(image))


def test_heatmaps_have_a_quarter_of_the_pictures_size(w32):
    with torch.inference_mode():
        assert w32(torch.rand(2, 3, 256, 192)).shape == (2, 17, 64, 48)


def test_other_files_are_refused_in_one_sentence_and_run_nothing(tmp_path, w32):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "run"), "w"))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"conv1.weight": Evil()}, protocol=2))
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"model": Evil()}))
    (tmp_path / "text.pth").write_text("no")
    for name in ("evil.pth", "evil.pkl", "text.pth"):
        with pytest.raises(InputError, match="read safely"):
            read_weights(tmp_path / name)
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="no such file"):
        load_hrnet(tmp_path / "none.pth")
    with pytest.raises(InputError, match="not a checkpoint of HRNet"):
        load_hrnet(written(tmp_path / "a.pth", {"conv1.weight": torch.zeros(1)}))
    state = w32.state_dict()
    less = {key: value for key, value in state.items() if key != "bn1.bias"}
    with pytest.raises(InputError, match=r"lacks bn1.bias \(1 missing, 0 unknown\)"):
        load_hrnet(written(tmp_path / "b.pth", less))
    with pytest.raises(InputError, match="fc.weight has no place"):
        load_weights(w32, {**state, "fc.weight": torch.zeros(3)}, tmp_path / "c.pth")
    with pytest.raises(InputError, match=re.escape("[16, 32, 1, 1] but [17, 32, 1, 1] is needed")):
        load_weights(w32, {**state, "final_layer.weight": torch.zeros(16, 32, 1, 1)}, tmp_path / "d.pth")


def test_detectron2s_pickles_of_arrays_are_read(tmp_path):
    content = {"model": {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}, "__author__": "Model Zoo"}
    (tmp_path / "model_final.pkl").write_bytes(pickle.dumps(content, protocol=2))
    weights = read_weights(tmp_path / "model_final.pkl")
    assert list(weights) == ["a.weight"] and weights["a.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_colours_are_rgb_less_the_mean_of_imagenet():
    crop = np.zeros((2, 2, 3), np.uint8)
    crop[..., 0] = 255
    values = normalised(crop)
    np.testing.assert_allclose(values[:, 0, 0], [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], rtol=1e-6)


def test_the_crop_shows_the_box_a_quarter_larger_in_the_inputs_shape():
    # a box of 90x240 px round (200.5, 150.5): 240 px high is 300 px shown, and 225 px wide
    affine = crop_affine(np.array([200.5, 150.5, 90.0, 240.0]), 0.0, (288, 384))
    np.testing.assert_allclose(affine @ [200, 150, 1], [144, 192])
    np.testing.assert_allclose(affine @ [200, 150 - 120, 1], [144, 192 - 120 * 384 / 300])
    # a wide box sets the width
    affine = crop_affine(np.array([200.5, 150.5, 240.0, 90.0]), 0.0, (288, 384))
    np.testing.assert_allclose(affine @ [200 + 120, 150, 1], [144 + 120 * 288 / 300, 192])


def test_a_turned_person_stands_upright_in_the_crop():
    # turned clockwise by a quarter the head is to the right
    affine = crop_affine(np.array([100.5, 80.5, 60.0, 160.0]), math.pi / 2, (288, 384))
    head, left_of_it = affine @ [180, 80, 1], affine @ [180, 60, 1]
    np.testing.assert_allclose(head, [144, 192 - 80 * 384 / 200], atol=1e-9)
    assert left_of_it[0] < head[0] and left_of_it[1] == pytest.approx(head[1])


def test_peaks_are_moved_by_a_quarter_towards_the_higher_neighbour_but_not_at_the_border():
    heatmaps = np.zeros((4, 96, 72), np.float32)
    heatmaps[0, 40, 30:32] = 0.8, 0.5  # higher to the right
    heatmaps[0, 39, 30] = 0.2  # and above
    heatmaps[1, 40, 30] = 0.9  # alone
    heatmaps[2, 1, 30:32] = 0.7, 0.3  # too near to the upper border
    heatmaps[3] = -0.1  # nowhere
    places, confidence = decode(heatmaps)
    assert places.tolist() == [[30.25, 39.75], [30, 40], [30, 1], [0, 0]]
    np.testing.assert_allclose(confidence, [0.8, 0.9, 0.7, 0.0], rtol=1e-6)


@pytest.mark.parametrize("angle", [0.0, math.pi / 2, math.pi])
def test_a_peak_comes_back_to_its_place_in_the_image(angle):
    affine = crop_affine(np.array([210.0, 160.0, 90.0, 240.0]), angle, (288, 384))
    truth = np.array([[223.5, 131.5], [180.25, 200.75]])
    on_heatmap = (np.column_stack([truth - 0.5, np.ones(2)]) @ affine.T) / 4
    points = placed(on_heatmap, np.array([0.9, 0.5]), affine)
    np.testing.assert_allclose(points, [[223.5, 131.5, 0.9], [180.25, 200.75, 0.5]], atol=1e-9)
    assert not placed(on_heatmap, np.zeros(2), affine).any()


def test_the_mirrored_picture_swaps_left_and_right_and_moves_by_one():
    maps = torch.zeros(17, 96, 72)
    maps[COCO_17.index("left_wrist"), 50, 10] = 1.0
    back = flipped_back(maps)
    assert back.nonzero().tolist() == [[COCO_17.index("right_wrist"), 50, 72 - 1 - 10 + 1]]
    maps = torch.zeros(17, 96, 72)
    maps[COCO_17.index("nose"), 50, 71] = 1.0  # comes to the first column, which is kept as well
    assert flipped_back(maps).nonzero().tolist() == [[0, 50, 0], [0, 50, 1]]


class Dots(nn.Module):
    """Stands for the network: heatmaps of left points are the crop's red, of right ones its green, of the nose its blue.

    In a mirrored picture it takes left for right, and its pixels are centred on every fourth of the input, both as the
    real one does.
    """

    def forward(self, images):
        mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        kernel = torch.ones(3, 1, 5, 5) / 25
        grey = nn.functional.conv2d(images * std + mean, kernel, stride=4, padding=2, groups=3)
        side = torch.tensor([0 if "left" in name else 1 if "right" in name else 2 for name in COCO_17])
        maps = grey[:, side]
        if len(images) == 2:  # the second is the mirrored one
            maps[1] = grey[1, torch.tensor([1, 0, 2])[side]]
        return maps


class Finder:
    """Knows where the person is; ``points`` are its own."""

    def __init__(self, region, points=()):
        self.region, self.points, self.closed = region, points, False

    def find_people(self, image):
        return [self.region]

    def find_pose(self, image, region):
        if not len(self.points):
            return None
        points = np.zeros((len(KEYPOINTS), 3), np.float32)
        points[: len(self.points)] = self.points
        return Pose(points, np.zeros_like(points))

    def close(self):
        self.closed = True


def backend(monkeypatch, finder, flip=True):
    monkeypatch.setattr("understudy.backends.hrnet.load_hrnet", lambda path: (Dots(), (288, 384)))
    return HRNetPose("w48.pth", finder, flip)


def dotted(dots, size=(640, 480)):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for (x, y), channel in dots.items():
        plane = np.zeros(size[::-1], np.uint8)
        cv2.circle(plane, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 9 * 16, 255, -1, shift=4)
        image[..., channel] = np.maximum(image[..., channel], cv2.GaussianBlur(plane, (0, 0), 4))
    return image


@pytest.mark.parametrize(("flip", "finder"), [
    (True, Finder(Region(300, 240, 400))),
    (False, Finder(Region(300, 240, 400))),
    (True, Finder(Region(300, 240, 400), [(200, 100, 0.9), (400, 400, 0.9), (9, 9, 0.1)])),
    (True, Finder(Region(300, 240, 400, math.pi / 2 - 0.3))),
])  # fmt: skip
def test_points_of_a_picture_are_found_where_they_are(monkeypatch, flip, finder):
    """The crop, both ways round, decoding and the way back, in one: to a quarter of a heatmap's pixel of about 5.6 px."""
    truth = {"left_wrist": (350.0, 200.0), "right_wrist": (250.5, 230.0), "nose": (300.0, 130.5)}
    network = backend(monkeypatch, finder, flip)
    image = dotted({place: channel for channel, place in enumerate(truth.values())})
    pose = network.find_pose(image, network.find_people(image)[0])
    for name, place in truth.items():
        np.testing.assert_allclose(pose.points[INDEX[name], :2], place, atol=1.5)
        assert 0.3 < pose.points[INDEX[name], 2] <= 1
    np.testing.assert_allclose(pose.points[INDEX["neck"], :2], (300.25, 215), atol=1.5)
    assert not pose.points[INDEX["left_heel"]].any() and not pose.world.any()
    network.close()
    assert finder.closed


def test_nobody_is_found_in_an_empty_picture(monkeypatch):
    network = backend(monkeypatch, Finder(Region(300, 240, 400)))
    assert network.find_pose(dotted({}), Region(300, 240, 400)) is None
