"""The report: one self-contained page that says how far the avatar can be trusted, mostly in pictures."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from understudy.actor_folder import Result
from understudy.body.model import BodyModel
from understudy.body.posed import check_same_body, posed_vertices
from understudy.errors import InputError
from understudy.evenly import evenly
from understudy.files.atomic import atomic_write
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha, read_parsing
from understudy.formats.pictures import load_picture
from understudy.formats.smpl import BodyTrack
from understudy.inspection.measure import Measure
from understudy.inspection.overlays import draw_keypoints, draw_mask, draw_mesh, draw_parsing, shrink
from understudy.inspection.sheet import heading, pictures_of
from understudy.inspection.worst import measures_of
from understudy.metrics.masks import iou
from understudy.render.mesh import silhouette
from understudy.report.cautions import cautions_of
from understudy.report.costs import Cost, duration, read_costs, size
from understudy.report.curves import curve_svg
from understudy.report.figures import in_a_sentence, likeness, parts_table
from understudy.report.html import STYLE, jpeg, template
from understudy.report.links import address, file_links
from understudy.report.seen import SIDES, seen_shares
from understudy.video.capture import open_capture

TEMPLATE = "page.html.j2"
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
    reenactment: Path
    motions: tuple[Path, ...]
    """Videos of the avatar in motions that are not its own."""
    viewer: Path
    """The page that plays the avatar."""
    files: tuple[Path, ...]
    """The avatar, and what was made of it for other programs."""
    benchmarks: Path
    """Folder of Snakemake's files of seconds and memory."""
    height_given: bool
    """Whether the person's height was known."""


def write_report(path: str | Path, inputs: ReportInputs) -> None:
    """Write the page; it needs no other file and no network, but links to files that lie beside it.

    Raises:
        InputError: Keypoints or poses are of another number of frames than the video, or poses of another body.
    """
    check_same_body(inputs.body, inputs.track, len(inputs.frames))
    if len(inputs.keypoints) != len(inputs.frames):
        raise InputError(
            f"The keypoints cover {len(inputs.keypoints)} frames and the video has {len(inputs.frames)}; "
            "run the keypoints stage again."
        )
    shown = evenly(len(inputs.frames), SHOWN_FRAMES)
    rows, body_iou = _stage_rows(inputs, shown)
    result = Result(inputs.frames, inputs.keypoints, inputs.alpha_folder, inputs.track, inputs.body)
    measures, height = measures_of(result), result.body_height()
    costs = read_costs(inputs.benchmarks)
    frames, metrics = inputs.frames, inputs.metrics
    page = template(Path(__file__).parent, TEMPLATE).render(
        style=STYLE,
        actor=inputs.actor,
        summary=f"{frames.source}: {len(frames)} frames of {frames.width}×{frames.height} px, {frames.fps:.3g} a second",
        videos=_videos(inputs),
        viewer=address(path, inputs.viewer),
        links=file_links(path, inputs.files),
        cautions=cautions_of(
            frames, inputs.keypoints, inputs.track, inputs.canonical, metrics, measures,
            None if inputs.height_given else height,
        ),
        sentence=in_a_sentence(metrics),
        likeness=likeness(metrics),
        parts=parts_table(metrics),
        figures=_figures(inputs, body_iou, height),
        stages={"frames": shown.tolist(), "rows": rows},
        worst=_worst(result, measures),
        held_out=_held_out(inputs.comparisons),
        charts=_charts(inputs),
        textures=[
            {"name": "texture", "data": jpeg(inputs.canonical.texture)},
            {
                "name": "seen in the video",
                "data": jpeg(np.repeat(inputs.canonical.texture_seen[..., None], 3, axis=-1)),
            },
            {"name": "canonical normals", "data": jpeg(inputs.canonical.normal)},
        ],
        costs=_costs(costs),
        total=duration(sum(cost.seconds for cost in costs)),
    )  # fmt: skip
    with atomic_write(path, recorded=True) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _videos(inputs: ReportInputs) -> list[dict[str, Any]]:
    """The videos with their captions and how many times as wide as tall they are; ``both`` holds two pictures side by side."""
    named = [
        (inputs.turntable, "All round"),
        (inputs.reenactment, "The video, and the avatar in its poses"),
        *((path, f"In a motion that the video does not show: {path.stem}") for path in inputs.motions),
    ]
    return [
        {
            "data": base64.b64encode(path.read_bytes()).decode(),
            "caption": caption,
            "ratio": round(_ratio(path), 3),
            "both": path == inputs.reenactment,
        }
        for path, caption in named
    ]


