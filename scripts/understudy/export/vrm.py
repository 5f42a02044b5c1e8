"""What makes a GLB a VRM 1.0 avatar: which nodes are whose bones, and what may be done with it.

Source: VRM Consortium, VRMC_vrm-1.0 (github.com/vrm-c/vrm-specification), humanoid and meta.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from understudy.body.joints import SIDES

EXTENSION = "VRMC_vrm"
LICENSE_URL = "https://vrm.dev/licenses/1.0/"
"""The one address that the format allows; what is permitted stands in the fields beside it."""


_MIDDLE = {
    "pelvis": "hips", "spine1": "spine", "spine2": "chest", "spine3": "upperChest", "neck": "neck",
    "head": "head", "jaw": "jaw",
}  # fmt: skip
_SIDED = {
    "hip": "UpperLeg", "knee": "LowerLeg", "ankle": "Foot", "foot": "Toes",
    "collar": "Shoulder", "shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand",
    "hand": "MiddleProximal", "eye": "Eye",
    "thumb1": "ThumbMetacarpal", "thumb2": "ThumbProximal", "thumb3": "ThumbDistal",
    **{f"{finger}{number}": f"{title}{part}"
       for finger, title in (("index", "Index"), ("middle", "Middle"), ("ring", "Ring"), ("pinky", "Little"))
       for number, part in enumerate(("Proximal", "Intermediate", "Distal"), 1)},
}  # fmt: skip
_BONES = {**_MIDDLE, **{f"{side}_{joint}": f"{side}{bone}" for side in SIDES for joint, bone in _SIDED.items()}}


def vrm_bones(names: Sequence[str]) -> dict[str, str]:
    """VRM's names of a body's joints, by ours; those that VRM does not know are left out."""
    named = [(name, _BONES[name]) for name in names if name in _BONES]
    # a hand as one piece goes by its middle finger, unless that is there
    return {
        name: bone for name, bone in named if not (name.endswith("_hand") and name.replace("hand", "middle1") in names)
    }


@dataclass(frozen=True)
class VrmMeta:
    """Who an avatar is and whose."""

    name: str
    author: str
    licences: Sequence[str] = ()
    """Licences of the footage and of the body."""


def vrm_extension(meta: VrmMeta, nodes: Mapping[str, int]) -> dict[str, Any]:
    """The extension's content for ``nodes`` by VRM's names of bones.

    Permissions are the least that the format knows, since an avatar looks like a real person: its author alone may act
    with it, nobody may alter it or give it away.
    """
    others = {"copyrightInformation": "; ".join(meta.licences), "thirdPartyLicenses": "\n".join(meta.licences)}
    return {
        "specVersion": "1.0",
        "meta": {
            "name": meta.name,
            "authors": [meta.author],
            **(others if meta.licences else {}),
            "licenseUrl": LICENSE_URL,
            "avatarPermission": "onlyAuthor",
            "allowExcessivelyViolentUsage": False,
            "allowExcessivelySexualUsage": False,
            "commercialUsage": "personalNonProfit",
            "allowPoliticalOrReligiousUsage": False,
            "allowAntisocialOrHateUsage": False,
            "creditNotation": "required",
            "allowRedistribution": False,
            "modification": "prohibited",
        },
        "humanoid": {"humanBones": {bone: {"node": node} for bone, node in nodes.items()}},
    }
