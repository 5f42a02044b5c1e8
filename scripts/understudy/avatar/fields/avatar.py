"""An avatar that is a radiance field on a body: what the contract of avatars asks of any such."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.base import Avatar, Carriers, Posed, Shaped
from understudy.avatar.fields.compositing import Composite
from understudy.avatar.fields.rays import Rays, Shell, lines_of_sight
from understudy.avatar.fields.space import Space
from understudy.avatar.fields.surface import PosedSurface, Surface
from understudy.body.model import BodyModel
from understudy.render.camera import Camera
from understudy.render.gaussians import Render

CHUNK = 1 << 13
"""Rays that are followed together."""
STEP = 0.004
"""To either side of a place, m, where occupancies give a slope."""
ALPHA, DEPTH = 3, 4
"""Where these stand in what a ray sees, after its colour."""
SEEN = 1e-3
"""Alpha from which on a pixel shows something."""


@dataclass(frozen=True)
class Traced:
    """What rays see of a field."""

    composite: Composite
    terms: Mapping[str, Tensor]
    """Scalars by which a learner keeps the field in order; none where the rays are not jittered."""
    coarse: Composite | None = None
    """Of a first field, which says only where to look more closely."""


class FieldAvatar(Avatar):
    """A radiance field in the body's big pose, with something of each moment that it was learned from."""

    made_at_use: ClassVar[tuple[str, ...]] = ("surface",)
    """Names of what is made of the rest when it is first asked for."""
    moments: Tensor
    """Rotations [F,J,3,3] of the poses that it was learned from."""

    def __init__(self, body: BodyModel, betas: np.ndarray, moments: Tensor, size: str, space: Space) -> None:
        """With nothing learned.

        Args:
            body: The person's.
            betas: The shape [B].
            moments: Rotations [F,J,3,3] of the poses that it is learned from.
            size: Of its tables and networks, by name.
            space: Where it is looked at.
        """
        super().__init__()
        self.body, self.size, self.space = body, size, space
        self.betas = nn.Parameter(torch.tensor(betas, dtype=torch.float32))
        self.register_buffer("moments", moments.float().contiguous())

    @abstractmethod
    def trace(self, posed: PosedSurface, rays: Rays, moment: int, jitter: torch.Generator | None = None) -> Traced:
        """What rays see.

        Args:
            posed: The body's surface.
            rays: As many as are to be followed together.
            moment: Row of ``moments`` whose look to show.
            jitter: Where along the rays to look, and for what regularizers look at; without it in the middle of equal parts.
        """

    @abstractmethod
    def occupancy(self, posed: PosedSurface, points: Tensor, moment: int, part: str | None = None) -> Tensor:
        """How much [N] 0..1 there is at points [N,3] m of the world, of one of ``part_names`` alone or of all."""

    @abstractmethod
    def samples(
        self, posed: PosedSurface, rays: Rays, depths: Tensor, steps: Tensor, left: Tensor, moment: int
    ) -> tuple[Tensor, Tensor]:
        """Alphas [R,S] and colours [R,S,3] of rays at depths [R,S] m; of places that are hardly seen, none.

        Each place stands for ``steps`` [R,S] m of depth, and ``left`` [R] of the light comes as far as the first of them.
        """

    @property
    def part_names(self) -> tuple[str, ...]:
        """Parts that are fields of their own; none where there is one field."""
        return ()

    @cached_property
    def surface(self) -> Surface:
        """The body's, in the shape that was learned; made at first use and kept."""
        return self.make_surface(self.body.to(self.device), self.betas.detach())

    @abstractmethod
    def make_surface(self, body: BodyModel, betas: Tensor) -> Surface:
        """The surface of a body in a shape [B], as the field sees it."""

    def shaped(self, betas: Tensor | None = None) -> "FieldShape":
        """In the shape of ``betas`` [B], by default the person's own."""
        betas = (self.betas if betas is None else betas).detach()
        return FieldShape(self, betas, self.surface.body.shaped(betas)[1])

    def nearest_moment(self, rotations: Tensor) -> int:
        """Row of ``moments`` whose pose is most like rotations [J,3,3]."""
        away = (self.moments - rotations)[:, 1:]  # the root's turn is where the camera stands
        return int(away.square().sum(dim=(1, 2, 3)).argmin())

    def _apply(self, fn, recurse: bool = True):  # type: ignore[no-untyped-def]  # noqa: ANN202
        for made in self.made_at_use:  # they lie on the device where they were made
            self.__dict__.pop(made, None)
        super()._apply(fn, recurse)
        return self


