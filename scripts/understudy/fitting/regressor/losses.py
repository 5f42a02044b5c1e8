"""What the network is to get right, with weights that are learned too."""

import torch
from torch import Tensor, nn

from understudy.body.lbs import joint_transforms
from understudy.body.rig import PointRig
from understudy.fitting.regressor.model import TURNING, Prediction, joint_rotations

PARTS = ("across", "depth", "rotations", "root", "motion", "betas")
_ROOT = TURNING.index("root")


class Balance(nn.Module):
    """Sum of the parts of the loss, each divided by a learned size, plus the sizes' logarithms.

    Source: Kendall et al., Multi-task learning using uncertainty to weigh losses (CVPR 2018), section 3; as in Sengupta et
    al., Synthetic training for accurate 3D human pose and shape estimation in the wild (BMVC 2020).
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_size = nn.Parameter(torch.tensor([-2.5, -2.0, -1.5, -1.5, -3.5, 0.0]))

    def forward(self, parts: Tensor) -> Tensor:
        """The sum of parts [len(PARTS)]."""
        return (parts * torch.exp(-self.log_size) + self.log_size).sum()


def parts_of_loss(
    prediction: Prediction, joints: Tensor, rotations: Tensor, betas: Tensor, seen: Tensor, rig: PointRig
) -> tuple[Tensor, Tensor]:
    """Parts of the loss [len(PARTS)] and the negative log-likelihood of the joints' errors (Laplace, learned sizes).

    Places are compared on the mean body, so that what a picture cannot tell (the height) does not bend the pose; errors
    across the view are those of the reprojection.

    Args:
        prediction: Of the network.
        joints: True joints of the mean body in the view, relative to the pelvis [S,T,J,3].
        rotations: True rotations in the view [S,T,G,3,3].
        betas: True shape [S,B].
        seen: Whether the frame shows the person [S,T]; others count for less.
        rig: The body.
    """
    found = mean_joints(rig, prediction.rotations)
    weight = torch.where(seen, 1.0, 0.3)
    weight = weight / weight.mean()
    gap = found - joints
    across = (gap[..., 1:, :2].square().sum(dim=-1) + 1e-8).sqrt()
    depth = gap[..., 1:, 2].abs()
    turn = ((prediction.rotations - rotations).square().sum(dim=(-1, -2)) + 1e-6).sqrt()
    step = (found.diff(dim=1) - joints.diff(dim=1)).norm(dim=-1).mean() if joints.shape[1] > 1 else gap.new_zeros(())
    parts = [
        (across.mean(dim=-1) * weight).mean(),
        (depth.mean(dim=-1) * weight).mean(),
        (turn.mean(dim=-1) * weight).mean(),
        (turn[..., _ROOT] * weight).mean(),
        step,
        (prediction.betas - betas[:, None]).square().mean(),
    ]
    log_sigma = prediction.log_sigma[..., 1:, :]
    likelihood = 2 * log_sigma[..., 0] + log_sigma[..., 1]
    likelihood = (
        likelihood + 2 * across.detach() * (-log_sigma[..., 0]).exp() + depth.detach() * (-log_sigma[..., 1]).exp()
    )
    return torch.stack(parts), (likelihood.mean(dim=-1) * weight).mean()


def mean_joints(rig: PointRig, rotations: Tensor) -> Tensor:
    """Joints [S,T,J,3] of the mean body turned by ``rotations`` [S,T,G,3,3], relative to the pelvis, m."""
    rest = rig.joints - rig.joints[:1]
    transforms = joint_transforms(joint_rotations(rotations).flatten(0, 1), rest, rig.parents)
    joints = (transforms[..., :3, :3] @ rest[..., None])[..., 0] + transforms[..., :3, 3]
    return joints.unflatten(0, rotations.shape[:2])
