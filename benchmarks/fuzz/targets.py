"""Every reader that a user's file reaches, with valid files to begin from."""

import io
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
import yaml
from PIL import Image

from benchmarks.fuzz.imports import IMPORTS
from benchmarks.fuzz.target import Target
from benchmarks.support.runs import REPOSITORY
from tests.support.avatar_scenes import plain_canonical, turning_track
from tests.support.bodies import sausage_body
from tests.support.import_sources import K, centred_at_whole, write_cameras
from tests.support.motion_scenes import rest_joints, write_rig
from tests.support.show_scenes import save_made_up_avatar, write_amass
from tests.support.smpl_files import smpl_arrays
from tests.support.videos import make_video, numbered
from understudy.avatar.archive import load_archive
from understudy.avatar.training.checkpoint import Checkpoint
from understudy.batch.sheet import add_sheet, read_sheet
from understudy.batch.status import all_statuses
from understudy.body.files import load_body, write_body
from understudy.errors import InputError
from understudy.fitting.regressor.files import load_net, save_net
from understudy.fitting.regressor.model import NetConfig, PoseNet
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha, read_parsing, read_trimap, write_alpha, write_parsing, write_trimap
from understudy.formats.skeleton import BODY_25
from understudy.formats.smpl import BodyTrack
from understudy.importers.alpha import read_mask
from understudy.importers.registry import guess_format
from understudy.motion.read import read_motion
from understudy.rendering.cameras import read_cameras
from understudy.rendering.render import read_joint_map
from understudy.report.costs import read_costs
from understudy.settings import check_settings
from understudy.video.capture import open_capture
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.viewer.heard import heard
from understudy.weights.manifest import read_manifest

BODY = sausage_body()
SCHEMA = yaml.safe_load((REPOSITORY / "schemas/config.schema.yaml").read_text())
RANDOM = np.random.default_rng(0)


def _track(folder: Path) -> None:
    turning_track(4, BODY, K).save(folder / "smpl.npz")


def _keypoints(folder: Path) -> None:
    count = 3
    Keypoints(
        RANDOM.normal(size=(count, 25, 3)), BODY_25, np.ones((count, 4)), "none", np.zeros((count, 25, 3)), np.zeros(count, bool),
        np.zeros(count, bool), np.ones(count, int),
    ).save(folder / "keypoints.npz")  # fmt: skip


def _frames(folder: Path) -> None:
    (folder / "frames").mkdir()
    for index in range(2):
        Image.fromarray(RANDOM.integers(0, 255, (48, 32, 3), np.uint8)).save(folder / f"frames/{index:06d}.jpg")
    Frames(folder / "frames", 30.0, 32, 48, "a.mp4", "0", np.arange(2), np.eye(3), "default").save(
        folder / "frames.json"
    )


def _read_frames(folder: Path) -> None:
    frames = Frames.load(folder / "frames.json")
    for index in range(min(len(frames), 3)):
        frames.read(index)


def _masks(folder: Path) -> None:
    grey = RANDOM.integers(0, 255, (48, 32)).astype(np.uint8)
    for name in ("alpha", "trimap", "parsing"):
        (folder / name).mkdir()
    write_alpha(folder / "alpha", 0, grey)
    write_trimap(folder / "trimap", 0, grey > 128, grey < 20)
    write_parsing(folder / "parsing", 0, grey % 20)


def _read_masks(folder: Path) -> None:
    refused = []
    for call in (
        lambda: read_alpha(folder / "alpha", 0, (32, 48)), lambda: read_trimap(folder / "trimap", 0),
        lambda: read_parsing(folder / "parsing", 0), lambda: read_mask(folder / "alpha/000000.png"),
    ):  # fmt: skip
        try:
            call()
        except InputError as error:
            refused.append(error)
    if refused:
        raise refused[0]


def _pickled_body(folder: Path) -> None:
    arrays = {
        key: value[:, :, :3] if key == "shapedirs" else value
        for key, value in smpl_arrays().items()
        if key != "posedirs"
    }
    (folder / "body.pkl").write_bytes(pickle.dumps(arrays, protocol=2))


