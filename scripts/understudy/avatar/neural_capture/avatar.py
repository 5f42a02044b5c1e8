"""An avatar that is a radiance field on the body's vertices."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from understudy.avatar.fields.avatar import FieldAvatar, Traced
from understudy.avatar.fields.compositing import Composite, composite, density_alphas
from understudy.avatar.fields.marching import march
from understudy.avatar.fields.rays import Rays, importance_sampled
from understudy.avatar.fields.space import Space
from understudy.avatar.fields.surface import PosedSurface, Surface
from understudy.avatar.neural_capture.networks import SIZES, CaptureField, Neighbourhood, nearest_rings, one_rings
from understudy.body.model import BodyModel

NEAREST = 1e-4
"""Width of the Gaussian of the warp, m: a place moves with the nearest vertex alone."""
THICK = 0.004
"""Length over which density is counted where occupancy is asked for, m."""


@dataclass(frozen=True)
class CaptureSpace(Space):
    """Where a coarse and a fine field are looked at."""

    importance: int
    """Further places that the fine field looks at."""
    density: float
    """1/m of what the network calls one."""


class NeuralCaptureAvatar(FieldAvatar):
    """A coarse and a fine field that know a place by the vertices round the nearest one."""

    method = "neural_capture"
    made_at_use = ("surface", "rings")
    space: CaptureSpace

    def __init__(
        self, body: BodyModel, betas: np.ndarray, moments: Tensor, size: str, space: CaptureSpace, seed: int = 0
    ) -> None:
        """Nothing learned yet.

        Args:
            body: The person's.
            betas: The shape [B].
            moments: Rotations [F,J,3,3] of the poses that it is learned from.
            size: One of ``SIZES``.
            space: Where it is looked at.
            seed: Of the random weights.
        """
        super().__init__(body, betas, moments, size, space)
        generator = torch.Generator().manual_seed(seed)
        self.neighbourhood = Neighbourhood(SIZES[size], len(self.surface.canonical), generator)
        self.coarse = CaptureField(SIZES[size], generator)
        self.fine = CaptureField(SIZES[size], generator)

    def make_surface(self, body: BodyModel, betas: Tensor) -> Surface:
        """In the rest pose; at its vertices where sizes are the published ones, else at anchors all over it."""
        return Surface(body, betas, canonical={}, at_vertices=self.size == "published")

    @property
    def networks(self) -> list[nn.Parameter]:
        """Of the neighbourhood and of both fields."""
        nets = (self.neighbourhood.network, self.coarse, self.fine)
        return [parameter for net in nets for parameter in net.parameters()]

    @property
    def codes(self) -> nn.Parameter:
        """Of the vertices [V,16]."""
        return self.neighbourhood.codes

    @cached_property
    def rings(self) -> Tensor:
        """Anchors [A,7] round each one."""
        surface = self.surface
        if self.size == "published":
            return torch.from_numpy(one_rings(surface.faces, len(surface.vertices))).to(self.device)
        return torch.from_numpy(nearest_rings(surface.template)).to(self.device)

    def trace(self, posed: PosedSurface, rays: Rays, moment: int, jitter: torch.Generator | None = None) -> Traced:
        """What rays see: of the coarse field, and of the fine one where that found something."""
        noise, more_noise = None, None
        if jitter is not None:
            noise, more_noise = (
                torch.rand(len(rays), count, generator=jitter, device=jitter.device).to(rays.near.device)
                for count in (self.space.samples, self.space.importance)
            )
        depths = rays.stratified(self.space.samples, noise)
        with torch.set_grad_enabled(jitter is not None and torch.is_grad_enabled()):
            seen = self._seen(self.coarse, posed, rays, depths)
        places = rays.inside(depths)
        more = importance_sampled(places, seen.weights.detach(), self.space.importance, more_noise)
        depths = rays.depths(torch.cat([places, more], dim=1).sort(dim=1).values)
        if jitter is None:
            return Traced(march(self, posed, rays, depths, moment), {})
        return Traced(self._seen(self.fine, posed, rays, depths), {}, seen)

    def samples(
        self, posed: PosedSurface, rays: Rays, depths: Tensor, steps: Tensor, left: Tensor, moment: int
    ) -> tuple[Tensor, Tensor]:
        """Alphas [R,S] and colours [R,S,3] of the fine field on rays at depths [R,S] m, whatever the moment."""
        return self._look(self.fine, posed, rays, depths, steps)

    def occupancy(self, posed: PosedSurface, points: Tensor, moment: int, part: str | None = None) -> Tensor:
        """How much [N] 0..1 there is at points [N,3] m of the world: what 4 mm of it would hide."""
        point, features = self._features(posed, points)
        densities, _ = self.fine(features)
        alphas = 1.0 - torch.exp(-densities * self.space.density * THICK)
        return points.new_zeros(len(points)).index_copy(0, point, alphas)

    def _seen(self, field: CaptureField, posed: PosedSurface, rays: Rays, depths: Tensor) -> Composite:
        alphas, colors = self._look(field, posed, rays, depths, rays.steps(depths))
        return composite(alphas, colors, depths)

    def _look(
        self, field: CaptureField, posed: PosedSurface, rays: Rays, depths: Tensor, steps: Tensor
    ) -> tuple[Tensor, Tensor]:
        point, features = self._features(posed, rays.points(depths).reshape(-1, 3))
        densities, rgb = field(features)
        density = depths.new_zeros(depths.numel()).index_copy(0, point, densities * self.space.density)
        colors = depths.new_zeros(depths.numel(), 3).index_copy(0, point, rgb)
        alphas = density_alphas(density.view(depths.shape), steps, rays.directions.norm(dim=1))
        return alphas, colors.view(*depths.shape, 3)

    def _features(self, posed: PosedSurface, points: Tensor) -> tuple[Tensor, Tensor]:
        """Which of points [N,3] m are near the body, and their numbers."""
        with torch.no_grad():
            places = posed.places(points, self.space.reach, NEAREST)
            ring = self.rings[places.nearest]
            distances = (points[places.point][:, None] - posed.anchors[ring]).norm(dim=2)
            offsets = places.canonical - self.surface.canonical[places.nearest]
        return places.point, self.neighbourhood(self.surface.canonical[ring], distances, ring, offsets)
