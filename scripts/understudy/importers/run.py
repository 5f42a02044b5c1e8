"""A user's existing tracking into the stages' files."""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files.owned import check_apart, check_replaceable
from understudy.files.records import check_recorded
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.importers.alpha import write_masks
from understudy.importers.config import ReadOptions
from understudy.importers.place import (
    first_number,
    own_keypoints,
    picture_indices,
    placed_keypoints,
    placement_of,
    rows_of_frames,
)
from understudy.importers.registry import guess_format, read_tracking
from understudy.importers.tracking import Camera, Tracking
from understudy.importers.transfer import body_track, place_poses
from understudy.video.clip import VideoFile
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.video.images import ImageFolder
from understudy.video.intrinsics import scale_camera

logger = logging.getLogger(__name__)

LOST = 0.5
"""Poses for fewer than this share of the frames are most likely numbered otherwise than the pictures."""


@dataclass(frozen=True)
class Imported:
    """What an import wrote."""

    kind: str
    """Name of the format."""
    frames: int
    """Number of frames."""
    posed: int
    """Frames with a pose of their own; the others are filled in and not valid."""
    pointed: int
    """Frames with keypoints of their own."""
    reprojection: float | None
    """Median distance of the keypoints from the posed body's, px; None where there are no poses or no keypoints."""
    files: tuple[Path, ...]
    """Files and folders written."""
    notes: tuple[str, ...]
    """What the user should know, a sentence each."""


def import_tracking(
    source: str | Path,
    folder: str | Path,
    kind: str = "auto",
    pictures: str | Path | None = None,
    body: BodyModel | None = None,
    options: ReadOptions | None = None,
    frames_config: FramesConfig | None = None,
) -> Imported:
    """Bring another program's tracking into an actor's folder.

    Written is what it holds of ``frames/``, ``frames.json``, ``keypoints.npz``, ``alpha/`` and ``smpl.npz``.

    Stages whose files it does not hold run as usual. ``frames/`` are taken from ``pictures``, else from those that lie
    with the tracking, else they are already in ``folder``. The camera is that of ``frames_config``, else the tracking's,
    where it is a real one and no mere convention, else that of the frames.

    Poses are kept on any body of SMPL's tree. Shapes only mean something on the body they were made for: where ``body`` is
    not of that kind (the free body never is), its size and shape are fitted to the keypoints.

    Args:
        source: The tracking, a file or folder of a format that docs/importing.md lists.
        folder: The actor's folder, such as ``results/actor``.
        kind: Name of the format; ``auto`` to tell it by the files.
        pictures: The video or folder of images that was tracked; None where frames lie with the tracking or in ``folder``.
        body: The body that ``smpl.npz`` is for; None to leave poses out.
        options: Which person, which camera, how frames are numbered; None for the defaults.
        frames_config: Which frames to keep, and the camera where the user knows better; None for the defaults.

    Returns:
        What was written, and what the user should know of it.

    Raises:
        InputError: Something is missing, damaged or at odds, or a file of somebody else's would be lost.
    """
    source, folder = Path(source), Path(folder)
    config = frames_config or FramesConfig()
    kind = guess_format(source) if kind == "auto" else kind
    tracking = read_tracking(source, kind, options or ReadOptions())
    if tracking.poses is None and tracking.points is None:
        raise InputError(f"{source} holds neither keypoints nor poses.")
    shown = Path(pictures) if pictures is not None else tracking.pictures
    _check_place(folder, source, tracking, shown, body is not None)
    if options is not None and options.size is not None and tracking.size is None:
        tracking = replace(tracking, size=options.size)
    known = own_keypoints(folder, shown is not None)
    frames, camera, size, written = _frames(tracking, shown, folder, config)
    start = first_number(tracking, shown)
    notes = list(tracking.notes)

    keypoints = None
    if tracking.points is not None:
        rows = rows_of_frames(picture_indices(tracking.point_frames, start), frames.source_frames)
        placement = placement_of(size, frames, f"{source}")
        keypoints = placed_keypoints(tracking.points, rows, frames, placement, camera, tracking.backend)
        keypoints.save(folder / "keypoints.npz", recorded=True)
        written.append(folder / "keypoints.npz")
        notes += _coverage("keypoints", int((rows >= 0).sum()), len(frames))

    masks = [tracking.masks.get(number) for number in _numbers(frames.source_frames, start)]
    if tracking.masks:
        there = [path for path in masks if path is not None]
        if len(there) == len(frames):
            write_masks(folder / "alpha", there, frames, camera)
            written.append(folder / "alpha")
        else:
            notes.append(f"Masks are there for {len(there)} of {len(frames)} frames only, so none were taken.")

    posed, errors = 0, None
    if tracking.poses is not None and body is not None:
        rows = rows_of_frames(picture_indices(tracking.pose_frames, start), frames.source_frames)
        posed = int((rows >= 0).sum())
        if not posed:
            raise InputError(
                f"None of the {len(frames)} frames of {frames.source} has a pose in {source}; "
                "give the video that was tracked, and check the option first."
            )
        K_from = frames.K if camera is None else placement_of(size, frames, f"{source}").camera(camera.K)
        placed = place_poses(tracking.poses, rows, body, K_from, frames.K)
        if keypoints is None and known is not None and len(known) == len(frames):
            keypoints = known
        track = body_track(placed, rows >= 0, body, frames, keypoints)
        track.save(folder / "smpl.npz", recorded=True)
        written.append(folder / "smpl.npz")
        errors = track.reprojection_px[np.isfinite(track.reprojection_px)]
        notes += _coverage("poses", posed, len(frames))
        notes += _body_notes(placed.same_body, body, tracking, keypoints)
        notes += _order_notes(folder)
        notes += _fit_notes(errors, track.transl[:, 2], frames)
    for note in notes:
        logger.warning("%s", note)
    return Imported(
        kind=kind,
        frames=len(frames),
        posed=posed,
        pointed=0 if keypoints is None else int((keypoints.keypoints[..., 2] > 0).any(axis=1).sum()),
        reprojection=float(np.median(errors)) if errors is not None and len(errors) else None,
        files=tuple(written),
        notes=tuple(notes),
    )


