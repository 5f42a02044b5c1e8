"""Parsing backend ``schp``: Self-Correction for Human Parsing with the weights that its authors published."""

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from understudy.backends.checkpoints import COUNTER, load_weights, read_weights
from understudy.backends.label_sets import LABEL_SETS, cihp_of, find_label_set, mirrored_labels
from understudy.backends.schp_network import ParsingNetwork
from understudy.errors import InputError

logger = logging.getLogger(__name__)

MEAN = (0.406, 0.456, 0.485)
"""Of blue, green and red in 0..1: the network takes them in this order."""
STD = (0.225, 0.224, 0.229)

SIDES = {"CIHP-20": 473, "LIP-20": 473, "ATR-18": 512}
"""Side of the network's picture, px."""

GROWTH = 1.2
"""The network looks at the person's box grown by this factor, about its centre."""

MULTI_HUMAN = "CIHP-20"
"""Networks of this set were trained on pictures of several people too, so that they may look at all of a picture."""

Box = tuple[int, int, int, int]


class SchpParsing:
    """Labels of one person in a picture.

    The picture round the person goes through the network, and its mirror image too; the two answers' mean counts (the
    published evaluation with ``--flip``), as does that over ``scales``. With weights for several people the whole
    picture goes through the network as well and both answers are added (the published fusion of local and global): by
    the same weights, or, as published, by those for whole pictures where they lie beside those for people.
    """

    name = "schp"

    def __init__(
        self, weights: Path, label_set: str | None = None, scales: Sequence[float] = (1.0,), flip: bool = True
    ) -> None:
        """Read the weights.

        Args:
            weights: A checkpoint for LIP, CIHP or ATR, such as ``exp-schp-201908261155-lip.pth``.
            label_set: The set it was trained on; None to tell by its labels' number and its name.
            scales: Sizes at which the picture goes through the network, 1 for the size of the training.
            flip: Whether the mirror image goes through it too.

        Raises:
            InputError: The file is missing, damaged, or of some other network, or its label set cannot be told.
        """
        weights = Path(weights)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.local = read_network(weights).to(self.device)
        self.label_set = _label_set_of(weights, self.local.labels, label_set)
        self.whole: ParsingNetwork | None = None
        if self.label_set == MULTI_HUMAN:
            beside = weights.with_name(weights.name.replace("_local", "_global"))
            self.whole = read_network(beside).to(self.device) if beside != weights and beside.exists() else self.local
        self.scales = tuple(scales)
        self.flip = flip
        logger.info("%s: %s labels on %s", weights.name, self.label_set, self.device)

    def find_labels(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """CIHP-20 labels uint8 [H,W] of the person in ``box``; background outside the grown box.

        Args:
            image: RGB uint8 [H,W,3].
            box: x0 y0 x1 y1 px [4].
        """
        height, width = image.shape[:2]
        labels = np.zeros((height, width), np.uint8)
        x0, y0, x1, y1 = window = grown_box(box, width, height)
        if x0 >= x1 or y0 >= y1:
            return labels
        logits = self._logits(self.local, image, window, window)
        if self.whole is not None:
            logits = logits + self._logits(self.whole, image, (0, 0, width, height), window)
        labels[y0:y1, x0:x1] = cihp_of(self.label_set)[logits.argmax(axis=0)]
        return labels

    def close(self) -> None:
        """Nothing is held that goes on by itself."""

    def _logits(self, network: ParsingNetwork, image: np.ndarray, seen: Box, wanted: Box) -> np.ndarray:
        """What ``network`` says of the part ``seen`` of a picture, in the pixels of ``wanted`` [labels,h,w]."""
        side = SIDES[self.label_set]
        piece = image[seen[1] : seen[3], seen[0] : seen[2]]
        to_network = square_of(piece.shape[1], piece.shape[0], side)
        picture = normalised(cv2.warpAffine(piece, to_network, (side, side), flags=cv2.INTER_LINEAR))
        mirror = mirrored_labels(self.label_set) if self.flip else None
        with torch.inference_mode():
            logits = mean_logits(network, picture.to(self.device), self.scales, mirror).cpu().numpy()
        shift = np.array([[0, 0, seen[0] - wanted[0]], [0, 0, seen[1] - wanted[1]]])
        to_wanted = cv2.invertAffineTransform(to_network) + shift
        size = (wanted[2] - wanted[0], wanted[3] - wanted[1])
        return np.stack([cv2.warpAffine(label, to_wanted, size, flags=cv2.INTER_LINEAR) for label in logits])


def read_network(path: Path) -> ParsingNetwork:
    """The network with the weights of a checkpoint; nothing in the file is ever executed.

    Raises:
        InputError: The file is missing, damaged, or of some other network.
    """
    # torch's own batch norm counts batches, and some have converted the files to it
    weights = {name: value for name, value in read_weights(path).items() if not name.endswith(COUNTER)}
    try:
        network = ParsingNetwork.shaped_as(weights)
    except (KeyError, TypeError, RuntimeError):
        raise InputError(f"{path} holds the weights of some other network; give one of SCHP's checkpoints.") from None
    load_weights(network, weights, path)
    return network.requires_grad_(False)


def mean_logits(
    network: ParsingNetwork, picture: Tensor, scales: Sequence[float] = (1.0,), mirror: np.ndarray | None = None
) -> Tensor:
    """Mean logits [labels,side,side] of a picture over scales and, if asked for, its mirror image.

    Args:
        network: The network.
        picture: [3,side,side], normalised.
        scales: Sizes at which it goes through the network.
        mirror: Index [labels] of each label's counterpart in a mirror; None to leave the mirror image out.
    """
    side = picture.shape[-2:]
    batch = picture[None] if mirror is None else torch.stack([picture, picture.flip(-1)])
    total = torch.zeros(())
    for scale in scales:
        scaled = batch
        if scale != 1:
            scaled = functional.interpolate(batch, scale_factor=scale, mode="bilinear", align_corners=True)
        logits = network(scaled)[0]
        if mirror is not None:
            # what is a left arm in the mirror image is the person's right arm
            logits = (logits[:1] + logits[1:, mirror].flip(-1)) / 2
        total = total + functional.interpolate(logits, side, mode="bilinear", align_corners=True)[0]
    return total / len(scales)


def normalised(picture: np.ndarray) -> Tensor:
    """An RGB uint8 picture [H,W,3] as the network takes it: [3,H,W] float32, blue first."""
    bgr = torch.from_numpy(np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1))).float() / 255
    return (bgr - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def square_of(width: int, height: int, side: int) -> np.ndarray:
    """The map [2,3] of a picture's pixels, counted from 0, to those of a square with ``side`` px.

    The picture's longer side reaches from the square's first pixel to its last, and its middle is the square's.
    """
    factor = (side - 1) / max(width - 1, height - 1, 1)
    middle = (side - 1) / 2
    return np.array(
        [[factor, 0.0, middle - factor * (width - 1) / 2], [0.0, factor, middle - factor * (height - 1) / 2]]
    )


def grown_box(box: np.ndarray, width: int, height: int) -> Box:
    """A box [4] x0 y0 x1 y1 px grown by ``GROWTH`` to whole pixels, inside the picture."""
    room = (box[2:] - box[:2]) * (GROWTH - 1) / 2
    x0, y0 = np.clip(np.round(box[:2] - room), 0, (width, height)).astype(int).tolist()
    x1, y1 = np.clip(np.round(box[2:] + room), 0, (width, height)).astype(int).tolist()
    return x0, y0, x1, y1


def _label_set_of(weights: Path, count: int, stated: str | None) -> str:
    """The set that a network with ``count`` labels answers in."""
    fitting = [name for name, labels in LABEL_SETS.items() if len(labels) == count]
    if stated is not None:
        label_set = find_label_set(stated, "parsing.label_set")
        if label_set not in fitting:
            raise InputError(f"parsing.label_set is {stated}, but {weights} has {count} labels; correct it.")
        return label_set
    if not fitting:
        raise InputError(
            f"{weights} has {count} labels, which is none of the sets {', '.join(LABEL_SETS)}; get another checkpoint"
            " (the one of Pascal-Person-Part does not tell left from right)."
        )
    named = [name for name in fitting if name.partition("-")[0].lower() in weights.name.lower()]
    if len(fitting) > 1 and len(named) != 1:
        raise InputError(
            f"{weights} may have the labels of {' or of '.join(fitting)}, which differ; say which in parsing.label_set."
        )
    return (named or fitting)[0]
