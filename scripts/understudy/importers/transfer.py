"""Poses of a foreign body on ours."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.body.joints import ARM, LEG, SMPL_JOINTS, on_joints
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.evenly import evenly
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack
from understudy.importers.place import filled_rotations, filled_vectors, refocused
from understudy.importers.tracking import REST_PELVIS, Poses

logger = logging.getLogger(__name__)

MAX_FRAMES = 60
"""Frames that tell the size of another body."""
FARTHEST = 1e5
"""m; single precision ends in centimetres there, and nobody is seen."""
NEAREST = 0.1
"""m; nobody is seen from nearer."""
FEW_BETAS = 6
MIN_CONFIDENCE = 0.3


@dataclass(frozen=True)
class Placed:
    """Poses on the kept frames in the camera's frame."""

    rotations: np.ndarray  # [T,J,3,3] of our body's joints
    pelvis: np.ndarray  # [T,3] m
    lever: np.ndarray  # [T,3,3]
    """How the pelvis moves with the rest pelvis, which is known only roughly on another body."""
    betas: np.ndarray  # [B], zeros on another body
    same_body: bool
    """Whether the shape was meant for this body."""


def place_poses(poses: Poses, rows: np.ndarray, body: BodyModel, K_from: np.ndarray, K_to: np.ndarray) -> Placed:
    """Poses of the kept frames, moved from the camera they were made for to the frames' camera.

    Args:
        poses: In the camera's frame.
        rows: Row of ``poses`` for each kept frame, -1 for none [T].
        body: Our body. Where it is of the poses' own kind their shape holds and the pelvis is exact.
        K_from: Camera of the poses, in px of the frames [3,3].
        K_to: Camera of the frames [3,3].

    Raises:
        InputError: The person is behind the camera, or in it, or too far away to be seen.
    """
    same = not body.free and body.name == poses.family
    if same:
        given = poses.betas[:, : body.num_betas].copy()
        with torch.no_grad():
            rest = body.shaped(torch.from_numpy(given).float())[1][:, 0].double().numpy()
        betas = given.mean(axis=0)
    else:
        rest, betas = np.array(REST_PELVIS[poses.family]), np.zeros(body.num_betas)
    pelvis = poses.pelvis(rest)
    _check_camera_frame(pelvis, poses)
    rotations = on_joints(filled_rotations(poses.rotations, rows), SMPL_JOINTS, body.joint_names, np.eye(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        place, root = refocused(filled_vectors(pelvis, rows), rotations[:, 0], K_from, K_to)
    if not (np.abs(place) < FARTHEST).all():
        raise InputError(
            "The poses are nowhere that the camera could see the person: their translations or the focal length are wrong; "
            "give the right one (focal_px), or import files that have it."
        )
    rotations[:, 0] = root
    lever = filled_rotations(poses.lever[:, None], rows)[:, 0]
    return Placed(rotations, place, lever, betas, same)


def _check_camera_frame(pelvis: np.ndarray, poses: Poses) -> None:
    depth = float(np.median(pelvis[:, 2]))
    if 0 < depth < NEAREST:
        raise InputError(
            f"The person is {depth:.2g} m before the camera, which cannot be; give metres, in the camera's frame."
        )
    if depth <= 0:
        raise InputError(
            "The poses are behind the camera (z is negative): they are not in an OpenCV camera's frame; "
            "import the program's results in the camera's frame, or a folder that has the camera too."
        )
    if np.median(poses.rotations[:, 0, 1, 1]) > 0.5:
        logger.warning(
            "the person stands head down in the camera's frame (y points down there); "
            "poses in a world with y up need their camera"
        )


def body_track(
    placed: Placed, known: np.ndarray, body: BodyModel, frames: Frames, keypoints: Keypoints | None
) -> BodyTrack:
    """``smpl.npz`` of placed poses.

    On another body than the poses were made for, shape and size follow from the keypoints (``fit_size``); without any the
    body keeps its mean shape.

    Args:
        placed: Poses of the kept frames.
        known: Frames with a pose of their own [T].
        body: Our body.
        frames: The kept frames.
        keypoints: 2D keypoints of the kept frames, if there are some.
    """
    pelvis, betas = placed.pelvis, placed.betas
    evidence = _evidence(keypoints, body) if keypoints is not None else None
    if not placed.same_body and evidence is not None:
        pelvis, betas = fit_size(placed, known, body, frames.K, *evidence)
    with torch.no_grad():
        rest = body.shaped(torch.from_numpy(betas).float())[1][0].double().numpy()
    transl = pelvis - rest
    flat = Rotation.from_matrix(placed.rotations.reshape(-1, 3, 3)).as_rotvec().reshape(len(pelvis), -1)
    return BodyTrack(
        global_orient=flat[:, :3].astype(np.float32),
        body_pose=flat[:, 3:].astype(np.float32),
        transl=transl.astype(np.float32),
        betas=betas.astype(np.float32),
        K=frames.K,
        body_model=(body.name, body.sha256),
        reprojection_px=_errors(placed.rotations, transl, betas, body, frames.K, evidence),
        valid=known.copy(),
    )


def fit_size(
    placed: Placed,
    known: np.ndarray,
    body: BodyModel,
    K: np.ndarray,
    points: np.ndarray,
    weights: np.ndarray,
    places: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Pelvis [T,3] and betas [B] with which another body in the given poses covers the keypoints.

    The picture tells a person's size only up to the distance, so one factor on all distances and a few shape components
    near their mean are found, and where the foreign body's pelvis rests, by least squares with a robust loss over some
    frames.

    Args:
        placed: Poses of the kept frames.
        known: Frames with a pose of their own [T].
        body: Our body.
        K: Camera of the frames.
        points: [T,P,2] px.
        weights: [T,P], 0 where unseen.
        places: Place of these points among the body's keypoints [P].
    """
    seen = np.flatnonzero(known & ((weights > 0).sum(axis=1) >= 6))
    if not len(seen):
        return placed.pelvis, placed.betas
    chosen = seen[evenly(len(seen), MAX_FRAMES)]
    few = body.keypoint_body()
    values = (placed.rotations, placed.pelvis, placed.lever, points, weights)
    rotations, pelvis, lever, target, weight = (
        torch.from_numpy(np.asarray(value[chosen], np.float32)) for value in values
    )
    camera = torch.from_numpy(K.astype(np.float32))
    free = torch.zeros(4 + min(FEW_BETAS, body.num_betas), requires_grad=True)
    size_px = float(np.median(K[1, 1] * 1.7 / placed.pelvis[chosen, 2]))
    optimiser = torch.optim.LBFGS([free], max_iter=60, line_search_fn="strong_wolfe")

    def shape() -> torch.Tensor:
        return torch.cat([free[4:], torch.zeros(body.num_betas - len(free) + 4)])

    def energy() -> torch.Tensor:
        optimiser.zero_grad()
        place = (pelvis + lever @ free[1:4] * 0.1) * free[0].exp()
        rest = few.shaped(shape())[1][0]
        moved = few.keypoints(few.posed(shape(), rotations, place - rest).vertices)[:, torch.from_numpy(places)]
        pixel = moved @ camera.T
        error = (pixel[..., :2] / pixel[..., 2:] - target).square().sum(dim=-1) / (0.05 * size_px) ** 2
        loss = (weight * error / (1 + error)).sum() / weight.sum() + 1e-3 * free[1:].square().sum()
        loss.backward()
        return loss

    optimiser.step(energy)
    with torch.no_grad():
        factor, offset = float(free[0].exp()), free[1:4].double().numpy() * 0.1
        betas = shape().double().numpy()
    logger.info("the body's size: distances times %.3f, betas %s", factor, np.round(betas, 2).tolist())
    return (placed.pelvis + placed.lever @ offset) * factor, betas


def _evidence(keypoints: Keypoints, body: BodyModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [T,P,2], weights [T,P] and places among the body's keypoints [P] of the limbs' points."""
    names = [
        name for name in keypoints.names
        if name in body.keypoint_names and any(part in name for part in (*ARM, *LEG))
    ]  # fmt: skip
    values = keypoints.keypoints[:, [keypoints.names.index(name) for name in names]]
    weights = np.where((values[..., 2] >= MIN_CONFIDENCE) & ~keypoints.interpolated[:, None], values[..., 2], 0.0)
    return values[..., :2], weights, np.array([body.keypoint_names.index(name) for name in names])


def _errors(
    rotations: np.ndarray,
    transl: np.ndarray,
    betas: np.ndarray,
    body: BodyModel,
    K: np.ndarray,
    evidence: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """Mean distance in px [T] of the seen keypoints from the body's; NaN where none is seen."""
    if evidence is None:
        return np.full(len(transl), np.nan, np.float32)
    points, weights, places = evidence
    few = body.keypoint_body()
    with torch.no_grad():
        values = (torch.from_numpy(np.asarray(value, np.float32)) for value in (betas, rotations, transl))
        moved = few.keypoints(few.posed(*values).vertices).numpy()[:, places]
    pixel = moved @ K.T
    distance = np.linalg.norm(pixel[..., :2] / pixel[..., 2:] - points, axis=-1)
    seen = weights > 0
    total = np.where(seen, distance, 0.0).sum(axis=1)
    return np.where(seen.any(axis=1), total / np.maximum(seen.sum(axis=1), 1), np.nan).astype(np.float32)
