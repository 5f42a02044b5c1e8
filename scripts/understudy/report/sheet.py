"""A contact sheet: for each way to fail, the frames where it is worst."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from understudy.body.model import BodyModel
from understudy.body.posed import posed_vertices
from understudy.files import whole_file
from understudy.formats.masks import read_alpha
from understudy.render.mesh import silhouette
from understudy.report.overlays import draw_keypoints, draw_mask, shrink
from understudy.report.worst import Measure, Result

PICTURE_HEIGHT = 300  # px
TITLE_HEIGHT = 34
BODY_COLOUR = (255, 80, 60)
INK, PALE, ALARM = (30, 30, 30), (120, 120, 120), (200, 30, 30)


def write_sheet(path: str | Path, result: Result, measures: list[Measure], body: BodyModel | None, count: int) -> None:
    """Write the sheet as JPEG or PNG, a row for each measure."""
    rows = [_row(result, measure, body, count) for measure in measures]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    with whole_file(path) as temporary:
        kind = "PNG" if Path(path).suffix.lower() == ".png" else "JPEG"
        Image.fromarray(np.concatenate(padded)).save(temporary, format=kind, quality=88)


def _row(result: Result, measure: Measure, body: BodyModel | None, count: int) -> np.ndarray:
    frames = measure.worst(count)
    pictures = [_picture(result, measure, body, frame) for frame in frames]
    strip = np.concatenate(pictures, axis=1)
    title = np.full((TITLE_HEIGHT, max(strip.shape[1], 700), 3), 255, np.uint8)
    usual = f"{measure.unit}; more than {measure.limit:g} deserves a look"
    _write(title, measure.title, (8, 23), 0.62, INK)
    _write(title, usual.replace("²", "2"), (310, 23), 0.48, PALE)
    strip = np.pad(strip, ((0, 0), (0, title.shape[1] - strip.shape[1]), (0, 0)), constant_values=255)
    return np.concatenate([title, strip])


def _picture(result: Result, measure: Measure, body: BodyModel | None, frame: int) -> np.ndarray:
    image = result.frames.read(frame)
    if measure.overlay == "mask" and result.masks is not None:
        image = draw_mask(image, read_alpha(result.masks, frame))
    if measure.overlay in ("mask", "body", "keypoints") and result.track is not None and body is not None:
        size = (result.frames.width, result.frames.height)
        covered = silhouette(posed_vertices(body, result.track, frame), body.faces, result.track.K, size)
        outlines, _ = cv2.findContours(covered.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        image = cv2.drawContours(image.copy(), outlines, -1, BODY_COLOUR, max(1, round(max(size) / 480)), cv2.LINE_AA)
    if measure.overlay == "keypoints" and result.keypoints is not None:
        image = draw_keypoints(image, result.keypoints.keypoints[frame], result.keypoints.names)
    picture = np.pad(
        shrink(_round_person(image, result, frame), PICTURE_HEIGHT), ((0, 24), (0, 6), (0, 0)), constant_values=255
    )
    value = measure.values[frame]
    colour = ALARM if value > measure.limit else INK
    _write(picture, f"{frame}: {value:.3g}", (4, picture.shape[0] - 7), 0.48, colour)
    return picture


def _round_person(image: np.ndarray, result: Result, frame: int) -> np.ndarray:
    """The picture cut to the person with a margin."""
    if result.keypoints is None or not result.keypoints.bbox[frame].any():
        return image
    x0, y0, x1, y1 = result.keypoints.bbox[frame]
    margin = 0.2 * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    right, bottom = min(image.shape[1], int(x1 + margin)), min(image.shape[0], int(y1 + margin))
    cut = image[top:bottom, left:right]
    return cut if cut.size else image


def _write(image: np.ndarray, text: str, place: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
