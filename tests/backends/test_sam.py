"""Segment Anything: what it is asked, which network a file belongs to, and what becomes of its answer."""

import sys
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import pytest
import torch

from tests.support.toy_networks import import_torchvision
from understudy.backends.protocols import MaskBackend
from understudy.backends.registry import open_backend
from understudy.backends.sam import SegmentAnything, kind_of, open_predictor, prompts
from understudy.errors import InputError
from understudy.formats.skeleton import INDEX, KEYPOINTS

SHAPE = (100, 60, 3)


def points_at(**places) -> np.ndarray:
    points = np.zeros((len(KEYPOINTS), 3), np.float32)
    for name, place in places.items():
        points[INDEX[name]] = place
    return points


def test_it_is_asked_by_the_pictures_own_box_and_sure_points():
    points = points_at(
        neck=(30, 20, 0.9), left_knee=(35.5, 70, 0.5), nose=(30, 10, 0.1), left_ankle=(36, 104, 0.9),
        right_wrist=(-9, 50, 0.9), left_ear=(33, 9, 0.9), right_heel=(25, 95, 0.9),
    )  # fmt: skip
    places, box = prompts(SHAPE, np.array([-4.0, 5.0, 50.0, 130.0]), points)
    # pixel centres are at 0 for it; the unsure, those outside and those on the outline are left out
    assert places.tolist() == [[29.5, 19.5], [35.0, 69.5]]
    assert box.tolist() == [-0.5, 4.5, 49.5, 99.5]
    moved = points.copy()
    moved[:, :2] += (3, -2)
    again, moved_box = prompts(SHAPE, np.array([-1.0, 3.0, 53.0, 90.0]), moved)
    assert (again - places).tolist() == [[3.0, -2.0]] * 2 and moved_box.tolist() == [-0.5, 2.5, 52.5, 89.5]


class Asked:
    """Stands in for a predictor."""

    def __init__(self, logits):
        self.logits = logits

    def set_image(self, image):
        self.image = image

    def predict(self, point_coords, point_labels, box, **options):
        self.question = point_coords, point_labels, box, options
        return self.logits[None], np.ones(1), self.logits[None]


def backend_of(predictor) -> SegmentAnything:
    backend = SegmentAnything.__new__(SegmentAnything)
    backend.predictor = predictor
    return backend


def test_logits_become_a_soft_mask():
    logits = np.zeros(SHAPE[:2], np.float32)
    logits[0, :4] = (-1000, -1.0, 1.0, 1000)
    predictor = Asked(logits)
    backend = backend_of(predictor)
    assert isinstance(backend, MaskBackend)
    image = np.zeros((200, 60, 3), np.uint8)[::2]  # torch takes no such view
    mask = backend.find_mask(image, np.array([1.0, 1, 9, 9]), points_at(neck=(5, 5, 1)))
    assert mask.dtype == np.float32 and mask.shape == SHAPE[:2]
    assert np.allclose(mask[0, :5], [0, 1 / (1 + np.e), 1 / (1 + 1 / np.e), 1, 0.5], atol=1e-6)
    coords, labels, box, options = predictor.question
    assert coords.tolist() == [[4.5, 4.5]] and labels.tolist() == [1] and box.shape == (4,)
    assert options == {"multimask_output": False, "return_logits": True}
    assert predictor.image.flags.c_contiguous


def test_without_sure_points_the_box_alone_asks():
    predictor = Asked(np.zeros(SHAPE[:2], np.float32))
    backend_of(predictor).find_mask(np.zeros(SHAPE, np.uint8), np.array([1.0, 1, 9, 9]), points_at())
    assert predictor.question[:2] == (None, None)


def second(blocks: int, **more) -> dict[str, torch.Tensor]:
    return {f"image_encoder.trunk.blocks.{place}.norm1.weight": torch.zeros(1) for place in range(blocks)} | more


def test_weights_tell_their_network():
    for length, size in ((768, "vit_b"), (1024, "vit_l"), (1280, "vit_h")):
        assert kind_of({"image_encoder.pos_embed": torch.zeros(1, 64, 64, length, device="meta")}) == ("1", size)
    for blocks, size in ((12, "t"), (16, "s"), (24, "b+"), (48, "l")):
        assert kind_of(second(blocks)) == ("2", size)
        assert kind_of(second(blocks, no_obj_embed_spatial=torch.zeros(1, 64))) == ("2.1", size)
    assert kind_of(second(13)) is None and kind_of({}) is None
    assert kind_of({"image_encoder.pos_embed": torch.zeros(1, 64, 64, 5)}) is None


@pytest.fixture
def package(monkeypatch):
    """A ``segment_anything`` with a network of one layer beside its position code."""

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.image_encoder = torch.nn.Module()
            self.image_encoder.pos_embed = torch.nn.Parameter(torch.zeros(1, 2, 2, 768))

    module = ModuleType("segment_anything")
    module.sam_model_registry = {"vit_b": Network}
    module.SamPredictor = lambda network: network
    monkeypatch.setitem(sys.modules, "segment_anything", module)


def test_weights_are_read_without_the_packages_own_reader(package, tmp_path):
    values = torch.randn(1, 2, 2, 768)
    torch.save({"image_encoder.pos_embed": values}, tmp_path / "sam.pth")
    network = open_predictor(tmp_path / "sam.pth")
    assert torch.equal(network.image_encoder.pos_embed, values) and not network.training


def test_files_of_something_else_are_refused(package, tmp_path):
    for content in ({"a": torch.zeros(1)}, {"image_encoder.pos_embed": torch.zeros(1, 3, 2, 768)}, [1]):
        torch.save(content, tmp_path / "sam.pth")
        with pytest.raises(InputError, match=r"sam\.pth"):
            SegmentAnything(tmp_path / "sam.pth")
    with pytest.raises(InputError, match="no such file"):
        SegmentAnything(tmp_path / "nowhere.pth")


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    torch.save({"image_encoder.pos_embed": torch.zeros(1, 2, 2, 768)}, tmp_path / "sam.pth")
    with pytest.raises(InputError, match=r"needs the package segment_anything"):
        open_backend("silhouettes", "sam", tmp_path / "sam.pth")


@pytest.mark.skipif(find_spec("sam2") is None, reason="sam2 is not installed")
def test_segment_anything_2_runs(tmp_path):
    import_torchvision()
    from sam2.build_sam import build_sam2

    network = build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", None, device="cpu")
    torch.save({"model": network.state_dict()}, tmp_path / "tiny.pt")
    mask = SegmentAnything(tmp_path / "tiny.pt").find_mask(
        np.zeros(SHAPE, np.uint8), np.array([1.0, 1, 50, 90]), points_at(neck=(30, 20, 1))
    )
    assert mask.shape == SHAPE[:2] and 0 < mask.min() < mask.max() < 1
