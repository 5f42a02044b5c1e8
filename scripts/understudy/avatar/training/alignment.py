"""Poses that put an avatar where a picture shows it, by dense alignment of the rendered with the true picture.

Each carrier (a Gaussian, a piece of surface) says how it moves in the picture when a joint turns, and each pixel says, by
the slopes of its colours and its alpha, which way it wants to move; together they are a small least-squares problem,
solved a few times over.

Source: Baker and Matthews, Lucas-Kanade 20 Years On (IJCV 2004), section 3, for the linearisation; Malis, Improving
Vision-Based Control Using Efficient Second-Order Minimization Techniques (ICRA 2004), for the mean of both slopes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import roma
import torch
from torch import Tensor

from understudy.avatar.base import Carriers, Shaped
from understudy.avatar.training.crops import Crop
from understudy.avatar.training.poses import Correction
from understudy.body.lbs import joint_transforms
from understudy.render.camera import Camera

LEAST_HEIGHT = 96
"""Pictures for an alignment are shrunk no further than to this height, px: limbs would be a few pixels wide."""
ALPHA = 0.5
"""Weight of alpha's residuals against one colour's."""
DOUBT = 0.15
"""Residual from which on it counts less and less: it is then not a matter of place."""
NOISE = 0.05
"""Standard deviation of residuals that stay when the pose is right."""
CORRELATED = 30.0
"""Pixels at full resolution whose residuals are of one cause, so that together they count as one."""
FORMS = 5
"""Numbers that each pixel gives its carriers: the form [2,2] of its slopes, symmetric, and their products with the residual."""
DAMPING = 1e-2
"""Part of the diagonal that is added to it."""


@dataclass(frozen=True)
class TrustRegion:
    """What is known of a frame's correction without its picture: a turn of every joint, and a shift of the body."""

    turn_sigma: float = 0.15
    """Standard deviation from the fitted pose, rad."""
    shift_sigma: float = 0.05
    """From the fitted place, m."""
    smooth_turn_sigma: float = 0.05
    """From the mean of the neighbouring frames' corrections, rad."""
    smooth_shift_sigma: float = 0.02
    """From the mean of the neighbouring frames' shifts, m."""


def align(
    shaped: Shaped,
    parents: tuple[int, ...],
    crop: Crop,
    fitted: tuple[Tensor, Tensor],  # rotations [J,3,3], transl [3]
    starts: Sequence[Correction],
    neighbours: Correction | None,
    trust_region: TrustRegion,
    iterations: int,
    exposure: Tensor | None = None,  # [3]
) -> Correction:
    """The correction nearby in which the avatar, itself unchanged, looks most like the picture.

    Args:
        shaped: The avatar that is looked for, without gradients.
        parents: Of its joints, -1 at the root.
        crop: The picture, at any resolution.
        fitted: The pose before any correction.
        starts: Where to begin: the likeliest of these.
        neighbours: Mean correction of the frames before and after; None where there are none.
        trust_region: How far the correction may go.
        exposure: Factors on the picture's colours; None for one.
        iterations: Steps of Levenberg and Marquardt's method, each kept only where it betters the likeness.
    """
    picture = _Picture.of(crop, fitted[1].device, exposure)
    prior = _prior(neighbours, trust_region, *fitted)
    views = [_see(shaped, parents, picture, fitted, start) for start in starts]
    energies = [view.energy + prior.energy(start) for view, start in zip(views, starts, strict=True)]
    energy = min(energies)
    best, view = starts[energies.index(energy)], views[energies.index(energy)]
    curvature, slope = _normal_equations(shaped, parents, picture, view)
    damping = DAMPING
    for iteration in range(iterations):
        whole = curvature + torch.diag(prior.weights)
        whole.diagonal().mul_(1.0 + damping)
        step = -torch.linalg.solve(whole, slope + prior.slope(best)).to(best.turns)
        turned = roma.rotmat_to_rotvec(roma.rotvec_to_rotmat(best.turns) @ roma.rotvec_to_rotmat(step[:-3].view(-1, 3)))
        tried = Correction(turned, best.shift + step[-3:])
        seen = _see(shaped, parents, picture, fitted, tried)
        now = seen.energy + prior.energy(tried)
        if now < energy:
            best, energy, damping = tried, now, damping * 0.3
            if iteration + 1 < iterations:
                curvature, slope = _normal_equations(shaped, parents, picture, seen)
        else:
            damping = damping * 10.0
    return best


@dataclass(frozen=True)
class _Picture:
    """What is to be matched."""

    values: Tensor  # [h,w,4] colours times alpha, and alpha
    weight: Tensor  # [h,w]
    camera: Camera

    @classmethod
    def of(cls, crop: Crop, device: torch.device, exposure: Tensor | None = None) -> "_Picture":
        rgb, alpha, weight = crop.tensors(device)
        rgb = rgb if exposure is None else rgb / exposure
        scale = weight.new_tensor([1.0, 1.0, 1.0, ALPHA])
        shrink = (crop.box[2] - crop.box[0]) / crop.size[0]
        values = torch.cat([rgb, alpha[..., None]], dim=-1) * scale
        weight = weight * (shrink**2 / CORRELATED / NOISE**2)
        return cls(values, weight, crop.camera)


@dataclass(frozen=True)
class _View:
    """What is seen in one pose."""

    transforms: Tensor  # [J,4,4]
    values: Tensor  # [h,w,4]
    carriers: Carriers
    energy: float


