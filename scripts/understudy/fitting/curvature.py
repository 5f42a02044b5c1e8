"""Gauss-Newton curvature of the terms of the fit, in closed form and over all frames at once.

Robust costs count by their majorising weights (iteratively reweighted least squares: Holland and Welsch, 1977).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from understudy.body.rig import PointRig
from understudy.fitting import ground, outline, priors, terms
from understudy.fitting.ground import Contacts
from understudy.fitting.least_squares import Quadratic, Solution, differences, minimise, stencil
from understudy.fitting.motion import GROUP, Motion, log_map, project
from understudy.fitting.outline import Matches, Outlines, Surface
from understudy.fitting.pose_prior import PRIOR_GROUPS, PosePrior, shipped_prior
from understudy.fitting.skeleton import Skeleton, skew
from understudy.fitting.terms import Terms

_CHUNK = 64
"""Frames at a time: what a processor's cache holds."""


def fit_terms(
    motion: Motion,
    model: Terms,
    groups: Sequence[int],
    num_betas: int,
    iterations: int,
    zoom_range: tuple[float, float] | None = None,
) -> Solution:
    """Minimise ``Terms`` alone: ``least_squares.minimise`` with their curvature."""

    def curvature(moved: Motion) -> Quadratic:
        return terms_curvature(model, Skeleton.of(moved, model.rig, groups, num_betas, zoom_range is not None))

    return minimise(motion, model.energy, curvature, groups, num_betas, iterations, zoom_range)


def terms_curvature(model: Terms, skeleton: Skeleton) -> Quadratic:
    """Of all terms of ``Terms.energy``."""
    total, fps = skeleton.quadratic(), model.evidence.fps
    for frames in torch.arange(len(skeleton)).split(_CHUNK):
        part, own, seen = total.part(frames), skeleton.at(frames), model.at(frames)
        points = own.points(model.rig)
        add_reprojection(part, seen, own, points)
        add_directions(part, seen, own, points)
        add_limits(part, own)
        add_stance(part, own)
        add_pose_prior(part, own, shipped_prior(), terms.POSE_WEIGHT)
    add_smoothness(total, skeleton, fps, model.smoothness)
    add_ground(total, skeleton, model.rig, model.contacts, fps, terms.GROUND_WEIGHT)
    add_shape(total, model, skeleton)
    return total


def add_reprojection(total: Quadratic, model: Terms, skeleton: Skeleton, points: Tensor) -> None:
    """Add keypoints against the picture; ``points`` [T,P,3] relative to ``transl``."""
    evidence, unit = model.evidence, 1.0 / (model.size_px[:, None] * terms.REPROJECTION_SIGMA)
    placed, camera = points + skeleton.motion.transl[:, None], skeleton.motion.camera(evidence.K)
    pixels = project(placed, camera)
    error = (pixels - evidence.points).square().sum(dim=-1) * unit.square()
    weights = evidence.weights * _trust(error, model.robustness) * unit.square()
    which = torch.arange(points.shape[1]).repeat_interleave(2)
    rows, shared_rows = skeleton.point_rows(model.rig, points, which, _projection_slope(placed, camera).flatten(1, 2))
    if skeleton.zooms:
        shared_rows[..., -1] += (pixels - camera[:2, 2]).flatten(1)
    total.add(rows, shared_rows, stencil((1.0,), weights.repeat_interleave(2, dim=1)))


def add_directions(total: Quadratic, model: Terms, skeleton: Skeleton, points: Tensor) -> None:
    """Add bones against the backend's 3D guess; ``points`` [T,P,3] relative to ``transl``."""
    evidence = model.evidence
    pairs = [(evidence.index(a), evidence.index(b)) for a, b in terms.BONES]
    pairs = [pair for pair in pairs if min(pair) >= 0]
    if not pairs or model.guess == 0:
        return
    start, end = torch.tensor(pairs).T
    bones = points[:, end] - points[:, start]
    length = bones.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    unit = bones / length
    guess = torch.nn.functional.normalize(evidence.world[:, end] - evidence.world[:, start], dim=-1)
    error = (unit - guess).square().sum(dim=-1) / terms.DIRECTION_SIGMA**2
    seen = torch.minimum(evidence.world_weights[:, start], evidence.world_weights[:, end])
    weights = model.guess * seen * _trust(error, 2.0) / terms.DIRECTION_SIGMA**2
    side = torch.linalg.cross(unit, torch.eye(3)[unit.abs().argmin(dim=-1)])
    side = torch.nn.functional.normalize(side, dim=-1)
    across = torch.stack([side, torch.linalg.cross(unit, side)], dim=-2) / length[..., None]  # [T,bones,2,3]
    ends = [
        skeleton.point_rows(model.rig, points, which.repeat_interleave(2), across.flatten(1, 2))
        for which in (start, end)
    ]
    rows, shared_rows = (far - near for near, far in zip(*ends, strict=True))
    total.add(rows, shared_rows, stencil((1.0,), weights.repeat_interleave(2, dim=1)))


