"""Part and clothing labels of every frame from the fitted body, the silhouette and colours: no network, no download."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.body.model import BodyModel
from understudy.body.posed import check_same_body, posed_vertices
from understudy.errors import InputError
from understudy.files import whole_folder
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha, write_parsing
from understudy.formats.smpl import BodyTrack
from understudy.masks.anatomy import anatomy_of
from understudy.masks.clothing import Clothing, learn_clothing
from understudy.masks.labels import material_labels, part_labels
from understudy.masks.sightings import collect
from understudy.masks.spread import ColourTables, cut_labels, settled_labels
from understudy.progress import track as show_progress
from understudy.render.mesh import rasterize_mesh

logger = logging.getLogger(__name__)

POOR_OVERLAP = 0.7
"""Mean IoU of body and silhouette below which a fit deserves a look."""
NO_OVERLAP = 0.3
"""Mean IoU below which body and video have nothing to do with each other."""


@dataclass(frozen=True)
class ParsingConfig:
    """How parts and clothes are labelled."""

    clothing: bool = True
    """Whether the video's colours say what is worn where; false: a shirt on the torso and shoes, limbs bare."""
    sample_frames: int = 48
    """Colours are learned from at most this many frames, evenly spread."""


def label_parts(
    frames: Frames,
    alpha_folder: str | Path,
    track: BodyTrack,
    body: BodyModel,
    folder: str | Path,
    config: ParsingConfig | None = None,
) -> None:
    """Write CIHP-20 labels ``folder/000000.png``, ... of all frames.

    Each pixel of the silhouette takes the label of what the body wears there, or, outside the body (hair, loose
    clothes), of something near that has its colour. The rest is background. What is worn where is learned once for
    the whole video, so that labels stay the same from frame to frame.

    Raises:
        InputError: Track and body or frames do not belong together, a mask is missing or of another size, or the
            fitted body hardly overlaps the silhouettes (mean IoU below ``NO_OVERLAP`` over the valid frames).
    """
    config = config or ParsingConfig()
    check_same_body(body, track, len(frames))
    clothing = None
    if config.clothing:
        anatomy = anatomy_of(body, track.betas)
        clothing = learn_clothing(collect(frames, alpha_folder, track, body, anatomy, config.sample_frames), anatomy)
        if clothing.outfit is not None:
            logger.info("%s wears: %s", frames.source, clothing.outfit)
    labeller = Labeller(body, clothing)
    overlaps = []
    with whole_folder(folder) as temporary:
        for frame in show_progress(range(len(frames)), "labelling parts"):
            mask = read_alpha(alpha_folder, frame, (frames.width, frames.height)) >= 128
            image = frames.read(frame)
            labels, covered = labeller.label(image, mask, posed_vertices(body, track, frame), track.K)
            write_parsing(temporary, frame, labels)
            union = np.count_nonzero(mask | covered)
            if track.valid[frame] and union:
                overlaps.append(np.count_nonzero(mask & covered) / union)
        _check_overlap(float(np.mean(overlaps)) if overlaps else 0.0, alpha_folder)


class Labeller:
    """Labels single frames of one person."""

    def __init__(self, body: BodyModel, clothing: Clothing | None) -> None:
        self.faces, self.parts = body.faces, body.parts
        self.label_of_part = part_labels()
        self.material = self.tables = None
        if clothing is not None and clothing.likely is not None and clothing.outfit is not None:
            self.label_of_material = material_labels(clothing.outfit.names)
            self.material = np.eye(len(clothing.likely), dtype=np.float32)[clothing.material]
            self.tables = ColourTables.of(clothing.likely)

    def label(
        self, image: np.ndarray, mask: np.ndarray, vertices: np.ndarray, K: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels [H,W] uint8 of a frame, and where the body is [H,W] bool.

        Args:
            image: RGB uint8 [H,W,3].
            mask: The person [H,W] bool.
            vertices: The posed body [V,3], m, camera frame.
            K: [3,3] px.
        """
        render = rasterize_mesh(vertices, self.faces, K, (mask.shape[1], mask.shape[0]))
        covered = render.face >= 0
        part = self.parts[render.face]
        if self.material is None or self.tables is None:
            return cut_labels(np.where(covered, self.label_of_part[part], 0).astype(np.uint8), mask), covered
        material = render.interpolate(self.material, self.faces).argmax(axis=-1).astype(np.uint8)
        drawn = np.where(covered, self.label_of_material[material, part], 0).astype(np.uint8)
        return settled_labels(image, mask, drawn, material, self.tables), covered


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
