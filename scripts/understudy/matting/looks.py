"""One frame as matting sees it: the crop round the person, the coarse mask, and the body projected on it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from understudy.body.model import BodyModel
from understudy.body.posed import posed_vertices
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.matting.colours import region_of_part
from understudy.metrics.masks import iou
from understudy.render.mesh import rasterize_mesh
from understudy.silhouettes.blobs import of_nearest

ROOM = 0.06
"""Room round the person and the body, in heights of the person."""
MISFIT = 0.5
"""IoU of mask and body below which the body's outline says nothing."""


@dataclass(frozen=True, eq=False)
class Look:
    """The part of a frame round the person. Signed distances are in heights of the person, positive inside."""

    frame: int
    shape: tuple[int, int]
    """Height and width of the whole frame, px."""
    corner: tuple[int, int]
    """Row and column of the crop's first pixel."""
    image: np.ndarray  # [h,w,3] uint8
    alpha: np.ndarray  # [h,w] uint8
    height: float
    """Of the person, px."""
    inner: np.ndarray  # [h,w] float32
    """Signed distance to the outline of the coarse mask."""
    body: np.ndarray  # [h,w] float32
    """Signed distance to the outline of the body; of the mask where the body is not to be trusted."""
    region: np.ndarray  # [h,w] int32
    """Index into ``matting.colours.REGIONS`` of the nearest part of the body."""

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the crop lies in the frame."""
        row, column = self.corner
        return slice(row, row + self.alpha.shape[0]), slice(column, column + self.alpha.shape[1])

    def whole(self, crop: np.ndarray) -> np.ndarray:
        """A picture [h,w] of the crop on an empty one of the frame's size."""
        picture = np.zeros(self.shape, crop.dtype)
        picture[self.window] = crop
        return picture


def look_at(frames: Frames, alpha_folder: str | Path, track: BodyTrack, body: BodyModel, frame: int) -> Look | None:
    """The crop of a frame round the person; None where the mask is empty.

    Raises:
        InputError: A file is missing, damaged or of another size.
    """
    alpha = read_alpha(alpha_folder, frame, (frames.width, frames.height))
    mask = alpha >= 128
    if not mask.any():
        return None
    rows = np.flatnonzero(mask.any(axis=1))
    height = float(rows[-1] - rows[0] + 1)
    posed = posed_vertices(body, track, frame)
    face = rasterize_mesh(posed, body.faces, track.K, (frames.width, frames.height)).face
    covered = face >= 0
    fits = bool(track.valid[frame]) and bool(iou(mask, covered) >= MISFIT)
    window = mask_window(mask | covered if fits else mask, round(ROOM * height) + 2)
    inner = signed_distance(mask[window]) / height
    seen = face[window]
    region = np.where(seen >= 0, region_of_part()[body.parts[seen]], 0)
    return Look(
        frame=frame,
        shape=(frames.height, frames.width),
        corner=(window[0].start, window[1].start),
        image=np.ascontiguousarray(frames.read(frame)[window]),
        alpha=np.ascontiguousarray(alpha[window]),
        height=height,
        inner=inner,
        body=signed_distance(covered[window]) / height if fits else inner,
        region=of_nearest(region, seen >= 0),
    )


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Distance [H,W] float32 px of each pixel of a bool mask to the nearest of the other kind, negative outside."""
    inside = mask.astype(np.uint8)
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)


def mask_window(mask: np.ndarray, room: int) -> tuple[slice, slice]:
    """Rows and columns of the pixels of ``mask`` [H,W] bool, not empty, with ``room`` px round them inside the picture."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - room), min(mask.shape[0], int(rows[-1]) + 1 + room)),
        slice(max(0, int(columns[0]) - room), min(mask.shape[1], int(columns[-1]) + 1 + room)),
    )
