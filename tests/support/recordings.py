"""A whole recording with masks, labels and poses, as the layouts of other programs take it."""

import cv2
import numpy as np

from tests.support.import_sources import LENGTH, SIZE, K, body_25, pictures
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import write_alpha, write_parsing
from understudy.formats.skeleton import BODY_25
from understudy.formats.smpl import BodyTrack
from understudy.render.mesh import silhouette

LABELS = np.arange(20, dtype=np.uint8).repeat(12)[None].repeat(SIZE[1], 0)[:, : SIZE[0]]


GREY = 90


def recording_of(known, folder):
    """A person in frames of one grey each, with masks, labels of all 20 kinds and a grey texture, as stages leave them."""
    pictures(folder / "frames")
    (folder / "matte").mkdir()
    (folder / "parsing").mkdir()
    body, vertices = known.body, known.vertices()
    for frame in range(LENGTH):
        covered = silhouette(vertices[frame], body.faces, K, SIZE)
        write_alpha(folder / "matte", frame, cv2.GaussianBlur(covered.astype(np.float32), (5, 5), 1.0))
        write_parsing(folder / "parsing", frame, np.pad(LABELS, ((0, 0), (0, SIZE[0] - LABELS.shape[1]))))
    frames = Frames(folder / "frames", 25.0, *SIZE, "anna.mp4", "0", np.arange(LENGTH), K, "config")
    frames.save(folder / "frames.json")
    track = BodyTrack(
        *(np.float32(part) for part in (known.global_orient, known.body_pose, known.transl, known.betas)), K,
        (body.name, body.sha256), np.ones(LENGTH, np.float32), np.arange(LENGTH) != 3,
    )  # fmt: skip
    track.save(folder / "smpl.npz")
    points = body_25(known).astype(np.float32)
    boxes = np.float32([[*row[row[:, 2] > 0, :2].min(axis=0), *row[row[:, 2] > 0, :2].max(axis=0)] for row in points])
    quiet = np.zeros(LENGTH, bool)
    Keypoints(points, BODY_25, boxes, "made up", np.zeros_like(points), quiet, quiet, quiet + 1).save(
        folder / "keypoints.npz"
    )
    np.savez(folder / "canonical.npz", texture=np.full((64, 64, 3), GREY, np.uint8))
    return folder
