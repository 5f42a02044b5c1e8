"""What every body must be, whatever file it is from."""

import numpy as np
import torch

from understudy.body.joints import check_joints
from understudy.body.model import BodyModel
from understudy.files.arrays import check_ranges
from understudy.files.tables import check_shares
from understudy.formats.limits import MOST_BETAS, MOST_FACES, MOST_VERTICES, SIZE, SLACK

BODY_SIZES = {"V": (8, MOST_VERTICES), "F": (1, MOST_FACES), "VT": (3, 3 * MOST_FACES), "B": (1, MOST_BETAS)}
"""Lengths of a body's arrays."""
REGRESSOR = 1e3
"""Shares of vertices in a joint or keypoint, which balance each other where it lies outside of them."""
ROOT = (1 << 32) - 1
"""The root's parent where it is stored without a sign."""
RANGES = {
    "the height of the body": (0.1, SIZE),
    "a joint": (-SIZE, SIZE),
    "a keypoint": (-SIZE, SIZE),
    "the area of the faces": (1e-3, 1e3),
}
"""Of the mean shape, m and m^2: a person and what is drawn like one, in metres."""


def check_body(body: BodyModel) -> None:
    """Refuse a body whose numbers are possible each by itself, but make no body together.

    Raises:
        ValueError: Joints hang in another tree, weights do not sum to one, or its mean shape has no size.
    """
    check_joints(body.joint_names, np.array(body.parents))
    check_shares("skin weights", body.lbs_weights.numpy(), SLACK)
    vertices = body.v_template
    keypoints = body.keypoints(vertices[None])
    corners = vertices[torch.from_numpy(body.faces).long()].double()
    areas = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=-1) / 2
    sizes = {
        "the height of the body": vertices[:, 1].max() - vertices[:, 1].min(),
        "a joint": body.J_regressor @ vertices,
        "a keypoint": keypoints,
        "the area of the faces": areas.sum(),
    }
    check_ranges({key: value.numpy() for key, value in sizes.items()}, RANGES)
