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
from truth import (
    detector_acceleration,
    keypoint_percent,
    load_free_body,
    mask_iou,
    pose_figures,
    posed_joints,
    rest_height,
    shape_error,
)

from understudy.avatar.archive import AvatarArchive, load_archive
from understudy.body.model import BodyModel
from understudy.files import read_json
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack
from understudy.metrics.image import psnr, ssim
from understudy.metrics.masks import iou
from understudy.render.camera import Camera

TRUTH = REPOSITORY / "data/demo/truth"
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
    body = load_free_body()
    detected = detector_acceleration(Keypoints.load(options.results / "keypoints.npz"), truth)
    rows = [
        ("2D keypoints, 12 limb joints", f"{keypoint_percent(options.results, truth):.2f} % of person height"),
        ("mask IoU, detector's", f"{mask_iou(options.results / 'alpha', truth, TRUTH / 'masks'):.3f}"),
        ("mask IoU, refined", f"{mask_iou(options.results / 'matte', truth, TRUTH / 'masks'):.3f}"),
        ("height", f"{rest_height(body, archive.poses.betas):.2f} m (true {float(truth['height_m']):.2f} m)"),
        ("acceleration error of the detector's own 3D limbs", f"{detected:.2f} m/s^2"),
        *pose_rows("fit", body, track, truth),
        *pose_rows("refined by the avatar", body, archive.poses, truth),
        *held_out_rows(options.results),
        *view_rows(archive, body, truth, options.pictures),
    ]
    print("| figure | measured |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")


def pose_rows(name: str, body: BodyModel, track: BodyTrack, truth: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    """Errors of a track's joints and shape."""
    figures = pose_figures(posed_joints(body, track), truth)
    return [
        (f"{name}: MPJPE, roots together", f"{figures.mpjpe:.1f} mm"),
        (f"{name}: PA-MPJPE", f"{figures.pa_mpjpe:.1f} mm"),
        (f"{name}: acceleration error of the limbs", f"{figures.acceleration:.2f} m/s^2"),
        (f"{name}: PVE-T, scale corrected", f"{shape_error(body, track.betas, truth):.1f} mm"),
        (
            f"{name}: frames with a limb's sides exchanged / facing away",
            f"{100 * figures.wrong_limbs:.0f} / {100 * figures.wrong_facing:.0f} %",
        ),
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


def view_rows(
    archive: AvatarArchive, body: BodyModel, truth: dict[str, np.ndarray], pictures: Path | None
) -> list[tuple[str, str]]:
    """PSNR and SSIM in the two views that the video does not show."""
    joints, true = posed_joints(body, archive.poses), truth["joints"]
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
