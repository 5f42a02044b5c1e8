"""instant-nvr's layout, as its fork for single videos makes it."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from understudy.body.model import BodyModel
from understudy.layouts.nearest import SurfacePoints, nearest_surface_points
from understudy.layouts.pictures import copy_frame, write_colour_labels, write_png
from understudy.layouts.recording import Recording
from understudy.progress import track as show_progress

CAMERA = "0"
PADDING, STEP = 0.05, 0.025
"""How far volumes reach beyond the body, and the distance of their nodes at most, m: what the program's own options are."""


def write_instant_nvr(recording: Recording, folder: Path) -> None:
    """Write the layout into a folder that is there.

    T in ``annots.npy`` is in millimetres (and zero, since the world is the camera's frame), all else in metres; poses have
    72 numbers, the first three zero; frames are named by their numbers. ``smpl_lbs/bweights`` is half as large as the
    program's own, in float16, since the program makes float32 of it.
    """
    frames, body = range(len(recording)), recording.body
    for name in ("smpl_params", "smpl_vertices", "smpl_lbs/bweights"):
        (folder / name).mkdir(parents=True)
    _write_body(recording, folder)
    pictures = [f"images/{CAMERA}/{frame:06d}.jpg" for frame in frames]
    camera = {"K": recording.K, "R": np.eye(3), "T": np.zeros((3, 1)), "D": np.zeros((1, 5))}
    annots = {"cams": {key: [value] for key, value in camera.items()}, "ims": [{"ims": [name]} for name in pictures]}
    _save_object(folder / "annots.npy", annots)

    Rh, Th = (values.astype(np.float32) for values in recording.root_about_origin())
    for frame in show_progress(frames, "writing instant-nvr's files"):
        copy_frame(recording, frame, folder / pictures[frame])
        # the program looks for parts by this path with schp in place of images
        write_colour_labels(recording, frame, folder / f"schp/{CAMERA}/{frame:06d}.png")
        write_png(folder / f"mask/{CAMERA}/{frame:06d}.png", recording.alpha(frame))
        vertices = recording.vertices(frame)
        values = {
            "Rh": Rh[frame][None],
            "Th": Th[frame][None],
            "poses": np.pad(recording.track.body_pose[frame], (3, 0))[None],
            "shapes": recording.track.betas[None],
        }
        _save_object(folder / f"smpl_params/{frame}.npy", values)
        np.save(folder / f"smpl_vertices/{frame}.npy", vertices)
        # root unturned and at the model's origin, by the very numbers of smpl_params, or the reader's box would be another
        unposed = (vertices - Th[frame]) @ cv2.Rodrigues(Rh[frame])[0].astype(np.float32)
        weights, _ = _volume(unposed, body)
        np.save(folder / f"smpl_lbs/bweights/{frame}.npy", weights.astype(np.float16))


def _write_body(recording: Recording, folder: Path) -> None:
    """What is the same in all frames."""
    body, (_, joints) = recording.body, recording.rest()
    vertices = recording.big_pose_vertices()
    weights, nearest = _volume(vertices, body)
    uv = nearest.interpolate(body.vt, body.ft).astype(np.float32).reshape(*weights.shape[:3], 2)
    np.save(folder / "bigpose_uv.npy", uv)
    lbs = {
        "joints": joints,
        "parents": np.array(body.parents, np.int64),
        "faces": body.faces.astype(np.int64),
        "bigpose_vertices": vertices,
        "bigpose_bw": weights,
    }
    for name, values in lbs.items():
        np.save(folder / f"smpl_lbs/{name}.npy", values)
    if body.free:
        # of a licensed body they are part of its file, out of which the user takes them
        (folder / "smpl-meta").mkdir()
        meta = {"faces": lbs["faces"], "parents": lbs["parents"], "weights": body.lbs_weights.numpy()}
        for name, values in meta.items():
            np.save(folder / f"smpl-meta/{name}.npy", values)


def _volume(vertices: np.ndarray, body: BodyModel) -> tuple[np.ndarray, SurfacePoints]:
    """Skin weights and distance [X,Y,Z,J+1] float32 of the nearest surface points of a grid's nodes, and these points.

    As many nodes as the program's own grid has, but from end to end of the box in which it looks them up: its own
    reach over the box by up to a step, and are read as if they did not.
    """
    low, high = vertices.min(axis=0) - PADDING, vertices.max(axis=0) + PADDING
    counts = np.ceil((high - low) / STEP).astype(int) + 1
    axes = (np.linspace(*ends) for ends in zip(low, high, counts, strict=True))
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    nearest = nearest_surface_points(nodes.reshape(-1, 3), vertices, body.faces)
    weights = nearest.interpolate(body.lbs_weights.numpy(), body.faces)
    volume = np.concatenate([weights, nearest.distance[:, None]], axis=1).astype(np.float32)
    return volume.reshape(*nodes.shape[:3], -1), nearest


def _save_object(path: Path, value: dict[str, Any]) -> None:
    """A pickled dict in an npy, which is what the program loads."""
    np.save(path, np.array(value, dtype=object), allow_pickle=True)
