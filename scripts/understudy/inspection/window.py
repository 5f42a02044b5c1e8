"""A frame cut to its person at the size of a thumbnail, with what was found in it drawn at that size."""

from dataclasses import dataclass

import cv2
import numpy as np

from understudy.actor_folder import Result
from understudy.body.posed import posed_vertices
from understudy.formats.masks import read_alpha
from understudy.inspection.measure import Measure
from understudy.inspection.overlays import (
    BODY,
    MASK,
    draw_difference,
    draw_keypoints,
    draw_mesh,
    draw_outline,
)
from understudy.render.mesh import silhouette

MARGIN = 0.08
"""Round the person, as a share of its larger side."""
BEFORE = (255, 255, 255)
"""Colour of the outline in the frame before."""
MARK = (255, 235, 59)


@dataclass(frozen=True)
class Window:
    """A part of the picture, scaled: a point x of the picture is at ``scale * (x - corner)``."""

    corner: tuple[float, float]
    scale: float
    size: tuple[int, int]
    """Width and height of the thumbnail, px."""

    @classmethod
    def round_person(cls, result: Result, frame: int, height: int) -> "Window":
        """The person of a frame with a margin, ``height`` px high and half to 1.4 times as wide; all of it where nobody is."""
        boxes = _boxes(result, frame)
        width, full = result.size
        x0, y0, x1, y1 = (0.0, 0.0, float(width), float(full))
        if boxes:
            corners = np.stack(boxes)
            (x0, y0), (x1, y1) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
            more = MARGIN * max(x1 - x0, y1 - y0)
            across = max(more, ((y1 - y0 + 2 * more) / 2 - (x1 - x0)) / 2)
            x0, y0, x1, y1 = max(0, x0 - across), max(0, y0 - more), min(width, x1 + across), min(full, y1 + more)
        scale = min(height / max(y1 - y0, 1.0), 1.4 * height / max(x1 - x0, 1.0))
        return cls(
            (float(x0), float(y0)), float(scale), (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
        )

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points [...,2] px of the picture in the thumbnail."""
        return self.scale * (points - np.array(self.corner))

    def cut(self, image: np.ndarray) -> np.ndarray:
        """The thumbnail [h,w] or [h,w,3] of a picture."""
        matrix = np.array([[self.scale, 0, 0], [0, self.scale, 0]])
        matrix[:, 2] = -self.scale * np.array(self.corner) + 0.5 * (self.scale - 1)  # pixel centres are at +0.5
        if self.scale < 1:  # against aliasing
            image = cv2.GaussianBlur(image, (0, 0), 0.35 / self.scale)
        return cv2.warpAffine(image, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def camera(self, K: np.ndarray) -> np.ndarray:
        """The camera [3,3] of the thumbnail."""
        shift = np.array([[1.0, 0.0, -self.corner[0]], [0.0, 1.0, -self.corner[1]], [0.0, 0.0, 1.0]])
        return np.diag([self.scale, self.scale, 1.0]) @ shift @ K


def thumbnail(result: Result, measure: Measure, frame: int, height: int) -> np.ndarray:
    """The person of a frame [h,w,3] uint8 with what the measure is about drawn over it."""
    window = Window.round_person(result, frame, height)
    image = window.cut(result.frames.read(frame))
    if measure.overlay == "keypoints":
        image = _with_keypoints(image, result, window, frame)
    elif measure.overlay == "mask":
        body, mask = _body(result, window, frame), _mask(result, window, frame)
        if body is not None and mask is not None:
            image = draw_difference(image, body, mask)
    elif measure.overlay in ("change", "motion"):
        area = _mask if measure.overlay == "change" else _body
        for index, colour in ((frame - 1, BEFORE), (frame, MASK if measure.overlay == "change" else BODY)):
            covered = area(result, window, index) if index >= 0 else None
            image = image if covered is None else draw_outline(image, covered, colour)
    elif measure.overlay == "held out" and result.avatar is not None and result.track is not None:
        image = np.concatenate([image, result.avatar(frame, window.camera(result.track.K), window.size)], axis=1)
    elif measure.overlay == "mesh" and result.track is not None and result.body is not None:
        vertices = posed_vertices(result.body, result.track, frame)
        image = draw_mesh(image, vertices, result.body.faces, window.camera(result.track.K))
    return image if measure.marks is None else _marked(image, window.points(measure.marks[frame]))


def _with_keypoints(image: np.ndarray, result: Result, window: Window, frame: int) -> np.ndarray:
    body = _body(result, window, frame)
    image = image if body is None else draw_outline(image, body, BODY)
    if result.keypoints is None:
        return image
    points = result.keypoints.keypoints[frame].copy()
    points[:, :2] = np.where(points[:, 2:] > 0, window.points(points[:, :2]), 0)
    return draw_keypoints(image, points, result.keypoints.names)


def _marked(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rings at places [M,2], and a line between them."""
    if not np.isfinite(places).all():
        return image
    rounded = [(int(x), int(y)) for x, y in np.clip(places, -1e4, 1e4)]
    picture = cv2.polylines(image.copy(), [np.array(rounded)], False, MARK, 1, cv2.LINE_AA)
    for place in rounded:
        cv2.circle(picture, place, 7, MARK, 2, cv2.LINE_AA)
    return picture


def _body(result: Result, window: Window, frame: int) -> np.ndarray | None:
    """Where the body is in the thumbnail [h,w] bool."""
    if result.track is None or result.body is None:
        return None
    vertices = posed_vertices(result.body, result.track, frame)
    return silhouette(vertices, result.body.faces, window.camera(result.track.K), window.size)


def _mask(result: Result, window: Window, frame: int) -> np.ndarray | None:
    """The mask in the thumbnail [h,w] bool."""
    return None if result.masks is None else window.cut(read_alpha(result.masks, frame)) >= 128


def _boxes(result: Result, frame: int) -> list[np.ndarray]:
    """Boxes [4] of the person by keypoints and by the body."""
    boxes = []
    if result.keypoints is not None and result.keypoints.bbox[frame].any():
        boxes.append(result.keypoints.bbox[frame])
    if result.track is not None and result.body is not None:
        vertices = posed_vertices(result.body, result.track, frame) @ result.track.K.T
        if (vertices[:, 2] > 0.05).all():
            pixels = vertices[:, :2] / vertices[:, 2:]
            low, high = pixels.min(axis=0), pixels.max(axis=0)
            limits = np.array(result.size)
            boxes.append(np.concatenate([low.clip(0, limits), high.clip(0, limits)]))
    return boxes