def _ratio(video: Path) -> float:
    capture = open_capture(video)
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    capture.release()
    return width / height


def _costs(costs: list[Cost]) -> list[dict[str, Any]]:
    """Rows of the table, with the length of their bars in percent."""
    longest = max((cost.seconds for cost in costs), default=1.0)
    return [
        {
            "name": cost.what,
            "time": duration(cost.seconds),
            "memory": size(cost.megabytes),
            "share": round(100 * cost.seconds / longest, 1),
        }
        for cost in costs
    ]


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
            pictures[name].append(jpeg(shrink(picture, PICTURE_HEIGHT)))
        if track.valid[i]:
            covered = silhouette(posed, inputs.body.faces, track.K, (frames.width, frames.height))
            ious.append(iou(covered, alpha >= 128))
    rows = [{"name": name, "pictures": pictures[name]} for name in names]
    return rows, float(np.mean(ious)) if ious else float("nan")


def _worst(result: Result, measures: list[Measure]) -> list[dict[str, Any]]:
    """Pictures of the frames that are beyond a measure's limit, a row for each measure that has some."""
    rows = []
    for measure in measures:
        found = [picture for picture in pictures_of(result, measure, WORST_FRAMES, WORST_HEIGHT) if picture.beyond]
        pictures = [
            {"data": jpeg(picture.image), "caption": f"{picture.frame}: {picture.value}", "note": picture.note}
            for picture in found
        ]
        if pictures:
            rows.append({"name": measure.title, "note": heading(measure), "pictures": pictures})
    return rows


def _figures(inputs: ReportInputs, body_iou: float, height: float | None) -> list[dict[str, str]]:
    """What was found, in rows of a table."""
    track, keypoints, seen = inputs.track, inputs.keypoints, seen_shares(inputs.canonical)
    rows = [
        ("Person found", f"{(~keypoints.interpolated).sum()} of {len(keypoints)} frames", f"by {keypoints.backend}"),
        ("Joints off the body", f"{np.nanmean(track.reprojection_px):.1f} px", "mean over the joints that were seen"),
        ("Body in the silhouette", f"{body_iou:.2f}", "IoU in the frames below; clothes and hair are outside the body"),
        ("Height", f"{height:.2f} m", "given" if inputs.height_given else "a guess near the mean adult's"),
        (
            "Surface that the video shows",
            f"{100 * seen['body']:.0f} %",
            ", ".join(f"{name} {100 * seen[name]:.0f} %" for name in SIDES),
        ),
    ]
    return [{"name": name, "value": value, "note": note} for name, value, note in rows]


def _held_out(folder: Path) -> list[dict[str, str]]:
    pictures = sorted(folder.glob("*.png"))
    chosen = evenly(len(pictures), SHOWN_HELD_OUT)
    return [{"name": f"{int(pictures[i].stem)}", "data": jpeg(_pixels(pictures[i]))} for i in chosen]


def _pixels(picture: Path) -> np.ndarray:
    with load_picture(picture, picture.parent) as image:
        return np.array(image.convert("RGB"))


def _charts(inputs: ReportInputs) -> list[dict[str, str]]:
    history, errors = inputs.history, inputs.track.reprojection_px
    charts = (
        ("training loss", curve_svg(history["step"], {"loss": history["loss"]}, "step", "loss", log_y=True)),
        ("PSNR of training crops", curve_svg(history["step"], {"PSNR": history["psnr"]}, "step", "dB")),
        ("reprojection error of the fit", curve_svg(range(len(errors)), {"error": errors.tolist()}, "frame", "px")),
    )
    return [{"caption": caption, "svg": svg} for caption, svg in charts]