def add_smoothness(total: Quadratic, skeleton: Skeleton, fps: float, weight: float) -> None:
    """Add ``priors.smoothness_energy`` times ``weight``."""
    motion, length = skeleton.motion, len(skeleton)
    velocity, acceleration = weight * differences(length, (-1.0, 1.0)), weight * differences(length, (1.0, -2.0, 1.0))
    total.add(*skeleton.joint_rows(), 0.3 * (fps**2 / priors.JOINT_ACCELERATION) ** 2 * acceleration)
    turning = 0.1 * (fps / priors.ROTATION_VELOCITY) ** 2 * velocity
    turning = turning + (fps**2 / priors.ROTATION_ACCELERATION) ** 2 * acceleration
    rotations = motion.rotations[:, list(skeleton.groups)]
    for lag in range(min(3, length)):
        now = slice(0, length - lag)
        total.add_turns(turning[lag, now, None, None, None] * _turn_coupling(rotations[lag:], rotations[now]), lag)
    stiffness = fps**2 / motion.transl.new_tensor(priors.ROOT_ACCELERATION)
    moving = 0.1 * (fps / priors.ROOT_VELOCITY) ** 2 * velocity[..., None] + stiffness**2 * acceleration[..., None]
    total.add(*skeleton.transl_rows(), moving)


def add_limits(total: Quadratic, skeleton: Skeleton) -> None:
    """Add ``priors.limit_energy``."""
    groups = list(skeleton.groups)
    beyond = priors.beyond_limits(skeleton.motion.rotations)[:, groups] > 0
    slope = _log_slope(skeleton.motion.rotations[:, groups]) * (beyond / priors.LIMIT_SIGMA)[..., None]
    total.add_turns(2 * slope.mT @ slope)


def add_stance(total: Quadratic, skeleton: Skeleton) -> None:
    """Add ``priors.stance_energy``."""
    stiffness = 2.0 / priors.STANCE_SIGMA[list(skeleton.groups)].square()
    total.add_turns(stiffness[:, None, None] * torch.eye(3).expand(len(skeleton), len(stiffness), 3, 3))


def add_pose_prior(total: Quadratic, skeleton: Skeleton, prior: PosePrior, weight: float) -> None:
    """Add a mixture's energy times ``weight``: the components' precisions by their share in each frame's pose."""
    columns = [GROUP[name] for name in PRIOR_GROUPS]
    rotations = skeleton.motion.rotations[:, columns]
    away = log_map(rotations).flatten(1)[:, None] - prior.means
    squared = torch.einsum("mij,tmj->tmi", prior.whitening, away).square().sum(dim=-1)
    shares = torch.softmax(prior.log_weights - squared / 2, dim=1)
    precision = (shares @ (prior.whitening.mT @ prior.whitening).flatten(1)).unflatten(
        1, (len(columns), 3, len(columns), 3)
    )
    free = [k for k, column in enumerate(columns) if column in skeleton.groups]
    slope = _log_slope(rotations[:, free])
    precision = torch.einsum("tgai,tgahb,thbj->tgihj", slope, precision[:, free][:, :, :, free], slope)
    place = torch.tensor([skeleton.groups.index(columns[k]) for k in free])
    place = (3 * place[:, None] + torch.arange(3)).flatten()
    total.blocks[:, 0, place[:, None], place] += 2 * weight * precision.flatten(3, 4).flatten(1, 2)


def add_shape(total: Quadratic, model: Terms, skeleton: Skeleton) -> None:
    """Add the usual or the known height, ``priors.shape_energy`` and the usual focal length."""
    num_betas, length = skeleton.num_betas, len(skeleton)
    _, directions = model.crown_and_sole
    slope = directions.diff(dim=0)[0, :num_betas]
    usual = 1.0 + length / 10.0
    known = usual / priors.USUAL_HEIGHT[1] ** 2 if model.height_m is None else length / terms.HEIGHT_SIGMA**2
    total.shared[:num_betas, :num_betas] += 2 * (usual * torch.eye(num_betas) + known * slope[:, None] * slope)
    if skeleton.zooms:
        total.shared[-1, -1] += 2 * length / 10.0 / terms.ZOOM_SIGMA**2


