"""Pose correctives at work: offsets of the rest shape that are linear in the joints' rotations (SMPL's pose blend shapes)."""

import torch
from torch import Tensor, nn


class PoseOffsets(nn.Module):
    """Offsets of ``P`` rest points by the pose.

    One product with a dense matrix of the points and features that take part: on a CPU no slower than a sparse matrix of the
    few entries that are not zero, since it reads memory in order.
    """

    directions: Tensor
    points: Tensor
    features: Tensor

    def __init__(self, posedirs: Tensor) -> None:
        """Take what is not zero of the correctives ``posedirs`` [P,3,9(J-1)]."""
        super().__init__()
        self.count = len(posedirs)
        there = posedirs != 0
        points, features = there.any(dim=2).any(dim=1).nonzero()[:, 0], there.any(dim=1).any(dim=0).nonzero()[:, 0]
        self.register_buffer("points", points, persistent=False)
        self.register_buffer("features", features, persistent=False)
        self.register_buffer("directions", posedirs[points][..., features].flatten(0, 1), persistent=False)

    @classmethod
    def of_mixtures(cls, posedirs: Tensor, vertices: Tensor, mixture: Tensor) -> "PoseOffsets":
        """Of points that are mixtures [P,M] of the ``vertices`` [P,M] of a body with ``posedirs`` [V,3,9(J-1)]."""
        mixed = posedirs.new_zeros(len(vertices), *posedirs.shape[1:])
        for share, index in zip(mixture.unbind(dim=1), vertices.unbind(dim=1), strict=True):
            mixed += share[:, None, None] * posedirs[index]
        return cls(mixed)

    def forward(self, rotations: Tensor) -> Tensor:
        """Offsets [T,P,3] in the rest frame, m, of rotations [T,J,3,3] of each joint relative to its parent."""
        feature = (rotations[:, 1:] - torch.eye(3).to(rotations)).flatten(1)[:, self.features]
        moved = (feature @ self.directions.T).unflatten(1, (-1, 3))
        return rotations.new_zeros(len(rotations), self.count, 3).index_copy(1, self.points, moved)