def _net(folder: Path) -> None:
    save_net(folder / "net.safetensors", PoseNet(NetConfig(8, (1, 2), 4)), 0.1, {"licence": "none"})


def _video(kind: str) -> Callable[[Path], Any]:
    options = {"gif": {"codec": "gif", "pix_fmt": "rgb8"}, "webm": {"codec": "libvpx-vp9"}, "avi": {"codec": "mpeg4"}}
    return lambda folder: make_video(folder / f"a.{kind}", numbered(12), **options.get(kind, {}))


def _read_video(folder: Path) -> None:
    source = next(path for path in folder.iterdir() if path.name.startswith("a."))
    extract_frames(source, folder / "out", folder / "out.json", FramesConfig(max_frames=100))


def _pictures(folder: Path) -> None:
    (folder / "a.d").mkdir()
    for index, kind in enumerate(("jpg", "png", "tif", "webp", "jpg", "png", "jpg", "png", "jpg")):
        picture, exif = Image.fromarray(RANDOM.integers(0, 255, (12, 16, 3), np.uint8)), Image.Exif()
        exif[0x0112] = 1
        picture.save(folder / f"a.d/{index}.{kind}", exif=exif)


def _checkpoint(folder: Path) -> None:
    Checkpoint(folder / "c", "key").save({"step": 3, "weights": torch.zeros(5, 3), "history": {"loss": [0.5]}})


def _cameras(folder: Path) -> None:
    frame = {"file_path": "a", "transform_matrix": np.eye(4).tolist()}
    (folder / "nerf.json").write_text(json.dumps({"camera_angle_x": 0.7, "w": 30, "h": 40, "frames": [frame] * 3}))
    ours = {"K": K.tolist(), "width": 30, "height": 40, "views": [np.eye(4).tolist()] * 2}
    (folder / "ours.json").write_text(json.dumps(ours))
    write_cameras(folder, {"01": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})


def _read_all(read: Callable[[Path], Any], *names: str) -> Callable[[Path], None]:
    def call(folder: Path) -> None:
        refused = []
        for name in names:
            try:
                read(folder / name)
            except InputError as error:
                refused.append(error)
        if refused:
            raise refused[0]

    return call


def _sheet(folder: Path) -> None:
    (folder / "v.tsv").write_text(
        "name\tvideo\tstart\tframes.K\nanna\ta b.mov\t2.0\t[900, 900, 1, 2]\nbob\tb.mp4\t\t\n"
    )


def _read_sheet(path: Path) -> None:
    listed = read_sheet(path, SCHEMA)
    check_settings({"actors": listed}, SCHEMA, str(path))
    add_sheet({"actors": {}}, listed)


def _read_settings(path: Path) -> None:
    try:
        content = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:  # Snakemake tells of these itself
        raise InputError(str(error)) from None
    if isinstance(content, dict):
        check_settings(content, SCHEMA)


