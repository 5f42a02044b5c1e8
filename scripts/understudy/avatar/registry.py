"""Methods of avatars by name; only the one that is asked for is imported."""

from importlib import import_module
from typing import TYPE_CHECKING

from understudy.errors import InputError

if TYPE_CHECKING:
    from understudy.avatar.base import Method

METHODS = {
    "gaussians": "understudy.avatar.gaussians.method.GaussiansMethod",
    "instant_nvr": "understudy.avatar.instant_nvr.method.InstantNvrMethod",
    "neural_capture": "understudy.avatar.neural_capture.method.NeuralCaptureMethod",
    "neural_actor": "understudy.avatar.neural_actor.method.NeuralActorMethod",
}
"""Name of a method to the class that is it, named in full so that its code counts as reached from here (``batch.code``)."""

WITH_GAUSSIANS = frozenset({"gaussians", "neural_actor"})
"""Methods whose avatars are ``splats.SplatAvatar``; those of the others are baked into such (``baking``) for what needs it."""


def find_method(name: str) -> "Method":
    """A method by its name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in METHODS:
        raise InputError(f"There is no method {name!r} of avatars; choose from {', '.join(METHODS)}.")
    module, _, method = METHODS[name].rpartition(".")
    found: Method = getattr(import_module(module), method)()
    return found
