"""Checkpoints of the method's own authors, by the names that their states have.

Source: the program of Geng et al., Learning Neural Volumetric Representations of Dynamic Humans in Minutes (CVPR 2023).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.fields.members import load_converted
from understudy.avatar.instant_nvr.avatar import InstantNvrAvatar, PartSpace
from understudy.avatar.instant_nvr.parts import JOINTS
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files.safe_torch import load_torch

SPACE = PartSpace(samples=64, outside=0.05, inside=0.05, longest=0.15, reach=0.05, sigma=0.075, prior=False)
"""As the authors look at their fields, but that rays run near the body alone."""
FIELD, MOVES = "tpose_human.part_networks", "tpose_deformer"


def load_published(
    path: str | Path, body: BodyModel, betas: np.ndarray, moments: Tensor, times: Tensor
) -> InstantNvrAvatar:
    """The avatar of a ``latest.pth`` of the published sizes. Nothing in it is ever executed.

    Args:
        path: The checkpoint.
        body: The SMPL body that it was trained on, which the user must bring.
        betas: Its shape [B].
        moments: Rotations [F,J,3,3] of the poses that it was trained on, in the order of its latents.
        times: When [F] they are, 0..1: a frame's number over the number of frames.

    Raises:
        InputError: It cannot be read, or is of another kind or size.
    """
    content = load_torch(Path(path))
    state = content.get("net") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        raise InputError(f"{path} has no part 'net', as instant-nvr's checkpoints have; give its latest.pth.")
    avatar = InstantNvrAvatar(body, betas, moments, times, "published", SPACE)
    try:
        load_converted(avatar, converted(state), own=("betas", "moments", "times"))
    except (ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            f"{path} is no checkpoint of instant-nvr with five parts for {len(moments)} frames ({error})."
        ) from None
    return avatar.requires_grad_(False)


def converted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of our avatar from theirs; what only follows from the sizes is left out."""
    taken = {"moves.grid.table": _table(state, f"{MOVES}.embedder")}
    for layer, number in enumerate((0, 2, 4)):
        for part in ("weight", "bias"):
            taken[f"moves.network.linears.{layer}.{part}"] = state[f"{MOVES}.mlp.{number}.{part}"]
    for number in range(len(JOINTS)):
        theirs, ours = f"{FIELD}.{number}", f"fields.{number}"
        taken[f"{ours}.box"] = state[f"{theirs}.embedder.bounds"]
        taken[f"{ours}.grid.table"] = _table(state, f"{theirs}.embedder")
        taken[f"{ours}.latents"] = state[f"{theirs}.rgb_latent"]
        for name, net in (("occ", "occupancy"), ("rgb", "color")):
            prefix = f"{theirs}.{name}.linears."
            taken |= {
                f"{ours}.{net}.linears.{key[len(prefix) :]}": state[key] for key in state if key.startswith(prefix)
            }
    return taken


def _table(state: Mapping[str, Tensor], embedder: str) -> Tensor:
    """Rows of the dense levels, and after them those of the hashed ones."""
    hashed = state[f"{embedder}.hash"]
    dense = state.get(f"{embedder}.dense", hashed.new_zeros(0, hashed.shape[-1]))
    return torch.cat([dense, hashed.reshape(-1, hashed.shape[-1])])
