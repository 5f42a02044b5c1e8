"""detectron2's wrappers against stand-ins of its documented interface: the package itself is built from source, by its user."""

import pickle
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from understudy.backends.densepose import DensePoseParsing
from understudy.backends.detectron2 import DensePose, KeypointRCNN, PersonMasks
from understudy.backends.detectron2_networks import kind_of
from understudy.errors import InputError
from understudy.formats.skeleton import COCO_17, INDEX, KEYPOINTS

HEADS = {
    "keypoint_rcnn": ("roi_heads.keypoint_head.conv_fcn1.weight", (8, 4, 3, 3)),
    "mask_rcnn": ("roi_heads.mask_head.mask_fcn1.weight", (8, 4, 3, 3)),
    "pointrend": ("roi_heads.mask_head.point_head.fc1.weight", (8, 4, 1)),
    "densepose": ("roi_heads.densepose_head.body_conv_fcn1.weight", (8, 4, 3, 3)),
}
BACKBONE = {"backbone.bottom_up.res2.0.conv2.weight": (64, 64, 3, 3), "backbone.fpn_lateral2.weight": (4, 4, 1, 1)}
RES4 = {50: "backbone.bottom_up.res4.5.conv1.weight", 101: "backbone.bottom_up.res4.22.conv1.weight"}


class Settings(SimpleNamespace):
    """A CfgNode: attributes, among them further nodes; it refuses keys that it has not."""

    def merge_from_file(self, path):
        self.file = path


def node(**values):
    return Settings(**values)


def empty_settings():
    return node(MODEL=node(
        RESNETS=node(DEPTH=50), ROI_HEADS=node(NAME="StandardROIHeads", NUM_CLASSES=80, SCORE_THRESH_TEST=0.05),
        ROI_BOX_HEAD=node(POOLER_TYPE="ROIAlignV2", POOLER_SAMPLING_RATIO=0),
        ROI_MASK_HEAD=node(NAME="MaskRCNNConvUpsampleHead", POOLER_TYPE="ROIAlignV2"), WEIGHTS="detectron2://R-50.pkl",
        DEVICE="cuda",
    ))  # fmt: skip


class Boxes:
    def __init__(self, tensor):
        self.tensor = torch.as_tensor(tensor, dtype=torch.float32).reshape(-1, 4)

    def __getitem__(self, item):
        return Boxes(self.tensor[item])

    def __len__(self):
        return len(self.tensor)


class Instances:
    """Fields of the same length, chosen from together."""

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __getitem__(self, item):
        return Instances(**{name: field[item] for name, field in self.__dict__.items()})

    def __len__(self):
        return len(self.pred_boxes)

    def to(self, device):
        return self


class Chart(list):
    """DensePose's output: here (labels, uv) of each instance."""

    def __getitem__(self, item):
        if isinstance(item, torch.Tensor):
            return Chart(one for one, wanted in zip(self, item.tolist(), strict=True) if wanted)
        return Chart(list.__getitem__(self, item))


class Extractor:
    def __call__(self, instances):
        boxes = instances.pred_boxes.tensor.clone()
        boxes[:, 2:] -= boxes[:, :2]
        return [SimpleNamespace(labels=labels, uv=uv) for labels, uv in instances.pred_densepose], boxes


