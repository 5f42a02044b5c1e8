"""Scores of an avatar on People-Snapshot's test pictures, and those that others published."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from understudy.avatar.base import Avatar, Shaped
from understudy.avatar.device import choose_device
from understudy.avatar.evaluate import refine_pose, track_pose
from understudy.avatar.training.crops import MARGIN, Crops, person_box
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.metrics.image import psnr, ssim
from understudy.metrics.lpips import Lpips
from understudy.render.camera import Camera

Scores = dict[str, float]

MEASURES = {
    "psnr": "PSNR dB",
    "ssim": "SSIM",
    "lpips": "LPIPS",
    "psnr_box": "PSNR dB in the person's box",
    "ssim_box": "SSIM in the person's box",
}

PUBLISHED = {
    "Neural Body, ~14 h": (
        "24.94 / .9428 / .0326", "24.71 / .9469 / .0423", "23.87 / .9504 / .0346", "24.37 / .9451 / .0382",
    ),
    "Anim-NeRF, ~13 h": (
        "29.37 / .9703 / .0168", "28.37 / .9605 / .0268", "28.91 / .9743 / .0215", "28.90 / .9678 / .0174",
    ),
    "InstantAvatar, 60 s": (
        "29.65 / .9730 / .0192", "27.97 / .9649 / .0346", "27.90 / .9722 / .0249", "28.92 / .9692 / .0180",
    ),
    "GART, 30 s": (
        "30.40 / .9769 / .0377", "27.57 / .9657 / .0607", "26.26 / .9656 / .0498", "29.23 / .9720 / .0378",
    ),
    "GaussianAvatar": (
        "30.98 / .9790 / .0145", "28.78 / .9755 / .0228", "29.55 / .9762 / .0225", "30.84 / .9771 / .0140",
    ),
}  # fmt: skip
"""PSNR / SSIM / LPIPS of male-3, male-4, female-3 and female-4-casual."""

SOURCE = """
Published: whole picture of 540x540 on white, test poses refined, LPIPS with values left at 0..1. Noted from the papers of
InstantAvatar (Jiang et al., CVPR 2023; also the rows above it), GART (Lei et al., CVPR 2024) and GaussianAvatar (Hu et al.,
CVPR 2024) without the papers at hand: check them there before quoting. Times are on GPUs (RTX 3090; GART: a laptop's RTX 3080).
"""


def score_frames(
    avatar: Avatar,
    poses: BodyTrack,
    frames: Frames,
    alpha_folder: Path,
    test: Sequence[int],
    refine_steps: int,
    lpips: Lpips | None,
    device_name: str,
    pictures: Path | None,
) -> tuple[Scores, Scores]:
    """Mean scores of the test frames in the poses as given, and in those fitted to each test picture with the avatar frozen.

    As the published code: person on white by the mask, whole picture, 8 bits, mean of the pictures' values; LPIPS of values
    0..1 that are not brought to -1..1. The person's box is the mask's with 6 % of its height round it.
    """
    device = choose_device(device_name)
    avatar = avatar.to(device)
    crops = Crops(frames, alpha_folder, poses.K)
    with torch.no_grad():
        shaped = avatar.shaped()
    rows: tuple[list[Scores], list[Scores]] = ([], [])
    for frame in test:
        alpha = read_alpha(alpha_folder, frame)
        if person_box(alpha) is None:
            continue
        truth = on_white(frames.read(frame), alpha)
        given = track_pose(poses, frame, device)
        refined = refine_pose(avatar, shaped, crops, frame, given, refine_steps) if refine_steps > 0 else given
        panels = [truth]
        for row, pose in zip(rows, (given, refined), strict=True):
            picture = rendered(shaped, pose, poses.K, frames)
            row.append(measured(picture, truth, alpha, lpips))
            panels.append(picture)
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            sheet = (255 * torch.cat(panels, dim=1)).round().byte().numpy()
            Image.fromarray(sheet).save(pictures / f"{frame:06d}.png")
    given_mean, refined_mean = ({name: float(np.mean([one[name] for one in row])) for name in row[0]} for row in rows)
    return given_mean, refined_mean


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> Tensor:
    """The person on white [H,W,3], of 8 bits."""
    soft = torch.from_numpy(alpha)[..., None].float() / 255.0
    return eight_bits(torch.from_numpy(rgb).float() / 255.0 * soft + (1.0 - soft))


def rendered(shaped: Shaped, pose: tuple[Tensor, Tensor], K: np.ndarray, frames: Frames) -> Tensor:
    """The avatar on white [H,W,3], of 8 bits."""
    with torch.no_grad():
        white = torch.ones(3, device=pose[1].device)
        return eight_bits(shaped.posed(*pose).draw(Camera(K, frames.width, frames.height), white).rgb.cpu())


def eight_bits(values: Tensor) -> Tensor:
    """Values as a picture's file would hold them."""
    return (255.0 * values.clamp(0.0, 1.0)).round() / 255.0


def measured(picture: Tensor, truth: Tensor, alpha: np.ndarray, lpips: Lpips | None) -> Scores:
    """The scores of one picture."""
    box = person_box(alpha)
    assert box is not None  # a crop was found
    x0, y0, x1, y1 = box
    margin = max(4, round(MARGIN * (y1 - y0)))
    area = (slice(max(0, y0 - margin), y1 + margin), slice(max(0, x0 - margin), x1 + margin))
    scores = {"psnr": psnr(picture, truth), "ssim": ssim(picture, truth)}
    if lpips is not None:
        scores["lpips"] = lpips(picture, truth, scaled=False)
    return {**scores, "psnr_box": psnr(picture[area], truth[area]), "ssim_box": ssim(picture[area], truth[area])}


def published(protocol: str) -> str:
    """The others' table, for the protocol that it was made by."""
    if protocol != "instantavatar":
        return "\nThe published tables are of the protocol instantavatar; figures of another are not comparable."
    lines = ["| published | male-3-casual | male-4-casual | female-3-casual | female-4-casual | mean PSNR |"]
    lines += ["|---|---|---|---|---|--:|"]
    for name, cells in PUBLISHED.items():
        mean = np.mean([float(cell.split(" / ")[0]) for cell in cells])
        lines.append(f"| {name} | {' | '.join(cells)} | {mean:.2f} |")
    return "\n".join([SOURCE, *lines])
