"""The avatar: 3D Gaussians anchored on a body's surface, which follow any pose and any change of shape."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.base import Shaped
from understudy.avatar.gaussians.lighting import TERMS, shading
from understudy.avatar.gaussians.nodes import NODES, node_shares
from understudy.avatar.gaussians.posed import GaussianShape
from understudy.avatar.gaussians.rows import take_rows
from understudy.avatar.gaussians.sampling import Anchors
from understudy.avatar.splats import SkinnedGaussians, SplatAvatar
from understudy.body.lbs import joint_transforms
from understudy.body.model import BodyModel, check_betas
from understudy.body.pose_offsets import PoseOffsets
from understudy.errors import InputError
from understudy.render.cloud import Gaussians
from understudy.render.mesh import vertex_normals
from understudy.render.rotations import blend, from_matrix, product, rotation_matrices, turned

FLATNESS = 0.25
"""Thickness of a new Gaussian over its width."""
WIDTH = 0.6
"""Standard deviation of a new Gaussian over the spacing: neighbours overlap without a gap."""
OPACITY = 0.9
"""Of a new Gaussian."""
LEAST = (0.5, 0.5, 0.1)
"""Least standard deviations over a new one's width: what is not wanted has to fade, not to shrink to a dot."""
PER_GAUSSIAN = ("offsets", "log_scales", "quats", "opacity_logits", "rgb_logits", "sh")
"""The parameters that have a row for each Gaussian."""
EXTRAS = ("sh", "weight_logits")
"""What an avatar may have or not: colours that depend on the side they are seen from, and blend weights of its own."""


@dataclass(frozen=True)
class Changes:
    """What a pose changes beyond skinning."""

    moves: Tensor  # [N,3] m
    """Of the Gaussians in the rest pose's axes, which turn with them."""
    shades: Tensor  # [N,3]
    """Factors on their colours."""


