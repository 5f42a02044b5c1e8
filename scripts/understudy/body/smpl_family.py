"""Which of SMPL, SMPL-H and SMPL-X a file is, by its tree of joints.

Sources: Loper et al., SMPL (SIGGRAPH Asia 2015); Romero et al., Embodied Hands (SIGGRAPH Asia 2017), section 5;
Pavlakos et al., Expressive Body Capture (CVPR 2019), section 3.1.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.body.joints import SMPL_JOINTS, SMPLH_JOINTS, SMPLX_JOINTS, parents_of
from understudy.errors import InputError

MODELS = ("auto", "smpl", "smplh", "smplx")
"""What ``body.model`` may ask for."""

_OTHERS = {16: "MANO, a hand alone", 5: "FLAME, a head alone"}


@dataclass(frozen=True)
class Family:
    """One of the three."""

    name: str
    title: str
    joints: tuple[str, ...]


FAMILIES = (
    Family("smpl", "SMPL", SMPL_JOINTS),
    Family("smplh", "SMPL-H", SMPLH_JOINTS),
    Family("smplx", "SMPL-X", SMPLX_JOINTS),
)


def family_of(path: Path, tree: np.ndarray, model: str = "auto") -> Family:
    """Which of the three a file is.

    Args:
        path: The file, for messages.
        tree: ``kintree_table`` [2,J].
        model: What the user says it is; ``auto`` for nothing.

    Raises:
        InputError: It is none of them, or another one than ``model``.
    """
    if model not in MODELS:
        raise InputError(f"body.model is {model}; it must be one of {', '.join(MODELS)}.")
    count = tree.shape[-1] if tree.ndim == 2 else 0
    family = next((family for family in FAMILIES if len(family.joints) == count), None)
    if family is None:
        whose = f", as of {_OTHERS[count]}" if count in _OTHERS else ""
        raise InputError(f"{path} has {count} joints{whose}; give the file of a whole body: SMPL, SMPL-H or SMPL-X.")
    if model not in ("auto", family.name):
        raise InputError(
            f"{path} is of {family.title} ({count} joints), but body.model is {model}; set it to {family.name} or auto, "
            "or give the other file."
        )
    # the root's parent is stored as -1 or, unsigned, as 4294967295
    with np.errstate(invalid="ignore"):  # what is no number is in no tree
        parents = tree[0].astype(np.int64)
    if tuple(parents[1:].tolist()) != parents_of(family.joints)[1:]:
        raise InputError(f"{path} has {count} joints, but not in the tree of {family.title}.")
    return family
