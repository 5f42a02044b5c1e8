"""A first motion in closed form: the torso by Kabsch's method, limbs bone by bone, the place by least squares."""

import numpy as np
import roma
import torch
from scipy.ndimage import gaussian_filter1d, median_filter
from torch import Tensor

from understudy.body.joints import ARM, LEG
from understudy.body.rig import PointRig
from understudy.fitting.evidence import Evidence
from understudy.fitting.motion import GROUP, GROUPS, Motion
from understudy.fitting.priors import STANCE
from understudy.fitting.yaw import upright_yaw

SMOOTHING_SECONDS = 0.06
"""Standard deviation in time of the Gaussian that the first guess is smoothed with."""

TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
MAX_HEAD_TURN = 1.2
"""rad; a head turned farther from the torso is a hallucinated face."""

Hinged = tuple[tuple[str, ...], tuple[float, float, float]]
"""Upper joint, lower joint and end of a limb, which are keypoints too; axis of the hinge in between, in the T-pose."""
HINGED: tuple[Hinged, ...] = tuple(
    (tuple(f"{side}_{part}" for part in limb), axis)
    for limb, side, axis in (
        (ARM, "left", (0.0, -1.0, 0.0)), (ARM, "right", (0.0, 1.0, 0.0)),
        (LEG, "left", (1.0, 0.0, 0.0)), (LEG, "right", (1.0, 0.0, 0.0)),
    )
)  # fmt: skip


def initial_motion(evidence: Evidence, rig: PointRig) -> Motion:
    """First guess of the motion; frames without evidence are interpolated.

    Where the backend gives no 3D points, the torso is upright, its yaw comes from the 2D points, and the limbs are in
    the usual stance.

    Args:
        evidence: What was seen.
        rig: Its points on the body.
    """
    betas = torch.zeros(rig.num_betas)
    rest, _ = rig.rest(betas)
    root, root_weight = torso_rotations(evidence, rest)
    if (root_weight[evidence.seen] == 0).any():
        flat = upright_yaw(evidence, rest)
        missing = root_weight == 0
        root = torch.where(missing[:, None, None], flat, root)
        root_weight = torch.where(missing & evidence.seen, 0.1, root_weight)
    rotations, weights = limb_rotations(evidence, rest, smooth_rotations(root, root_weight, evidence.fps))
    for group in range(len(GROUPS)):
        rotations[:, group] = smooth_rotations(rotations[:, group], weights[:, group], evidence.fps)
    still = Motion(rotations, torch.zeros(len(evidence), 3), betas)
    return Motion(rotations, place(evidence, still.points(rig)[0]), betas)


def torso_rotations(evidence: Evidence, rest: Tensor) -> tuple[Tensor, Tensor]:
    """Root rotations [T,3,3] that turn the torso of ``rest`` [P,3] onto the 3D points, and their weights [T].

    Source: Kabsch, A solution for the best rotation to relate two sets of vectors (1976).
    """
    rows = [evidence.index(name) for name in TORSO]
    if min(rows) < 0:
        return torch.eye(3).expand(len(evidence), 3, 3).clone(), torch.zeros(len(evidence))
    weights = evidence.world_weights[:, rows]
    usable = (weights > 0).all(dim=1) & evidence.seen
    rotations, _ = roma.rigid_points_registration(
        rest[rows].expand(len(evidence), -1, -1).double(),
        _safe_world(evidence)[:, rows].double(),
        weights=torch.where(usable[:, None], weights, 1.0).double(),
    )
    return rotations.float(), weights.min(dim=1).values * usable


