"""Neural Actor's layout, with one camera."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from understudy.body.joints import BIG_POSE, pose_of
from understudy.canonical.config import CanonicalConfig
from understudy.errors import InputError
from understudy.formats.canonical import read_texture
from understudy.layouts.meshes import write_mesh, write_uv
from understudy.layouts.pictures import over_white, write_png
from understudy.layouts.recording import Recording
from understudy.progress import track as show_progress
from understudy.textures.atlas import Atlas, make_atlas
from understudy.textures.maps import partial_texture, texel_normals
from understudy.textures.views import Viewer, ViewRules

SIDE = 512
"""Of the texture and normal maps, px."""
MOTION = 3
"""Frames of joints in each transform, this one the last."""


def write_neural_actor(recording: Recording, folder: Path) -> None:
    """Write the layout into a folder that is there.

    A point of the world is ``x = y rotation + translation``, of rows, where ``y`` is ``canonical.obj`` skinned by
    ``joints_RT`` [4,4,J] without pose correctives, and ``rotation`` is stored transposed. Canonical space is the big
    pose (``transform_tpose.json``). Pixel centres are at whole numbers. Textures show what the one camera sees of the
    frame; the rest is the video's own texture. Normal maps have the world's normals with blue for x, as the program's
    ``extract_normal.py`` writes them.
    """
    body, (rest, joints) = recording.body, recording.rest()
    write_mesh(folder / "canonical.obj", rest, body.faces)
    write_uv(folder / "uvmapping.obj", body.vt, body.faces, body.ft)
    np.savetxt(folder / "skinning_weight.txt", body.lbs_weights.numpy(), "%.6g")
    big_pose = pose_of(body.joint_names, BIG_POSE)
    big = recording.bone_transforms(big_pose)
    start = {
        "joints": _moved(big, joints).tolist(),
        "joints_RT": big.transpose(1, 2, 0).tolist(),
        "pose": [[0.0, 0.0, 0.0, *big_pose.tolist()]],
    }
    _write_json(folder / "transform_tpose.json", start)
    for name, matrix in (("intrinsic", recording.K), ("pose", np.eye(4))):
        (folder / name).mkdir()
        np.savetxt(folder / f"{name}/0000.txt", matrix, "%.9g")
    np.savetxt(folder / "intrinsics.txt", recording.K, "%.9g")
    (folder / "transform").mkdir()

    Rh, Th = recording.root_about_origin()
    turns = Rotation.from_rotvec(Rh).as_matrix()
    maps = _Maps(recording)
    motion: list[list[list[float]]] = []
    for frame in show_progress(range(len(recording)), "writing Neural Actor's files"):
        pose = recording.track.body_pose[frame]
        bones = recording.bone_transforms(pose)
        there = (_moved(bones, joints) @ turns[frame].T + Th[frame]).tolist()
        motion = ([there] * MOTION if not motion else [*motion, there])[-MOTION:]
        values = {
            "translation": [Th[frame].tolist()],
            "rotation": turns[frame].T.tolist(),
            "joints": there,
            "joints_RT": bones.transpose(1, 2, 0).tolist(),
            "pose": [[0.0, 0.0, 0.0, *pose.tolist()]],
            "motion": motion,
        }
        _write_json(folder / f"transform/{frame:06d}.json", values)
        image, alpha = recording.frames.read(frame), recording.alpha(frame)
        write_png(folder / f"rgb/{frame:06d}/0000.png", over_white(image, alpha))
        vertices = recording.vertices(frame)
        write_png(folder / f"tex/{frame:06d}.png", maps.texture(vertices, image, alpha))
        write_png(folder / f"normal/{frame:06d}.png", maps.normals(vertices))


class _Maps:
    """Texture and normal maps of single frames."""

    def __init__(self, recording: Recording) -> None:
        if recording.canonical is None:
            raise InputError("Neural Actor's textures need canonical.npz; run the canonical stage.")
        body, config, track = recording.body, CanonicalConfig(), recording.track
        self.atlas: Atlas = make_atlas(body.vt, body.ft, SIDE)
        self.faces = body.faces
        rules = ViewRules(config.cos_power, config.min_cos, config.border, float(np.median(track.transl[:, 2])))
        self.viewer = Viewer(self.atlas, body.faces, len(body.v_template), track.K, rules)
        texture = Image.fromarray(read_texture(recording.canonical, ("texture",))["texture"])
        whole = np.asarray(texture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        self.whole = whole.reshape(-1, 3)[self.atlas.texel].astype(np.float32)

    def texture(self, vertices: np.ndarray, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Texture [512,512,3] of a frame with the posed body ``vertices`` [V,3]; row 0 is v = 1."""
        seen = partial_texture(self.viewer, vertices, image, alpha)
        values, own = self.whole.copy(), seen.share[:, None]
        values[seen.texel] = own * seen.color + (1.0 - own) * values[seen.texel]
        return self.atlas.image(values)

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Normals [512,512,3] of the posed body: blue, green, red are x, y, z; white beyond the layout."""
        normals = texel_normals(self.atlas, vertices, self.faces)
        picture = np.full((SIDE * SIDE, 3), 255, np.uint8)
        picture[self.atlas.texel] = np.round((normals[:, ::-1] / 2 + 0.5) * 255)
        return picture.reshape(SIDE, SIDE, 3)


def _moved(bones: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Rest joints [J,3] under the transforms [J,4,4] of their bones."""
    return np.einsum("jab,jb->ja", bones[:, :3, :3], joints) + bones[:, :3, 3]


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="ascii")
