"""How near the demo actor's avatar comes to the truth: keypoints, masks, poses, held-out frames, unseen views.

python benchmarks/demo_truth.py [results/actor]          after `make avatar`

The truth is read here and nowhere else. The pipeline guesses the focal length and the person's height, so its world differs from
the true one by about a similarity. Poses are compared with the roots put together (MPJPE) and aligned per frame (PA-MPJPE); the
unseen views are rendered after one similarity for the whole clip, found from the joints.
"""

import argparse
from pathlib import Path

import numpy as np
import roma
import torch
from PIL import Image
from runs import REPOSITORY

from understudy.avatar.archive import AvatarArchive, load_archive
from understudy.body.files import load_body
from understudy.body.model import JOINTS
from understudy.files import read_json
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.metrics.image import psnr, ssim
from understudy.metrics.masks import iou
from understudy.metrics.pose import keypoint_error, mpjpe, pa_mpjpe
from understudy.render.camera import Camera

TRUTH = REPOSITORY / "data/demo/truth"
LIMBS = [
    f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
]
MARGIN = 0.05
"""Round the person's box, of its height."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=REPOSITORY / "results/actor")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of truth and render in the unseen views")
    options = parser.parse_args()
    truth = dict(np.load(TRUTH / "truth.npz"))
    archive = load_archive(options.results / "avatar.tar")
    track = BodyTrack.load(options.results / "smpl.npz")
    rows = [
        ("2D keypoints, 12 limb joints", f"{keypoint_percent(options.results, truth):.2f} % of person height"),
        ("mask IoU", f"{mask_iou(options.results, truth):.3f}"),
        ("height", f"{height(archive):.2f} m (true {float(truth['height_m']):.2f} m)"),
        *pose_rows("fit", track, truth),
        *pose_rows("refined by the avatar", archive.poses, truth),
        *held_out_rows(options.results),
        *view_rows(archive, truth, options.pictures),
    ]
    print("| figure | measured |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")


def keypoint_percent(results: Path, truth: dict[str, np.ndarray]) -> float:
    """Mean error of the detected limb joints, in percent of the person's height in the picture."""
    keypoints = Keypoints.load(results / "keypoints.npz")
    seen = keypoints.keypoints[:, [keypoints.names.index(name) for name in LIMBS]]
    true = truth["keypoints2d"][:, [JOINTS.index(name) for name in LIMBS]]
    heights = keypoints.bbox[:, 3] - keypoints.bbox[:, 1]
    return float(np.nanmean(keypoint_error(true, seen[..., :2], seen[..., 2], heights)))


def mask_iou(results: Path, truth: dict[str, np.ndarray]) -> float:
    """Mean IoU of the silhouettes at half opacity."""
    scores = [
        iou(read_alpha(results / "alpha", frame) >= 128, np.array(Image.open(TRUTH / f"masks/{frame:06d}.png")) > 0)
        for frame in truth["mask_frames"].tolist()
    ]
    return float(np.mean(scores))


def height(archive: AvatarArchive) -> float:
    """Height of the rest body, m."""
    rest, _ = archive.avatar.body.shaped(torch.from_numpy(archive.poses.betas))
    return float(rest[:, 1].max() - rest[:, 1].min())


def posed_joints(track: BodyTrack) -> np.ndarray:
    """Joints [T,24,3] of a track, m."""
    body = load_body(REPOSITORY / "models/understudy_body.npz").keypoint_body()
    parts = (torch.from_numpy(part) for part in (track.global_orient, track.body_pose, track.transl))
    with torch.no_grad():
        return body(torch.from_numpy(track.betas), *parts).joints.numpy()


def pose_rows(name: str, track: BodyTrack, truth: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    """Errors of a track's joints."""
    joints, true = posed_joints(track), truth["joints"]
    return [
        (f"{name}: MPJPE, roots together", f"{1000 * np.mean(mpjpe(joints, true)):.1f} mm"),
        (f"{name}: PA-MPJPE", f"{1000 * np.mean(pa_mpjpe(joints, true)):.1f} mm"),
    ]


def held_out_rows(results: Path) -> list[tuple[str, str]]:
    """What the evaluate stage found."""
    metrics = read_json(results / "metrics.json")
    rows = []
    for key in ("without_pose_refinement", "with_pose_refinement"):
        means = {name: values["mean"] for name, values in metrics[key].items()}
        rows.append(
            (
                f"held-out frames, {key.replace('_', ' ')}: PSNR / SSIM, person's box on white",
                f"{means['psnr_person_box_on_white']:.2f} dB / {means['ssim_person_box_on_white']:.4f}",
            )
        )
    return rows


def view_rows(archive: AvatarArchive, truth: dict[str, np.ndarray], pictures: Path | None) -> list[tuple[str, str]]:
    """PSNR and SSIM in the two views that the video does not show."""
    joints, true = posed_joints(archive.poses), truth["joints"]
    R, t, s = roma.rigid_points_registration(
        torch.from_numpy(joints.reshape(-1, 3)).double(),
        torch.from_numpy(true.reshape(-1, 3)).double(),
        compute_scaling=True,
    )
    rows = []
    for view, (name, K, to_view) in enumerate(
        zip(truth["view_names"], truth["view_K"], truth["view_views"], strict=True)
    ):
        # a similarity before a projection is a rigid motion: sizes and distances shrink together
        placed = np.eye(4)
        placed[:3, :3] = to_view[:3, :3] @ R.numpy()
        placed[:3, 3] = (to_view[:3, :3] @ t.numpy() + to_view[:3, 3]) / float(s)
        scores, overlaps, panels = [], [], []
        for frame in truth["view_frames"].tolist():
            stem = TRUTH / f"views/{name}_{frame:06d}"
            photo = np.array(Image.open(stem.with_suffix(".jpg")).convert("RGB")) / 255.0
            mask = np.array(Image.open(stem.with_suffix(".png"))) > 0
            camera = Camera(K=K, view=placed, width=photo.shape[1], height=photo.shape[0])
            render = render_frame(archive, frame, camera)
            on_white = np.where(mask[..., None], photo, 1.0).astype(np.float32)
            box = person_box(mask)
            rgb = render[0].clip(0, 1)
            scores.append((psnr(rgb[box], on_white[box]), ssim(rgb[box], on_white[box])))
            overlaps.append(iou(render[1] > 0.5, mask))
            panels.append(np.concatenate([on_white, rgb], axis=1))
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            sheet = (255 * np.concatenate(panels, axis=1)).round().astype(np.uint8)
            Image.fromarray(sheet).save(pictures / f"view_{view}_{name}.png")
        decibels, similarity = np.mean(scores, axis=0)
        text = f"{decibels:.2f} dB / {similarity:.4f} / {np.mean(overlaps):.3f}"
        rows.append((f"unseen view '{name}': PSNR / SSIM, person's box on white / mask IoU", text))
    return rows


def render_frame(archive: AvatarArchive, frame: int, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Colours on white [H,W,3] and alpha [H,W] of the avatar in a frame's refined pose."""
    poses = archive.poses
    parts = (torch.from_numpy(part[frame]) for part in (poses.global_orient, poses.body_pose, poses.transl))
    with torch.no_grad():
        render = archive.avatar.render(*parts, camera=camera, background=torch.ones(3))
    return render.rgb.numpy(), render.alpha.numpy()


def person_box(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of a mask's box with a margin."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = round(MARGIN * (rows[-1] - rows[0]))
    return (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, columns[0] - margin), columns[-1] + 1 + margin),
    )


if __name__ == "__main__":
    main()