def _results(folder: Path) -> None:
    files = {
        "results/anna/frames.json": json.dumps({"source_frames": [0, 1]}),
        "results/anna/metrics.json": json.dumps({"with_pose_refinement": {"psnr_person_box_on_white": {"mean": 20.0}}}),
        "results/anna/benchmarks/frames.tsv": "s\th:m:s\tmax_rss\n1.5\t0:00:01\t99.5\n",
        "results/summary.tsv": "actor\tstate\nanna\tdone\n",
        "logs/keypoints/anna.log": "2026-11-21 10:00:00,000 ERROR understudy: error: nothing\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _read_results(folder: Path) -> None:
    all_statuses(folder / "results")
    read_costs(folder / "results/anna/benchmarks")


def _browser(folder: Path) -> None:
    camera = {"type": "ViewerCameraMessage", "wxyz": (1.0, 0.0, 0.0, 0.0), "position": (0.0, -1.0, -4.0)}
    camera |= {"fov": 0.6, "near": 0.01, "far": 100.0, "image_height": 800, "image_width": 600}
    camera |= {"look_at": (0.0, -1.0, 0.0), "up_direction": (0.0, -1.0, 0.0)}
    (folder / "message").write_bytes(msgspec.msgpack.encode(camera))


def _hear(folder: Path) -> None:
    passed = heard((folder / "message").read_bytes(), {})
    if passed is None:
        raise InputError("it is not passed on")
    if not all(math.isfinite(number) for number in msgspec.msgpack.decode(passed)["position"]):
        raise AssertionError("a place that is none is passed on")


def _grab(folder: Path) -> None:
    capture = open_capture(folder / "a.mp4")
    for _ in range(100):
        if not capture.grab():
            break


def _npy_of_objects(folder: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array({"Rh": np.ones(3), "K": [K]}, dtype=object), allow_pickle=True)
    (folder / "a.npy").write_bytes(buffer.getvalue())


TARGETS: dict[str, Target] = {
    "smpl.npz": Target(_track, lambda folder: BodyTrack.load(folder / "smpl.npz")),
    "keypoints.npz": Target(_keypoints, lambda folder: Keypoints.load(folder / "keypoints.npz")),
    "canonical.npz": Target(
        lambda folder: plain_canonical(BODY).save(folder / "c.npz"), lambda folder: Canonical.load(folder / "c.npz")
    ),
    "frames.json and frames": Target(_frames, _read_frames),
    "alpha, trimap, parsing, masks": Target(_masks, _read_masks),
    "free body": Target(
        lambda folder: write_body(folder / "b.npz", BODY, "free"), lambda folder: load_body(folder / "b.npz")
    ),
    "SMPL npz": Target(
        lambda folder: np.savez_compressed(folder / "b.npz", **smpl_arrays(3)),
        lambda folder: load_body(folder / "b.npz"),
    ),
    "SMPL pkl": Target(_pickled_body, lambda folder: load_body(folder / "body.pkl"), raw=True),
    "avatar.tar": Target(
        lambda folder: save_made_up_avatar(folder / "a.tar"), lambda folder: load_archive(folder / "a.tar")
    ),
    "regressor": Target(_net, lambda folder: load_net(folder / "net.safetensors"), raw=True),
    "checkpoint": Target(_checkpoint, lambda folder: Checkpoint(folder / "c", "key").load(torch.device("cpu"))),
    "BVH": Target(
        lambda folder: write_rig(folder / "a.bvh", {"head": np.full((3, 3), 0.1)}, rest_joints()),
        lambda folder: read_motion(folder / "a.bvh", BODY),
        raw=True,
    ),
    "AMASS npz": Target(
        lambda folder: write_amass(folder / "a.npz", 6), lambda folder: read_motion(folder / "a.npz", BODY)
    ),
    "video of masks": Target(_video("mp4"), _grab, raw=True),
    "message of a browser": Target(_browser, _hear, raw=True),
    "manifest of weights": Target(
        lambda folder: (folder / "m.yaml").write_bytes((REPOSITORY / "models/manifest.yaml").read_bytes()),
        lambda folder: read_manifest(folder / "m.yaml"),
        raw=True,
    ),
    "video mp4": Target(_video("mp4"), _read_video, raw=True),
    "video gif": Target(_video("gif"), _read_video, raw=True),
    "video webm": Target(_video("webm"), _read_video, raw=True),
    "video avi": Target(_video("avi"), _read_video, raw=True),
    "folder of images": Target(_pictures, _read_video),
    **IMPORTS,
    "npy with objects": Target(_npy_of_objects, lambda folder: guess_format(folder / "a.npy"), raw=True),
    "cameras": Target(_cameras, _read_all(read_cameras, "nerf.json", "ours.json", "intri.yml")),
    "joint map": Target(
        lambda folder: (folder / "m.json").write_text('{"left_knee": "LeftLeg", "head": "Head"}'),
        lambda folder: read_joint_map(folder / "m.json"),
        raw=True,
    ),
    "table of videos": Target(_sheet, lambda folder: _read_sheet(folder / "v.tsv"), raw=True),
    "config.yaml": Target(
        lambda folder: (folder / "c.yaml").write_bytes((REPOSITORY / "tests/tiny.yaml").read_bytes()),
        lambda folder: _read_settings(folder / "c.yaml"),
        raw=True,
    ),
    "status and costs": Target(_results, _read_results),
}
"""By the names of the report."""
