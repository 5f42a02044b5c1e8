"""A made-up person whose surface darkens with the pose, as cloth does, and whose truth is known."""

import math

import numpy as np
import torch
from torch import Tensor

from tests.support.avatar_scenes import plaid
from tests.support.bodies import sausage_body
from understudy.avatar.gaussians.model import Changes, GaussianAvatar
from understudy.avatar.gaussians.sampling import sample_surface
from understudy.avatar.neural_actor.texels import joint_turns
from understudy.body.model import BodyModel

BODY = sausage_body()
SHOULDERS = tuple(BODY.joint(f"{side}_shoulder") for side in ("left", "right"))
SWING = 0.3
"""Turn of a shoulder from the middle of its swing, rad, by which the arm's colours are halved."""
MIDDLE = (-0.9, 0.9)


class PosedCloth(GaussianAvatar):
    """The plaid, whose arms are a quarter to once as bright, by the turn of their shoulders."""

    def dynamics(self, rotations: Tensor) -> Changes:
        """The shades; nothing moves."""
        logs = torch.zeros(len(self))
        for shoulder, middle in zip(SHOULDERS, MIDDLE, strict=True):
            swing = joint_turns(rotations)[shoulder - 1, 2] - 2.0 * math.sin(middle / 2.0)
            logs += math.log(2.0) * (self.on_arm(shoulder)) * (swing / SWING - 1.0)
        return Changes(torch.zeros(len(self), 3), logs.exp()[:, None].expand(-1, 3))

    def on_arm(self, shoulder: int) -> Tensor:
        """How far Gaussians [N] belong to the arm of a shoulder."""
        return self.weights[:, [shoulder, shoulder + 2]].sum(dim=1)


def posed_cloth(body: BodyModel = BODY, count: int = 3000) -> PosedCloth:
    """The person, with nothing to learn."""
    vertices = body.v_template.numpy()
    anchors = sample_surface(vertices, body.faces, body.parts, count, 5)
    points = (vertices[body.faces[anchors.face]] * anchors.bary[..., None]).sum(axis=1)
    return PosedCloth(body, anchors, np.zeros(body.num_betas, np.float32), plaid(points)).requires_grad_(False)
