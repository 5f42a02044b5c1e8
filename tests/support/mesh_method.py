"""A second, tiny method of avatars: the body's mesh with a texture that is learned, drawn by the mesh rasterizer.

It shows that the contract is not made for one method.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.base import Avatar, Carriers, Learner, Loss, Method, Posed, Shaped, Subject, View
from understudy.avatar.config import AvatarConfig, MethodConfig
from understudy.avatar.training.losses import view_loss
from understudy.body.model import BodyModel
from understudy.files.tables import Numbers, check_table
from understudy.render.camera import Camera
from understudy.render.gaussians import Render
from understudy.render.mesh import rasterize_mesh

TABLE = {
    "texture_logits": Numbers((1, 3, "S", "S"), np.float32, -1e4, 1e4),
    "betas": Numbers(("B",), np.float32, -20.0, 20.0),
}


@dataclass(frozen=True)
class MeshConfig(MethodConfig):
    """What a textured mesh learns."""

    lr_texture: float = 0.1
    """Learning rate of the colours' logits; 0 keeps the texture."""


class MeshAvatar(Avatar):
    """The body with a texture."""

    method = "mesh"

    def __init__(self, body: BodyModel, texture: Tensor, betas: Tensor) -> None:
        super().__init__()
        self.body = body
        self.betas = nn.Parameter(betas)
        self.texture_logits = nn.Parameter(texture)

    def shaped(self, betas: Tensor | None = None) -> "MeshShape":
        betas = self.betas if betas is None else betas
        return MeshShape(self, betas, self.body.shaped(betas)[1])


@dataclass(frozen=True)
class MeshShape(Shaped):
    avatar: MeshAvatar
    betas: Tensor
    joints: Tensor

    def posed(self, rotations: Tensor, transl: Tensor) -> "PosedMesh":
        with torch.no_grad():
            return PosedMesh(self.avatar, self.avatar.body.posed(self.betas, rotations[None], transl[None]).vertices[0])

    def detach(self) -> "MeshShape":
        return MeshShape(self.avatar, self.betas.detach(), self.joints.detach())


@dataclass(frozen=True)
class PosedMesh(Posed):
    avatar: MeshAvatar
    vertices: Tensor

    def draw(self, camera: Camera, background: Tensor | None = None, normals: bool = False) -> Render:
        return self._drawn(camera, background)[0]

    def extent(self) -> Tensor:
        return self.vertices

    def carriers(self, camera: Camera, channels: int) -> Carriers:
        with torch.no_grad():
            picture, face, bary = self._drawn(camera, None)
        inside = face >= 0
        corners = torch.from_numpy(self.avatar.body.faces.astype(np.int64))[face[inside]]
        shares = bary[inside][..., None]
        return Carriers(
            picture,
            (shares * self.vertices[corners]).sum(dim=1),
            lambda: (shares * self.avatar.body.lbs_weights[corners]).sum(dim=1),
            lambda images: images[inside],
        )

    def _drawn(self, camera: Camera, background: Tensor | None) -> tuple[Render, Tensor, Tensor]:
        body = self.avatar.body
        points = camera.to_camera(self.vertices.numpy().astype(np.float64))
        seen = rasterize_mesh(points, body.faces, camera.K, camera.size)
        face, bary = torch.from_numpy(seen.face.astype(np.int64)), torch.from_numpy(seen.bary).float()
        uv = (bary[..., None] * torch.from_numpy(body.vt[body.ft])[face]).sum(dim=-2)
        grid = (uv * torch.tensor([2.0, -2.0]) + torch.tensor([-1.0, 1.0]))[None]
        colors = functional.grid_sample(self.avatar.texture_logits.sigmoid(), grid, align_corners=False)[0]
        alpha = (face >= 0).float()
        rgb = colors.permute(1, 2, 0) * alpha[..., None]
        if background is not None:
            rgb = rgb + (1.0 - alpha)[..., None] * background
        return Render(rgb, alpha, torch.from_numpy(np.nan_to_num(seen.depth, posinf=0.0)).float()), face, bary


class MeshLearner(Learner):
    def __init__(self, avatar: MeshAvatar, config: AvatarConfig, options: MeshConfig) -> None:
        self.avatar, self.config, self.options = avatar, config, options

    def rates(self) -> dict[str, float]:
        return {"texture_logits": self.options.lr_texture}

    def loss(self, posed: Posed, view: View) -> Loss:
        return view_loss(posed, view, self.config.dssim, self.config.alpha)

    def finish(self) -> MeshAvatar:
        return self.avatar


class MeshMethod(Method):
    """A textured mesh."""

    name = "mesh"
    config = MeshConfig

    def learner(self, subject: Subject, config: AvatarConfig, options: MeshConfig, device: torch.device) -> MeshLearner:
        texture = torch.from_numpy(subject.canonical.texture).permute(2, 0, 1)[None].float() / 255.0
        avatar = MeshAvatar(subject.body, texture.clamp(0.01, 0.99).logit(), torch.tensor(subject.poses.betas))
        return MeshLearner(avatar.to(device), config, options)

    def describe(self, avatar: Avatar) -> dict[str, Any]:
        return {}

    def restore(self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel) -> MeshAvatar:
        if set(weights) != set(TABLE):
            raise ValueError("the weights are not those of a mesh")
        checked = check_table(weights, TABLE, {"S": (1, 8192), "B": (1, 400)})
        return MeshAvatar(body, torch.from_numpy(checked["texture_logits"]), torch.from_numpy(checked["betas"]))
