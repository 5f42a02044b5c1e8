"""Results of a walk in which everything is wrong in one frame."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.fit_scenes import K, turning_walk
from understudy.body.files import load_body, write_body
from understudy.body.posed import posed_vertices
from understudy.fitting.config import FittingConfig
from understudy.fitting.fit import fit_body
from understudy.formats.masks import write_alpha
from understudy.formats.skeleton import mirrored
from understudy.render.mesh import silhouette

LENGTH, SICK, EXCHANGED = 24, 13, 5
"""Frames; the wrong one; one in which left and right keypoints are exchanged."""


def sick_walk(folder: Path) -> Path:
    """``results/walker`` in ``folder``, and the body's file in ``models``."""
    actor = folder / "results/walker"
    (actor / "frames").mkdir(parents=True)
    (actor / "alpha").mkdir()
    walk = turning_walk(length=LENGTH)
    write_body(folder / "models/body.npz", walk.body)
    body = load_body(folder / "models/body.npz")
    replace(walk.frames, folder=actor / "frames").save(actor / "frames.json")
    track = fit_body(walk.keypoints, walk.frames, Path(), body, FittingConfig(silhouettes=False, iterations=5))
    points = walk.keypoints.keypoints.copy()
    points[SICK, :, 2] = 0.1
    points[EXCHANGED] = points[EXCHANGED, mirrored(walk.keypoints.names)]
    swapped, lost = np.zeros(LENGTH, bool), np.zeros(LENGTH, bool)
    swapped[SICK : SICK + 3] = lost[SICK] = True
    replace(walk.keypoints, keypoints=points, swapped=swapped, interpolated=lost).save(actor / "keypoints.npz")
    random = np.random.default_rng(0)
    noise = random.integers(0, 255, (512, 512, 3), np.uint8)
    for i in range(LENGTH):
        picture = np.full_like(noise, 128) if i == SICK else noise
        Image.fromarray(picture).save(actor / f"frames/{i:06d}.jpg")
        covered = silhouette(posed_vertices(body, track, i), body.faces, K, (512, 512))
        if i == SICK:
            covered[:, 250:] = True
            covered[:, :240] = False
        write_alpha(actor / "alpha", i, covered.astype(np.uint8) * 255)
    pose, errors, transl, valid = (
        track.body_pose.copy(),
        track.reprojection_px.copy(),
        track.transl.copy(),
        track.valid.copy(),
    )
    pose[SICK, 3 * 15 : 3 * 16] += 1.5  # left shoulder
    pose[SICK, 3 * 4] = -1.0  # right knee, bent forwards
    transl[SICK, 2] += 0.3
    errors[SICK], valid[SICK] = 80.0, False
    orient = track.global_orient.copy()
    orient[SICK] = [np.pi, 0.0, 0.0]
    replace(
        track, body_pose=pose, reprojection_px=errors, transl=transl, valid=valid, global_orient=orient
    ).save(actor / "smpl.npz")  # fmt: skip
    return actor
