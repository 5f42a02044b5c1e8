"""Labels of human parsing: CIHP-20 of the body's parts, and of what a person wears on them."""

from collections.abc import Mapping

import numpy as np

from understudy.body.model import PARTS
from understudy.formats.masks import CIHP

CIHP_OF_PART = {
    "inside": "face",  # mouth cavity and tongue: seen only through open lips
    "hair": "hair",
    "face": "face",
    "neck": "torso_skin",
    "torso": "upper_clothes",
    "left_arm": "left_arm",
    "right_arm": "right_arm",
    "left_hand": "left_arm",
    "right_hand": "right_arm",
    "left_leg": "left_leg",
    "right_leg": "right_leg",
    "left_foot": "left_shoe",
    "right_foot": "right_shoe",
}
"""The label that pixels of a body part get; left and right are the person's."""

_ARMS = ("left_arm", "right_arm", "left_hand", "right_hand")
_LEGS = ("left_leg", "right_leg", "left_foot", "right_foot")
_HEAD = ("inside", "hair", "face", "neck")
COVERS = {
    "background": (),
    "hat": ("hair", "face", "inside"),
    "hair": (*_HEAD, "torso"),  # long hair lies on shoulders and back
    "glove": _ARMS,
    "sunglasses": ("face", "inside"),
    "upper_clothes": ("neck", "torso", "left_arm", "right_arm", "left_leg", "right_leg"),  # hems hang over the thighs
    "dress": ("neck", "torso", "left_arm", "right_arm", "left_leg", "right_leg"),
    "coat": ("hair", "neck", "torso", *_ARMS, "left_leg", "right_leg"),  # with a hood, and sleeves over the hands
    "socks": _LEGS,
    "pants": ("torso", *_LEGS),  # they begin at the waist and fall on the shoes
    "torso_skin": (*_HEAD, "torso", "left_arm", "right_arm", "left_leg", "right_leg"),
    "scarf": (*_HEAD, "torso"),
    "skirt": ("torso", "left_leg", "right_leg"),
    "face": _HEAD,
    "left_arm": _ARMS,
    "right_arm": _ARMS,
    "left_leg": _LEGS,
    "right_leg": _LEGS,
    "left_shoe": _LEGS,
    "right_shoe": _LEGS,
}
"""The body parts that pixels of a label can show the outside of: the part itself or what is worn on it.

Sides are not told apart: limbs look alike, and networks exchange them.
"""


def part_labels() -> np.ndarray:
    """CIHP-20 labels [parts] uint8 of the body's parts, in the order of ``body.model.PARTS``."""
    return np.array([CIHP.index(CIHP_OF_PART[part]) for part in PARTS], np.uint8)


def covered_parts() -> np.ndarray:
    """Whether a pixel of each CIHP-20 label can show each of the body's parts, ``COVERS``, as bool [20,parts]."""
    return np.array([[part in COVERS[label] for part in PARTS] for label in CIHP])


MATERIALS = ("hair", "skin", "upper", "lower", "sock", "shoe")
"""What a place on the person is made of."""


LABEL_OF_MATERIAL = {"hair": "hair", "upper": "upper_clothes", "lower": "pants", "sock": "socks"}
"""Labels of those that have the same on all of the body's parts."""


def material_labels(others: Mapping[str, str] | None = None) -> np.ndarray:
    """CIHP-20 label [materials,parts] uint8 of each of ``MATERIALS`` on each of the body's parts.

    Args:
        others: Labels of materials instead of ``LABEL_OF_MATERIAL``, such as a skirt for ``lower``.
    """
    table = np.zeros((len(MATERIALS), len(PARTS)), np.uint8)
    plain = LABEL_OF_MATERIAL | dict(others or {})
    for column, part in enumerate(PARTS):
        side, _, limb = part.rpartition("_")
        names = {**plain, "shoe": f"{side or 'left'}_shoe"}
        if limb in ("arm", "hand"):
            names["skin"] = f"{side}_arm"
        elif limb in ("leg", "foot"):
            names["skin"] = f"{side}_leg"
        else:
            names["skin"] = "torso_skin" if part in ("neck", "torso") else "face"
        table[:, column] = [CIHP.index(names[material]) for material in MATERIALS]
    return table
