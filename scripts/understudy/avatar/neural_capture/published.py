"""Checkpoints of the method's own authors, by the names that their states have.

Source: the program of Zhu et al., Neural Capture of Animatable 3D Human from Monocular Video (ECCV 2022).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from understudy.avatar.fields.members import load_converted
from understudy.avatar.neural_capture.avatar import CaptureSpace, NeuralCaptureAvatar
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files.safe_torch import load_torch

SPACE = CaptureSpace(samples=32, importance=32, outside=0.04, inside=0.04, longest=0.15, reach=0.04, density=1.0)
"""As the authors look at their fields, but that each ray has bounds of its own."""
STATES = ("model", "model_fine", "model_emb")
"""Of the coarse field, the fine one, and the neighbourhoods."""


def load_published(path: str | Path, body: BodyModel, moments: Tensor) -> NeuralCaptureAvatar:
    """The avatar of one of the program's ``.tar`` files. Nothing in it is ever executed.

    The program knows places by the mean shape's, so that this is the avatar's own; draw it in the person's ``betas``.
    A background that was learned is left out: an avatar has none.

    Args:
        path: The checkpoint.
        body: The SMPL body that it was trained on, which the user must bring.
        moments: Rotations [F,J,3,3] of the poses that it was trained on.

    Raises:
        InputError: It cannot be read, or is of another kind or size.
    """
    content = load_torch(Path(path))
    parts = [content.get(name) for name in STATES] if isinstance(content, Mapping) else []
    states: list[Mapping[str, Tensor]] = [part for part in parts if isinstance(part, Mapping)]
    if len(states) < len(STATES):
        raise InputError(f"{path} lacks one of {', '.join(STATES)}, which Neural Capture's checkpoints have.")
    avatar = NeuralCaptureAvatar(body, np.zeros(body.num_betas, np.float32), moments, "published", SPACE)
    try:
        load_converted(avatar, converted(*states), own=("betas", "moments"))
    except (ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{path} is no checkpoint of Neural Capture with the direction feature ({error}).") from None
    return avatar.requires_grad_(False)


def converted(
    coarse: Mapping[str, Tensor], fine: Mapping[str, Tensor], embedding: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The state of our avatar from theirs; poses and the body's own arrays are left out."""
    taken = {"neighbourhood.codes": embedding["latent"]}
    taken |= _layers(embedding, "aggregate", "neighbourhood.network")
    for state, field in ((coarse, "coarse"), (fine, "fine")):
        for theirs, ours in (("nerf", "trunk"), ("sigma_output", "density"), ("rgb_output", "color")):
            taken |= _layers(state, theirs, f"{field}.{ours}")
    return taken


def _layers(state: Mapping[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    """Every second entry of theirs is a layer, the others are activations."""
    taken = {}
    for key, value in state.items():
        if key.startswith(f"{theirs}."):
            _, number, part = key.split(".")
            taken[f"{ours}.linears.{int(number) // 2}.{part}"] = value
    return taken
