"""An actor's results as the data set of another avatar program."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import write_json
from understudy.files.atomic import atomic_folder
from understudy.files.owned import check_replaceable
from understudy.layouts.config import LayoutName
from understudy.layouts.easymocap import write_easymocap
from understudy.layouts.instant_avatar import write_instant_avatar
from understudy.layouts.instant_nvr import write_instant_nvr
from understudy.layouts.neural_actor import write_neural_actor
from understudy.layouts.ntc import write_ntc
from understudy.layouts.recording import Recording

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """A layout that can be written."""

    write: Callable[[Recording, Path], None]
    needs: tuple[str, ...] = ()
    """Parts of a recording that must be there."""
    other_bodies: str = ""
    """What the user should know where the body is not SMPL."""


HOLDS = "a data set"
"""What a folder that is written here holds."""
MEAN = "the program poses an SMPL file of its own: it gets the poses and SMPL's mean shape, which it must fit itself"
LAYOUTS: dict[LayoutName, Layout] = {
    "easymocap": Layout(write_easymocap, (), MEAN),
    "instant-nvr": Layout(
        write_instant_nvr,
        ("parsing",),
        "instant-nvr's table of body parts has SMPL's 6890 vertices; make one for this body before training",
    ),
    "ntc": Layout(write_ntc, (), "the program knows only SMPL's mesh, which obj/ has not"),
    "neural-actor": Layout(write_neural_actor, ("canonical",)),
    "instant-avatar": Layout(write_instant_avatar, (), MEAN),
}


def write_dataset(recording: Recording, folder: str | Path, layout: LayoutName) -> Path:
    """Write a recording as the data set of another avatar program.

    Beside the program's own files ``understudy.json`` says which body, frames and units they are of. Frames are read one
    at a time; memory does not grow with their number.

    Args:
        recording: What :func:`open_recording` gives.
        folder: Where to; a data set that was written there before is replaced as a whole.
        layout: Name of the program's layout, such as ``instant-nvr``; docs/exporting.md lists them.

    Returns:
        The folder.

    Raises:
        InputError: There is no such layout, the recording lacks what it needs, a picture is missing or damaged, or the folder
            holds something else.
    """
    if layout not in LAYOUTS:
        raise InputError(f"{layout} is not a layout; choose from {', '.join(LAYOUTS)}.")
    chosen, body, track = LAYOUTS[layout], recording.body, recording.track
    for part in chosen.needs:
        if getattr(recording, part) is None:
            raise InputError(f"The layout {layout} needs the files of the stage {part}; run it first.")
    check_replaceable(Path(folder), HOLDS)  # before anything is said about what will be there
    if not body.free:
        logger.warning("the data set holds shapes of %s: its licence says to whom you may give it", body.name)
    if chosen.other_bodies and not recording.is_smpl:
        logger.warning("%s is not SMPL, and %s", body.name, chosen.other_bodies)
    if not track.valid.all():
        logger.warning("the poses of %d of %d frames rest on their neighbours alone", np.sum(~track.valid), len(track))
    known = recording.on_smpl_joints()
    counts = len(body.joint_names), len(known.body.joint_names)
    if counts[0] != counts[1]:
        logger.warning(
            "%s has %d joints, and the data set SMPL's %d: fingers and face are at rest in it", body.name, *counts
        )
    with atomic_folder(folder, HOLDS) as temporary:
        chosen.write(known, temporary)
        write_json(temporary / "understudy.json", _origin(recording, layout))
    return Path(folder)


def _origin(recording: Recording, layout: str) -> dict[str, object]:
    """What the files of a data set do not say themselves."""
    body, frames, track = recording.body, recording.frames, recording.track
    return {
        "layout": layout,
        "source": frames.source,
        "source_frames": frames.source_frames,
        "fps": frames.fps,
        "K": track.K,
        "units": "metres, radians; world = camera; K here is for pixel centres at +0.5",
        "body": {"name": body.name, "sha256": body.sha256, "licence": body.licence, "vertices": len(body.v_template)},
        "not_valid": np.flatnonzero(~track.valid),
        "held_out": list(recording.held_out),
        "labels": "CIHP-20",
    }
