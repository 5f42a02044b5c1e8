"""EasyMocap's layout: ``images``, ``annots``, ``smpl``, masks, ``intri.yml`` and ``extri.yml``."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import BODY_25
from understudy.layouts.pictures import copy_frame, write_colour_labels, write_png
from understudy.layouts.recording import HALF_PIXEL, Recording
from understudy.progress import track as show_progress

CAMERA = "0"
"""Name of the one camera; the world is its frame."""


def write_easymocap(recording: Recording, folder: Path) -> None:
    """Write the layout into a folder that is there.

    ``v = R(Rh) SMPL(poses, shapes) + Th`` in metres, with all digits where EasyMocap itself keeps three; T in
    ``extri.yml`` is in metres; pixel centres are at whole numbers; poses have 69 numbers.
    """
    _write_cameras(folder, recording.K)
    betas, pelvis, _ = recording.for_smpl()
    Rh, Th = recording.root_about_origin(pelvis)
    (folder / "smpl").mkdir()
    if recording.keypoints is not None:
        (folder / "annots" / CAMERA).mkdir(parents=True)
    for frame in show_progress(range(len(recording)), "writing EasyMocap's files"):
        picture = f"images/{CAMERA}/{frame:06d}.jpg"
        copy_frame(recording, frame, folder / picture)
        write_png(folder / f"mask/{CAMERA}/{frame:06d}.png", recording.alpha(frame))
        if recording.parsing is not None:
            write_colour_labels(recording, frame, folder / f"mask-schp-parsing/{CAMERA}/{frame:06d}.png")
        if recording.keypoints is not None:
            width, height = recording.size
            people = _people(recording.keypoints, frame)
            seen = {"filename": picture, "height": height, "width": width, "annots": people, "isKeyframe": False}
            (folder / f"annots/{CAMERA}/{frame:06d}.json").write_text(json.dumps(seen), encoding="ascii")
        pose = {"Rh": Rh[frame], "Th": Th[frame], "poses": recording.track.body_pose[frame], "shapes": betas}
        person = {"id": 0, **{key: [np.asarray(value, np.float64).tolist()] for key, value in pose.items()}}
        (folder / f"smpl/{frame:06d}.json").write_text(json.dumps([person]), encoding="ascii")


def _people(keypoints: Keypoints, frame: int) -> list[dict[str, Any]]:
    """The person as seen in a frame: none or one."""
    points = keypoints.keypoints[frame, : len(BODY_25)].astype(np.float64)
    box = keypoints.bbox[frame].astype(np.float64)
    sure = points[:, 2] > 0
    if not sure.any():
        return []
    points[~sure] = 0.0
    points[sure, :2] -= HALF_PIXEL
    side = float(max(box[2] - box[0], box[3] - box[1]))
    return [
        {
            "personID": 0,
            "bbox": [*(box - HALF_PIXEL).tolist(), float(points[sure, 2].mean())],
            "keypoints": points.tolist(),
            "area": side**2,
            "isKeyframe": False,
        }
    ]


def _write_cameras(folder: Path, K: np.ndarray) -> None:
    inner = {f"K_{CAMERA}": K, f"dist_{CAMERA}": np.zeros((1, 5))}
    outer = {f"R_{CAMERA}": np.zeros((3, 1)), f"Rot_{CAMERA}": np.eye(3), f"T_{CAMERA}": np.zeros((3, 1))}
    for name, matrices in (("intri.yml", inner), ("extri.yml", outer)):
        storage = cv2.FileStorage(str(folder / name), cv2.FILE_STORAGE_WRITE)
        storage.startWriteStruct("names", cv2.FILE_NODE_SEQ)
        storage.write("", CAMERA)
        storage.endWriteStruct()
        for key, matrix in matrices.items():
            storage.write(key, matrix)
        storage.release()
