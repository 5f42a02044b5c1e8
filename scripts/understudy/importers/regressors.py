"""Results of networks: ROMP, 4D-Humans (PHALP), WHAM and GVHMR."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError
from understudy.files.safe_arrays import read_any
from understudy.importers.config import ReadOptions
from understudy.importers.parameters import CROP_FOCAL, camera_from, poses_from, square_camera
from understudy.importers.people import number_of
from understudy.importers.possible import real_numbers, whole_numbers
from understudy.importers.rotations import joint_rotations
from understudy.importers.tracking import Camera, Poses, Tracking, listed_pictures

ROMP_FOCAL = 443.4 / 512
"""ROMP's focal length by the longer side: 60 degrees, on a picture padded to a square."""


def diagonal_camera(size: tuple[int, int]) -> Camera:
    """WHAM's camera: focal length as long as the picture's diagonal."""
    px = float(np.hypot(*size))
    return Camera(np.array([[px, 0.0, size[0] / 2], [0.0, px, size[1] / 2], [0.0, 0.0, 1.0]]), size)


def read_romp(source: Path, options: ReadOptions) -> Tracking:
    """ROMP: ``video_results.npz``, or a folder with one npz a frame (``smpl_thetas, smpl_betas, cam_trans``).

    Translations are those of ROMP's camera of 60 degrees on the padded picture.

    Raises:
        InputError: Not such files, or nobody in them.
    """
    frames: dict[int, Mapping[str, Any]] = {}
    files = sorted(source.glob("*.npz")) if source.is_dir() else [source]
    whole = source / "video_results.npz"
    files = [whole] if whole.is_file() else files
    for path in files:
        content = read_any(path)
        results = content.get("results", content) if isinstance(content, Mapping) else None
        if not isinstance(results, Mapping):
            raise InputError(f"{path} is not of ROMP: it has no results by picture.")
        if "smpl_thetas" in results or "cam_trans" in results:
            frames[number_of(path.name, source)] = results
        else:
            frames |= {number_of(str(name), source): value for name, value in results.items()}
    least = min(frames, default=0)
    frames = {number: value for number, value in frames.items() if value}
    if not frames:
        raise InputError(f"{source} has no results of ROMP.")
    rows = {number: _romp_rows(value, source) for number, value in sorted(frames.items())}
    numbers, picks = _follow(rows, options.person, source)
    thetas, betas, places = (
        np.stack([rows[number][key][pick] for number, pick in zip(numbers, picks, strict=True)])
        for key in ("smpl_thetas", "smpl_betas", "cam_trans")
    )
    poses = poses_from({"thetas": thetas, "betas": betas[:, :10], "transl": places}, source)

    def camera(size: tuple[int, int]) -> Camera:
        return square_camera(size, ROMP_FOCAL, real=True)

    return Tracking(
        backend="romp", camera=camera, poses=poses, pose_frames=np.array(numbers, np.int64), first=options.first,
        least=least,
    )  # fmt: skip


def _romp_rows(value: Mapping[str, Any], path: Path) -> dict[str, np.ndarray]:
    if "smpl_thetas" not in value and "global_orient" in value:
        value = {**value, "smpl_thetas": np.concatenate([value["global_orient"], value["body_pose"]], axis=-1)}
    missing = [key for key in ("smpl_thetas", "smpl_betas", "cam_trans") if key not in value]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; run ROMP with --calc_smpl, version 1.0 or later.")
    rows = {key: np.atleast_2d(real_numbers(value[key], key)) for key in ("smpl_thetas", "smpl_betas", "cam_trans")}
    if "track_ids" in value:
        rows["track_ids"] = np.asarray(value["track_ids"])
    return rows


