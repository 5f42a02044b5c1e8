"""What the network is shown: a person's 2D points, seen by a virtual camera that looks straight at them."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, normalize

from understudy.formats.skeleton import COCO_17, mirrored

POINTS = COCO_17
"""The 2D points, ``P`` of them: those on whose places detectors agree. Feet, fingers and more of the face made it worse."""

NUM_FEATURES = 3 * len(POINTS) + 3

_TORSO = [POINTS.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]
_OTHER_POINT = mirrored(POINTS).tolist()
_NEAR = 15
"""Frames over which the person's size and place are averaged."""
_LARGEST = 6.0


@dataclass(frozen=True)
class Sighting:
    """What a detector says of ``S`` clips of ``T`` frames."""

    rays: Tensor  # [S,T,P,2]
    """Places in the picture as x/z and y/z of camera rays; anything where unseen."""
    confidence: Tensor  # [S,T,P]
    """0..1, 0 where unseen."""

    def mirrored(self) -> "Sighting":
        """Left and right swapped, as seen in a mirror."""
        flip = self.rays.new_tensor([-1.0, 1.0])
        return Sighting(self.rays[..., _OTHER_POINT, :] * flip, self.confidence[..., _OTHER_POINT])


def features(sighting: Sighting) -> tuple[Tensor, Tensor]:
    """Features [S,T,F] and the views [S,T,3,3] that they are made in.

    A view's columns are the axes, in the camera's frame, of a camera that looks at the torso without roll: what stands to
    the side of the picture looks there as if it stood in the middle. Points are divided by the person's size in the view;
    size and direction are features of their own, since they tell the perspective. Frames without points take both from
    near frames.
    """
    seen = sighting.confidence > 0
    centre = _centre(sighting)
    known = seen.any(dim=-1)
    centre = torch.where(known[..., None], centre, _near_mean(centre, known))
    view = look_at(centre)
    places = torch.where(seen[..., None], sighting.rays, 0.0)
    rays = torch.cat([places, torch.ones_like(places[..., :1])], dim=-1) @ view
    flat = rays[..., :2] / rays[..., 2:].clamp(min=0.1)
    size = ((flat.square().sum(dim=-1) * seen).sum(dim=-1) / seen.sum(dim=-1).clamp(min=1)).clamp(min=1e-6).sqrt()
    size = _near_mean(size.log()[..., None], known)
    points = torch.where(seen[..., None], flat / size.exp()[..., None], 0.0).clamp(-_LARGEST, _LARGEST)
    return torch.cat([points.flatten(2), sighting.confidence, size + 1.5, centre], dim=-1), view


def look_at(centre: Tensor) -> Tensor:
    """Views [...,3,3] along the rays through ``centre`` [...,2], without roll; columns are axes in the camera's frame."""
    forward = normalize(torch.cat([centre, torch.ones_like(centre[..., :1])], dim=-1), dim=-1)
    zero = torch.zeros_like(forward[..., 0])
    right = normalize(torch.stack([forward[..., 2], zero, -forward[..., 0]], dim=-1), dim=-1)
    return torch.stack([right, torch.linalg.cross(forward, right), forward], dim=-1)


def _centre(sighting: Sighting) -> Tensor:
    """Middle [S,T,2] of the torso's points, of all where none of these is seen."""
    weights = 1e-3 * sighting.confidence
    weights[..., _TORSO] = sighting.confidence[..., _TORSO]
    total = weights.sum(dim=-1, keepdim=True).clamp(min=1e-9)
    return torch.where(weights[..., None] > 0, sighting.rays, 0.0).mul(weights[..., None]).sum(dim=-2) / total


def _near_mean(values: Tensor, known: Tensor) -> Tensor:
    """Means [S,T,n] of ``values`` [S,T,n] over the near frames that are ``known`` [S,T]; 0 where there is none."""
    share = known.to(values)[..., None]

    def pooled(tensor: Tensor) -> Tensor:
        return avg_pool1d(tensor.mT, _NEAR, stride=1, padding=_NEAR // 2, count_include_pad=False).mT

    return pooled(torch.where(share > 0, values, 0.0)) / pooled(share).clamp(min=1e-6)
