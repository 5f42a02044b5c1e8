"""What a frame shows of the texture beside what its pose predicts, at the texels that are seen."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from understudy.avatar.base import View
from understudy.avatar.neural_actor.model import NeuralActorAvatar, PosedActor
from understudy.avatar.neural_actor.pose_texture import PoseTexture
from understudy.render.mesh import vertex_normals
from understudy.textures.maps import partial_texture
from understudy.textures.views import Viewer, ViewRules

RULES = {"cos_power": 4.0, "min_cos": 0.25, "border": 0.008}
"""How a view of a texel counts, as in the texture of the whole video."""
TURN = 0.03
"""Distance, m, that two opposite normals count as apart when the Gaussian nearest to a texel is looked for."""


@dataclass(frozen=True)
class SeenTexture:
    """Colours of the texels of the layout, sRGB 0..1."""

    predicted: Tensor  # [T,3]
    """Those that the Gaussians have without the pose, times its shades."""
    filmed: Tensor  # [T,3]
    """Those that the frame shows; zeros where it shows none."""
    share: Tensor  # [T] 0..1
    """How much each of these counts."""

    def loss(self) -> Tensor:
        """Mean absolute difference over the texels that are seen."""
        apart = (self.predicted - self.filmed).abs().mean(dim=1)
        return (self.share * apart).sum() / self.share.sum().clamp_min(1.0)


class TextureReader:
    """Reads textures of frames, for an avatar whose Gaussians stay where they are fixed."""

    def __init__(self, avatar: NeuralActorAvatar, residual: PoseTexture, distance: float) -> None:
        """Set up.

        Args:
            avatar: Whose body and Gaussians they are.
            residual: Its predicted texture.
            distance: Usual distance from the camera, m.
        """
        self.avatar, self.residual, self.body = avatar, residual, avatar.body.to("cpu")
        self.rules = ViewRules(**RULES, reference_depth=distance)
        self.near = torch.from_numpy(self._nearest_gaussians()).to(avatar.device)

    def _nearest_gaussians(self) -> np.ndarray:
        """The Gaussian [T] that is nearest to each texel on the surface at rest."""
        vertices, faces, atlas = self.body.v_template.numpy(), self.body.faces, self.residual.atlas
        known = np.concatenate([vertices, TURN * vertex_normals(vertices, faces)], axis=1)
        corners, bary = faces[self.avatar.face.cpu().numpy()], self.avatar.bary.cpu().numpy()
        gaussians = np.einsum("nk,nkc->nc", bary, known[corners])
        _, near = cKDTree(gaussians).query(atlas.interpolate(known, faces))
        return np.asarray(near, np.int64)

    def read(self, posed: PosedActor, view: View) -> SeenTexture:
        """The texture of a view beside the one that the pose predicts; the Gaussians' own colours are taken as they are."""
        assert posed.texture is not None
        device, shades = posed.texture.device, self.residual.at_points(posed.texture).shades
        plain = (posed.cloud.colors / shades).detach()
        with torch.no_grad():
            pose = posed.rotations[None].cpu(), posed.transl[None].cpu()
            vertices = self.body.posed(self.avatar.betas.detach().cpu(), *pose).vertices[0].numpy()
        alpha = view.alpha.cpu().numpy()
        image = view.rgb.cpu().numpy() / np.maximum(alpha, 1e-3)[..., None]
        viewer = Viewer(self.residual.atlas, self.body.faces, len(vertices), view.camera.K, self.rules)
        seen = partial_texture(viewer, vertices, as_bytes(image), as_bytes(alpha))
        filmed, share = torch.zeros(len(self.near), 3), torch.zeros(len(self.near))
        filmed[seen.texel] = torch.from_numpy(seen.color).float() / 255.0
        share[seen.texel] = torch.from_numpy(seen.share)
        predicted = plain[self.near] * self.residual.shades_of_texels(posed.texture)
        return SeenTexture(predicted, filmed.to(device), share.to(device))


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Values 0..1 as uint8."""
    return np.round(255.0 * values.clip(0.0, 1.0)).astype(np.uint8)