class GaussianAvatar(SplatAvatar):
    """3D Gaussians, each fixed to a face of the body, with what was learned about them.

    The state that is saved holds nothing of the body itself: face indices, places within the face, and offsets.
    A Gaussian's own frame is its face's tangent frame: x along the face's first edge, z along the normal.

    Source: Kerbl et al., 3D Gaussian Splatting (SIGGRAPH 2023); Gaussians bound to faces as in
    Shao et al., SplattingAvatar (CVPR 2024), section 3; skinning as in SMPL.
    """

    method = "gaussians"
    face: Tensor
    bary: Tensor
    spacing: Tensor
    weights: Tensor
    near_nodes: Tensor
    node_shares: Tensor
    dominant: Tensor
    corners_template: Tensor
    corners_shapedirs: Tensor
    joints_template: Tensor
    joints_shapedirs: Tensor
    own_size: Tensor

    def __init__(
        self,
        body: BodyModel,
        anchors: Anchors,
        betas: np.ndarray | Tensor,  # [B]
        colors: np.ndarray | Tensor,  # [N,3] sRGB, 0..1
        extras: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.body = body
        face = torch.as_tensor(anchors.face, dtype=torch.int64)
        spacing = torch.as_tensor(anchors.spacing, dtype=torch.float32)
        count = len(face)
        self.register_buffer("face", face)
        self.register_buffer("bary", torch.as_tensor(anchors.bary, dtype=torch.float32))
        self.register_buffer("spacing", spacing)
        self.betas = nn.Parameter(_padded(torch.as_tensor(betas, dtype=torch.float32), body.num_betas))
        self.offsets = nn.Parameter(torch.zeros(count, 3))
        width = spacing[:, None] * torch.tensor([WIDTH, WIDTH, WIDTH * FLATNESS])
        self.log_scales = nn.Parameter(width.log())
        self.quats = nn.Parameter(torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1))
        self.opacity_logits = nn.Parameter(torch.full((count,), OPACITY).logit())
        self.rgb_logits = nn.Parameter(torch.as_tensor(colors, dtype=torch.float32).clamp(0.01, 0.99).logit())
        self.light = nn.Parameter(torch.zeros(TERMS, 3))
        self._bind()
        self.sh = nn.Parameter(torch.zeros(count, 3, 3)) if "sh" in extras else None
        self.weight_logits: nn.Parameter | None = None
        if "weight_logits" in extras:
            self.weight_logits = nn.Parameter(torch.zeros(NODES, len(body.joint_names)))
            self._bind_nodes()

    def _bind(self) -> None:
        """Gather what the anchors need of the body, so that a step costs no work per vertex."""
        body = self.body
        if int(self.face.max()) >= len(body.faces):
            raise InputError(
                f"The avatar belongs to a body with more faces than {body.name} has; give its own body file."
            )
        vertices = torch.from_numpy(body.faces.astype(np.int64)).to(self.face.device)[self.face]  # [N,3]
        self.register_buffer("corners_template", body.v_template[vertices], persistent=False)
        self.register_buffer("corners_shapedirs", body.shapedirs[vertices], persistent=False)
        weights = torch.einsum("nk,nkj->nj", self.bary, body.lbs_weights[vertices])
        self.register_buffer("weights", weights / weights.sum(dim=1, keepdim=True), persistent=False)
        self.register_buffer("dominant", weights.argmax(dim=1), persistent=False)
        self.register_buffer("joints_template", body.J_regressor @ body.v_template, persistent=False)
        directions = torch.einsum("jv,vcb->jcb", body.J_regressor, body.shapedirs)
        self.register_buffer("joints_shapedirs", directions, persistent=False)
        correctives = body.posedirs
        self.pose_offsets = None if correctives is None else PoseOffsets.of_mixtures(correctives, vertices, self.bary)
        self.rebase_to_betas()

    def _bind_nodes(self) -> None:
        """Say how the Gaussians share the corrections of the blend weights: were each free, bent knees would fray."""
        vertices, corners = self.body.v_template.cpu().numpy(), self.corners_template.cpu()
        places = (self.bary.cpu()[..., None] * corners).sum(dim=1).numpy()
        normals = _tangent_frames(corners)[..., 2].numpy()
        near, shares = node_shares(vertices, vertex_normals(vertices, self.body.faces), places, normals)
        self.register_buffer("near_nodes", torch.from_numpy(near).to(self.face.device), persistent=False)
        self.register_buffer("node_shares", torch.from_numpy(shares).to(self.face.device), persistent=False)

    def rebase_to_betas(self) -> None:
        """Take the present ``betas`` as the shape at which the Gaussians have the size that is stored."""
        with torch.no_grad():
            size = _face_size(self._corners(self.betas))
            grown = size / self.own_size if hasattr(self, "own_size") else torch.ones_like(size)
            self.offsets.mul_(grown[:, None])
            self.log_scales.add_(grown[:, None].log())
            self.register_buffer("own_size", size, persistent=False)

    def __len__(self) -> int:
        return len(self.face)

    def clamp_scales(self) -> None:
        """Let no Gaussian be smaller than ``LEAST``."""
        with torch.no_grad():
            least = WIDTH * self.spacing[:, None] * self.spacing.new_tensor(LEAST)
            self.log_scales.clamp_(min=least.log())

    @property
    def extras(self) -> tuple[str, ...]:
        """What it has of ``EXTRAS``."""
        return tuple(name for name in EXTRAS if getattr(self, name) is not None)

    def at(self, anchors: Anchors, betas: Tensor) -> "GaussianAvatar":
        """A new avatar of the same kind at other anchors, of the shape ``betas`` [B], of which nothing is learned yet."""
        return GaussianAvatar(self.body, anchors, betas, torch.zeros(len(anchors.face), 3), self.extras)

    def dynamics(self, rotations: Tensor) -> Changes | None:
        """What a pose of rotations [J,3,3] changes beyond skinning; None for nothing, as with this method."""
        return None

    def blend_weights(self) -> Tensor:
        """Weights [N,J] of the joints that the Gaussians follow."""
        if self.weight_logits is None:
            return self.weights
        corrections = (self.node_shares[..., None] * take_rows(self.weight_logits, self.near_nodes)).sum(dim=1)
        weights = self.weights * corrections.exp()
        return weights / weights.sum(dim=1, keepdim=True)

    def anchors(self) -> Anchors:
        """Where the Gaussians are fixed."""
        return Anchors(*(values.cpu().numpy() for values in (self.face, self.bary, self.spacing)))

    def _corners(self, betas: Tensor) -> Tensor:
        """Corners [N,3,3] of each anchor's face on the shaped body."""
        return self.corners_template + self.corners_shapedirs @ betas

    def shaped(self, betas: Tensor | None = None) -> GaussianShape:
        """The anchors on the body of ``betas`` [B], by default the person's own."""
        betas = self.betas if betas is None else _padded(betas.to(self.betas), self.body.num_betas)
        corners = self._corners(betas)
        return GaussianShape(
            avatar=self,
            means=(self.bary[..., None] * corners).sum(dim=1),
            # the shape's influence on the frames is second order in the small offsets: no gradient through it
            quats=from_matrix(_tangent_frames(corners.detach())),
            size=(_face_size(corners.detach()) / self.own_size).clamp(0.2, 5.0),
            joints=self.joints_template + self.joints_shapedirs @ betas,
        )

    def gaussians(
        self,
        rotations: Tensor,  # [J,3,3] of each joint relative to its parent
        transl: Tensor,  # [3] m
        shaped: Shaped | None = None,
    ) -> Gaussians:
        """The Gaussians in a pose."""
        return self.skin(rotations, transl, self._own(shaped), self.dynamics(rotations))

    def skin(self, rotations: Tensor, transl: Tensor, rest: GaussianShape, changes: Changes | None) -> Gaussians:
        """The Gaussians of a shape in a pose, with what this changes beyond skinning."""
        weights = self.blend_weights()
        transforms = joint_transforms(rotations[None], rest.joints, self.body.parents)[0]
        blended = (weights @ transforms[:, :3].flatten(1)).view(-1, 3, 4)
        turn = blend(from_matrix(transforms[:, :3, :3]), weights, self.dominant)
        frames = product(turn, rest.quats)
        # the offset turns with the rigid frame, not with the sheared blend, so that it keeps its length
        anchors = rest.means if self.pose_offsets is None else rest.means + self.pose_offsets(rotations[None])[0]
        means = (blended[..., :3] @ anchors[..., None])[..., 0] + blended[..., 3] + transl
        means = means + turned(frames, self.offsets * rest.size[:, None])
        colors = self.rgb_logits.sigmoid() * shading(_third_axis(frames), self.light)
        if changes is not None:
            means, colors = means + turned(turn, changes.moves), colors * changes.shades
        return Gaussians(
            means=means,
            quats=product(frames, functional.normalize(self.quats, dim=-1)),
            scales=self.log_scales.exp() * rest.size[:, None],
            opacities=self.opacity_logits.sigmoid(),
            colors=colors,
            sh=None if self.sh is None else turned(turn[:, None], self.sh),
        )

    def _own(self, shaped: Shaped | None) -> GaussianShape:
        """A shape of this method; the person's own where none is given."""
        shaped = self.shaped() if shaped is None else shaped
        assert isinstance(shaped, GaussianShape)
        return shaped

    def albedo(self) -> Tensor:
        """Colours [N,3] sRGB 0..1 of the Gaussians without the light of a direction."""
        return self.rgb_logits.detach().sigmoid()

    def lift(self, heights: Tensor) -> None:
        """Move the Gaussians along the normals of their faces by ``heights`` [N] m, in the person's own shape."""
        with torch.no_grad():
            self.offsets[:, 2] += heights

    def skinned(self, shaped: Shaped, bones: int) -> SkinnedGaussians:
        """The Gaussians at rest with ``bones`` joints each, with what is constant folded together."""
        rest = self._own(shaped)
        with torch.no_grad():
            frames = rotation_matrices(rest.quats)
            weights = self.blend_weights()
            # the first one's side counts in blending
            first = functional.one_hot(self.dominant, weights.shape[1])
            chosen = (weights + first).topk(bones, dim=1).indices
            weights = weights.gather(1, chosen)
            sh = torch.zeros(len(self), 3, 3) if self.sh is None else self.sh
            parts = dict(
                means=rest.means,
                offsets=(frames @ (self.offsets * rest.size[:, None])[..., None])[..., 0],
                quats=product(rest.quats, functional.normalize(self.quats, dim=-1)),
                normals=frames[..., 2],
                scales=self.log_scales.exp() * rest.size[:, None],
                opacities=self.opacity_logits.sigmoid(),
                colors=self.albedo(),
                bones=chosen.to(torch.uint8),
                weights=weights / weights.sum(dim=1, keepdim=True),
                sh=sh.flatten(1),
            )
        return SkinnedGaussians(**{name: values.detach().numpy() for name, values in parts.items()})

    def pose_offsets_of(self, rotations: Tensor) -> Tensor | None:
        """What the body's pose correctives add to the rest means [T,N,3], m, for rotations [T,J,3,3]; None without such."""
        return None if self.pose_offsets is None else self.pose_offsets(rotations)

    @property
    def beyond_skinning(self) -> str | None:
        """The option by which it has what no file of skinned Gaussians can hold; None where it has nothing such."""
        return None


def _padded(betas: Tensor, count: int) -> Tensor:
    """``betas`` with zeros for the components that are not given."""
    check_betas(len(betas), count)
    return functional.pad(betas, (0, count - len(betas)))


def _tangent_frames(corners: Tensor) -> Tensor:
    """Rotations [N,3,3] whose columns are a face's first edge, its third axis's cross with it, and its normal."""
    edge = functional.normalize(corners[:, 1] - corners[:, 0], dim=-1)
    normal = functional.normalize(torch.linalg.cross(edge, corners[:, 2] - corners[:, 0]), dim=-1)
    return torch.stack([edge, torch.linalg.cross(normal, edge), normal], dim=-1)


def _face_size(corners: Tensor) -> Tensor:
    """Square root of the faces' areas [N], m."""
    across = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return across.norm(dim=-1).clamp_min(1e-12).sqrt()


def _third_axis(quats: Tensor) -> Tensor:
    """The z axes [N,3] of frames given by unit quaternions [N,4]."""
    w, x, y, z = quats.unbind(dim=-1)
    return torch.stack([2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)], dim=-1)