@pytest.fixture
def package(monkeypatch):
    """``detectron2`` and ``densepose`` as far as they are used; ``package.found`` is what the next image shows."""
    stage = SimpleNamespace(found=None, images=[], cfg=None, states={})

    class DefaultPredictor:
        def __init__(self, cfg):
            stage.cfg = cfg
            self.model = nn.Module()
            for name, value in stage.states.items():
                module = self.model
                *path, leaf = name.split(".")
                for part in path:
                    if not hasattr(module, part):
                        module.add_module(part, nn.Module())
                    module = getattr(module, part)
                module.register_parameter(leaf, nn.Parameter(torch.zeros_like(value)))
            stage.model = self.model

        def __call__(self, image):
            stage.images.append(image)
            return {"instances": stage.found}

    def add_pointrend_config(cfg):
        cfg.MODEL.POINT_HEAD = node(NAME="StandardPointHead")

    def add_densepose_config(cfg):
        cfg.MODEL.ROI_DENSEPOSE_HEAD = node(NUM_COARSE_SEGM_CHANNELS=2, DECODER_ON=True, POOLER_RESOLUTION=28)

    def module(name, **content):
        made = ModuleType(name)
        made.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    zoo = module("detectron2.model_zoo", get_config_file=lambda name: name)
    point_rend = module("detectron2.projects.point_rend", add_pointrend_config=add_pointrend_config)
    module("detectron2", model_zoo=zoo)
    module("detectron2.config", get_cfg=empty_settings)
    module("detectron2.engine", DefaultPredictor=DefaultPredictor)
    module("detectron2.projects", point_rend=point_rend)
    module("densepose", add_densepose_config=add_densepose_config)
    module("densepose.vis")
    module("densepose.vis.extractor", DensePoseResultExtractor=Extractor)
    return stage


def weights_of(kind, depth=50, **more):
    shapes = {**BACKBONE, RES4[50]: (2, 2, 1, 1), RES4[depth]: (2, 2, 1, 1), HEADS[kind][0]: HEADS[kind][1], **more}
    return {name: torch.full(shape, 0.5) for name, shape in shapes.items()}


def published(package, folder, kind, depth=50, **more):
    """A file as the model zoo has them, that fits the network which the package builds."""
    package.states = weights_of(kind, depth, **more)
    arrays = {name: value.numpy() for name, value in package.states.items()}
    arrays["pixel_mean"] = np.zeros((3, 1, 1), np.float32)
    path = folder / f"{kind}.pkl"
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "Detectron2 Model Zoo"}, protocol=2))
    return path


IMAGE = np.zeros((120, 160, 3), np.uint8)
IMAGE[..., 0] = 200  # red


def person_points():
    """Two sure points on the right-hand person."""
    points = np.zeros((len(KEYPOINTS), 3), np.float32)
    points[INDEX["neck"]], points[INDEX["mid_hip"]] = (110.5, 30.5, 0.9), (110.5, 60.5, 0.9)
    points[INDEX["left_knee"]] = 10, 10, 0.1
    return points


def two_people(**fields):
    return Instances(
        pred_boxes=Boxes([[10, 10, 60, 110], [90, 10, 130, 110], [0, 0, 160, 120]]), scores=torch.tensor([0.9, 0.8, 0.7]),
        pred_classes=torch.tensor([0, 0, 17]), **fields,
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "depth", "settings"), [
    ("keypoint_rcnn", 50, "COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml"),
    ("mask_rcnn", 101, "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"),
    ("pointrend", 50, "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"),
    ("densepose", 101, "COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml"),
])  # fmt: skip
def test_the_weights_tell_the_network_and_are_in_it_and_nothing_is_fetched(package, tmp_path, kind, depth, settings):
    path = published(package, tmp_path, kind, depth)
    (KeypointRCNN if kind == "keypoint_rcnn" else PersonMasks)(path)
    assert package.cfg.file == settings and package.cfg.MODEL.WEIGHTS == ""
    assert depth == package.cfg.MODEL.RESNETS.DEPTH
    assert all((value == 0.5).all() for value in package.model.state_dict().values())
    if kind == "pointrend":
        assert package.cfg.MODEL.ROI_HEADS.NAME == "PointRendROIHeads"
        assert package.cfg.MODEL.ROI_MASK_HEAD.NAME == "PointRendMaskHead"
    if kind == "densepose":
        assert package.cfg.MODEL.ROI_HEADS.NAME == "DensePoseROIHeads"