def _check_place(folder: Path, source: Path, tracking: Tracking, pictures: Path | None, posed: bool) -> None:
    """Refuse to import over what is read, and over what Understudy did not write or the user changed since."""
    files = {
        "frames.json": pictures is not None,
        "keypoints.npz": tracking.points is not None,
        "smpl.npz": tracking.poses is not None and posed,
    }
    written = [folder / name for name, is_written in files.items() if is_written]
    check_apart([*written, folder / "frames", folder / "alpha"], (source, pictures, *tracking.masks.values()))
    check_recorded(written)
    if pictures is not None:
        check_replaceable(folder / "frames", "frames")
    if tracking.masks:
        check_replaceable(folder / "alpha", "silhouettes")


def _frames(
    tracking: Tracking, pictures: Path | None, folder: Path, config: FramesConfig
) -> tuple[Frames, Camera | None, tuple[int, int], list[Path]]:
    """The kept frames, the camera that the tracking was made for, the size of the tracked pictures, and what was written."""
    index = folder / "frames.json"
    chosen = config.K is not None or config.focal_px is not None or config.focal_35mm is not None
    if pictures is not None:
        whole = picture_size(pictures)
        camera, size = _camera(tracking, whole)
        if camera is not None and not chosen and camera.real:
            K = scale_camera(camera.K, size, whole)
            config = replace(config, K=(K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
        if camera is not None and camera.distortion is not None and config.distortion is None:
            config = replace(config, distortion=camera.distortion)
        return extract_frames(pictures, folder / "frames", index, config), camera, size, [folder / "frames", index]
    if not index.is_file():
        raise InputError(
            f"{folder} has no frames.json yet; give the video or folder of images that was tracked (pictures)."
        )
    frames = Frames.load(index)
    in_px = tracking.points is not None or isinstance(tracking.camera, Camera)
    sized = isinstance(tracking.camera, Camera) and tracking.camera.size is not None
    if in_px and tracking.size is None and not sized:
        raise InputError(
            "The files do not say how large the tracked pictures were; give them (pictures), or their width and height (size)."
        )
    own = (frames.width, frames.height)
    # the video was tracked, of which the frames may show a part
    camera, size = _camera(tracking, own if frames.crop is None or frames.source_size is None else frames.source_size)
    if camera is not None and camera.distortion is not None:
        raise InputError(
            "The tracking's lens has distortion, which must be removed from the frames; give the video or folder of "
            "images that was tracked (pictures)."
        )
    if camera is None or not camera.real or chosen:
        return frames, camera, size, []
    K = placement_of(size, frames, "the tracking").camera(camera.K)
    if np.allclose(K, frames.K, rtol=1e-4, atol=0.05):
        return frames, camera, size, []
    frames = replace(frames, K=K, K_source="config")
    made = index.stat()
    frames.save(index, recorded=True)
    # the pictures are the same, so Snakemake need not look for keypoints and silhouettes in them again
    os.utime(index, ns=(made.st_atime_ns, made.st_mtime_ns))
    return frames, camera, size, [index]


def _camera(tracking: Tracking, pictures: tuple[int, int]) -> tuple[Camera | None, tuple[int, int]]:
    """The camera, and the size of the pictures that it and the keypoints are for."""
    if tracking.camera is None:
        return None, tracking.size or pictures
    if callable(tracking.camera):
        size = tracking.size or pictures
        return tracking.camera(size), size
    size = tracking.camera.size or tracking.size or pictures
    return replace(tracking.camera, size=size), size


def picture_size(pictures: Path) -> tuple[int, int]:
    """Width and height of the upright pictures of a video or a folder of images, px.

    Raises:
        InputError: There is no such video, or it has no pictures.
    """
    if not pictures.exists():
        raise InputError(f"{pictures}: no such file or folder.")
    reader = ImageFolder(pictures, 30.0) if pictures.is_dir() else VideoFile(pictures)
    for _, picture in reader.read([0], 64):
        return picture.size
    raise InputError(f"{pictures} has no picture that can be read.")


def _numbers(source_frames: np.ndarray, start: dict[int, int] | int) -> list[int]:
    """The files' numbers of the kept frames."""
    if isinstance(start, dict):
        back = {index: number for number, index in start.items()}
        return [back.get(int(index), -1) for index in source_frames]
    return (source_frames + start).tolist()


def _coverage(what: str, count: int, length: int) -> list[str]:
    if count >= length:
        return []
    often = " Check the options first and every." if count < LOST * length else ""
    return [f"There are {what} for {count} of {length} frames; the others are filled in and not relied on.{often}"]


def _body_notes(same: bool, body: BodyModel, tracking: Tracking, keypoints: Keypoints | None) -> list[str]:
    if same or tracking.poses is None:
        return []
    family = tracking.poses.family.upper().replace("SMPLH", "SMPL-H").replace("SMPLX", "SMPL-X")
    size = "its size and shape were fitted to the keypoints" if keypoints is not None else "it keeps its mean shape"
    return [f"The shape is {family}'s and means nothing on the body {body.name}: poses were kept, {size}."]


def _order_notes(folder: Path) -> list[str]:
    """A sentence where Snakemake would fit the body anew, since what it is fitted to is yet to be made."""
    missing = [name for name in ("keypoints.npz", "alpha") if not (folder / name).exists()]
    if not missing:
        return []
    return [
        f"{folder} has no {' and no '.join(missing)} yet; have Snakemake make them first and import again, "
        "or it will fit the body again after making them."
    ]


def _fit_notes(errors: np.ndarray, depth: np.ndarray, frames: Frames) -> list[str]:
    """A sentence where the body is not where the keypoints are."""
    if not len(errors):
        return []
    height = float(np.median(frames.K[1, 1] * 1.7 / np.maximum(depth, 1e-3)))
    share = float(np.median(errors)) / height
    if share < 0.05:
        return []
    return [
        f"The body is {100 * share:.0f} % of its height off the keypoints: camera, person or numbers of frames may be wrong."
    ]
