"""The README's picture, from a finished run: python docs/make_overview.py results/actor docs/images/overview.jpg [frame]."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from understudy.avatar.turntable import turntable_pictures

from understudy.avatar.archive import load_avatar
from understudy.avatar.config import TurntableConfig
from understudy.body.files import load_body
from understudy.body.posed import posed_vertices
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha, read_parsing
from understudy.formats.smpl import BodyTrack
from understudy.inspection.overlays import draw_keypoints, draw_mask, draw_mesh, draw_parsing, shrink

ROOT = Path(__file__).resolve().parent.parent
HEIGHT = 440
VIEWS = (0, 2, 4, 6)
"""Of eight round the avatar."""


def main(results: Path, picture: Path, frame: int) -> None:
    """Five stages of one frame, then the avatar from four sides, in one row."""
    frames, track = Frames.load(results / "frames.json"), BodyTrack.load(results / "smpl.npz")
    keypoints, body = Keypoints.load(results / "keypoints.npz"), load_body(ROOT / "models/understudy_body.npz")
    image = frames.read(frame)
    stages = [
        image,
        draw_keypoints(image, keypoints.keypoints[frame], keypoints.names),
        draw_mask(image, read_alpha(results / "matte", frame)),
        draw_mesh(image, posed_vertices(body, track, frame), body.faces, track.K),
        draw_parsing(image, read_parsing(results / "parsing", frame)),
    ]
    turn = list(turntable_pictures(load_avatar(results / "avatar.tar"), TurntableConfig(frames=8)))
    panels = [shrink(panel, HEIGHT) for panel in [*stages, *(turn[view] for view in VIEWS)]]
    Image.fromarray(np.concatenate(panels, axis=1)).save(picture, quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 8)
