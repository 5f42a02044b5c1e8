"""The label sets of other programs: their names in order, their mirror images, and what each label is in CIHP-20.

The number of a label says nothing without its set: 10 is torso skin in CIHP, a jumpsuit in LIP and the right shoe in ATR.
Left and right are the person's in all of them.
"""

import numpy as np

from understudy.errors import InputError
from understudy.formats.masks import CIHP

LIP = tuple("jumpsuit" if name == "torso_skin" else name for name in CIHP)
"""LIP-20 (Liang et al., TPAMI 2018): CIHP's names and order but for label 10."""

ATR = (
    "background", "hat", "hair", "sunglasses", "upper_clothes", "skirt", "pants", "dress", "belt",
    "left_shoe", "right_shoe", "face", "left_leg", "right_leg", "left_arm", "right_arm", "bag", "scarf",
)  # fmt: skip
"""ATR-18 (Liang et al., TPAMI 2015)."""

LABEL_SETS = {"CIHP-20": CIHP, "LIP-20": LIP, "ATR-18": ATR}
"""Labels in order by the set's name."""

IN_CIHP = {"jumpsuit": "dress", "belt": "pants", "bag": "background"}
"""What CIHP-20 calls the labels that it lacks: a jumpsuit is cloth in one piece, never skin; a bag is not the person."""

VOID = 255
"""Pixels that a program left open."""


def find_label_set(name: str, where: str) -> str:
    """The set's name as we write it: ``lip`` and ``LIP`` are ``LIP-20``.

    Args:
        name: As the user or a file writes it.
        where: File or option that names it, for the message.

    Raises:
        InputError: There is no such set.
    """
    for known in LABEL_SETS:
        if name.strip().upper() in (known, known.partition("-")[0]):
            return known
    raise InputError(f"{where} names the label set {name!r}, which is none of {', '.join(LABEL_SETS)}.")


def cihp_of(label_set: str) -> np.ndarray:
    """CIHP-20 label [labels] uint8 of each label of a set, in the set's order."""
    return np.array([CIHP.index(IN_CIHP.get(name, name)) for name in LABEL_SETS[label_set]], np.uint8)


def mirrored_labels(label_set: str) -> np.ndarray:
    """Index [labels] of each label's left/right counterpart (its own where it has none): what it is in a mirror."""
    names = LABEL_SETS[label_set]

    def counterpart(name: str) -> str:
        side, _, part = name.partition("_")
        return {"left": f"right_{part}", "right": f"left_{part}"}.get(side, name)

    return np.array([names.index(counterpart(name)) for name in names])


def as_cihp(labels: np.ndarray, label_set: str, where: str) -> np.ndarray:
    """Labels uint8 [H,W] of a set in CIHP-20; ``VOID`` becomes background.

    Args:
        labels: uint8 [H,W].
        label_set: One of ``LABEL_SETS``.
        where: The file, for the message.

    Raises:
        InputError: There are labels that the set does not have.
    """
    table = np.full(256, VOID, np.uint8)
    known = cihp_of(label_set)
    table[: len(known)] = known
    table[VOID] = CIHP.index("background")
    result = table[labels]
    if (result == VOID).any():
        strange = int(labels[result == VOID].max())
        raise InputError(
            f"{where} holds the label {strange}, but {label_set} ends at {len(known) - 1}; name the labels' own set."
        )
    return result
