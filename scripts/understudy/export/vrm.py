"""What makes a GLB a VRM 1.0 avatar: which nodes are whose bones, and what may be done with it.

Source: VRM Consortium, VRMC_vrm-1.0 (github.com/vrm-c/vrm-specification), humanoid and meta.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EXTENSION = "VRMC_vrm"
LICENSE_URL = "https://vrm.dev/licenses/1.0/"
"""The one address that the format allows; what is permitted stands in the fields beside it."""


@dataclass(frozen=True)
class VrmMeta:
    """Who an avatar is and whose."""

    name: str
    author: str
    licences: Sequence[str] = ()
    """Licences of the footage and of the body."""


def vrm_extension(meta: VrmMeta, bones: Sequence[str]) -> dict[str, Any]:
    """The extension's content for nodes that are the ``bones`` (VRM's names) in their order.

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
        "humanoid": {"humanBones": {bone: {"node": node} for node, bone in enumerate(bones)}},
    }
