"""detectron2's networks from their published weights: which one a file is of, and a predictor with it.

Settings are those of the model zoo (COCO-Keypoints, COCO-InstanceSegmentation) and of the projects PointRend and DensePose.
Weights are read here rather than by detectron2, which would run what a pickle says.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from understudy.backends.checkpoints import read_weights
from understudy.errors import InputError

logger = logging.getLogger(__name__)

Kind = Literal["keypoint_rcnn", "mask_rcnn", "pointrend", "densepose"]

SETTINGS: Mapping[Kind, str] = {
    "keypoint_rcnn": "COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml",
    "mask_rcnn": "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml",
    "pointrend": "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml",
    "densepose": "COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml",
}
"""File of the model zoo that each kind's settings start from."""
MIN_SCORE = 0.5
"""Detections of less are dropped."""
LAST_BLOCK = {"backbone.bottom_up.res4.22.conv1.weight": 101, "backbone.bottom_up.res4.5.conv1.weight": 50}
"""A block that a ResNet of this depth has and shallower ones do not, the deepest first."""
BOTTLENECK = (64, 64, 3, 3)
"""Shape of the first 3x3 convolution in these ResNets; ResNeXt's has groups."""
CONSTANTS = ("pixel_mean", "pixel_std", "cell_anchors")
"""Parts of names of what follows from the settings, which some checkpoints hold all the same."""
COARSE = "roi_heads.densepose_predictor.ann_index_lowres.weight"


def open_network(path: Path, kinds: tuple[Kind, ...]) -> tuple[Any, Kind]:
    """detectron2's ``DefaultPredictor`` with the weights of a file, and which kind of network it is.

    It takes a BGR uint8 image [H,W,3] and gives ``{"instances": Instances}``.

    Args:
        path: pkl or pth.
        kinds: Those that will do.

    Raises:
        InputError: The file is missing, damaged, or of another network.
        ModuleNotFoundError: detectron2, or its project densepose, is not installed.
    """
    from detectron2.engine import DefaultPredictor

    weights = read_weights(Path(path))
    kind = kind_of(weights, path)
    if kind not in kinds:
        raise InputError(f"{path} is of {kind}; here weights of {' or '.join(kinds)} are needed.")
    predictor = DefaultPredictor(settings_of(kind, weights, path))
    fill(predictor.model, weights, path)
    logger.info("%s: %s of detectron2", path, kind)
    return predictor, kind


def kind_of(weights: Mapping[str, Tensor], path: Path) -> Kind:
    """Which network weights are of, by the heads that they have.

    Raises:
        InputError: None of those known here.
    """
    heads: tuple[tuple[Kind, tuple[str, ...]], ...] = (
        ("keypoint_rcnn", ("roi_heads.keypoint_head.",)),
        ("densepose", ("roi_heads.densepose_head.",)),
        ("pointrend", ("roi_heads.mask_head.point_head.", "roi_heads.mask_point_head.")),
        ("mask_rcnn", ("roi_heads.mask_head.",)),
    )
    for kind, starts in heads:
        if any(name.startswith(starts) for name in weights):
            return kind
    raise InputError(f"{path} is not of a network of detectron2 that is known here: {', '.join(SETTINGS)}.")


def settings_of(kind: Kind, weights: Mapping[str, Tensor], path: Path) -> Any:
    """detectron2's configuration of the network that the weights are of.

    Raises:
        InputError: It is built on another backbone than ResNet-50 or 101 with FPN.
    """
    from detectron2 import model_zoo
    from detectron2.config import get_cfg

    depth = next((depth for name, depth in LAST_BLOCK.items() if name in weights), None)
    first = weights.get("backbone.bottom_up.res2.0.conv2.weight")
    if depth is None or "backbone.fpn_lateral2.weight" not in weights or first is None or first.shape != BOTTLENECK:
        raise InputError(f"{path} is not on ResNet-50 or ResNet-101 with FPN, which are the ones known here.")
    cfg = get_cfg()
    PREPARE.get(kind, lambda cfg, weights: None)(cfg, weights)
    cfg.merge_from_file(model_zoo.get_config_file(SETTINGS[kind]))
    FINISH.get(kind, lambda cfg, weights: None)(cfg, weights)
    cfg.MODEL.RESNETS.DEPTH = depth
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = MIN_SCORE
    cfg.MODEL.WEIGHTS = ""  # nothing is fetched
    cfg.MODEL.DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
    return cfg


