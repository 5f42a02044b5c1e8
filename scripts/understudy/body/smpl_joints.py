"""Bodies on SMPL's joints: hands as one piece each, a face that moves with the head.

So the fit and the programs that know SMPL alone see a body with fingers. While fingers, jaw and eyes stay at rest, its
surface and joints are the same.
"""

from dataclasses import replace

import torch

from understudy.body.joints import FINGERS, SMPL_JOINTS, SMPL_PARENTS
from understudy.body.model import BodyModel

_FEATURES = 9
"""Pose features of a joint."""


def on_smpl_joints(body: BodyModel) -> BodyModel:
    """The body with SMPL's joints alone, in SMPL's order; one that has no others comes back as it is.

    Skin weights of fingers go to the hand, whose joint is the middle finger's first knuckle as in SMPL, and those of any other
    joint to the nearest of SMPL's that it hangs on. Pose correctives of joints that SMPL lacks are dropped.
    """
    names = body.joint_names
    if names == SMPL_JOINTS:
        return body
    owner = [SMPL_JOINTS.index(_owner(body, joint)) for joint in range(len(names))]
    posedirs = body.posedirs
    if posedirs is not None:
        blocks = posedirs.unflatten(2, (-1, _FEATURES))
        shared = [name for name in SMPL_JOINTS[1:] if name in names]
        kept = blocks.new_zeros(*blocks.shape[:2], len(SMPL_JOINTS) - 1, _FEATURES)
        kept[:, :, [SMPL_JOINTS.index(name) - 1 for name in shared]] = blocks[
            :, :, [names.index(name) - 1 for name in shared]
        ]
        posedirs = kept.flatten(2)
    return replace(
        body,
        posedirs=posedirs,
        J_regressor=body.J_regressor[[body.joint(name) for name in SMPL_JOINTS]],
        lbs_weights=body.lbs_weights @ torch.eye(len(SMPL_JOINTS)).to(body.lbs_weights)[owner],
        joint_names=SMPL_JOINTS,
        parents=SMPL_PARENTS,
    )


def _owner(body: BodyModel, joint: int) -> str:
    """The one of SMPL's joints that carries a joint of the body."""
    name = body.joint_names[joint]
    if name in FINGERS:
        return f"{name.partition('_')[0]}_hand"
    return name if name in SMPL_JOINTS else _owner(body, body.parents[joint])