def test_densepose_of_the_first_paper_has_no_decoder_and_15_coarse_parts(package, tmp_path):
    coarse = {"roi_heads.densepose_predictor.ann_index_lowres.weight": (8, 15, 4, 4)}
    DensePose(published(package, tmp_path, "densepose", **coarse))
    head = package.cfg.MODEL.ROI_DENSEPOSE_HEAD
    assert (head.NAME, head.DECODER_ON, head.NUM_COARSE_SEGM_CHANNELS) == ("DensePoseV1ConvXHead", False, 15)
    assert (head.POOLER_RESOLUTION, head.HEATMAP_SIZE) == (14, 56)
    later = {
        "roi_heads.decoder.p2.0.weight": (4, 4, 3, 3),
        "roi_heads.densepose_head.ASPP.project.0.weight": (4, 4, 1, 1),
    }
    DensePose(published(package, tmp_path, "densepose", **later))
    head = package.cfg.MODEL.ROI_DENSEPOSE_HEAD
    assert (head.NAME, head.DECODER_ON, head.POOLER_RESOLUTION) == ("DensePoseDeepLabHead", True, 28)


def test_older_names_of_pointrend_are_known(tmp_path):
    assert kind_of({"roi_heads.mask_point_head.fc1.weight": torch.zeros(1)}, tmp_path) == "pointrend"


def test_weights_of_other_networks_are_refused(package, tmp_path):
    with pytest.raises(InputError, match="is of mask_rcnn; here weights of keypoint_rcnn are needed"):
        KeypointRCNN(published(package, tmp_path, "mask_rcnn"))
    with pytest.raises(InputError, match="not of a network of detectron2"):
        kind_of({"fc.weight": torch.zeros(1)}, tmp_path / "x.pkl")
    path = published(package, tmp_path, "keypoint_rcnn", **{"backbone.bottom_up.res2.0.conv2.weight": (256, 8, 3, 3)})
    with pytest.raises(InputError, match="ResNet-50 or ResNet-101"):
        KeypointRCNN(path)
    path = published(package, tmp_path, "keypoint_rcnn")
    package.states["roi_heads.box_head.fc1.weight"] = torch.zeros(2)
    with pytest.raises(InputError, match="lacks roi_heads.box_head.fc1.weight"):
        KeypointRCNN(path)
    package.states = {**weights_of("keypoint_rcnn"), HEADS["keypoint_rcnn"][0]: torch.zeros(1, 1)}
    with pytest.raises(InputError, match="does not fit its network"):
        KeypointRCNN(path)


def test_points_of_the_asked_person_come_from_one_look_at_each_image(package, tmp_path):
    network = KeypointRCNN(published(package, tmp_path, "keypoint_rcnn"))
    keypoints = torch.zeros(3, 17, 3)
    keypoints[..., 2] = 1.0
    keypoints[1, COCO_17.index("left_wrist")] = torch.tensor([100.5, 40.25, 0.05])
    keypoints[1, COCO_17.index("left_shoulder"), :2] = torch.tensor([120.0, 20.0])
    keypoints[1, COCO_17.index("right_shoulder"), :2] = torch.tensor([100.0, 24.0])
    package.found = two_people(pred_keypoints=keypoints)
    regions = network.find_people(IMAGE)
    assert [(region.x, region.y, region.size) for region in regions] == [(35, 60, 125), (110, 60, 125)]
    pose = network.find_pose(IMAGE.copy(), regions[1])
    # detectron2's pixel centres are at +0.5 as ours are, and its limit of visibility is our limit
    np.testing.assert_allclose(pose.points[INDEX["left_wrist"]], [100.5, 40.25, 0.3], atol=3e-3)
    np.testing.assert_allclose(pose.points[INDEX["neck"]], [110, 22, 1])
    assert not pose.points[INDEX["left_heel"]].any() and not pose.world.any()
    assert len(package.images) == 1 and (package.images[0] == [0, 0, 200]).all()  # BGR
    far = type(regions[0])(400.0, 400.0, 60.0)
    assert network.find_pose(IMAGE, far) is None
    package.found = two_people(pred_keypoints=keypoints)[:0]
    other = np.full_like(IMAGE, 7)
    assert network.find_people(other) == [] and network.find_pose(other, regions[1]) is None


