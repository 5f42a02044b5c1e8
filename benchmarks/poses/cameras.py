"""Poses of a real person from one camera, against joints triangulated from other, calibrated ones.

python -m benchmarks.poses.cameras DEMO [--camera cam01]

DEMO is the folder Demo_SinglePerson of a checkout of perfanalytics/pose2sim (BSD-3-Clause): ``videos/cam01.mp4``, ... and
``calibration/Calib.qca.txt``. One camera's video goes through the pipeline up to the poses with no option but its name;
in all others the same 2D points are found, and every limb joint is put where their rays come nearest to each other.
"""

import argparse
import logging
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.support.runs import fresh_run
from benchmarks.support.truth import load_free_body, posed_keypoints
from understudy.body.joints import LIMBS
from understudy.body.model import BodyModel
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack
from understudy.metrics.pose import mpjpe, pa_mpjpe

SUB_PIXELS = 64
"""Of Qualisys' files: lengths in the picture are so many to a pixel."""
TO_OPENCV = np.diag([1.0, -1.0, -1.0])
"""From axes of which the third points backwards and the second up."""
SURE = 0.5
FARTHEST = 30.0
"""px; joints whose rays miss each other by more than this on average are left out."""


@dataclass(frozen=True)
class View:
    """A camera; ``x_px ~ K @ (R @ X + T)`` after its distortion."""

    K: np.ndarray  # [3,3]
    distortion: np.ndarray  # k1 k2 p1 p2
    R: np.ndarray  # [3,3]
    T: np.ndarray  # [3] m


def main() -> None:
    """Run, triangulate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--camera", default="cam01", help="the one that the pipeline sees")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    views = read_views(options.demo / "calibration/Calib.qca.txt")
    videos = {name: options.demo / f"videos/{name}.mp4" for name in views}
    others = [name for name in views if name != options.camera]
    run = fresh_run({options.camera: videos[options.camera]}, options.cores, targets=("smpl.npz",))
    whole = run.folder / "whole.yaml"
    whole.write_text("frames: {crop: false, max_size: 4096}\n")  # as they were calibrated
    rays = fresh_run({name: videos[name] for name in others}, options.cores, None, ("keypoints.npz",), whole)
    points = np.stack([limbs_of(rays.results(name)) for name in others])
    joints, misses = triangulate(points, [views[name] for name in others])
    ours = views[options.camera]
    true = joints @ ours.R.T + ours.T
    report(run.results(options.camera), true, misses, ours, load_free_body())


def read_views(path: Path) -> dict[str, View]:
    """Cameras of a Qualisys file by their names."""
    views = {}
    for camera in ElementTree.parse(path).getroot().iter("camera"):
        fov, place, lens = (camera.find(name) for name in ("fov_video", "transform", "intrinsic"))
        if fov is None or place is None or lens is None:
            raise SystemExit(f"error: a camera of {path} has no fov_video, transform or intrinsic.")
        focal = [float(lens.attrib[f"focalLength{axis}"]) / SUB_PIXELS for axis in "UV"]
        centre = [
            float(lens.attrib[f"centerPoint{axis}"]) / SUB_PIXELS - float(fov.attrib[edge])
            for axis, edge in (("U", "left"), ("V", "top"))
        ]
        turn = np.array([[float(place.attrib[f"r{row}{column}"]) for row in (1, 2, 3)] for column in (1, 2, 3)])
        position = np.array([float(place.attrib[axis]) for axis in "xyz"]) / 1000
        R = TO_OPENCV @ turn.T
        distortion = [float(lens.attrib[f"radialDistortion{i}"]) / SUB_PIXELS for i in (1, 2)]
        distortion += [float(lens.attrib[f"tangentalDistortion{i}"]) / SUB_PIXELS for i in (1, 2)]
        K = np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1.0]])
        views[camera.attrib["serial"]] = View(K, np.array(distortion), R, -R @ position)
    return views


def limbs_of(results: Path) -> np.ndarray:
    """Limb joints [T,12,3] of a video: px of the source, confidence."""
    keypoints, frames = Keypoints.load(results / "keypoints.npz"), Frames.load(results / "frames.json")
    points = keypoints.keypoints[:, [keypoints.names.index(name) for name in LIMBS]].astype(np.float64)
    points[..., :2] *= np.divide(frames.source_size or (frames.width, frames.height), (frames.width, frames.height))
    return points


def triangulate(points: np.ndarray, views: list[View]) -> tuple[np.ndarray, np.ndarray]:
    """Places [T,J,3] of points [C,T,J,3] (px, confidence) of cameras ``views``, and their mean distances in px [T,J].

    Source: Hartley and Zisserman, Multiple view geometry (2003), section 12.2; equations count by their confidence. NaN
    where fewer than two cameras are sure.
    """
    shape = points.shape[1:3]
    rows, weights = [], np.where(points[..., 2] > SURE, points[..., 2], 0.0)
    for view, seen, weight in zip(views, points, weights, strict=True):
        even = cv2.undistortPoints(seen[..., :2].reshape(-1, 1, 2), view.K, view.distortion).reshape(*shape, 2)
        pose = np.column_stack([view.R, view.T])
        rows += [weight[..., None] * (even[..., axis, None] * pose[2] - pose[axis]) for axis in (0, 1)]
    found = np.linalg.svd(np.stack(rows, axis=-2))[2][..., -1, :]
    places = found[..., :3] / found[..., 3:]
    errors = []
    for view, seen in zip(views, points, strict=True):
        vector = cv2.Rodrigues(view.R)[0]
        drawn = cv2.projectPoints(places.reshape(-1, 3), vector, view.T, view.K, view.distortion)[0].reshape(*shape, 2)
        errors.append(np.linalg.norm(drawn - seen[..., :2], axis=-1))
    miss = (np.stack(errors) * weights).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-9)
    unknown = (weights > 0).sum(axis=0) < 2
    places[unknown], miss[unknown] = np.nan, np.nan
    return places, miss


def report(results: Path, true: np.ndarray, misses: np.ndarray, view: View, body: BodyModel) -> None:
    """Print the errors of the pose of ``results`` against joints [T,12,3] in that camera's frame."""
    track = BodyTrack.load(results / "smpl.npz")
    frames = Frames.load(results / "frames.json")
    ours = posed_keypoints(body, track, LIMBS)
    good = (misses < FARTHEST).all(axis=1)
    hips = [LIMBS.index(f"{side}_hip") for side in ("left", "right")]
    found, wanted = (
        np.concatenate([points[:, hips].mean(axis=1, keepdims=True), points], axis=1)[good] for points in (ours, true)
    )
    print(f"triangulated: {good.sum()} of {len(good)} frames, rays miss by {np.nanmean(misses[good]):.1f} px")
    if frames.crop is None:
        scale = (frames.source_size or (frames.width, frames.height))[0] / frames.width
        print(f"focal length: {scale * track.K[0, 0] / view.K[0, 0]:.2f} of the true one")
    print(
        f"MPJPE {1000 * np.mean(mpjpe(found, wanted)):.1f} mm, PA-MPJPE {1000 * np.mean(pa_mpjpe(found, wanted)):.1f} mm"
    )
    off = 1000 * ((found - found[:, :1]) - (wanted - wanted[:, :1]))
    across, along = np.linalg.norm(off[..., :2], axis=-1).mean(), np.abs(off[..., 2]).mean()
    print(f"of that {across:.0f} mm across the picture, {along:.0f} mm along the camera's axis")


if __name__ == "__main__":
    main()
