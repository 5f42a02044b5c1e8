"""What an archive of this method may say beside its Gaussians: the predicted texture's design, and tables of its numbers."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import torch

from understudy.avatar.neural_actor.learner import MOST_FILMED
from understudy.avatar.neural_actor.pose_texture import Design, PoseTexture, Predictor
from understudy.body.model import BodyModel
from understudy.files.tables import Numbers, check_table

MOST_PX = 512
"""Of a texture."""
_NET = 100.0
"""Numbers of a predictor, whose moves and shades are bounded whatever these are."""
DESIGN = {
    "texture_size": Numbers((), np.int64, 16, MOST_PX),
    "reach": Numbers((), np.float64, 0.0, 10.0),
}
"""Numbers of ``avatar.json`` that are read again."""
FILMED = {"residual.filmed": Numbers(("P", "T", 3), np.float32, -2.0, 2.0)}
"""Turns of the joints in poses of the video."""


def described_design(described: Mapping[str, Any], weights: Mapping[str, np.ndarray], joints: int) -> Design | None:
    """The design that ``avatar.json`` tells of; None where a pose changes nothing.

    Raises:
        ValueError: It is none that there is, or the poses of the video are missing.
    """
    predictor = described.get("predictor")
    if predictor is None:
        return None
    if predictor not in get_args(Predictor):
        raise ValueError(f"predictor is none of {', '.join(get_args(Predictor))}")
    numbers = check_table({key: np.asarray(described.get(key)) for key in DESIGN}, DESIGN, {})
    side = int(numbers["texture_size"])
    if side % 8:
        raise ValueError(f"texture_size is {side}, no multiple of 8")
    lengths = {"P": (1, MOST_FILMED), "T": (joints - 1, joints - 1)}
    filmed = check_table(weights, FILMED, lengths).get("residual.filmed")
    if filmed is None:
        raise ValueError("the weights lack residual.filmed")
    return Design(predictor, side, float(numbers["reach"]), torch.from_numpy(filmed))


def residual_table(design: Design, body: BodyModel) -> dict[str, Numbers]:
    """What the arrays of a predicted texture of this design may be."""
    texture = PoseTexture(body, torch.zeros(1, 2), design)
    return {
        f"residual.{name}": Numbers(tuple(values.shape), np.float32, -_NET, _NET)
        for name, values in texture.state_dict().items()
    }
