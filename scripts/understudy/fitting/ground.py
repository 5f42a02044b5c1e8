"""Feet that stand: they do not slide, and what they stand on is flat."""

from dataclasses import dataclass

import torch
from torch import Tensor

from understudy.fitting.evidence import Evidence

STANDING_SPEED = 0.12
"""Heights of the person a second in the picture: a foot's point that moves much less stands."""

SLIDE = 0.10  # m/s, standard deviation of the speed of a point that stands
UNEVEN = 0.02  # m, standard deviation of its distance from the ground
ROLL, SLOPE = 0.05, 0.35
"""Standard deviations of the ground's slope across the picture and in depth: cameras are held level, but look down."""

_FEET = ("heel", "big_toe", "small_toe")


@dataclass(frozen=True)
class Contacts:
    """Where feet stand."""

    points: Tensor  # [F] int64, the evidence's points of the feet
    standing: Tensor  # [T,F], 0 (moves or unseen) to 1


def find_contacts(evidence: Evidence, size_px: Tensor) -> Contacts:
    """Contacts by the speed of the feet's points in the picture.

    The camera is taken to stand still, or to move much slower than feet do.

    Args:
        evidence: What was seen.
        size_px: Height of the person in the picture [T].
    """
    points = torch.tensor(
        [i for i, name in enumerate(evidence.names) if name.split("_", 1)[-1] in _FEET], dtype=torch.long
    )
    if len(evidence) < 3 or len(points) == 0:
        return Contacts(points[:0], torch.zeros(len(evidence), 0))
    seen = (evidence.weights[:, points] > 0).float()
    speed = evidence.points[:, points].diff(dim=0).norm(dim=-1) * evidence.fps / size_px[:-1, None]
    speed = torch.cat([speed[:1], torch.maximum(speed[1:], speed[:-1]), speed[-1:]])
    return Contacts(points, seen * torch.exp(-((speed / STANDING_SPEED) ** 2)))


def ground_energy(contacts: Contacts, points: Tensor, fps: float) -> Tensor:
    """Standing points [T,P,3] (m, camera axes) stay where they are, on one plane that is level across the picture."""
    feet, standing = points[:, contacts.points], contacts.standing
    if feet.shape[1] == 0:
        return points.new_zeros(())
    both = torch.minimum(standing[1:], standing[:-1])
    slide = (both * (feet.diff(dim=0) * (fps / SLIDE)).square().sum(dim=-1)).sum()
    return slide + (standing * (height_above_ground(feet, standing) / UNEVEN).square()).sum()


def height_above_ground(feet: Tensor, standing: Tensor) -> Tensor:
    """Distance [T,F] (m) of the feet's points below the plane y = a + b x + c z that fits those that stand best."""
    with torch.no_grad():
        weights = standing.flatten() / UNEVEN**2
        x, y, z = feet.reshape(-1, 3).double().unbind(dim=-1)
        design = torch.stack([torch.ones_like(x), x - x.mean(), z - z.mean()], dim=-1)
        prior = torch.diag(torch.tensor([1e-6, ROLL**-2, SLOPE**-2], dtype=torch.float64)) * (1.0 + len(feet) / 10.0)
        plane = torch.linalg.solve(design.T @ (weights[:, None] * design) + prior, design.T @ (weights * y))
    x, y, z = feet.unbind(dim=-1)
    a, b, c = plane.float()
    flat = feet.detach().reshape(-1, 3).mean(dim=0)
    return y - (a + b * (x - flat[0]) + c * (z - flat[2]))
