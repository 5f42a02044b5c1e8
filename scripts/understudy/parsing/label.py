"""Part and clothing labels of every frame: by default from the fitted body, the silhouette and colours, without a network."""

import logging
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from understudy.backends.images import mask_box
from understudy.backends.registry import find_backend, open_backend
from understudy.body.model import BodyModel
from understudy.body.part_labels import material_labels, part_labels
from understudy.body.posed import check_same_body, posed_vertices
from understudy.errors import InputError
from understudy.files.atomic import atomic_folder
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha, write_parsing
from understudy.formats.smpl import BodyTrack
from understudy.parsing.anatomy import anatomy_of
from understudy.parsing.clothing import Clothing, learn_clothing
from understudy.parsing.config import ParsingConfig
from understudy.parsing.sightings import collect
from understudy.parsing.spread import ColourTables, cut_labels, settled_labels
from understudy.progress import track as show_progress
from understudy.render.mesh import rasterize_mesh
from understudy.threads import side_by_side

logger = logging.getLogger(__name__)

POOR_OVERLAP = 0.7
"""Mean IoU of body and silhouette below which a fit deserves a look."""
NO_OVERLAP = 0.3
"""Mean IoU below which body and video have nothing to do with each other."""
OPTIONS = {"schp": ("label_set", "scales"), "files": ("label_set",)}
"""Options that backends take."""


def label_parts(
    frames: Frames,
    alpha_folder: str | Path,
    track: BodyTrack,
    body: BodyModel,
    folder: str | Path,
    config: ParsingConfig | None = None,
    weights: Path | None = None,
    files: Path | None = None,
    threads: int = 1,
) -> None:
    """Write CIHP-20 labels ``folder/000000.png``, ... of all frames.

    Each pixel of the silhouette takes the label of what the body wears there, or, outside the body (hair, loose
    clothes), of something near that has its colour. The rest is background. What is worn where is learned once for
    the whole video, so that labels stay the same from frame to frame.

    With another backend than the body a network, or the user, says what each pixel is; the silhouette still says
    which pixels are the person.

    Args:
        frames: The video.
        alpha_folder: Soft masks of the person.
        track: The fitted body's motion.
        body: The body that it belongs to.
        folder: Where the labels go; replaced as a whole.
        config: How they are found; None for the defaults.
        weights: The backend's weights, if it takes any.
        files: The user's labels, if the backend reads such.
        threads: Frames labelled at once from the body; networks see one at a time.

    Raises:
        InputError: Track and body or frames do not belong together, a mask is missing or of another size, or the
            fitted body hardly overlaps the silhouettes (mean IoU over the valid frames); or the backend lacks its package,
            weights or files.
    """
    config = config or ParsingConfig()
    check_same_body(body, track, len(frames))
    if config.backend != "body":
        _label_by_backend(frames, Path(alpha_folder), Path(folder), config, weights, files)
        return
    clothing = None
    if config.clothing:
        anatomy = anatomy_of(body, track.betas)
        clothing = learn_clothing(
            collect(frames, alpha_folder, track, body, anatomy, config.sample_frames, threads), anatomy
        )
        if clothing.outfit is not None:
            logger.info("%s wears: %s", frames.source, clothing.outfit)
    labeller = Labeller(body, clothing)
    with atomic_folder(folder, "part labels") as temporary:

        def label(frame: int) -> float | None:
            mask = read_alpha(alpha_folder, frame, (frames.width, frames.height)) >= 128
            image = frames.read(frame)
            labels, covered = labeller.label(image, mask, posed_vertices(body, track, frame), track.K)
            write_parsing(temporary, frame, labels)
            union = np.count_nonzero(mask | covered)
            return np.count_nonzero(mask & covered) / union if track.valid[frame] and union else None

        labelled = side_by_side(label, range(len(frames)), threads)
        overlaps = [
            overlap for overlap in show_progress(labelled, "labelling parts", len(frames)) if overlap is not None
        ]
        _check_overlap(float(np.mean(overlaps)) if overlaps else 0.0, alpha_folder)


def _label_by_backend(
    frames: Frames, alpha_folder: Path, folder: Path, config: ParsingConfig, weights: Path | None, files: Path | None
) -> None:
    """Write what a backend says, inside the silhouettes; where it says nothing there, what it says nearby.

    Labels that the user gives are taken as they are.
    """
    options: dict[str, Any] = {"label_set": config.label_set, "scales": config.scales}
    taken = {name: options[name] for name in OPTIONS.get(config.backend, ())}
    opened = open_backend("parsing", config.backend, weights, files, **taken)
    if find_backend("parsing", config.backend).reads:
        _write_labels(frames, folder, partial(opened.read_labels, frames))
        return
    with closing(opened) as backend:

        def labels_of(index: int) -> np.ndarray:
            mask = read_alpha(alpha_folder, index, (frames.width, frames.height)) >= 128
            if not mask.any():
                return np.zeros(mask.shape, np.uint8)
            return cut_labels(backend.find_labels(frames.read(index), mask_box(mask)), mask)

        _write_labels(frames, folder, labels_of)


def _write_labels(frames: Frames, folder: Path, labels_of: Callable[[int], np.ndarray]) -> None:
    with atomic_folder(folder, "part labels") as temporary:
        for index in show_progress(range(len(frames)), "labelling parts"):
            write_parsing(temporary, index, labels_of(index))


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
            "look at the overlays of the stage fitting, and check the camera (frames.K) and the tracked person."
        )
    if overlap < POOR_OVERLAP:
        logger.warning("the fitted body covers the silhouettes with a mean IoU of only %.2f", overlap)
    else:
        logger.info("the fitted body covers the silhouettes with a mean IoU of %.2f", overlap)
