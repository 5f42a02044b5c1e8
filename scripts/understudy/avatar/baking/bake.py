"""Gaussians that look like an avatar of any method: begun on its surface, then distilled from its pictures."""

import logging
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.baking.config import BakingConfig
from understudy.avatar.baking.poses import choose_poses
from understudy.avatar.baking.surface import heights_in, settled
from understudy.avatar.baking.views import Sight, all_round, draw_sights
from understudy.avatar.base import Avatar, Learner, Subject
from understudy.avatar.config import AvatarConfig, Shrink
from understudy.avatar.device import choose_device
from understudy.avatar.registry import find_method
from understudy.avatar.splats import PosedSplats, SplatAvatar, need_splats
from understudy.avatar.training.optimizer import Optimizer
from understudy.errors import InputError
from understudy.formats.canonical import Canonical
from understudy.metrics.image import psnr
from understudy.progress import track
from understudy.render.gaussians import Render

BAKED = "gaussians"
"""The method of what is made."""
LEVELS: tuple[tuple[Shrink, float], ...] = ((2, 0.6), (1, 0.4))
"""As ``AvatarConfig.levels``: Gaussians that begin at the surface need no coarser pictures."""
COMPARED = 8
"""Pictures, of other sides and where there are some of other poses, by which the likeness is measured."""
UNLIKE = 22.0
"""dB, below which a warning says so."""

logger = logging.getLogger(__name__)


def bake_gaussians(archive: AvatarArchive, config: BakingConfig) -> AvatarArchive:
    """The same person made of Gaussians, for exports, the page and the live view.

    Gaussians begin on the body, are moved along its normals to where pictures of the avatar from all sides show its surface,
    and are then trained on these pictures, whose poses are exact.
    Colours that change by more than one degree of the direction of view, and fine half-transparent structure, get lost.

    Args:
        archive: An avatar of a method without Gaussians.
        config: How it is made.

    Returns:
        An archive of the method ``gaussians`` with the poses, exposures, held-out frames and source of the given one;
        ``info["baked"]`` has the likeness in pictures that nothing was learned from, dB.

    Raises:
        InputError: It is made of Gaussians already, or draws nothing that can be learned from.
    """
    source = archive.avatar
    if isinstance(source, SplatAvatar):
        raise InputError("The avatar is made of Gaussians already; export and view it as it is.")
    source = source.to(choose_device(config.device))
    poses = choose_poses(source.body, archive.poses, config.poses + COMPARED, source.device)
    learned, others = poses[: config.poses], poses[config.poses :] or poses
    directions = all_round(config.pictures + COMPARED)
    learner, options = _learner(archive, config)
    sights = _begin(learner, source, draw_sights(source, learned, directions[: config.pictures], config.height))
    _distil(learner, sights, config)
    avatar = learner.finish().requires_grad_(False)
    compared = [sight for sight, _ in draw_sights(source, others, directions[config.pictures :], config.height)]
    likeness = _likeness(avatar, compared)
    logger.info("the Gaussians are like the avatar to %.1f dB in pictures that nothing was learned from", likeness)
    if not likeness > UNLIKE:
        logger.warning(
            "the Gaussians are unlike the avatar (%.1f dB); bake more steps, pictures or Gaussians", likeness
        )
    return replace(archive, avatar=avatar.cpu(), info=_info(archive.info, avatar, options, config, likeness))


def _learner(archive: AvatarArchive, config: BakingConfig) -> tuple[Learner, Any]:
    """New Gaussians on the body in the texture's colours, and their options."""
    source, method = archive.avatar, find_method(BAKED)
    with torch.no_grad():
        vertices = source.body.shaped(source.betas.cpu())[0].numpy()
    canonical = Canonical(
        rest_vertices=vertices, faces=source.body.faces, vt=source.body.vt, ft=source.body.ft, texture=archive.texture,
        texture_seen=np.full_like(archive.texture_seen, 255),  # all of it is seen in the pictures to come
        normal=np.zeros_like(archive.texture),
    )  # fmt: skip
    options = method.config(count=config.count)  # type: ignore[call-arg]
    frames = tuple(frame for frame in range(len(archive.poses)) if frame not in set(archive.held_out))
    poses = replace(archive.poses, betas=source.betas.detach().cpu().numpy())
    subject = Subject(canonical, source.body, poses, frames)
    return method.learner(subject, _training(config), options, source.device), options


def _training(config: BakingConfig) -> AvatarConfig:
    return AvatarConfig(method=BAKED, steps=config.steps, seed=config.seed, device=config.device, levels=LEVELS)


def _begin(learner: Learner, source: Avatar, drawn: Iterable[tuple[Sight, Render]]) -> list[Sight]:
    """Move new Gaussians to the surface that is drawn; the pictures are what is kept of the drawing.

    Raises:
        InputError: Nothing is drawn.
    """
    avatar = need_splats(learner.avatar, "baking")
    sights, heights = [], []
    with torch.no_grad():
        shaped = avatar.shaped()
        for sight, picture in drawn:
            cloud = shaped.posed(sight.pose.rotations, sight.pose.transl)
            assert isinstance(cloud, PosedSplats)
            heights.append(heights_in(cloud, sight, picture))
            sights.append(sight)
        if all(int(sight.layers[..., 3].max()) < 128 for sight in sights):
            raise InputError(f"The avatar of the method {source.method} draws nothing from any side; train it again.")
        rest = avatar.body.rest_rotations.to(avatar.device)
        means = shaped.posed(rest, torch.zeros(3, device=avatar.device)).extent()
        avatar.lift(settled(torch.stack(heights), means))
    return sights


def _distil(learner: Learner, sights: list[Sight], config: BakingConfig) -> None:
    """Train on the pictures, each once a round, from coarse to fine."""
    training, random = _training(config), np.random.default_rng(config.seed)
    optimizer = Optimizer(learner.avatar, learner.rates(), training.lr_end)
    shaped = learner.avatar.shaped().detach()  # the person's shape is known
    order: list[int] = []
    for step in track(range(config.steps), "learning Gaussians from the pictures"):
        done = step / config.steps
        order = order or random.permutation(len(sights)).tolist()
        sight = sights[order.pop()]
        background = torch.from_numpy(random.random(3, dtype=np.float32)).to(learner.avatar.device)
        view = sight.view(training.shrink(done), background)
        optimizer.clear()
        learner.loss(shaped.posed(sight.pose.rotations, sight.pose.transl), view).total.backward()
        optimizer.step(done)
        learner.after_step(done)


@torch.no_grad()
def _likeness(avatar: Avatar, sights: list[Sight]) -> float:
    """Mean PSNR over white, dB."""
    shaped, white = avatar.shaped(), torch.ones(3, device=avatar.device)
    found = []
    for sight in sights:
        picture = shaped.posed(sight.pose.rotations, sight.pose.transl).draw(sight.camera, white)
        found.append(psnr(picture.rgb, sight.view(1, white).over_background))
    return float(np.mean(found))


def _info(
    before: dict[str, Any], avatar: Avatar, options: Any, config: BakingConfig, likeness: float
) -> dict[str, Any]:
    """``avatar.json`` of the Gaussians: what it says of the source, but for the source's own section."""
    method = find_method(avatar.method)
    kept = {key: value for key, value in before.items() if key != before["method"]}
    return {
        **kept,
        "method": method.name,
        method.name: {**method.describe(avatar), "config": asdict(options)},
        "baked": {"method": before["method"], "config": asdict(config), "psnr": round(likeness, 2)},
    }