def _prepare_pointrend(cfg: Any, weights: Mapping[str, Tensor]) -> None:
    from detectron2.projects import point_rend

    point_rend.add_pointrend_config(cfg)


def _finish_pointrend(cfg: Any, weights: Mapping[str, Tensor]) -> None:
    cfg.MODEL.ROI_HEADS.NAME = "PointRendROIHeads"  # it knows the names of older checkpoints too
    head = cfg.MODEL.ROI_MASK_HEAD
    head.NAME, head.POOLER_TYPE, head.IN_FEATURES = "PointRendMaskHead", "", ["p2"]
    head.FC_DIM, head.NUM_FC, head.OUTPUT_SIDE_RESOLUTION, head.POINT_HEAD_ON = 1024, 2, 7, True
    points = cfg.MODEL.POINT_HEAD
    points.FC_DIM, points.NUM_FC, points.IN_FEATURES = 256, 3, ["p2"]


def _prepare_densepose(cfg: Any, weights: Mapping[str, Tensor]) -> None:
    from densepose import add_densepose_config

    add_densepose_config(cfg)


def _finish_densepose(cfg: Any, weights: Mapping[str, Tensor]) -> None:
    cfg.MODEL.DENSEPOSE_ON = True
    cfg.MODEL.ROI_HEADS.NAME, cfg.MODEL.ROI_HEADS.NUM_CLASSES = "DensePoseROIHeads", 1
    cfg.MODEL.ROI_BOX_HEAD.POOLER_TYPE, cfg.MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO = "ROIAlign", 2
    head = cfg.MODEL.ROI_DENSEPOSE_HEAD
    deep = any(name.startswith("roi_heads.densepose_head.ASPP") for name in weights)
    head.NAME = "DensePoseDeepLabHead" if deep else "DensePoseV1ConvXHead"
    head.POOLER_TYPE = "ROIAlign"
    if COARSE in weights:
        head.NUM_COARSE_SEGM_CHANNELS = int(weights[COARSE].shape[1])
    head.DECODER_ON = any(name.startswith("roi_heads.decoder.") for name in weights)
    if not head.DECODER_ON:  # the models of the first paper
        head.POOLER_RESOLUTION, head.HEATMAP_SIZE = 14, 56


PREPARE: Mapping[str, Callable[[Any, Mapping[str, Tensor]], None]] = {
    "pointrend": _prepare_pointrend,
    "densepose": _prepare_densepose,
}
"""What adds a project's own settings, with their defaults."""
FINISH: Mapping[str, Callable[[Any, Mapping[str, Tensor]], None]] = {
    "pointrend": _finish_pointrend,
    "densepose": _finish_densepose,
}
"""What sets them as the project's published models have them."""


def fill(model: torch.nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Put weights into a network of detectron2, whose modules rename those of older checkpoints themselves.

    Raises:
        InputError: Some are missing, have no place, or another shape.
    """
    try:
        left = model.load_state_dict(dict(weights), strict=False)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise InputError(f"{path} does not fit its network ({reason}); get it again.") from None
    missing, unknown = (
        [name for name in names if not any(part in name for part in CONSTANTS)]
        for names in (left.missing_keys, left.unexpected_keys)
    )
    if missing or unknown:
        first = f"it lacks {missing[0]}" if missing else f"{unknown[0]} has no place in it"
        raise InputError(
            f"{path} does not fit its network: {first} ({len(missing)} missing, {len(unknown)} unknown);"
            " give the file that docs/backends.md names."
        )
