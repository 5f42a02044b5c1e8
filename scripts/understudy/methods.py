"""Several methods of avatars for one actor: where each one's avatar is, how it is trained, and on whose poses."""

from collections.abc import Mapping
from typing import Any

from understudy.avatar.config import REFINING, AvatarConfig, MethodConfig, takes_refined
from understudy.options import OfMethod, options_of, parts_of
from understudy.sections import SECTIONS

HELD: dict[str, Any] = {"align_steps": 0, "lr_betas": 0.0}
"""What training on refined poses keeps as they are, unless the method or the user says otherwise."""


def folder_of(actor: str, method: str, chosen: str) -> str:
    """Folder of an actor's avatar by a method, and of what is measured of it, below the working folder.

    Args:
        actor: The actor's name.
        method: Whose avatar it is.
        chosen: The actor's ``avatar.method``, whose avatar is that of the actor's own folder.
    """
    return f"results/{actor}" if method == chosen else f"results/{actor}/methods/{method}"


def avatar_of(actor: str, method: str, chosen: str) -> str:
    """File of an actor's avatar by a method; see :func:`folder_of`."""
    return f"{folder_of(actor, method, chosen)}/avatar.tar"


def training_settings(settings: Mapping[str, Any], method: str) -> dict[str, Any]:
    """The options that a method trains with: the user's own where there are any, else the method's, else the usual ones.

    Args:
        settings: The actor's of the section ``avatar``, with None where the user leaves an option to the method.
        method: Which is trained; in place of ``settings["method"]``.
    """
    usual = {option.name: option.default for option in options_of(AvatarConfig) if _is_of_method(option.kind)}
    own = usual | (HELD if takes_refined(method, settings) else {}) | method_defaults(method)
    chosen = {name: value for name, value in settings.items() if value is not None or name not in usual}
    # the poses that gaussians start from are no choice, and must not have them trained again
    return own | chosen | {"method": method, "poses": "fit" if method == REFINING else settings["poses"]}


def training_config(method: str, chosen: Mapping[str, Any] | None = None) -> AvatarConfig:
    """How an avatar is trained by a method, with the method's own defaults.

    Args:
        method: Which.
        chosen: Options of ``AvatarConfig`` by name that are to have other values; None for none.

    Raises:
        InputError: There is no such method, or an option has a value that it does not take.
    """
    return AvatarConfig(**training_settings({"poses": AvatarConfig().poses, **(chosen or {})}, method))


def method_defaults(method: str) -> dict[str, Any]:
    """A method's own defaults of options of ``AvatarConfig``; empty where there is no such method."""
    groups = [section.groups[0] for section in SECTIONS if section.name == method]
    return {
        name: value for group in groups if issubclass(group, MethodConfig) for name, value in group.training.items()
    }


def _is_of_method(kind: Any) -> bool:
    return any(isinstance(limit, OfMethod) for limit in parts_of(kind)[1])
