"""An avatar that is a field of hash grids."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from understudy.avatar.fields.avatar import FieldAvatar, Traced
from understudy.avatar.fields.compositing import composite, distortion, transmittance
from understudy.avatar.fields.marching import march
from understudy.avatar.fields.rays import Rays
from understudy.avatar.fields.space import Space
from understudy.avatar.fields.surface import Places, PosedSurface, Surface
from understudy.avatar.instant_nvr.parts import (
    JOINTS,
    SIZES,
    Moves,
    PartField,
    occupancies,
    part_boxes,
)
from understudy.body.model import BodyModel

FADED = 1e-3
"""Light that is left in front of a place, or share of a pixel by all such places, whose colours do not count any more."""
BAND = 0.02
"""Occupancies so near to a half are on the surface."""
APART = 0.005
"""How far apart neighbours are whose moves should be alike, m."""
PRIOR, PRIOR_WIDTH = 4.0, 0.01
"""Raw occupancy inside the body before anything was learned, as much less outside, and where that is reached, m."""


@dataclass(frozen=True)
class PartSpace(Space):
    """Where fields of parts are looked at."""

    sigma: float
    """Standard deviation of the distances by which near anchors count in the warp, m."""
    prior: bool
    """Whether what is inside the body is occupied to begin with; not so in the authors' own fields."""


