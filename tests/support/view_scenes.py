"""A made-up avatar with motions for the viewers."""

import copy
from dataclasses import replace
from functools import cache

import torch

from tests.support.avatar_scenes import truth_avatar, turning_track
from tests.support.bodies import MORE, more_joints
from tests.support.export_scenes import archive as made_up
from tests.support.show_scenes import write_amass
from understudy.avatar.archive import AvatarArchive


@cache
def archive() -> AvatarArchive:
    """A person of sausages with pose correctives and light from one side."""
    known = made_up()
    avatar = copy.deepcopy(known.avatar)
    avatar.light.data[1] = -0.3
    avatar.sh = torch.nn.Parameter(0.1 * torch.randn(len(avatar), 3, 3, generator=torch.Generator().manual_seed(0)))
    return replace(known, avatar=avatar, info={"source": {"name": "made_up.mp4", "sha256": "1" * 64}, "licences": []})


@cache
def many_joints() -> AvatarArchive:
    """The same Gaussians on a body of more joints than a shader has room for."""
    known = archive()
    body = more_joints(known.avatar.body, MORE | {f"strand{number}": "head" for number in range(60)})
    avatar = truth_avatar(body, count=2000)
    return replace(known, avatar=avatar, poses=turning_track(len(known.poses), body, known.poses.K))


def motion(folder, name="turn"):
    """A file of a person who turns and lifts an arm."""
    return write_amass(folder / f"{name}.npz")
