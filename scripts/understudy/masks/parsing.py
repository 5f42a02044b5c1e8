"""Part labels of every frame from the fitted body and the silhouette: no network, no download."""

import logging
from pathlib import Path

import cv2
import numpy as np

from understudy.body.model import BodyModel
from understudy.body.posed import check_same_body, posed_vertices
from understudy.errors import InputError
from understudy.files import whole_folder
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha, write_parsing
from understudy.formats.smpl import BodyTrack
from understudy.masks.labels import part_labels
from understudy.progress import track as show_progress
from understudy.render.mesh import rasterize_mesh

logger = logging.getLogger(__name__)

POOR_OVERLAP = 0.7
"""Mean IoU of body and silhouette below which a fit deserves a look."""
NO_OVERLAP = 0.3
"""Mean IoU below which body and video have nothing to do with each other."""


def label_parts(
    frames: Frames, alpha_folder: str | Path, track: BodyTrack, body: BodyModel, folder: str | Path
) -> None:
    """Write CIHP-20 labels ``folder/000000.png``, ... of all frames.

    Each pixel of the silhouette takes the label of the body part that is seen there, or, outside the body (hair,
    loose clothes), of the nearest pixel of the body. The rest is background.

    Raises:
        InputError: Track and body or frames do not belong together, a mask is missing or of another size, or the
            fitted body hardly overlaps the silhouettes (mean IoU below ``NO_OVERLAP`` over the valid frames).
    """
    check_same_body(body, track, len(frames))
    label_of_face = part_labels()[body.parts]
    overlaps = []
    with whole_folder(folder) as temporary:
        for frame in show_progress(range(len(frames)), "labelling parts"):
            alpha = read_alpha(alpha_folder, frame)
            if alpha.shape != (frames.height, frames.width):
                raise InputError(
                    f"{alpha_folder}: mask {frame} is not {frames.width}x{frames.height} px; delete it and run again."
                )
            mask = alpha >= 128
            posed = posed_vertices(body, track, frame)
            face = rasterize_mesh(posed, body.faces, track.K, (frames.width, frames.height)).face
            drawn = np.where(face >= 0, label_of_face[face], 0).astype(np.uint8)
            write_parsing(temporary, frame, cut_labels(drawn, mask))
            union = np.count_nonzero(mask | (drawn > 0))
            if track.valid[frame] and union:
                overlaps.append(np.count_nonzero(mask & (drawn > 0)) / union)
        _check_overlap(float(np.mean(overlaps)) if overlaps else 0.0, alpha_folder)


def cut_labels(drawn: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Labels uint8 [H,W] inside ``mask`` [H,W]: those of ``drawn`` [H,W], or of its nearest labelled pixel."""
    if not mask.any() or not drawn.any():
        return np.zeros_like(drawn)
    rows, columns = np.flatnonzero((mask | (drawn > 0)).any(axis=1)), np.flatnonzero((mask | (drawn > 0)).any(axis=0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    part = np.ascontiguousarray(drawn[window])
    nearest = cv2.distanceTransformWithLabels(
        (part == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    # OpenCV numbers the zero pixels, here the labelled ones, in an order of its own from 1
    label_of = np.zeros(nearest.max() + 1, np.uint8)
    label_of[nearest[part > 0]] = part[part > 0]
    labels = np.zeros_like(drawn)
    labels[window] = np.where(mask[window], label_of[nearest], 0)
    return labels


def _check_overlap(overlap: float, alpha_folder: str | Path) -> None:
    if overlap < NO_OVERLAP:
        raise InputError(
            f"{alpha_folder}: the fitted body covers the silhouettes with a mean IoU of only {overlap:.2f}; "
            "look at the overlays of the smpl stage, and check the camera (frames.K) and the tracked person."
        )
    if overlap < POOR_OVERLAP:
        logger.warning("the fitted body covers the silhouettes with a mean IoU of only %.2f", overlap)
    else:
        logger.info("the fitted body covers the silhouettes with a mean IoU of %.2f", overlap)
