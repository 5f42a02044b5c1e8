"""What an archive of Gaussians may say: tables of its numbers, and rules for the cloud as a whole."""

from collections.abc import Mapping

import numpy as np
import torch

from understudy.avatar.gaussians.lighting import TERMS
from understudy.avatar.gaussians.model import EXTRAS, GaussianAvatar
from understudy.avatar.gaussians.nodes import NODES
from understudy.files.arrays import check_ranges
from understudy.files.tables import Numbers, check_shares, check_table
from understudy.formats.limits import BETAS, LEAST_JOINTS, MOST_BETAS, MOST_FACES, MOST_JOINTS, SIZE

MOST_GAUSSIANS = 1 << 20
"""Fifty times as many as usual; the schema of the options allows a million."""
MOST_CORNERS = 1 << 26
"""Gaussians times shape components: each pair takes 36 bytes of memory."""

LOGITS = 1e4
"""Of opacities and colours; beyond 20 they say nothing more."""
WEIGHTS = {
    "face": Numbers(("N",), np.int64, 0, MOST_FACES),
    "bary": Numbers(("N", 3), np.float32, -0.01, 1.01),
    "spacing": Numbers(("N",), np.float32, 1e-6, SIZE),
    "betas": Numbers(("B",), np.float32, -BETAS, BETAS),
    "offsets": Numbers(("N", 3), np.float32, -SIZE, SIZE),
    "log_scales": Numbers(("N", 3), np.float32, -20.0, 1.0),  # up to almost 3 m
    "quats": Numbers(("N", 4), np.float32, -1e3, 1e3),
    "opacity_logits": Numbers(("N",), np.float32, -LOGITS, LOGITS),
    "rgb_logits": Numbers(("N", 3), np.float32, -LOGITS, LOGITS),
    "light": Numbers((TERMS, 3), np.float32, -2.0, 2.0),  # logarithms: some million times brighter from one side
    "sh": Numbers(("N", 3, 3), np.float32, -100.0, 100.0),
    "weight_logits": Numbers((NODES, "J"), np.float32, -30.0, 30.0),  # logarithms
}
"""Of ``weights.safetensors``; there may be no ``sh`` and ``weight_logits``."""
WEIGHTS_LENGTHS = {"N": (1, MOST_GAUSSIANS), "B": (1, MOST_BETAS), "J": (LEAST_JOINTS, MOST_JOINTS)}
QUATERNION = (1e-3, 1e4)
"""Length of a Gaussian's quaternion, which need not be one."""

DESCRIBED = {"count": Numbers((), np.int64, 1, MOST_GAUSSIANS)}
"""Numbers of ``avatar.json`` that are read again."""
WHOLE = {
    "the greatest opacity": (0.01, 1.0),
    "the area of all Gaussians": (1e-4, 200.0),  # a hundred times that of a person at most, as pictures take time by it
}
"""Of the avatar in its rest pose, m."""


def check_weights(
    arrays: dict[str, np.ndarray], gaussians: int, joints: int, more: Mapping[str, Numbers] | None = None
) -> dict[str, np.ndarray]:
    """The arrays of ``weights.safetensors`` as the types that ``WEIGHTS`` says.

    Args:
        arrays: What the file holds.
        gaussians: How many ``avatar.json`` tells of.
        joints: How many the body has.
        more: What a method that is built on this one has besides, all of which must be there.

    Raises:
        ValueError: They are not what may be.
    """
    table = {**WEIGHTS, **(more or {})}
    missing = [key for key in table if key not in arrays and key not in EXTRAS]
    if missing:
        raise ValueError(f"the weights lack {', '.join(missing)}")
    strange = [key for key in arrays if key not in table]
    if strange:
        raise ValueError(f"the weights hold {strange[0]!a}, which no avatar has")
    taken = check_table(arrays, table, {**WEIGHTS_LENGTHS, "J": (joints, joints)})
    count = len(taken["face"])
    if count != gaussians:
        raise ValueError(f"there are {count} Gaussians, and it tells of {gaussians}")
    if count * len(taken["betas"]) > MOST_CORNERS:
        raise ValueError(f"{count} Gaussians with {len(taken['betas'])} shape components are too many")
    check_shares("bary", taken["bary"], 0.01)
    length = "the length of a quaternion"
    check_ranges({length: np.linalg.norm(taken["quats"].astype(np.float64), axis=1)}, {length: QUATERNION})
    return taken


@torch.no_grad()
def check_cloud(avatar: GaussianAvatar) -> None:
    """Refuse an avatar whose numbers are possible each by itself, but make no person together.

    Raises:
        ValueError: Nothing of it is to be seen, or it would take forever to draw.
    """
    scales = avatar.log_scales.exp().sort(dim=1).values[:, 1:].double()
    sizes = {
        "the area of all Gaussians": scales.prod(dim=1).sum(),
        "the greatest opacity": avatar.opacity_logits.sigmoid().max(),
    }
    check_ranges({key: value.numpy() for key, value in sizes.items()}, WHOLE)
