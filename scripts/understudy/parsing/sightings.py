"""What colours a video shows on each vertex of the body."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from understudy.body.model import BodyModel
from understudy.body.posed import posed_vertices
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.matting.colours import cells
from understudy.parsing.anatomy import LEGS, Anatomy
from understudy.progress import track as show_progress
from understudy.render.mesh import rasterize_mesh, vertex_normals
from understudy.threads import side_by_side

UNSEEN = -1
MIN_COS = 0.35
"""Views with a smaller cosine between their direction and the normal do not count."""
BORDER = 0.006
"""Nor do views this near to an outline, in heights of the person: where pose or mask are a little off, something else is seen."""
STEP = 0.05
"""m; surfaces this far apart in depth have an outline between them."""
GAP_WIDTH = 0.03
"""Of the least gap between the thighs, in heights of the person."""
GAP_STEP = 5
"""Every so many pixels there count."""
SLACK = 0.006
"""m; how far behind the rendered surface a vertex still counts as on it."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """Colours of the body's vertices in some frames."""

    cell: np.ndarray  # [S,V] int32
    """Cell of ``matting.colours`` that a vertex showed in a frame, ``UNSEEN`` where it was hidden or unknown."""
    gap: np.ndarray  # [N] int32
    """Cells of the pixels between the thighs, off the body, where these are well apart; ``UNSEEN`` outside the mask."""

    @property
    def seen(self) -> np.ndarray:
        """How often each vertex was seen [V]."""
        return np.count_nonzero(self.cell != UNSEEN, axis=0)

    def among(self, vertices: np.ndarray) -> np.ndarray:
        """All cells [N] seen on ``vertices`` [V] bool."""
        cell = self.cell[:, vertices]
        return cell[cell != UNSEEN]

    def mean(self, table: np.ndarray) -> np.ndarray:
        """Mean [V] of what ``table`` [CELLS] says on a vertex's colours; zeros where it was never seen."""
        seen = self.cell != UNSEEN
        values = np.where(seen, table[np.maximum(self.cell, 0)], 0.0)
        return values.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)

    def median(self, table: np.ndarray) -> np.ndarray:
        """Median [V,C] of ``table`` [CELLS,C] on a vertex's colours; NaN where it was never seen."""
        values = np.where((self.cell != UNSEEN)[..., None], table[np.maximum(self.cell, 0)], np.nan)
        middle = np.full(values.shape[1:], np.nan)
        some = self.seen > 0
        middle[some] = np.nanmedian(values[:, some], axis=0)
        return middle


def collect(
    frames: Frames, alpha_folder: str | Path, track: BodyTrack, body: BodyModel, anatomy: Anatomy, samples: int,
    threads: int = 1,
) -> Sightings:  # fmt: skip
    """Colours from at most ``samples`` frames, evenly spread over those with a pose of their own; ``threads`` at once."""
    thigh = thigh_sides(anatomy, body.faces)
    gaps = [np.zeros(0, np.int32)]
    valid = np.flatnonzero(track.valid)
    chosen = valid[np.unique(np.linspace(0, max(len(valid) - 1, 0), min(len(valid), samples)).round().astype(int))]
    cell = np.full((len(chosen), len(body.v_template)), UNSEEN, np.int32)

    def sight(frame: int) -> tuple[np.ndarray, np.ndarray] | None:
        alpha = read_alpha(alpha_folder, frame)
        if alpha.shape != (frames.height, frames.width):
            return None
        image, mask, vertices = cells(frames.read(frame)), alpha >= 128, posed_vertices(body, track, frame)
        render = rasterize_mesh(vertices, body.faces, track.K, (frames.width, frames.height))
        gap = between_thighs(np.where(render.face >= 0, thigh[render.face], 0), render.face >= 0)
        seen = look(image, mask, vertices, body.faces, track.K, render.depth)
        return seen, np.where(mask, image, UNSEEN)[gap][::GAP_STEP]

    sights = side_by_side(sight, chosen.tolist(), threads)
    for place, found in enumerate(show_progress(sights, "collecting colours", len(chosen))):
        if found is not None:
            cell[place] = found[0]
            gaps.append(found[1])
    return Sightings(cell, np.concatenate(gaps))


def thigh_sides(anatomy: Anatomy, faces: np.ndarray) -> np.ndarray:
    """1 on the lower half of the left thigh, 2 on that of the right one, else 0, for faces [F]."""
    low = (anatomy.along > 0.5) & (anatomy.along < 0.95)
    return sum(
        side * (low & anatomy.of(leg))[faces].all(axis=1).astype(np.uint8) for side, leg in enumerate(LEGS, start=1)
    )  # type: ignore[return-value]


def between_thighs(thigh: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Pixels [H,W] bool off the body between both thighs.

    Args:
        thigh: 1 and 2 where the thighs are seen [H,W], else 0.
        covered: Where the body is [H,W] bool.
    """
    columns = np.arange(thigh.shape[1])
    ends = []
    for side in (1, 2):
        mine = thigh == side
        first = np.where(mine, columns, len(columns)).min(axis=1)
        last = np.where(mine, columns, -1).max(axis=1)
        ends.append((first, last, mine.any(axis=1)))
    (first1, last1, any1), (first2, last2, any2) = ends
    start, stop = np.minimum(last1, last2), np.maximum(first1, first2)
    rows = np.flatnonzero(covered.any(axis=1))
    wide = any1 & any2 & (stop - start > GAP_WIDTH * (np.ptp(rows) + 1 if len(rows) else 1))
    return wide[:, None] & (columns > start[:, None]) & (columns < stop[:, None]) & ~covered


def look(
    image: np.ndarray, mask: np.ndarray, vertices: np.ndarray, faces: np.ndarray, K: np.ndarray, depth: np.ndarray
) -> np.ndarray:
    """Cell [V] int32 of every vertex's colour in one frame, ``UNSEEN`` where it is hidden or near an outline.

    Args:
        image: Cells of its pixels [H,W] int32.
        mask: The person [H,W] bool.
        vertices: [V,3] m, camera frame.
        faces: [F,3].
        K: [3,3] px.
        depth: Of the body's picture [H,W], m, infinite where it is not.
    """
    height, width = mask.shape
    cell = np.full(len(vertices), UNSEEN, np.int32)
    normals = vertex_normals(vertices, faces)
    reach = np.linalg.norm(normals, axis=1) * np.linalg.norm(vertices, axis=1)
    cosine = -np.einsum("vc,vc->v", normals, vertices) / np.maximum(reach, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = (vertices @ K.T)[:, :2] / vertices[:, 2:]
        inside = (vertices[:, 2] > 0) & (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
    some = np.flatnonzero(inside & (cosine > MIN_COS))
    rows = np.flatnonzero(np.isfinite(depth).any(axis=1))
    if not len(some) or not len(rows):
        return cell
    column, row = pixels[some].astype(np.int64).T
    z, cosine = vertices[some, 2], cosine[some]
    # on a slope the depth changes from pixel to pixel by the tangent
    slope = z / K[0, 0] * np.sqrt(1.0 - np.minimum(cosine, 1.0) ** 2) / cosine
    seen = np.abs(z - depth[row, column]) < SLACK + slope
    band = max(1, round(BORDER * float(rows[-1] - rows[0] + 1)))
    window = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
    seen &= cv2.erode(mask.astype(np.uint8), window)[row, column] > 0
    near, far = cv2.erode(depth, window)[row, column], cv2.dilate(depth, window)[row, column]
    seen &= np.maximum(z - near, far - z) < STEP + 2 * band * slope
    cell[some[seen]] = image[row[seen], column[seen]]
    return cell