def add_ground(
    total: Quadratic, skeleton: Skeleton, rig: PointRig, contacts: Contacts, fps: float, weight: float
) -> None:
    """Add ``ground.ground_energy`` times ``weight``, on a plane that is level."""
    count = len(contacts.points)
    if count == 0:
        return
    feet = rig.at(contacts.points)
    which, axes = torch.arange(count).repeat_interleave(3), torch.eye(3).repeat(count, 1).expand(len(skeleton), -1, -1)
    both = torch.minimum(contacts.standing[1:], contacts.standing[:-1])
    coupling = weight * (fps / ground.SLIDE) ** 2 * stencil((-1.0, 1.0), both).repeat_interleave(3, dim=2)
    coupling[0, :, 1::3] += 2 * weight / ground.UNEVEN**2 * contacts.standing
    total.add(*skeleton.point_rows(feet, skeleton.points(feet), which, axes), coupling)


def add_outlines(
    total: Quadratic, skeleton: Skeleton, outlines: Outlines, matches: Matches, surface: Surface, K: Tensor,
    size_px: Tensor, slack: float, weight: float,
) -> None:  # fmt: skip
    """Add ``outline.outline_energy`` times ``weight``; its arguments. Only what is off its place by now counts."""
    seen = skeleton.at(outlines.frames)
    points = seen.points(surface.rig)
    placed, camera = points + seen.motion.transl[:, None], seen.motion.camera(K)
    pixels, unit = project(placed, camera), size_px[outlines.frames, None]
    gap = ((outlines.points - _pick(pixels, matches.vertex)) * outlines.normals).sum(dim=-1) / unit
    gap = torch.relu(gap - slack) - torch.relu(-gap)
    normals = _pick(outlines.normals, matches.outline)
    beyond = torch.relu(((pixels - _pick(outlines.points, matches.outline)) * normals).sum(dim=-1)) / unit
    points_a_vertex = outlines.points.shape[1] / surface.count
    kinds = (gap, outlines.weights * matches.close), (beyond, 2.0 * points_a_vertex * matches.known)
    weights = torch.cat(
        [
            (off != 0) * trust * _trust((off / outline.OUTLINE_SIGMA).square(), outline.ROBUSTNESS)
            for off, trust in kinds
        ],
        dim=1,
    )
    every = torch.arange(surface.count).expand(len(seen), -1)
    vertices, normals = torch.cat([matches.vertex, every], dim=1), torch.cat([outlines.normals, normals], dim=1)
    weights, order = weights.topk(int((weights > 0).sum(dim=1).max()), dim=1)
    vertices, normals = vertices.gather(1, order), _pick(normals, order)
    slope = _projection_slope(_pick(placed, vertices), camera)
    scale = (weight * outline.OUTLINE_WEIGHT * weights).sqrt() / unit / outline.OUTLINE_SIGMA
    normals = normals * scale[..., None]
    directions = (normals[..., None, :] @ slope)[..., 0, :]
    rows, shared_rows = seen.point_rows(surface.rig, points, vertices, directions)
    if skeleton.zooms:
        shared_rows[..., -1] += ((_pick(pixels, vertices) - camera[:2, 2]) * normals).sum(dim=-1)
    total.add_frames(outlines.frames, rows, shared_rows)


def _trust(squared: Tensor, scale: float) -> Tensor:
    """Weight of squared residuals under Geman and McClure's cost."""
    return (1.0 + squared / scale**2) ** -2


def _projection_slope(points: Tensor, K: Tensor) -> Tensor:
    """Derivative [...,2,3] of ``motion.project`` at camera points [...,3] before the near plane."""
    x, y, depth = points[..., 0], points[..., 1], points[..., 2].clamp(min=0.05)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    flat = torch.stack([one, zero, -x / depth, zero, one, -y / depth], dim=-1).unflatten(-1, (2, 3))
    return K[:2, :2] @ flat / depth[..., None, None]


def _turn_coupling(later: Tensor, earlier: Tensor) -> Tensor:
    """Half the inner product of R'[a]x and R[b]x as a matrix [...,3,3] between a and b; the identity if R' is R."""
    between = later.mT @ earlier
    trace = between.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    return (trace[..., None, None] * torch.eye(3) - between.mT) / 2


def _log_slope(rotations: Tensor) -> Tensor:
    """Derivative [...,3,3] of the rotation vector by a small turn on the right (inverse right Jacobian of SO(3))."""
    vectors = log_map(rotations)
    angle = vectors.norm(dim=-1).clamp(min=1e-3)[..., None, None]
    cross = skew(vectors)
    return torch.eye(3) + cross / 2 + (1 - angle / 2 / torch.tan(angle / 2)) / angle.square() * (cross @ cross)


def _pick(values: Tensor, which: Tensor) -> Tensor:
    """Rows ``which`` [S,N] of values [S,M,C]: [S,N,C]."""
    return torch.gather(values, 1, which[..., None].expand(-1, -1, values.shape[-1]))