def _see(
    shaped: Shaped, parents: tuple[int, ...], picture: _Picture, fitted: tuple[Tensor, Tensor], at: Correction
) -> _View:
    with torch.no_grad():
        rotations, transl = at.of(*fitted)
        transforms = joint_transforms(rotations[None], shaped.joints, parents)[0]
        transforms[:, :3, 3] += transl
        posed = shaped.posed(rotations, transl)
    carriers = posed.carriers(picture.camera, FORMS)
    with torch.no_grad():
        seen = carriers.picture
        values = torch.cat([seen.rgb, ALPHA * seen.alpha[..., None]], dim=-1)
        energy = _energy(values, picture)
    return _View(transforms, values, carriers, energy)


def _energy(values: Tensor, picture: _Picture) -> float:
    """Geman and McClure's robust sum of squares, halved."""
    squares = (values - picture.values).square().sum(dim=-1)
    return 0.5 * float((picture.weight * squares / (1.0 + squares / DOUBT**2)).sum().double())


def _normal_equations(
    shaped: Shaped, parents: tuple[int, ...], picture: _Picture, view: _View
) -> tuple[Tensor, Tensor]:
    """Curvature [3J+3,3J+3] and slope [3J+3] of the energy in the turns of all joints and the shift."""
    residual = view.values - picture.values
    squares = residual.square().sum(dim=-1)
    weight = picture.weight / (1.0 + squares / DOUBT**2).square()
    across, down = _slopes(0.5 * (view.values + picture.values))
    images = torch.stack(
        [(a * b).sum(dim=-1) * weight for a, b in
         ((across, across), (across, down), (down, down), (across, residual), (down, residual))], dim=-1
    )  # fmt: skip
    sums = view.carriers.gather(images)
    seen = sums[:, [0, 2]].sum(dim=1) > 1e-6 * sums[:, [0, 2]].sum()
    moves = _motion(shaped, parents, picture, view, seen)
    # each carrier's form [2,2] by its Cholesky factor, so that the curvature is one matrix times its own transpose
    xx, xy, yy, x, y = sums[seen].unbind(dim=1)
    xx = xx.clamp_min(1e-12)
    first = (xx.sqrt()[:, None] * moves[0]).addcmul_((xy / xx.sqrt())[:, None], moves[1])
    second = (yy - xy * xy / xx).clamp_min(0.0).sqrt()[:, None] * moves[1]
    curvature = first.mT @ first + second.mT @ second
    # what is drawn moves with its carrier: its value at a fixed pixel changes by minus the slope times the motion
    return curvature.double(), -(moves[0].mT @ x + moves[1].mT @ y).double()


def _slopes(values: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences of [h,w,C] along x and y; zero at the border."""
    across, down = torch.zeros_like(values), torch.zeros_like(values)
    across[:, 1:-1] = 0.5 * (values[:, 2:] - values[:, :-2])
    down[1:-1] = 0.5 * (values[2:] - values[:-2])
    return across, down


def _motion(
    shaped: Shaped, parents: tuple[int, ...], picture: _Picture, view: _View, seen: Tensor
) -> tuple[Tensor, Tensor]:
    """Motion along x and y [M,3J+3] in the picture, px, of the carriers that are ``seen``, by each turn and shift."""
    means = view.carriers.points[seen]
    axes = view.transforms[:, :3, :3]  # columns of each joint's world rotation
    centres = (axes @ shaped.joints[..., None])[..., 0] + view.transforms[:, :3, 3]
    axes, centres = axes.mT.reshape(-1, 3), centres.repeat_interleave(3, dim=0)  # [3J,3]
    carried = _carried(view.carriers.blend_weights()[seen], parents)
    x, y, z = means.unbind(dim=1)
    fx, fy = torch.as_tensor(picture.camera.K, dtype=torch.float32, device=z.device).diagonal()[:2]
    zero = torch.zeros_like(z)
    rows = torch.stack([fx / z, zero, -fx * x / z**2], dim=1), torch.stack([zero, fy / z, -fy * y / z**2], dim=1)
    # row . (axis x (mean - centre)) = axis . (mean x row) - row . (axis x centre)
    turning = torch.cat([axes, -torch.linalg.cross(axes, centres)], dim=1).mT
    across, down = (
        torch.cat([carried * (torch.cat([torch.linalg.cross(means, row), row], dim=1) @ turning), row], dim=1)
        for row in rows
    )
    return across, down


def _carried(weights: Tensor, parents: tuple[int, ...]) -> Tensor:
    """The share [M,3J] of blend weights [M,J] that a joint carries, with all joints after it, for each of its axes."""
    carried = weights.clone()
    for joint in range(len(parents) - 1, 0, -1):
        carried[:, parents[joint]] += carried[:, joint]
    return carried.repeat_interleave(3, dim=1)


@dataclass(frozen=True)
class _Prior:
    """Squared distances from two guesses, over their variances, halved."""

    centre: Tensor  # [3J+3]
    weights: Tensor  # [3J+3]

    def slope(self, at: Correction) -> Tensor:
        return self.weights * (_flat(at) - self.centre)

    def energy(self, at: Correction) -> float:
        return 0.5 * float((self.weights * (_flat(at) - self.centre).square()).sum())


def _prior(neighbours: Correction | None, trust_region: TrustRegion, rotations: Tensor, transl: Tensor) -> _Prior:
    def each(turn: float, shift: float) -> Tensor:
        return (
            torch.cat([torch.full((3 * len(rotations),), turn**-2.0), torch.full((3,), shift**-2.0)])
            .to(transl)
            .double()
        )

    weights = each(trust_region.turn_sigma, trust_region.shift_sigma)
    centre = torch.zeros_like(weights)
    if neighbours is not None:
        near = each(trust_region.smooth_turn_sigma, trust_region.smooth_shift_sigma)
        centre = near * _flat(neighbours) / (weights + near)
        weights = weights + near
    return _Prior(centre, weights)


def _flat(correction: Correction) -> Tensor:
    return torch.cat([correction.turns.flatten(), correction.shift]).double()
