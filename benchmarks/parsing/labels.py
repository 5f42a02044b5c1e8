"""Exact part labels of the synthetic people: every piece of clothing knows what it is."""

from pathlib import Path

import numpy as np

from benchmarks.support.actors import clips
from benchmarks.support.actors.actor import Actor
from benchmarks.support.actors.figures import _dress, make_figure
from data.demo import make_demo
from data.demo.mesh import Piece
from data.demo.person import FRAMES, Body, bone_transforms, build_body, pose_at, relaxed_pose, skin
from data.demo.wardrobe import dress, hair_field
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files.arrays import read_npz
from understudy.files.atomic import atomic_folder
from understudy.formats.masks import CIHP, read_alpha, write_parsing
from understudy.render.camera import Camera
from understudy.render.mesh import rasterize_mesh

LABEL_OF_PIECE = {
    "shirt": "upper_clothes", "trousers": "pants", "eyes": "face", "hair": "hair", "cap": "hat",
    "shoe.L": "left_shoe", "shoe.R": "right_shoe",
}  # fmt: skip
GROUPS = {
    "arm": ("upperarm", "lowerarm", "wrist", "metacarpal", "finger"),
    "leg": ("upperleg", "lowerleg", "foot", "toe"),
    "torso_skin": ("spine", "clavicle", "shoulder", "breast", "pelvis", "root", "neck"),
}
"""Prefixes of bones by what bare skin there is called; the others are the head's."""


def labels_folder(folder: Path, name: str) -> Path:
    """Where an actor's labels are."""
    return clips.truth_folder(folder, name) / "labels"


def make_labels(actor: Actor, folder: Path, motion_file: Path | None, model: BodyModel) -> None:
    """Write the labels of the frames whose mask is in an actor's truth; needs the package anny.

    Raises:
        InputError: The masks show something else than what would be drawn now.
    """
    truth_at = clips.truth_folder(folder, actor.name)
    truth = read_npz(truth_at / "truth.npz")
    body = clips.body_of_stature(actor)
    figure = make_figure(body, actor.look, actor.seed)
    label = label_of_face(body, _dress(body, actor.look), actor.look.hair)
    transforms = clips.bone_transforms(body, clips._motion(actor, body, figure, motion_file, model))
    width, height = truth["size"].tolist()
    with atomic_folder(labels_folder(folder, actor.name), "true labels") as temporary:
        temporary.mkdir(exist_ok=True)
        for frame in truth["mask_frames"].tolist():
            camera = Camera(truth["K"], width, height, truth["views"][frame]).scaled(2)
            vertices = camera.to_camera(clips._skin(figure.vertices, figure.weights, transforms[frame]))
            face = rasterize_mesh(vertices, figure.faces, camera.K, camera.size).face
            drawn = np.where(face >= 0, label[face], 0).astype(np.uint8)[::2, ::2]
            mask = read_alpha(truth_at / "masks", frame) >= 128
            if np.count_nonzero(mask & (drawn > 0)) < 0.97 * np.count_nonzero(mask | (drawn > 0)):
                raise InputError(f"{truth_at}/masks: mask {frame} was made by another version; make the clips anew.")
            write_parsing(temporary, frame, drawn)


def make_demo_labels(folder: Path) -> None:
    """Write to ``folder`` the labels of the demo actor's frames whose mask is in its truth; needs the package anny."""
    body = build_body()
    pieces = dress(body)
    starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    faces = np.concatenate([piece.faces + start for piece, start in zip(pieces, starts[:-1], strict=True)])
    label, base = label_of_face(body, pieces, "short"), relaxed_pose(body)
    view = np.array(make_demo.cameras()["main"]["view"])
    camera = Camera(make_demo.intrinsics(make_demo.FOCAL), make_demo.WIDTH, make_demo.HEIGHT, view).scaled(2)
    with atomic_folder(folder, "true labels") as temporary:
        for frame in range(0, FRAMES, make_demo.MASK_STEP):
            pose, yaw = pose_at(frame, base)
            transforms = bone_transforms(body, pose, yaw)
            posed = np.concatenate([skin(piece.vertices, piece.weights, transforms) for piece in pieces])
            transforms[:, 2, 3] -= posed[:, 2].min()
            posed -= [0, 0, posed[:, 2].min()]
            posed -= make_demo._anchor(body, transforms)
            face = rasterize_mesh(camera.to_camera(posed), faces, camera.K, camera.size).face
            write_parsing(temporary, frame, np.where(face >= 0, label[face], 0).astype(np.uint8)[::2, ::2])


def label_of_face(body: Body, pieces: list[Piece], hair: str) -> np.ndarray:
    """CIHP-20 label [F] uint8 of the faces of all pieces; ``hair`` as in ``actors.figures.Look``."""
    labels = []
    for piece in pieces:
        if piece.name == "skin":
            labels.append(_skin_labels(body, piece, hair))
        else:
            labels.append(np.full(len(piece.faces), CIHP.index(LABEL_OF_PIECE[piece.name]), np.uint8))
    return np.concatenate(labels)


def _skin_labels(body: Body, piece: Piece, hair: str) -> np.ndarray:
    share = {name: body.weight(*bones) for name, bones in GROUPS.items()}
    share["face"] = 1.0 - sum(share.values())
    name = np.array(list(share))[np.stack(list(share.values())).argmax(axis=0)]
    side = np.where(body.vertices[:, 0] > 0, "left_", "right_")
    name = np.where(np.isin(name, ("arm", "leg")), np.char.add(side, name), name)
    if hair == "cropped":
        name = np.where(hair_field(body) > 0, "hair", name)
    label = np.array([CIHP.index(n) for n in name], np.uint8)
    # the piece keeps only some vertices: find them again by place
    place = {tuple(v): i for i, v in enumerate(np.round(body.vertices, 6))}
    first = [place[tuple(v)] for v in np.round(piece.base[piece.faces[:, 0]], 6)]
    return label[first]
