"""How alike baked Gaussians are to an avatar whose truth is known: ``python -m benchmarks.baking.likeness avatar.tar``.

The avatar is one of Gaussians, of which baking is shown no more than the contract of avatars says; by turns as it is, and
with clothes up to 6 cm farther off the body. It is compared in poses that are turned and bent away from all of the video,
from sides of which no picture was taken.
"""

import argparse
import time
from dataclasses import replace

import numpy as np
import roma
import torch
from torch import Tensor

from understudy.avatar.archive import AvatarArchive, load_archive
from understudy.avatar.baking.bake import bake_gaussians
from understudy.avatar.baking.config import BakingConfig
from understudy.avatar.baking.views import DISTANCE, camera_from, rest_height
from understudy.avatar.base import Avatar, Shaped
from understudy.avatar.evaluate import track_pose
from understudy.avatar.splats import SplatAvatar, need_splats
from understudy.metrics.image import psnr

VIEWS = 12
HEIGHT = 384  # px
BEND = 0.15  # rad, of each joint and axis
CLOTHES = 0.06  # m
SETTINGS: tuple[dict[str, int], ...] = ({}, {"steps": 1})


class Hidden(Avatar):
    """An avatar of which no more is known than that it can be posed and drawn."""

    method = "hidden"

    def __init__(self, avatar: SplatAvatar) -> None:
        super().__init__()
        self.avatar, self.body, self.betas = avatar, avatar.body, avatar.betas

    def shaped(self, betas: Tensor | None = None) -> Shaped:
        """As the avatar's."""
        return self.avatar.shaped(betas)


def main() -> None:
    """Bake and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatar", help="avatar.tar of the method gaussians")
    path = parser.parse_args().avatar
    print("| avatar | options | PSNR, dB | worst | CPU s |\n|---|---|---|---|---|")
    for name in ("as it is", "in wide clothes"):
        archive = load_archive(path)
        avatar = need_splats(archive.avatar, "this benchmark")
        if name != "as it is":
            avatar.lift(waves(avatar))
        source = replace(archive, avatar=Hidden(avatar), info={**archive.info, "method": "hidden"})
        for options in SETTINGS:
            began = time.process_time()
            baked = bake_gaussians(source, BakingConfig(device="cpu", **options))
            seconds = time.process_time() - began
            found = likeness(archive, baked.avatar)
            said = ", ".join(f"{key} {value}" for key, value in options.items()) or "defaults"
            print(f"| {name} | {said} | {np.mean(found):.2f} | {min(found):.2f} | {seconds:.0f} |", flush=True)


def waves(avatar: SplatAvatar) -> Tensor:
    """Heights [N] m of clothes over trunk and legs, 0 elsewhere."""
    rest = avatar.shaped().posed(avatar.body.rest_rotations, torch.zeros(3)).extent()
    dressed = (rest[:, 1] < 0.1) & (rest[:, 1] > -0.8) & (rest[:, 0].abs() < 0.35)
    return 0.5 * CLOTHES * (1.0 + torch.sin(rest @ torch.tensor([6.0, 9.0, 7.0]))) * dressed


@torch.no_grad()
def likeness(archive: AvatarArchive, baked: Avatar) -> list[float]:
    """PSNR over white, dB, of each view."""
    random, white = np.random.default_rng(3), torch.ones(3)
    shaped, other = archive.avatar.shaped(), baked.shaped()
    distance = DISTANCE * rest_height(archive.avatar, shaped)
    found = []
    for frame in random.choice(np.flatnonzero(archive.poses.valid), VIEWS, replace=False):
        rotations, transl = track_pose(archive.poses, int(frame), torch.device("cpu"))
        bends = random.normal(0.0, BEND, (len(rotations), 3))
        bends[0] = 0.0, random.uniform(-3.0, 3.0), 0.0
        rotations = rotations @ roma.rotvec_to_rotmat(torch.from_numpy(bends).float())
        up, azimuth = random.uniform(-0.5, 0.8), random.uniform(-np.pi, np.pi)
        level = (1.0 - up**2) ** 0.5
        direction = np.array([level * np.sin(azimuth), up, level * np.cos(azimuth)])
        truth, drawn = (each.posed(rotations, transl) for each in (shaped, other))
        camera = camera_from(truth, rotations[0], direction, DISTANCE * HEIGHT, distance)
        found.append(psnr(drawn.draw(camera, white).rgb, truth.draw(camera, white).rgb))
    return found


if __name__ == "__main__":
    main()
