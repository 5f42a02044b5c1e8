"""The canonical stage: one person's body in the rest pose, and the texture that the video shows of it."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from understudy.body.joints import BIG_POSE, pose_of
from understudy.body.model import BodyModel
from understudy.body.posed import check_same_body, posed_vertices
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.fill import mirror_unseen, smooth_unseen
from understudy.errors import InputError
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha, read_parsing
from understudy.formats.smpl import BodyTrack
from understudy.progress import track as show_progress
from understudy.textures.atlas import Atlas, make_atlas
from understudy.textures.maps import texel_normals
from understudy.textures.views import BestViews, Viewer, ViewRules
from understudy.threads import side_by_side

logger = logging.getLogger(__name__)


def prepare_canonical(
    frames: Frames,
    alpha_folder: str | Path,
    track: BodyTrack,
    body: BodyModel,
    config: CanonicalConfig,
    held_out: Sequence[int] = (),
    parsing_folder: str | Path | None = None,
    threads: int = 1,
) -> Canonical:
    """The body of the person of ``track`` in canonical space, textured by all frames but those held out.

    Few frames are held at a time; memory does not grow with their number.

    Args:
        frames: The video.
        alpha_folder: Soft masks of the person.
        track: The fitted body's motion; frames that are not valid give no texture.
        body: The body that it belongs to.
        config: How fine, and how it is textured.
        held_out: Frames of which no pixel is read.
        parsing_folder: Part labels: a pixel colours what its label covers (``body.part_labels.COVERS``). None for none.
        threads: Frames processed at once.

    Raises:
        InputError: Track and body or frames do not belong together, an image is missing, or no frame shows the body.
    """
    check_same_body(body, track, len(frames))
    rest_vertices, rest_joints = _posed(body, track.betas, pose_of(body.joint_names, {}))
    vertices, _ = _posed(body, track.betas, pose_of(body.joint_names, BIG_POSE))
    atlas = make_atlas(body.vt, body.ft, config.texture_size)
    normals = texel_normals(atlas, vertices, body.faces)
    usable = np.setdiff1d(np.flatnonzero(track.valid), held_out)
    views = _gather_views(frames, Path(alpha_folder), parsing_folder, track, body, atlas, config, usable, threads)
    quality = np.sqrt(views.weights.max(axis=1))
    seen = quality > 0
    if not seen.any():
        raise InputError(
            f"{alpha_folder}: no frame shows any part of the fitted body inside its silhouette; "
            "look at the overlays of the stage fitting."
        )
    colors, filled = views.median(), quality
    if config.mirror:
        rest_points = atlas.interpolate(rest_vertices, body.faces)
        rest_normals = texel_normals(atlas, rest_vertices, body.faces)
        colors, filled = mirror_unseen(colors, quality, rest_points, rest_normals, float(rest_joints[0, 0]))
    logger.info("texture: %.0f %% seen, %.0f %% mirrored", 100 * seen.mean(), 100 * (filled > quality).mean())
    colors = smooth_unseen(colors, filled, atlas, body.faces, body.parts, rest_vertices)
    texture_seen = np.zeros(atlas.size**2, np.uint8)
    texture_seen[atlas.texel] = np.where(seen, np.clip(np.round(255 * quality), 1, 255), 0)
    return Canonical(
        rest_vertices=rest_vertices,
        faces=body.faces.astype(np.int32),
        vt=body.vt.astype(np.float32),
        ft=body.ft.astype(np.int32),
        texture=atlas.image(colors),
        texture_seen=texture_seen.reshape(atlas.size, atlas.size),
        normal=atlas.image((normals / 2 + 0.5) * 255),
    )


def _posed(body: BodyModel, betas: np.ndarray, body_pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V,3] and joints [J,3] of the shaped body at the origin in a pose [3(J-1)]."""
    zero = torch.zeros(1, 3)
    with torch.no_grad():
        shape = torch.from_numpy(np.asarray(betas, np.float32))
        posed = body(shape, zero, torch.from_numpy(body_pose)[None], zero)
    return posed.vertices[0].numpy(), posed.joints[0].numpy()


def _gather_views(
    frames: Frames,
    alpha_folder: Path,
    parsing_folder: str | Path | None,
    track: BodyTrack,
    body: BodyModel,
    atlas: Atlas,
    config: CanonicalConfig,
    usable: np.ndarray,
    threads: int,
) -> BestViews:
    """The best views of each texel over evenly spread ones of the usable frames."""
    if not len(usable):
        raise InputError("No frame has a valid body pose; look at the keypoints' overlays, or film again.")
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, min(config.max_frames, len(usable))).round().astype(int))]
    rules = ViewRules(config.cos_power, config.min_cos, config.border, float(np.median(track.transl[chosen, 2])))
    viewer = Viewer(atlas, body.faces, len(body.v_template), track.K, rules, body.parts)
    size = (frames.width, frames.height)
    views = BestViews(len(atlas.texel), config.views_per_texel)

    def look(frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        posed = posed_vertices(body, track, frame)
        labels = None if parsing_folder is None else read_parsing(parsing_folder, frame, size)
        return viewer.look(posed, frames.read(frame), read_alpha(alpha_folder, frame), labels)

    for view in show_progress(side_by_side(look, chosen.tolist(), threads), "gathering texture", len(chosen)):
        views.add(*view)
    return views
