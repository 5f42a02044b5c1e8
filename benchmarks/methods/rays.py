"""Rays a second of fields: drawn, and in steps of training.

python -m benchmarks.methods.rays results/actor/methods/instant_nvr/avatar.tar [...] [--steps 20]
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from understudy.avatar.archive import AvatarArchive, load_archive
from understudy.avatar.base import Subject, View
from understudy.avatar.evaluate import track_pose
from understudy.avatar.fields.avatar import FieldAvatar
from understudy.avatar.fields.rays import Shell
from understudy.avatar.registry import find_method
from understudy.formats.canonical import Canonical
from understudy.methods import training_config
from understudy.render.camera import Camera


def main() -> None:
    """Measure each avatar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("avatars", nargs="+", type=Path)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads; CPU seconds and seconds by the clock")
    print("| method | rays of a picture | seconds a picture | rays a CPU second, drawn | rays a CPU second, learned |")
    print("|---|--:|--:|--:|--:|")
    for path in arguments.avatars:
        archive = load_archive(path)
        if not isinstance(archive.avatar, FieldAvatar):
            raise SystemExit(f"{path} is of the method {archive.avatar.method}, which is no field")
        rays, cpu, wall = drawn(archive)
        learned = learned_rays(archive, arguments.steps)
        method = archive.avatar.method
        print(f"| {method} | {rays:,} | {wall:.1f} ({cpu:.1f}) | {rays / cpu:,.0f} | {learned:,.0f} |", flush=True)


def drawn(archive: AvatarArchive) -> tuple[int, float, float]:
    """Rays of a picture of the video's size in the middle frame's pose, and the seconds that it takes."""
    posed, camera = scene(archive)
    shell = Shell.of(posed.surface, camera, archive.avatar.space)
    times = []
    with torch.no_grad():
        posed.draw(camera.scaled(0.25))  # compiles
        for _ in range(3):
            start = time.process_time(), time.monotonic()
            posed.draw(camera)
            times.append((time.process_time() - start[0], time.monotonic() - start[1]))
    cpu, wall = (float(np.median(column)) for column in zip(*times, strict=True))
    return int(torch.isfinite(shell.near).sum()), cpu, wall


def learned_rays(archive: AvatarArchive, steps: int) -> float:
    """Rays a CPU second in steps on a picture of noise, of an avatar that has just begun."""
    method = find_method(archive.avatar.method)
    config = replace(training_config(method.name), device="cpu")
    options = method.config()
    frame = len(archive.poses) // 2
    canonical = Canonical(*(np.zeros(0),) * 7)
    subject = Subject(canonical, archive.avatar.body, archive.poses, (frame,))
    learner = method.learner(subject, config, options, torch.device("cpu"))
    posed, camera = scene(replace(archive, avatar=learner.avatar))
    height, width = camera.height, camera.width
    noise = torch.rand(height, width, 3, generator=torch.Generator().manual_seed(0))
    view = View(frame, camera, noise, torch.ones(height, width), torch.ones(height, width), torch.zeros(3))
    learner.loss(posed, view).total.backward()  # compiles
    start = time.process_time()
    for _ in range(steps):
        learner.loss(posed, view).total.backward()
    return steps * options.rays / (time.process_time() - start)


def scene(archive: AvatarArchive):  # noqa: ANN201
    """The avatar in the middle frame's pose, and the video's camera."""
    pose = track_pose(archive.poses, len(archive.poses) // 2, torch.device("cpu"))
    return archive.avatar.shaped().posed(*pose), Camera(archive.poses.K, archive.width, archive.height)


if __name__ == "__main__":
    main()
