"""The report: one self-contained page that says how far the avatar can be trusted, mostly in pictures."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import torch
from PIL import Image

from understudy.body.model import BodyModel
from understudy.body.posed import posed_vertices
from understudy.files import whole_file
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha, read_parsing
from understudy.formats.smpl import BodyTrack
from understudy.metrics.masks import iou
from understudy.render.mesh import silhouette
from understudy.report.curves import curve_svg
from understudy.report.overlays import draw_keypoints, draw_mask, draw_mesh, draw_parsing, shrink
from understudy.report.result import Result
from understudy.report.sheet import heading, pictures_of
from understudy.report.worst import measures_of

SHOWN_FRAMES = 6
SHOWN_HELD_OUT = 6
PICTURE_HEIGHT = 500  # px; twice the size on the page, for sharp screens
WORST_FRAMES, WORST_HEIGHT = 5, 240  # for each measure; px


@dataclass(frozen=True)
class ReportInputs:
    """What the chain made of one video."""

    actor: str
    frames: Frames
    keypoints: Keypoints
    alpha_folder: Path
    parsing_folder: Path
    track: BodyTrack
    body: BodyModel
    canonical: Canonical
    history: Mapping[str, Any]
    """Curves of the training, by name."""
    metrics: Mapping[str, Any]
    comparisons: Path
    """Folder of side-by-side pictures of held-out frames."""
    turntable: Path


def write_report(path: str | Path, inputs: ReportInputs) -> None:
    """Write the page; it needs no other file and no network."""
    shown = np.unique(np.linspace(0, len(inputs.frames) - 1, SHOWN_FRAMES).round().astype(int))
    rows, body_iou = _stage_rows(inputs, shown)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    ).get_template("page.html.j2")
    frames = inputs.frames
    page = template.render(
        actor=inputs.actor,
        summary=f"{frames.source}: {len(frames)} frames of {frames.width}×{frames.height} px, {frames.fps:.3g} a second.",
        turntable=base64.b64encode(inputs.turntable.read_bytes()).decode(),
        figures=_figures(inputs, body_iou),
        stages={"frames": shown.tolist(), "rows": rows},
        worst=_worst(inputs),
        held_out=_held_out(inputs.comparisons),
        charts=_charts(inputs),
        textures=[
            {"name": "texture", "data": _jpeg(inputs.canonical.texture)},
            {
                "name": "seen in the video",
                "data": _jpeg(np.repeat(inputs.canonical.texture_seen[..., None], 3, axis=-1)),
            },
            {"name": "canonical normals", "data": _jpeg(inputs.canonical.normal)},
        ],
    )
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _stage_rows(inputs: ReportInputs, shown: np.ndarray) -> tuple[list[dict[str, Any]], float]:
    """Pictures of the chosen frames by stage, and the mean IoU of body and mask over them."""
    frames, track = inputs.frames, inputs.track
    names = ("video", "keypoints", "silhouette", "body", "parts")
    pictures: dict[str, list[str]] = {name: [] for name in names}
    ious = []
    for i in shown.tolist():
        image, alpha = frames.read(i), read_alpha(inputs.alpha_folder, i)
        posed = posed_vertices(inputs.body, track, i)
        drawn = (
            image,
            draw_keypoints(image, inputs.keypoints.keypoints[i], inputs.keypoints.names),
            draw_mask(image, alpha),
            draw_mesh(image, posed, inputs.body.faces, track.K),
            draw_parsing(image, read_parsing(inputs.parsing_folder, i)),
        )
        for name, picture in zip(names, drawn, strict=True):
            pictures[name].append(_jpeg(shrink(picture, PICTURE_HEIGHT)))
        if track.valid[i]:
            covered = silhouette(posed, inputs.body.faces, track.K, (frames.width, frames.height))
            ious.append(iou(covered, alpha >= 128))
    rows = [{"name": name, "pictures": pictures[name]} for name in names]
    return rows, float(np.mean(ious)) if ious else float("nan")


def _worst(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Pictures of the frames that are beyond a measure's limit, a row for each measure that has some."""
    result = Result(inputs.frames, inputs.keypoints, inputs.alpha_folder, inputs.track, inputs.body)
    rows = []
    for measure in measures_of(result):
        found = [picture for picture in pictures_of(result, measure, WORST_FRAMES, WORST_HEIGHT) if picture.beyond]
        pictures = [
            {"data": _jpeg(picture.image), "caption": f"{picture.frame}: {picture.value}", "note": picture.note}
            for picture in found
        ]
        if pictures:
            rows.append({"name": measure.title, "note": heading(measure), "pictures": pictures})
    return rows


def _figures(inputs: ReportInputs, body_iou: float) -> list[dict[str, str]]:
    """The table's rows."""
    track, keypoints, metrics = inputs.track, inputs.keypoints, inputs.metrics
    rest, _ = inputs.body.shaped(torch.from_numpy(track.betas))
    height = float(rest[:, 1].max() - rest[:, 1].min())
    rows = [
        ("Frames with the person found", f"{(~keypoints.interpolated).sum()} of {len(keypoints)}", keypoints.backend),
        ("Left and right put back", f"{int(keypoints.swapped.sum())}", "frames where the detector had exchanged them"),
        ("Reprojection error", f"{np.nanmean(track.reprojection_px):.1f} px", "mean over seen keypoints"),
        ("Body against mask", f"{body_iou:.3f}", "IoU over the frames below; clothes and hair are outside the body"),
        ("Height", f"{height:.2f} m", "of the fitted body; a prior unless height_m is given"),
    ]
    rows += [
        (f"{name} on held-out frames{how}", f"{metrics[key][figure]['mean']:{digits}}", area)
        for key, how in (("without_pose_refinement", ""), ("with_pose_refinement", ", pose refined"))
        if key in metrics
        for name, figure, digits, area in (
            ("PSNR", "psnr_person_box_on_white", ".1f", "person's box on white, dB"),
            ("SSIM", "ssim_person_box_on_white", ".3f", "person's box on white"),
        )
    ]
    return [{"name": name, "value": value, "note": note} for name, value, note in rows]


def _held_out(folder: Path) -> list[dict[str, str]]:
    pictures = sorted(folder.glob("*.png"))
    chosen = np.unique(np.linspace(0, len(pictures) - 1, min(SHOWN_HELD_OUT, len(pictures))).round().astype(int))
    return [{"name": pictures[i].stem, "data": _jpeg(np.array(Image.open(pictures[i]).convert("RGB")))} for i in chosen]


def _charts(inputs: ReportInputs) -> list[dict[str, str]]:
    history, errors = inputs.history, inputs.track.reprojection_px
    charts = (
        ("training loss", curve_svg(history["step"], {"loss": history["loss"]}, "step", "loss", log_y=True)),
        ("PSNR of training crops", curve_svg(history["step"], {"PSNR": history["psnr"]}, "step", "dB")),
        ("reprojection error of the fit", curve_svg(range(len(errors)), {"error": errors.tolist()}, "frame", "px")),
    )
    return [{"caption": caption, "svg": svg} for caption, svg in charts]


def _jpeg(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=88)
    return base64.b64encode(buffer.getvalue()).decode()
