"""Pictures that show what each stage found, drawn over the frame it found it in."""

import cv2
import numpy as np

from understudy.formats.masks import voc_palette
from understudy.formats.skeleton import BONES, KEYPOINTS
from understudy.render.mesh import rasterize_mesh, shade, vertex_normals

LEFT, RIGHT, MIDDLE = (255, 138, 61), (61, 145, 255), (90, 220, 130)
MASK, BODY = (90, 255, 150), (255, 70, 90)
SEEN = 0.3
"""Keypoints of less confidence are drawn small."""


def draw_keypoints(
    image: np.ndarray,  # [H,W,3] uint8
    keypoints: np.ndarray,  # [J,3] x px, y px, confidence
    names: tuple[str, ...],
) -> np.ndarray:
    """The 2D skeleton over an image: the person's left orange, right blue."""
    picture = image.copy()
    scale = max(image.shape[:2]) / 960
    index = {name: i for i, name in enumerate(names)}
    for a, b in ((index.get(KEYPOINTS[a]), index.get(KEYPOINTS[b])) for a, b in BONES):
        if a is None or b is None or min(keypoints[a, 2], keypoints[b, 2]) <= 0:
            continue
        colour = _side(names[b] if names[a] in ("neck", "mid_hip", "nose") else names[a])
        cv2.line(picture, _pixel(keypoints[a]), _pixel(keypoints[b]), colour, max(1, round(3 * scale)), cv2.LINE_AA)
    for name, point in zip(names, keypoints, strict=True):
        if point[2] > 0:
            radius = max(1, round((4 if point[2] >= SEEN else 2) * scale))
            cv2.circle(picture, _pixel(point), radius, _side(name), -1, cv2.LINE_AA)
    return picture


def draw_mask(
    image: np.ndarray,  # [H,W,3] uint8
    alpha: np.ndarray,  # [H,W] uint8
) -> np.ndarray:
    """The background dimmed by a soft mask, and the mask's outline."""
    weight = (0.25 + 0.75 * alpha.astype(np.float32) / 255)[..., None]
    picture = np.round(image * weight).astype(np.uint8)
    return draw_outline(picture, alpha >= 128, MASK)


def draw_outline(
    image: np.ndarray,  # [H,W,3] uint8
    covered: np.ndarray,  # [H,W] bool
    colour: tuple[int, int, int],
) -> np.ndarray:
    """The outline of an area over an image."""
    outlines, _ = cv2.findContours(covered.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image.copy(), outlines, -1, colour, 1, cv2.LINE_AA)


def draw_difference(
    image: np.ndarray,  # [H,W,3] uint8
    body: np.ndarray,  # [H,W] bool
    mask: np.ndarray,  # [H,W] bool
) -> np.ndarray:
    """What of the body is outside the mask in the body's colour, what of the mask outside the body in the mask's; outlines."""
    picture = image.copy()
    for area, colour in ((body & ~mask, BODY), (mask & ~body, MASK)):
        picture[area] = (0.45 * image[area] + 0.55 * np.array(colour)).astype(np.uint8)
    return draw_outline(draw_outline(picture, mask, MASK), body, BODY)


def draw_mesh(
    image: np.ndarray,  # [H,W,3] uint8
    vertices: np.ndarray,  # [V,3] m, camera frame
    faces: np.ndarray,  # [F,3]
    K: np.ndarray,  # [3,3] px
) -> np.ndarray:
    """A shaded mesh over an image."""
    height, width = image.shape[:2]
    mesh = rasterize_mesh(vertices, faces, K, (width, height))
    return shade(mesh, faces, vertex_normals(vertices, faces), background=image, opacity=0.75)


def draw_parsing(
    image: np.ndarray,  # [H,W,3] uint8
    labels: np.ndarray,  # [H,W] uint8
) -> np.ndarray:
    """Part labels in their palette colours over an image."""
    colours = voc_palette()[labels]
    picture = image.copy()
    inside = labels > 0
    picture[inside] = (0.35 * image[inside] + 0.65 * colours[inside]).astype(np.uint8)
    return picture


def shrink(image: np.ndarray, height: int) -> np.ndarray:
    """An image of at most ``height`` rows."""
    if image.shape[0] <= height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _side(name: str) -> tuple[int, int, int]:
    if "left" in name:
        return LEFT
    return RIGHT if "right" in name else MIDDLE