@dataclass(frozen=True)
class FieldShape(Shaped):
    """A field whose body is in a shape."""

    avatar: FieldAvatar
    betas: Tensor  # [B]
    joints: Tensor  # [J,3] m

    def posed(self, rotations: Tensor, transl: Tensor) -> "PosedField":
        """In a pose of rotations [J,3,3] and translation [3] m; it shows the look of the most similar pose of the video."""
        surface = self.avatar.surface.posed(self.betas, rotations, transl)
        return PosedField(self.avatar, surface, self.avatar.nearest_moment(rotations))

    def detach(self) -> "FieldShape":
        """Itself: no gradient goes to the shape."""
        return self


@dataclass(frozen=True)
class PosedField(Posed):
    """A field whose body is in a pose."""

    avatar: FieldAvatar
    surface: PosedSurface
    moment: int

    def draw(self, camera: Camera, background: Tensor | None = None, normals: bool = False) -> Render:
        """Its picture over ``background`` [3], black by default."""
        pixels, seen = self._seen(camera)
        if normals:
            seen = torch.cat([seen, self._normals(camera, pixels, seen)], dim=1)
        picture = _picture(seen, pixels, camera)
        if background is not None:
            over = picture.rgb + (1.0 - picture.alpha)[..., None] * background
            picture = replace(picture, rgb=over)
        return picture

    def extent(self) -> Tensor:
        """The body's vertices [V,3], m: what is seen is not far from them."""
        return self.surface.vertices

    def carriers(self, camera: Camera, channels: int) -> Carriers:
        """Each pixel that shows something is one."""
        with torch.no_grad():
            pixels, seen = self._seen(camera)
            there = seen[:, ALPHA] > SEEN
            shown, alpha = pixels[there], seen[there, ALPHA]
            points = _points(camera, shown, seen[there, DEPTH])
        return Carriers(
            _picture(seen, pixels, camera),
            points,
            lambda: self._blend_weights(points),
            lambda images: images[shown[:, 1], shown[:, 0]] * alpha[:, None],
        )

    def _blend_weights(self, points: Tensor) -> Tensor:
        surface = self.surface.surface
        anchors = torch.cat([torch.cdist(some, self.surface.anchors).argmin(dim=1) for some in points.split(CHUNK)])
        return surface.weights[anchors]

    def _seen(self, camera: Camera) -> tuple[Tensor, Tensor]:
        """Pixels [R,2] whose rays meet the shell, and the colour, alpha and depth [R,5] that they see."""
        shell = Shell.of(self.surface, camera, self.avatar.space)
        rows, columns = torch.isfinite(shell.near).nonzero(as_tuple=True)
        pixels = torch.stack([columns, rows], dim=1)
        seen = [shell.near.new_zeros(0, 5)]
        for some in pixels.split(CHUNK):
            rays, _ = Rays.through(some, camera, shell)
            drawn = self.avatar.trace(self.surface, rays, self.moment).composite
            seen.append(torch.cat([drawn.rgb, drawn.alpha[:, None], drawn.depth[:, None]], dim=1))
        return pixels, torch.cat(seen)

    def _normals(self, camera: Camera, pixels: Tensor, seen: Tensor) -> Tensor:
        """Times alpha [R,3], in the camera's axes and towards it: against the occupancy's slope where pixels see it."""
        view = torch.from_numpy(camera.view[:3, :3].astype(np.float32)).to(pixels.device)
        slopes = []
        points = _points(camera, pixels, seen[:, DEPTH].detach())
        steps = STEP * torch.eye(3, device=points.device)
        with torch.no_grad():
            for some in points.split(CHUNK):
                sides = [
                    self.avatar.occupancy(self.surface, some + sign * step, self.moment)
                    for step in steps
                    for sign in (1.0, -1.0)
                ]
                slopes.append(torch.stack([sides[2 * axis] - sides[2 * axis + 1] for axis in range(3)], dim=1))
        normal = functional.normalize(-torch.cat([*slopes, points[:0]]) @ view.T, dim=1)
        seen_from = points @ view.T + torch.from_numpy(camera.view[:3, 3].astype(np.float32)).to(points)
        towards = (normal * seen_from).sum(dim=1) > 0
        return torch.where(towards[:, None], -normal, normal) * seen[:, ALPHA, None]


def _points(camera: Camera, pixels: Tensor, depth: Tensor) -> Tensor:
    """Places [R,3] m of the world at depths [R] m behind pixels [R,2]."""
    origin, directions = lines_of_sight(pixels, camera)
    return origin + depth[:, None] * directions


def _picture(seen: Tensor, pixels: Tensor, camera: Camera) -> Render:
    """A picture of colour, alpha, depth and where they follow normals [R,5] or [R,8] at pixels [R,2]; zero elsewhere."""
    picture = seen.new_zeros(camera.height * camera.width, seen.shape[1])
    picture = picture.index_copy(0, pixels[:, 1] * camera.width + pixels[:, 0], seen)
    picture = picture.view(camera.height, camera.width, -1)
    normal = picture[..., 5:] if seen.shape[1] > 5 else None
    return Render(picture[..., :ALPHA], picture[..., ALPHA], picture[..., DEPTH], normal)