class InstantNvrAvatar(FieldAvatar):
    """A field of hash grids, one for each part."""

    method = "instant_nvr"
    space: PartSpace
    times: Tensor

    def __init__(
        self,
        body: BodyModel,
        betas: np.ndarray,
        moments: Tensor,
        times: Tensor,
        size: str,
        space: PartSpace,
        seed: int = 0,
    ) -> None:
        """Nothing learned yet.

        Args:
            body: The person's.
            betas: The shape [B].
            moments: Rotations [F,J,3,3] of the poses that it is learned from.
            times: When [F] they are, 0..1.
            size: One of ``SIZES``.
            space: Where it is looked at.
            seed: Of the random weights.
        """
        super().__init__(body, betas, moments, size, space)
        self.register_buffer("times", times.float())
        generator = torch.Generator().manual_seed(seed)
        boxes = part_boxes(self.surface.canonical, self.surface.part).cpu()
        sizes = SIZES[size]
        self.fields = nn.ModuleList(
            PartField(sizes[name], box, len(moments), generator) for name, box in zip(JOINTS, boxes, strict=True)
        )
        self.moves = Moves(generator)

    def make_surface(self, body: BodyModel, betas: Tensor) -> Surface:
        """In parts, and in the big pose."""
        return Surface(body, betas, tuple(JOINTS.values()))

    @property
    def part_fields(self) -> list[PartField]:
        """The parts' fields, in the order of ``parts.JOINTS``."""
        return [field for field in self.fields if isinstance(field, PartField)]

    @property
    def tables(self) -> list[nn.Parameter]:
        """Hash tables of the parts."""
        return [field.grid.table for field in self.part_fields]

    @property
    def networks(self) -> list[nn.Parameter]:
        """Of all parts."""
        nets = [net for field in self.part_fields for net in (field.occupancy, field.color)]
        return [parameter for net in nets for parameter in net.parameters()]

    @property
    def latents(self) -> list[nn.Parameter]:
        """What each part knows of the moments."""
        return [field.latents for field in self.part_fields]

    @torch.no_grad()
    def round_tables(self) -> None:
        """Make all hash tables numbers of 16 bits, as a file holds them."""
        for table in (*self.tables, self.moves.grid.table):
            table.copy_(table.half())

    def trace(self, posed: PosedSurface, rays: Rays, moment: int, jitter: torch.Generator | None = None) -> Traced:
        """What rays see, and with ``jitter`` what regularizers say of it."""
        if jitter is None:
            return Traced(march(self, posed, rays, rays.stratified(self.space.samples), moment), {})
        noise = torch.rand(len(rays), self.space.samples, generator=jitter, device=jitter.device).to(rays.near.device)
        depths = rays.stratified(self.space.samples, noise)
        points = rays.points(depths).reshape(-1, 3)
        seen = self._look(posed, points, moment)
        alphas = seen.alphas(depths)
        with torch.no_grad():
            shown = (transmittance(alphas) > FADED).view(-1)[seen.point]
        drawn = composite(alphas, self._colors(seen, rays, depths, moment, shown), depths)
        terms = {
            "residual": seen.moves.norm(dim=1).sum() / max(1, len(seen.moves)),
            "distortion": distortion(drawn.weights, depths),
            "neighbours": self._neighbours(posed, points, seen, moment, jitter),
        }
        return Traced(drawn, terms)

    def samples(
        self, posed: PosedSurface, rays: Rays, depths: Tensor, steps: Tensor, left: Tensor, moment: int
    ) -> tuple[Tensor, Tensor]:
        """Alphas [R,S] and colours [R,S,3] of rays at depths [R,S] m; of those that are hardly seen, none.

        ``left`` [R] of the light comes as far as the first of them; for how much depth they stand does not count.
        """
        seen = self._look(posed, rays.points(depths).reshape(-1, 3), moment)
        alphas = seen.alphas(depths)
        shown = (left[:, None] * transmittance(alphas) * alphas > FADED / self.space.samples).view(-1)[seen.point]
        return alphas, self._colors(seen, rays, depths, moment, shown)

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names of the parts, each of which has a field of its own."""
        return tuple(JOINTS)

    def occupancy(self, posed: PosedSurface, points: Tensor, moment: int, part: str | None = None) -> Tensor:
        """How much [N] 0..1 there is at points [N,3] m of the world, of one of ``part_names`` alone or of all."""
        seen = self._look(posed, points, moment)
        if part is not None:
            rows = _ranges(seen.places.ends)[self.part_names.index(part)]
            return seen.occupancy.new_zeros(len(points)).index_copy(0, seen.places.point[rows], seen.occupancy[rows])
        return seen.merged.new_zeros(len(points)).index_copy(0, seen.point, seen.merged)

    def _look(self, posed: PosedSurface, points: Tensor, moment: int) -> "Seen":
        """The occupancy of points [N,3] m of the world by each part that is near, and the greatest of each point."""
        with torch.no_grad():
            places = posed.places(points, self.space.reach, self.space.sigma)
            closest = posed.closest(points[places.point], places.nearest)
            uv = posed.surface.uv_at(closest)
            inside = (-closest.distance / PRIOR_WIDTH).clamp(-1.0, 1.0) * (PRIOR if self.space.prior else 0.0)
        moves = self.moves(uv, float(self.times[moment]))
        rest = places.canonical + moves
        encoded, hidden = [], []
        for field, rows in zip(self.part_fields, _ranges(places.ends), strict=True):
            encoded.append(field.encode(rest[rows]))
            hidden.append(field.occupancy(encoded[-1]))
        outputs = torch.cat(hidden)
        occupancy = occupancies(outputs[:, 0] + inside)
        winner, point = _greatest(occupancy.detach(), places, len(points))
        return Seen(places, moves, encoded, outputs[:, 1:], occupancy, winner, point, occupancy[winner])

    def _colors(self, seen: "Seen", rays: Rays, depths: Tensor, moment: int, shown: Tensor) -> Tensor:
        """Colours [R,S,3] at depths [R,S], of those of the points that any part is near that are ``shown`` [N']."""
        rows, count = seen.winner[shown], depths.shape[1]
        directions = rays.directions[seen.point[shown] // count]
        turned = nn.functional.normalize((seen.places.axes[rows] @ directions[..., None])[..., 0], dim=1)
        colors, order = [], []
        for field, encoded, part in zip(self.part_fields, seen.encoded, _ranges(seen.places.ends), strict=True):
            mine = ((rows >= part.start) & (rows < part.stop)).nonzero()[:, 0]
            which = rows[mine]
            colors.append(field.colors(encoded[which - part.start], turned[mine], seen.geometry[which], moment))
            order.append(mine)
        point = seen.point[shown][torch.cat(order)]
        return depths.new_zeros(depths.numel(), 3).index_copy(0, point, torch.cat(colors)).view(*depths.shape, 3)

    def _neighbours(
        self, posed: PosedSurface, points: Tensor, seen: "Seen", moment: int, jitter: torch.Generator
    ) -> Tensor:
        """How far the moves of places on the surface are from those of random neighbours, m; mean over places."""
        rows = ((seen.occupancy.detach() - 0.5).abs() < BAND).nonzero()[:, 0]
        if not len(rows):
            return seen.moves.sum() * 0.0
        noise = torch.rand(len(rows), 3, generator=jitter, device=jitter.device).to(points.device)
        near = points[seen.places.point[rows]] + APART * (2.0 * noise - 1.0)
        uv = posed.surface.uv_at(posed.closest(near, seen.places.nearest[rows]))
        return (self.moves(uv, float(self.times[moment])) - seen.moves[rows]).norm(dim=1).mean()


@dataclass(frozen=True)
class Seen:
    """What parts make of points that they are near."""

    places: Places
    moves: Tensor  # [R,3] m
    encoded: list[Tensor]
    """Of each part [R_p,E_p]."""
    geometry: Tensor  # [R,16]
    occupancy: Tensor  # [R]
    winner: Tensor  # [N']
    """Row of the part that is most occupied, for each point that any part is near."""
    point: Tensor  # [N']
    """Which points these are."""
    merged: Tensor  # [N']
    """Their occupancies by that part."""

    def alphas(self, like: Tensor) -> Tensor:
        """Of all points, in the shape of ``like``."""
        return like.new_zeros(like.numel()).index_copy(0, self.point, self.merged).view(like.shape)


def _ranges(ends: tuple[int, ...]) -> list[slice]:
    return [slice(start, end) for start, end in zip((0, *ends[:-1]), ends, strict=True)]


def _greatest(occupancy: Tensor, places: Places, count: int) -> tuple[Tensor, Tensor]:
    """Row of the greatest occupancy of each point that has rows, and which points these are."""
    table = occupancy.new_full((count, len(places.ends)), -1.0)
    row = torch.zeros(count, len(places.ends), dtype=torch.int64, device=occupancy.device)
    part = torch.empty_like(places.point)
    for number, rows in enumerate(_ranges(places.ends)):
        part[rows] = number
    table[places.point, part] = occupancy
    row[places.point, part] = torch.arange(len(occupancy), device=occupancy.device)
    best, which = table.max(dim=1)
    point = (best >= 0).nonzero()[:, 0]
    return row[point, which[point]], point
