"""The page that compares avatars of one video, and its figures as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from understudy.avatar.device import choose_device
from understudy.comparison.config import ComparisonConfig
from understudy.comparison.measured import MeasuredAvatar
from understudy.comparison.pictures import (
    TIMED,
    HeldOut,
    held_out,
    in_new_pose,
    machine_of,
    seconds_a_picture,
    turntables,
)
from understudy.comparison.poses import NewPose, new_poses
from understudy.comparison.table import Row, as_tsv, costs_table, likeness_table, parts_table, rows_of
from understudy.files.arrays import write_json
from understudy.files.atomic import atomic_files
from understudy.inspection.overlays import shrink
from understudy.progress import track as show_progress
from understudy.report.figures import FIGURES
from understudy.report.html import STYLE, jpeg, template

TEMPLATE = "comparison.html.j2"
PICTURE_HEIGHT = 480
"""px; twice the size on the page, for sharp screens."""


def write_comparison(
    page: str | Path,
    actor: str,
    avatars: Sequence[MeasuredAvatar],
    config: ComparisonConfig,
    motions: Sequence[str | Path] = (),
) -> list[dict[str, Any]]:
    """Write the page, and beside it the figures as ``.json`` and as ``.tsv`` of its name.

    Args:
        page: The page, ``.html``; it needs no other file and no network.
        actor: Who the person is.
        avatars: The avatars, as ``read_measured`` gives them.
        config: Where pictures are drawn.
        motions: Files of motions, of each of which the pose is shown that is least like any of the video.

    Returns:
        The figures of each avatar.

    Raises:
        InputError: Pictures of held-out frames do not belong together, or a motion cannot be read.
    """
    page, first = Path(page), avatars[0].archive
    frames = held_out(avatars)
    poses = new_poses(first.avatar.body, first.poses, motions)
    device = choose_device(config.device)
    for one in avatars:
        one.archive.avatar.to(device)
    rows = rows_of(avatars, [seconds_a_picture(one) for one in avatars])
    facts = _facts(actor, avatars)
    text = _page(avatars, rows, facts, frames, poses)
    with atomic_files(page.parent, files_of(page), "comparison") as folder:
        (folder / page.name).write_text(text, encoding="utf-8")
        write_json(folder / page.with_suffix(".json").name, {**facts, "avatars": rows})
        (folder / page.with_suffix(".tsv").name).write_text(as_tsv(rows), encoding="utf-8")
    return rows


def files_of(page: str | Path) -> tuple[str, ...]:
    """Names of what ``write_comparison`` writes for a page, in its folder."""
    return tuple(Path(page).with_suffix(suffix).name for suffix in (".html", ".json", ".tsv"))


def _page(
    avatars: Sequence[MeasuredAvatar],
    rows: Sequence[Row],
    facts: dict[str, Any],
    frames: Sequence[HeldOut],
    poses: Sequence[NewPose],
) -> str:
    """The page, with all pictures that are drawn for it."""
    return template(Path(__file__).parent, TEMPLATE).render(
        style=STYLE,
        **facts,
        likeness=likeness_table(rows),
        parts=parts_table(rows),
        costs=costs_table(rows),
        meanings=[figure for figure in FIGURES if any(row[f"without_pose_refinement.{figure.key}"] for row in rows)],
        names=[one.name for one in avatars],
        held_out=_held_out(frames),
        sides=[
            {"name": one.name, "data": jpeg(strip)} for one, strip in zip(avatars, turntables(avatars), strict=True)
        ],
        poses=[_new_pose(avatars, pose) for pose in show_progress(poses, "drawing new poses")],
    )


def _facts(actor: str, avatars: Sequence[MeasuredAvatar]) -> dict[str, Any]:
    """What holds for all avatars."""
    archive, measured = avatars[0].archive, avatars[0].metrics["held_out_frames"]
    return {
        "actor": actor,
        "video": archive.info["source"]["name"],
        "frames": len(archive.poses),
        "held_out_frames": measured,
        "timed_frames": min(TIMED, len(measured)),
        "width": archive.width,
        "height": archive.height,
        "machine": machine_of(archive.avatar),
    }


def _held_out(frames: Sequence[HeldOut]) -> list[dict[str, Any]]:
    """Rows of pictures: the truth, then each avatar; for given poses and for aligned ones, where there are such."""
    rows = [{"frame": one.frame, "given": _shrunk([one.truth, *one.given])} for one in frames]
    for row, one in zip(rows, frames, strict=True):
        row["aligned"] = _shrunk([one.truth, *one.aligned]) if one.aligned else []
    return rows


def _new_pose(avatars: Sequence[MeasuredAvatar], pose: NewPose) -> dict[str, Any]:
    views = [[jpeg(picture) for picture in pictures] for pictures in in_new_pose(avatars, pose)]
    return {"name": pose.name, "degrees": f"{pose.degrees:.0f}", "views": views}


def _shrunk(pictures: Sequence[np.ndarray]) -> list[str]:
    return [jpeg(shrink(picture, PICTURE_HEIGHT)) for picture in pictures]