def rectangles():
    """Masks of the two people, and of a cow behind them."""
    masks = torch.zeros(3, 120, 160, dtype=torch.bool)
    masks[0, 10:110, 10:60] = masks[1, 10:110, 90:130] = masks[2] = True
    return masks


@pytest.mark.parametrize("kind", ["pointrend", "mask_rcnn"])
def test_the_mask_is_that_of_the_tracked_person_alone(package, tmp_path, kind):
    network = PersonMasks(published(package, tmp_path, kind))
    masks = rectangles()
    package.found = two_people(pred_masks=masks)
    mask = network.find_mask(IMAGE, np.array([80.0, 0, 140, 120]), person_points())
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask, masks[1].numpy())
    # the keypoints decide where a box fits another person better
    mask = network.find_mask(IMAGE, np.array([10.0, 10, 60, 110]), person_points())
    np.testing.assert_array_equal(mask, masks[1].numpy())
    # and the box where they lie on several
    package.found = two_people(pred_masks=torch.stack([masks[2], masks[1], masks[0]]))
    mask = network.find_mask(IMAGE, np.array([80.0, 0, 140, 120]), person_points())
    np.testing.assert_array_equal(mask, masks[1].numpy())
    # somebody else's mask is none
    package.found = two_people(pred_masks=masks)[:1]
    assert not network.find_mask(IMAGE, np.array([80.0, 0, 140, 120]), person_points()).any()
    package.found = two_people(pred_masks=masks)[:0]
    assert not network.find_mask(IMAGE, np.array([80.0, 0, 140, 120]), person_points()).any()


def charts():
    """Both people's parts, in boxes of whole pixels: the second's are 3, 4 on the left half and 24 above."""
    results = Chart([(torch.ones(100, 50, dtype=torch.long), torch.full((2, 100, 50), 0.25))] * 3)
    labels = torch.zeros(100, 40, dtype=torch.long)
    labels[20:, :20], labels[20:, 20:], labels[:20, 10:30] = 3, 4, 24
    results[1] = (labels, torch.stack([torch.full((100, 40), 0.5), torch.full((100, 40), 1.5)]))
    return results


def test_densepose_gives_parts_uv_and_a_mask_in_the_image(package, tmp_path):
    path = published(package, tmp_path, "densepose")
    package.found = two_people(pred_densepose=charts())
    box = np.array([85.0, 5, 135, 115])
    part, U, V = DensePose(path).densepose_iuv(IMAGE, box)
    assert part.dtype == np.uint8 and part.shape == U.shape == V.shape == (120, 160)
    assert part[35, 95] == 3 and part[35, 125] == 4 and part[15, 110] == 24 and part[15, 92] == 0 and part[50, 30] == 0
    assert U[35, 95] == 0.5 and V[35, 95] == 1.0 and U[0, 0] == 0
    mask = PersonMasks(path).find_mask(IMAGE, box, person_points())
    np.testing.assert_array_equal(mask, part > 0)
    labels = DensePoseParsing(path).find_labels(IMAGE, box)
    assert (labels[part == 0] == 0).all() and (labels[part > 0] > 0).all()
    package.found = two_people(pred_densepose=charts())[:0]
    assert not any(values.any() for values in DensePose(path).densepose_iuv(IMAGE, box))


def test_a_person_that_reaches_out_of_the_image_is_cut_there(package, tmp_path):
    network = DensePose(published(package, tmp_path, "densepose"))
    package.found = Instances(
        pred_boxes=Boxes([[-10, 60, 30, 160]]), pred_classes=torch.tensor([0]), pred_densepose=Chart([charts()[1:2][0]])
    )
    part, _, _ = network.densepose_iuv(IMAGE, np.array([0.0, 60, 30, 120]))
    assert part[70, 5] == 24 and part[119, 5] == 3 and part[119, 12] == 4 and part[59].sum() == 0