def limb_rotations(evidence: Evidence, rest: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations [T,G,3,3] of all groups below ``root`` [T,3,3], and their weights [T,G]; 0 means the usual stance."""
    rotations = STANCE.expand(len(evidence), -1, -1, -1).clone()
    weights = torch.zeros(len(evidence), len(GROUPS))
    rotations[:, GROUP["root"]] = root
    weights[:, GROUP["root"]] = 1.0
    world = _safe_world(evidence)
    for names, axis in HINGED:
        upper, lower, _ = names
        rows = [evidence.index(name) for name in names]
        if min(rows) < 0:
            continue
        bones, target = rest[rows].diff(dim=0), world[:, rows].diff(dim=1) @ root  # in the torso's frame
        rotations[:, GROUP[upper]], rotations[:, GROUP[lower]] = hinged_limb(bones, target, torch.tensor(axis))
        weights[:, GROUP[upper]] = weights[:, GROUP[lower]] = evidence.world_weights[:, rows].min(dim=1).values
    for side in ("left", "right"):
        leg = root @ rotations[:, GROUP[f"{side}_hip"]] @ rotations[:, GROUP[f"{side}_knee"]]
        rows = [evidence.index(f"{side}_{name}") for name in ("heel", "big_toe")]
        if min(rows) >= 0:
            foot = world[:, rows].diff(dim=1) @ leg
            rotations[:, GROUP[f"{side}_ankle"]] = swing(rest[rows].diff(dim=0)[0], foot[:, 0])
            weights[:, GROUP[f"{side}_ankle"]] = evidence.world_weights[:, rows].min(dim=1).values
    face = [row for name in FACE if (row := evidence.index(name)) >= 0]
    if len(face) >= 3:
        seen = evidence.world_weights[:, face]
        head, _ = roma.rigid_points_registration(
            rest[face].expand(len(evidence), -1, -1).double(), (world[:, face] @ root).double(), (seen + 1e-6).double()
        )
        turn = roma.rotmat_to_rotvec(head).float()
        plausible = turn.norm(dim=-1) < MAX_HEAD_TURN
        rotations[:, GROUP["head"]] = roma.rotvec_to_rotmat(turn / 2 * plausible[:, None])  # neck and head share it
        weights[:, GROUP["head"]] = torch.where(plausible, seen.min(dim=1).values, 0.0)
    return torch.where(weights[..., None, None] > 0, rotations, STANCE), weights


def hinged_limb(bones: Tensor, target: Tensor, axis: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations of an upper and a lower bone that point along the targets and bend about the hinge as far as they can.

    Args:
        bones: Upper and lower bone of the rest pose [2,3].
        target: Where they should point [T,2,3], in the frame of the upper bone's parent.
        axis: Axis of the hinge in the rest pose [3].

    Returns:
        Upper [T,3,3] relative to its parent and lower [T,3,3] relative to the upper.
    """
    upper, lower = _unit(target[:, 0]), _unit(target[:, 1])
    # the plane of the bend fixes the twist; a straight limb has none and keeps the twist of a plain swing
    usual = (swing(bones[0], upper) @ axis) * 0.25
    rotation = _frame(upper, torch.linalg.cross(upper, lower) + usual) @ _frame(_unit(bones[:1]), axis[None]).mT
    return rotation, swing(bones[1], (lower[:, None] @ rotation)[:, 0])


def swing(start: Tensor, end: Tensor) -> Tensor:
    """Smallest rotations [T,3,3] that turn the direction ``start`` [3] into the directions ``end`` [T,3]."""
    start, end = _unit(start).expand(len(end), 3), _unit(end)
    axis = torch.linalg.cross(start, end)
    sine, cosine = axis.norm(dim=-1, keepdim=True), (start * end).sum(dim=-1, keepdim=True)
    side = _unit(torch.linalg.cross(start, start.new_tensor([0.3, 0.5, 0.8]).expand_as(start)))
    axis = torch.where(sine > 1e-6, axis / sine.clamp(min=1e-6), side)  # any axis will do for a half turn
    return roma.rotvec_to_rotmat(axis * torch.atan2(sine, cosine))


def place(evidence: Evidence, points: Tensor) -> Tensor:
    """Translations [T,3] by linear least squares of the reprojection of ``points`` [T,P,3], posed about the origin.

    With u = (x - cx) / fx a point demands tx - u tz = u Z - X, and likewise for v. Depth is median-filtered in time.
    """
    K = evidence.K
    rays = (evidence.points - K[:2, 2]) / torch.stack([K[0, 0], K[1, 1]])
    rows = torch.zeros(*rays.shape[:2], 2, 3)
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -rays
    right = rays * points[..., 2:] - points[..., :2]
    weights = evidence.weights[..., None, None]
    rows, right = rows.flatten(1, 2), right.flatten(1, 2)[..., None]
    weights = weights.expand(-1, -1, 2, 1).flatten(1, 2)
    normal = rows.mT @ (weights * rows) + 1e-6 * torch.eye(3)
    transl = torch.linalg.solve(normal.double(), (rows.mT @ (weights * right)).double())[..., 0].numpy()
    good = evidence.seen.numpy() & np.isfinite(transl).all(axis=1) & (transl[:, 2] > 0.2)
    if not good.any():
        return torch.tensor([0.0, 0.0, 3.0]).repeat(len(evidence), 1)
    depth = np.clip(transl[:, 2], 1e-3, None)
    direction = interpolate(transl[:, :2] / depth[:, None], good)
    depth = median_filter(interpolate(depth, good), size=min(9, len(depth)), mode="nearest")
    return torch.from_numpy(np.concatenate([direction * depth[:, None], depth[:, None]], axis=1)).float()


def smooth_rotations(rotations: Tensor, weights: Tensor, fps: float) -> Tensor:
    """Rotations [T,3,3] averaged over near frames by weight [T]; those of weight 0 are interpolated."""
    good = weights.numpy() > 0
    if not good.any():
        return rotations
    filled = interpolate(rotations.double().numpy(), good)
    share = np.where(good, weights.numpy(), 0.05)
    sigma = SMOOTHING_SECONDS * fps
    total = gaussian_filter1d(share, sigma, axis=0, mode="nearest")[:, None, None]
    mean = gaussian_filter1d(filled * share[:, None, None], sigma, axis=0, mode="nearest") / total
    return roma.special_procrustes(torch.from_numpy(mean)).to(rotations.dtype)


def interpolate(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """``values`` [T,...] with those of frames that are not ``good`` [T] replaced by linear interpolation in time."""
    frames = np.arange(len(values))
    flat = values.reshape(len(values), -1)
    columns = [np.interp(frames, frames[good], flat[good, column]) for column in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(values.shape)


def _safe_world(evidence: Evidence) -> Tensor:
    """The 3D points, with some non-degenerate ones in frames that lack them."""
    lacking = (evidence.world_weights > 0).sum(dim=1) < 3
    spread = torch.arange(evidence.world.shape[1] * 3).reshape(-1, 3).float().sin()
    return torch.where(lacking[:, None, None], spread, evidence.world)


def _frame(first: Tensor, second: Tensor) -> Tensor:
    """Right-handed frames [T,3,3] with ``first`` as first column and ``second`` as near to the second as can be."""
    second = _unit(second - (second * first).sum(dim=-1, keepdim=True) * first)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-8)
