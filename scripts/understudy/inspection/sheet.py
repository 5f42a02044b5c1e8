"""A contact sheet: for each way to fail, the frames where it is worst."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from understudy.actor_folder import Result
from understudy.errors import InputError
from understudy.files.atomic import atomic_write
from understudy.inspection.measure import Measure
from understudy.inspection.window import thumbnail
from understudy.progress import track as show_progress

HEIGHT = 280
"""Of thumbnails, px."""
TITLE, LINE, GAP = 36, 19, 8  # px
INK, FAINT, ALARM = (28, 35, 48), (110, 120, 135), (200, 30, 30)
LARGEST = 65_000
"""Sides that JPEG can hold, px."""


@dataclass(frozen=True)
class Picture:
    """A thumbnail with its words."""

    image: np.ndarray  # [h,w,3] uint8
    frame: int
    value: str
    note: str
    beyond: bool
    """Whether the frame is beyond the measure's limit."""


def pictures_of(result: Result, measure: Measure, count: int, height: int = HEIGHT) -> list[Picture]:
    """The worst frames by a measure, the worst first."""
    return [
        Picture(
            image=thumbnail(result, measure, frame, height),
            frame=frame,
            value=f"{measure.values[frame]:.3g}",
            note=measure.note(frame).replace("_", " "),
            beyond=bool(measure.beyond[frame]),
        )
        for frame in measure.worst(count)
    ]


def write_sheet(path: str | Path, result: Result, measures: list[Measure], count: int) -> None:
    """Write the sheet as JPEG or PNG, a row for each measure that finds a fault.

    Raises:
        InputError: ``path`` ends in neither .jpg, .jpeg nor .png, or there is nothing to show.
    """
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}.get(Path(path).suffix.lower())
    if kind is None:
        raise InputError(f"{path} should end in .jpg or .png.")
    found = ((measure, pictures_of(result, measure, count)) for measure in show_progress(measures, "drawing"))
    rows = [_row(measure, pictures) for measure, pictures in found if pictures]
    if not rows:
        raise InputError("No measure finds any fault, so there is nothing to draw.")
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    with atomic_write(path, recorded=True) as temporary:
        if max(sheet.size) > LARGEST:
            sheet.thumbnail((LARGEST, LARGEST))
        sheet.save(temporary, format=kind, quality=88)


def heading(measure: Measure) -> str:
    """Unit, limit, and how many frames are beyond it."""
    side = "below" if measure.low else "above"
    known = int(np.isfinite(measure.values).sum())
    return f"{measure.unit}; {int(measure.beyond.sum())} of {known} {side} {measure.limit:g}"


def _row(measure: Measure, pictures: list[Picture]) -> Image.Image:
    title, small, tiny = (ImageFont.load_default(size) for size in (19, 15, 14))
    width = max(sum(picture.image.shape[1] + GAP for picture in pictures) + GAP, 640)
    tallest = max(picture.image.shape[0] for picture in pictures)
    lines = 2 if any(picture.note for picture in pictures) else 1
    row = Image.new("RGB", (width, TITLE + tallest + LINE * lines + GAP), "white")
    draw = ImageDraw.Draw(row)
    draw.line((0, 2, width, 2), fill=(225, 229, 236))
    draw.text((GAP, 9), measure.title, font=title, fill=INK)
    draw.text(
        (GAP + draw.textlength(measure.title, font=title) + 14, 12),
        heading(measure).replace("²", "2"),
        font=small,
        fill=FAINT,
    )
    left = GAP
    for picture in pictures:
        row.paste(Image.fromarray(picture.image), (left, TITLE))
        below, colour = TITLE + tallest + 2, ALARM if picture.beyond else INK
        draw.text((left, below), f"{picture.frame}: {picture.value}", font=tiny, fill=colour)
        draw.text((left, below + LINE), picture.note, font=tiny, fill=FAINT)
        left += picture.image.shape[1] + GAP
    return row