def _follow(rows: dict[int, dict[str, np.ndarray]], person: str | None, path: Path) -> tuple[list[int], list[int]]:
    """Frames and which of their people: the named one, else the one nearest to the last place, starting with the nearest."""
    numbers, picks = [], []
    last: np.ndarray | None = None
    for number, row in rows.items():
        places = row["cam_trans"]
        if person is not None:
            names = [str(name) for name in row.get("track_ids", np.arange(len(places)))]
            if person not in names:
                continue
            pick = names.index(person)
        elif last is None:
            pick = int(places[:, 2].argmin())
        else:
            # the direction is sure, the depth is not
            seen = places[:, :2] / places[:, 2:] - last[:2] / last[2]
            pick = int((np.linalg.norm(seen, axis=1) + 0.3 * np.abs(np.log(places[:, 2] / last[2]))).argmin())
        last = places[pick]
        numbers.append(number)
        picks.append(pick)
    if not numbers:
        raise InputError(f"{path} has no person {str(person)[:80]}; leave the option out to take the nearest one.")
    return numbers, picks


def read_phalp(source: Path, options: ReadOptions) -> Tracking:
    """4D-Humans (PHALP): ``results/*.pkl``, read without running anything in it.

    ``camera`` is the body's translation for a focal length of 5000 px on a padded picture of 256 px. That focal length
    is a convention, not the video's, so poses are moved to the video's own camera.

    Raises:
        InputError: Not such a file, or the person is not in it.
    """
    content = read_any(source)
    entries = list(content.values()) if isinstance(content, Mapping) else []
    if not entries or not all(isinstance(entry, Mapping) and "smpl" in entry for entry in entries):
        raise InputError(f"{source} is not of PHALP: it has no smpl, camera and tid by picture.")
    rows: dict[str, list[tuple[int, Mapping[str, Any], int, tuple[int, int]]]] = {}
    for index, entry in enumerate(entries):
        number = int(entry.get("time", index))
        seen = entry.get("tracked_time", [0] * len(entry["tid"]))
        for place, name in enumerate(entry["tid"]):
            # a track that is lost for the moment repeats its last state
            if seen[place] <= 0:
                height, width = (int(side) for side in np.ravel(entry["size"][place])[:2])
                rows.setdefault(str(int(name)), []).append((number, entry, place, (width, height)))
    if not rows:
        raise InputError(f"{source} has nobody in any frame.")
    person = options.person if options.person is not None else max(rows, key=lambda name: _prominence(rows[name]))
    if person not in rows:
        raise InputError(f"{source} has no person {person[:80]}; there are {', '.join(sorted(rows))}.")
    chosen = rows[person]
    bodies = [entry["smpl"][place] for _, entry, place, _ in chosen]
    root = np.stack([np.asarray(body["global_orient"], np.float64).reshape(3, 3) for body in bodies])
    joints = np.stack([np.asarray(body["body_pose"], np.float64).reshape(-1, 3, 3) for body in bodies])
    transl = np.stack([np.asarray(entry["camera"][place], np.float64).ravel() for _, entry, place, _ in chosen])
    poses = Poses(
        rotations=joint_rotations(source, root, joints),
        lever=np.broadcast_to(np.eye(3), (len(chosen), 3, 3)),
        transl=transl,
        betas=np.stack([np.asarray(body["betas"], np.float64).ravel()[:10] for body in bodies]),
    )
    size = chosen[0][3]
    notes = (
        () if len(rows) == 1 else (f"{source} follows {len(rows)} people; number {person} is taken (option person).",)
    )
    return Tracking(
        backend="4d-humans", camera=square_camera(size, CROP_FOCAL, real=False), size=size, poses=poses,
        pose_frames=np.array([number for number, *_ in chosen], np.int64), notes=notes,
    )  # fmt: skip


def _prominence(rows: Sequence[tuple[int, Mapping[str, Any], int, tuple[int, int]]]) -> float:
    """Sum of a track's boxes' heights, or of its frames where there are none."""
    return float(sum(np.ravel(entry["bbox"][place])[3] if "bbox" in entry else 1.0 for _, entry, place, _ in rows))


