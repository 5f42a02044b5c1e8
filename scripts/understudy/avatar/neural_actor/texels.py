"""What the texels of a map over the body's UV layout know of a pose."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.gaussians.rows import take_rows
from understudy.body.model import BodyModel
from understudy.render.rotations import from_matrix
from understudy.textures.atlas import Atlas
from understudy.textures.maps import texel_normals

FEATURES = 9
"""Numbers that a texel knows of the turns of joints nearby: of its own joint, of the one before it and of those after it."""


def joint_turns(rotations: Tensor) -> Tensor:
    """Turns [...,J-1,3] of all joints but the root, twice the vectors of their quaternions, of rotations [...,J,3,3].

    The root's turn is where the camera stands, not a pose. There is no seam but at half a turn.
    """
    quats = from_matrix(rotations[..., 1:, :, :])
    return 2.0 * quats[..., 1:] * torch.where(quats[..., :1] < 0, -1.0, 1.0)


class Texels(nn.Module):
    """The texels of a square map; those beyond the layout know what the nearest one inside does."""

    spread: Tensor
    weights: Tensor
    normals: Tensor
    near: Tensor

    def __init__(self, body: BodyModel, atlas: Atlas) -> None:
        super().__init__()
        self.side, self.parents = atlas.size, body.parents
        weights = torch.from_numpy(atlas.interpolate(body.lbs_weights.cpu().numpy(), body.faces)).float()
        weights = weights / weights.sum(dim=1, keepdim=True)
        rest = texel_normals(atlas, body.v_template.cpu().numpy(), body.faces)
        before = torch.zeros(len(body.parents), len(body.parents))
        before[range(1, len(body.parents)), body.parents[1:]] = 1.0  # row: joint, column: the one before it
        after = before.T / before.sum(dim=0).clamp_min(1.0)[:, None]
        near = torch.stack([weights, weights @ before, weights @ after])[..., 1:]
        self.register_buffer("spread", torch.from_numpy(atlas.nearest()), persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("normals", torch.from_numpy(np.asarray(rest, np.float32)), persistent=False)
        self.register_buffer("near", near.contiguous(), persistent=False)

    def image(self, values: Tensor) -> Tensor:
        """Map [1,C,S,S] of values [N,C] of the texels inside the layout."""
        return take_rows(values, self.spread[:, None])[:, 0].T.reshape(1, -1, self.side, self.side)

    def turns_nearby(self, turns: Tensor) -> Tensor:
        """Features [N,9] of joints' ``turns`` [J-1,3]; those of joints far away are in none.

        Source: Saito et al., SCANimate (CVPR 2021), section 3.3, for the pose as the joints nearby see it.
        """
        return torch.cat([mixture @ turns for mixture in self.near], dim=1)

    def posed_normals(self, rotations: Tensor) -> Tensor:
        """Unit normals [N,3] of the skinned surface in the frame of the root, of rotations [J,3,3].

        Where the camera stands, the root's own turn, is not in them.
        """
        turned = [torch.eye(3).to(rotations)]
        for joint, parent in enumerate(self.parents[1:], start=1):
            turned.append(turned[parent] @ rotations[joint])
        blended = (self.weights @ torch.stack(turned).flatten(1)).view(-1, 3, 3)
        return functional.normalize((blended @ self.normals[..., None])[..., 0], dim=-1)
