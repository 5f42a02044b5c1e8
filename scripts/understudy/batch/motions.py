"""The motions that an actor is to be shown in, by name. Standard library only."""

from collections.abc import Iterable
from pathlib import Path

from understudy.errors import InputError
from understudy.video.sources import unfit_letters

TAKEN = ("turntable", "reenactment")
"""Names of videos that every actor has."""


def motion_names(paths: Iterable[str]) -> dict[str, str]:
    """The name of each motion's video, from its file's; another actor's ``smpl.npz`` is called as that actor.

    Raises:
        InputError: A file cannot name a video, or two would have one name.
    """
    named: dict[str, str] = {}
    for path in paths:
        file = Path(path)
        name = file.parent.name if file.name == "smpl.npz" else file.stem
        why = unfit_letters(path)
        if why:
            raise InputError(f"{path} cannot name a motion, for {why}; rename it.")
        if name in TAKEN or named.get(name, path) != path:
            raise InputError(f"{path} would be written to renders/{name}.mp4, which is taken; rename it.")
        named[name] = path
    return named
