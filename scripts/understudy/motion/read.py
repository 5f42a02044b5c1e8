"""Any motion file that is known, on a body."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files.arrays import check_ranges, read_json, reading
from understudy.motion.clip import POSSIBLE, Clip
from understudy.motion.loop import looped
from understudy.motion.planting import plant_feet
from understudy.motion.retarget import bvh_clip
from understudy.motion.smpl_npz import smpl_clip
from understudy.video.sources import VIDEO_SUFFIXES

logger = logging.getLogger(__name__)

SETUP_JUMP = 0.35
"""rad; nobody turns a joint so far within a frame."""
SOURCE_MOTION = "source_motion"
"""Name of the motion of the avatar's own video."""
PARAMETERS = (".npz", ".pkl", ".pt", ".pth", ".npy")


def read_motion(
    path: str | Path,
    body: BodyModel,
    fps: float | None = None,
    joint_map: Mapping[str, str] | None = None,
    loop: float | None = None,
) -> Clip:
    """The motion of a file on a body, at the file's own rate: m, y up, feet planted on the ground at y = 0, starting towards +z.

    Known are BVH; and npz (pkl, pt) of SMPL, SMPL-H or SMPL-X parameters: AMASS, AIST++, another actor's ``smpl.npz``,
    whose rate is that of the ``frames.json`` beside it. An actor's folder stands for its ``smpl.npz``.

    Args:
        path: The file, or an actor's folder.
        body: Who moves, such as ``avatar.body``; its template is the person's shape.
        fps: Frames per second where you know better than the file; None for the file's own.
        joint_map: For a BVH file with names that are not known: the rig's joint by ours (``{"left_knee": "Bein_unten_L"}``).
        loop: Seconds for which the motion's best cycle is repeated; None for the motion as it is.

    Raises:
        InputError: The file is missing, damaged or of no known kind, or it is not clear which of its joints are which.
    """
    with reading(path, "a motion that can be used", "export it again"):
        clip = _read(path, body, fps, joint_map)
        turns = np.concatenate([clip.global_orient, clip.body_pose], axis=1)
        found = {
            "frames": len(clip),
            "frames per second": clip.fps,
            "a turn": turns,
            "the way from the start": clip.transl,
        }
        check_ranges(found, POSSIBLE)
    return plant_feet(clip if loop is None else looped(clip, loop), body)


def named_motions(paths: Sequence[str | Path]) -> dict[str, str | Path]:
    """Motions' files by the names that they are chosen by: the file's, or the actor's for a ``smpl.npz``.

    Raises:
        InputError: Two have one name, or one that of the video's own motion.
    """
    named: dict[str, str | Path] = {}
    for path in paths:
        name = Path(path).parent.name if Path(path).name == "smpl.npz" else Path(path).stem
        if name in named or name == SOURCE_MOTION:
            raise InputError(f"{path}: there is a motion {name} already; rename the file.")
        named[name] = path
    return named


def _read(path: str | Path, body: BodyModel, fps: float | None, joint_map: Mapping[str, str] | None) -> Clip:
    """The motion as the file has it."""
    path = Path(path)
    if path.is_dir() and (path / "smpl.npz").is_file():
        path = path / "smpl.npz"
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        clip = _without_setup(bvh_clip(path, body, joint_map))
        return clip if fps is None else replace(clip, fps=fps)
    if joint_map is not None:
        raise InputError(f"{path} is not a BVH file; a joint map is for BVH alone.")
    if suffix in PARAMETERS:
        return smpl_clip(path, body, fps if fps is not None else _rate_beside(path))
    if suffix in VIDEO_SUFFIXES:
        raise InputError(
            f"{path} is a video; put it into data/videos, run snakemake results/{path.stem}/smpl.npz, and give that file."
        )
    raise InputError(
        f"{path} is not a motion that is known; give a .bvh, or an .npz of SMPL parameters as AMASS has them."
    )


def _without_setup(clip: Clip) -> Clip:
    """The motion without a first frame that only shows the rig, often a T-pose: it is far from the second one."""
    if len(clip) < 4:
        return clip
    turns = Rotation.from_rotvec(clip.body_pose[:4].reshape(-1, 3)).as_matrix().reshape(4, -1, 3, 3)
    steps = Rotation.from_matrix((turns[:-1].swapaxes(-1, -2) @ turns[1:]).reshape(-1, 3, 3)).magnitude()
    largest = steps.reshape(3, -1).max(axis=1)
    if largest[0] < SETUP_JUMP or largest[0] < 5 * largest[1:].max():
        return clip
    logger.info("left out the first frame, a pose of the rig before the motion begins")
    return clip.part(1, len(clip))


def _rate_beside(path: Path) -> float | None:
    """Frames per second of the actor that a ``smpl.npz`` belongs to."""
    index = path.parent / "frames.json"
    if path.name != "smpl.npz" or not index.is_file():
        return None
    content = read_json(index)
    rate = content.get("fps") if isinstance(content, Mapping) else None
    return float(rate) if isinstance(rate, (int, float)) and rate > 0 else None