def read_wham(source: Path, options: ReadOptions) -> Tracking:
    """WHAM: ``wham_output.pkl`` of ``demo.py --save_pkl``, poses in the camera's frame (``pose``, ``trans``), by person.

    Its camera, unless it was calibrated, has a focal length as long as the picture's diagonal.

    Raises:
        InputError: Not such a file, or the person is not in it.
    """
    content = read_any(source)
    if isinstance(content, Mapping) and "pose" in content:
        content = {0: content}
    _, value, notes = _one_of(content, ("pose", "trans"), options.person, source)
    poses = poses_from({key: value[key] for key in ("pose", "trans", "betas") if key in value}, source)
    frames = whole_numbers(value.get("frame_ids", listed_pictures(options, len(poses))), "frame_ids")
    return Tracking(backend="wham", camera=diagonal_camera, poses=poses, pose_frames=frames, notes=notes)


def read_pymaf(source: Path, options: ReadOptions) -> Tracking:
    """``output.pkl`` of PyMAF, VIBE or PARE: ``pose, betas, orig_cam, frame_ids`` by person.

    ``orig_cam`` (sx, sy, tx, ty) is a camera without perspective on the whole picture. It has no focal length, so poses
    are moved to the video's own camera.

    Raises:
        InputError: Not such a file, or the person is not in it.
    """
    content = read_any(source)
    if isinstance(content, Mapping) and "orig_cam" in content:
        content = {0: content}
    _, value, notes = _one_of(content, ("pose", "betas", "orig_cam"), options.person, source)
    cam = real_numbers(value["orig_cam"], "orig_cam")
    # with a focal length of F widths the depth is F w / (sx w / 2), whatever the width
    transl = np.stack([cam[:, 2], cam[:, 3], 2 * CROP_FOCAL / cam[:, 0]], axis=1)
    poses = poses_from({"pose": value["pose"], "betas": value["betas"], "transl": transl}, source)
    frames = whole_numbers(value.get("frame_ids", listed_pictures(options, len(poses))), "frame_ids")

    def camera(size: tuple[int, int]) -> Camera:
        return square_camera(size, CROP_FOCAL * size[0] / max(size), real=False)

    return Tracking(backend="pymaf", camera=camera, poses=poses, pose_frames=frames, notes=notes)


def _one_of(
    content: Any, keys: tuple[str, ...], person: str | None, source: Path
) -> tuple[str, Mapping[str, Any], tuple[str, ...]]:
    """Name and entry of the wanted person, else of the one with most frames, and sentences for the user."""
    people = {str(name): value for name, value in content.items()} if isinstance(content, Mapping) else {}
    people = {
        name: value
        for name, value in people.items()
        if isinstance(value, Mapping) and all(key in value for key in keys)
    }
    if not people:
        raise InputError(f"{source} has nobody with {', '.join(keys)}.")
    name = person if person is not None else max(people, key=lambda name: len(people[name]["pose"]))
    if name not in people:
        raise InputError(f"{source} has no person {name[:80]}; there are {', '.join(sorted(people))}.")
    several = f"{source} has {len(people)} people; {name} is taken, who is in most frames (option person for another)."
    return name, people[name], (several,) if len(people) > 1 and person is None else ()


def read_gvhmr(source: Path, options: ReadOptions) -> Tracking:
    """GVHMR: ``hmr4d_results.pt``, its poses in the camera's frame (``smpl_params_incam``) and ``K_fullimg``.

    The parameters are SMPL-X's; its 21 body joints mean the same as SMPL's.

    Raises:
        InputError: Not such a file.
    """
    content = read_any(source)
    inside = content.get("smpl_params_incam") if isinstance(content, Mapping) else None
    if inside is None and isinstance(content, Mapping):
        prefix = re.compile(r"^smpl_params_incam[./_]")
        inside = {prefix.sub("", str(key)): value for key, value in content.items() if prefix.match(str(key))}
    if not inside:
        raise InputError(f"{source} is not of GVHMR: it has no smpl_params_incam.")
    values = {key: np.asarray(value) for key, value in inside.items()}
    poses = poses_from(values, source, family="smplx")
    K = content.get("K_fullimg")
    return Tracking(
        backend="gvhmr",
        camera=diagonal_camera if K is None else camera_from(np.asarray(K)),
        poses=poses,
        pose_frames=listed_pictures(options, len(poses)),
    )
