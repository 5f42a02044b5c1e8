"""Numbers that no avatar, body, track or picture has: one sentence, at once; and the widest honest ones are taken."""

import io
import json
import tarfile
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from tests.support.avatar_scenes import plain_canonical, turning_track
from tests.support.bodies import sausage_body
from tests.support.harmful import frugal, tarred  # noqa: F401  (frugal is for every test)
from tests.support.show_scenes import LENGTH, K, save_made_up_avatar
from tests.support.smpl_files import smpl_arrays, smplx_arrays
from understudy.avatar import members
from understudy.avatar.archive import load_archive
from understudy.avatar.gaussians import members as gaussian_members
from understudy.body import files as own_body
from understudy.body import smpl_files as licensed_body
from understudy.body.files import load_body, write_body
from understudy.errors import InputError
from understudy.files.tables import check_table
from understudy.formats import canonical, frames, keypoints, metrics, smpl
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.metrics import read_history, read_metrics
from understudy.formats.skeleton import BODY_25
from understudy.formats.smpl import BodyTrack

POINTS = np.full((LENGTH, 25, 3), 0.5)
FLAGS = np.zeros(LENGTH, bool)
SEEN = Keypoints(POINTS, BODY_25, np.ones((LENGTH, 4)), "none", POINTS, FLAGS, FLAGS, np.ones(LENGTH, int))
FIGURE = {"mean": 20.0, "per_frame": [20.0, None]}
METRICS = {"held_out_frames": [1, 2], "reconstruction_frames": [0]}
PART = {"mean": 20.0, "per_frame": [20.0, None], "pixels": [500, 3]}
CURVES = {"step": [1.0, 2.0], "loss": [0.2, 0.1], "psnr": [10.0, 20.0]}


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """Honest files of every format, as they are written: their arrays by name, and an avatar's members."""
    folder = tmp_path_factory.mktemp("honest")
    turning_track(LENGTH, sausage_body(), K).save(folder / "smpl.npz")
    SEEN.save(folder / "keypoints.npz")
    plain_canonical(sausage_body()).save(folder / "canonical.npz")
    write_body(folder / "own body.npz", sausage_body(posedirs=True))
    crop = np.array([0.0, 0.0, 90.0, 160.0])
    frames = Frames(folder, 25.0, 90, 160, "a.mp4", "0" * 64, np.arange(LENGTH), K, "config", (90, 160), crop)
    frames.save(folder / "frames")
    arrays = {name: _arrays(folder / f"{name}.npz") for name in ("smpl", "keypoints", "canonical", "own body")}
    arrays["licensed body"] = smpl_arrays()
    arrays["frames"] = json.loads((folder / "frames").read_text())
    with tarfile.open(save_made_up_avatar(folder / "avatar.tar")) as archive:
        parts = {info.name: archive.extractfile(info).read() for info in archive}
    arrays["weights"] = load_tensors(parts["weights.safetensors"])
    arrays["poses"] = _arrays(io.BytesIO(parts["poses.npz"]))
    arrays["figure"], arrays["part"], arrays["metrics"], arrays["curves"] = FIGURE, PART, METRICS, CURVES
    return arrays | {"avatar": parts}


def _arrays(file):
    with np.load(file) as archive:
        return dict(archive)


def _npz(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _read_npz_by(read):
    def load(path, honest, arrays):
        path.write_bytes(_npz(arrays))
        return read(path)

    return load


def _read_json_by(read, wrap=lambda values: values):
    def load(path, honest, values):
        path.write_text(json.dumps(wrap(values), default=lambda value: np.asarray(value).tolist()))
        return read(path)

    return load


def _read_avatar_with(member, make):
    def load(path, honest, arrays):
        return load_archive(tarred(path, {**honest["avatar"], member: make(arrays)}))

    return load


def _of_figure(figure):
    return {**METRICS, "with_pose_refinement": {"psnr_person_box_on_white": figure}}


def _of_part(figure):
    return {**METRICS, "parts": {"with_pose_refinement": {"head": figure}}}


FORMATS = {
    "smpl": (smpl.TABLE, smpl.LENGTHS, _read_npz_by(BodyTrack.load)),
    "keypoints": (keypoints.TABLE, keypoints.LENGTHS, _read_npz_by(Keypoints.load)),
    "canonical": (canonical.TABLE, canonical.LENGTHS, _read_npz_by(Canonical.load)),
    "own body": (own_body.TABLE, own_body.LENGTHS, _read_npz_by(load_body)),
    "licensed body": (licensed_body.TABLE, licensed_body.LENGTHS, _read_npz_by(load_body)),
    "frames": (frames.TABLE, frames.LENGTHS, _read_json_by(Frames.load)),
    "weights": (
        gaussian_members.WEIGHTS,
        gaussian_members.WEIGHTS_LENGTHS,
        _read_avatar_with("weights.safetensors", save_tensors),
    ),
    "poses": (smpl.TABLE | members.POSES, smpl.LENGTHS | members.POSES_LENGTHS, _read_avatar_with("poses.npz", _npz)),
    "figure": (metrics.FIGURES, metrics.LENGTHS, _read_json_by(read_metrics, _of_figure)),
    "part": (metrics.PART_FIGURES, metrics.LENGTHS, _read_json_by(read_metrics, _of_part)),
    "metrics": (metrics.FRAMES, metrics.LENGTHS, _read_json_by(read_metrics)),
    "curves": (metrics.CURVES, metrics.LENGTHS, _read_json_by(read_history)),
}
"""Each format's table, and how a file of it is read: a new array in a table is tried without a word here."""
FIELDS = [(name, key) for name, (table, _, _) in FORMATS.items() for key in table]


def _example(honest, name, key):
    """The format's honest arrays, one of them as numbers that can be written to; None where it is not in them."""
    arrays = {**honest[name]}
    if key not in arrays:
        return None
    value = arrays[key]
    array = np.array([np.nan if entry is None else entry for entry in value] if isinstance(value, list) else value)
    arrays[key] = array.astype(np.float64)
    return arrays


def _ends(table, arrays, key, place):
    """The limits of the entry at a place of an array."""
    wanted = table[key]
    least, most = wanted.least, wanted.most
    if isinstance(most, str):
        sizes = [
            np.shape(arrays[other])[axis]
            for other, numbers in table.items()
            if other in arrays
            for axis, length in enumerate(numbers.shape)
            if length == most
        ]
        most = sizes[0] - 1
    if isinstance(least, tuple):
        least, most = least[place % len(least)], most[place % len(most)]
    return least, most


TRIED = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize(("name", "key"), FIELDS)
@TRIED
@given(data=st.data())
def test_what_lies_just_beyond_a_limit_is_refused_and_what_lies_within_is_taken(tmp_path, honest, name, key, data):
    table, lengths, load = FORMATS[name]
    arrays = _example(honest, name, key)
    if arrays is None:
        return
    place = data.draw(st.integers(0, arrays[key].size - 1))
    least, most = _ends(table, arrays, key, place)
    whole = not np.issubdtype(table[key].type, np.floating)
    within = data.draw(st.sampled_from([least, most]))
    arrays[key].flat[place] = within
    numbers = {other: np.asarray(arrays[other]) for other in table if other in arrays and other != "per_frame"}
    check_table(numbers, table, lengths)
    beyond = data.draw(st.floats(1e-3, 1e30)) * max(1.0, abs(within))
    beyond = np.ceil(beyond) if whole else beyond
    arrays[key].flat[place] = data.draw(
        st.sampled_from([most + beyond, least - beyond, np.inf, -np.inf] + [np.nan] * (not table[key].unknown))
    )
    began = time.process_time()
    with pytest.raises(InputError) as caught:
        load(tmp_path / "file", honest, arrays)
    assert time.process_time() - began < 5 and len(str(caught.value)) < 700
    if whole and not isinstance(within, str):
        arrays[key].flat[place] = within + (0.5 if within == least else -0.5)
        with pytest.raises(InputError):
            load(tmp_path / "file", honest, arrays)


KINDS = (np.bool_, np.complex128, "datetime64[s]", "U5", "S5")


ARRAYS = [field for field in FIELDS if field[0] in ("smpl", "keypoints", "canonical", "own body", "licensed body")]
ARRAYS += [("poses", key) for key in members.POSES]


@pytest.mark.parametrize(("name", "key"), ARRAYS)
def test_arrays_of_other_kinds_and_shapes_are_refused(tmp_path, honest, name, key):
    _, _, load = FORMATS[name]
    arrays = honest[name]
    if key not in arrays:
        return
    value = np.asarray(arrays[key])
    kinds = [kind for kind in KINDS if not (kind is np.bool_ and FORMATS[name][0][key].type is np.bool_)]
    wrong = [np.zeros(value.shape, kind) for kind in kinds]
    for other in (*wrong, value[None], value[..., None], np.zeros((0, *value.shape))):
        with pytest.raises(InputError):
            load(tmp_path / "file", honest, {**arrays, key: other})
    if value.dtype.kind in "iuf":  # what can be taken for the same is
        load(tmp_path / "file", honest, {**arrays, key: value.astype(value.dtype.newbyteorder(">"))})


@pytest.mark.parametrize("name", ["smpl", "keypoints", "canonical", "own body", "licensed body", "frames", "poses"])
def test_honest_files_are_read(tmp_path, honest, name):
    FORMATS[name][2](tmp_path / "file", honest, honest[name])
    np.savez(tmp_path / "x.npz", **smplx_arrays())
    assert load_body(tmp_path / "x.npz").name == "smplx"


HONEST = {
    "smpl": {"transl": 9000.0, "global_orient": 600.0, "betas": 60.0, "reprojection_px": 1e6},
    "keypoints": {"keypoints": 99.0, "people": 10_000, "world": 3000.0},
    "canonical": {"rest_vertices": 5.0},
    "own body": {"v_template": 5.0},
    "frames": {"fps": 0.05, "width": 8192, "source_frames": np.arange(LENGTH) + 10**9},
    "weights": {"offsets": 5.0, "quats": 100.0, "opacity_logits": 1000.0, "light": 1.5},
    "poses": {"fps": 2000.0, "exposure": 20.0},
}
"""The widest that somebody may come with."""
IMPOSSIBLE = {
    "smpl": {"transl": 1e5, "global_orient": 1e5, "betas": 1e3, "K": np.zeros((3, 3)), "valid": 2},
    "keypoints": {"keypoints": 1e9, "bbox": -1e9, "people": -1, "world": 1e6},
    "canonical": {"rest_vertices": 100.0, "vt": np.nan, "faces": -1},
    "own body": {"v_template": 100.0, "skin_weights": 0.0, "joint_weights": 1e9, "v_template ": 0.0},
    "frames": {"fps": 1e-300, "width": 2**31, "height": 2**30, "source_frames": -1, "source_size": 0},
    "weights": {"offsets": 1e3, "log_scales": 20.0, "quats": 0.0, "light": 100.0, "bary": 0.5, "spacing": 0.0},
    "poses": {"fps": 1e300, "exposure": 0.0, "width": 2**31, "held_out": LENGTH, "transl": 1e30},
}


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in HONEST.items() for key in keys])
def test_the_widest_honest_numbers_are_in_range(honest, name, key):
    table, lengths, _ = FORMATS[name]
    array = np.asarray(honest[name][key])
    check_table({key: np.broadcast_to(HONEST[name][key], array.shape).astype(array.dtype)}, table, lengths)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in IMPOSSIBLE.items() for key in keys])
def test_impossible_numbers_are_refused(tmp_path, honest, name, key):
    array = np.asarray(honest[name][key.strip()])
    value = np.broadcast_to(np.asarray(IMPOSSIBLE[name][key], np.float64), array.shape)
    with pytest.raises(InputError):
        FORMATS[name][2](tmp_path / "file", honest, {**honest[name], key.strip(): value})


@pytest.mark.parametrize(("name", "key"), FIELDS)
def test_each_length_has_an_end(name, key):
    table, lengths, _ = FORMATS[name]
    for axis in {axis for axis in table[key].shape if isinstance(axis, str)}:
        for length in (lengths[axis][0] - 1, lengths[axis][1] + 1):
            if length >= 0:
                least = {other: length if other == axis else lengths[other][0] for other in lengths}
                shape = [least[side] if isinstance(side, str) else side for side in table[key].shape]
                with pytest.raises(ValueError, match=f"{key} has the length {length}"):
                    check_table({key: np.broadcast_to(table[key].type(0), shape)}, table, lengths)


def test_lengths_that_no_file_has_are_refused(tmp_path, honest):
    track = honest["smpl"]
    for length in (0, 300_000):
        long = {key: np.zeros((length, *track[key].shape[1:])) for key in ("global_orient", "body_pose", "transl")}
        with pytest.raises(InputError, match="has the length"):
            FORMATS["smpl"][2](tmp_path / "file", honest, {**track, **long, "valid": np.ones(length, bool)})
    texture = {"texture": np.zeros((0, 0, 3), np.uint8), "texture_seen": np.zeros((0, 0), np.uint8)}
    with pytest.raises(InputError, match="texture has the length"):
        load_archive(tarred(tmp_path / "a.tar", {**honest["avatar"], "canonical.npz": _npz(texture)}))
    with pytest.raises(InputError, match="more than 67108864 together"):
        FORMATS["frames"][2](tmp_path / "file", honest, {**honest["frames"], "width": 20_000, "height": 20_000})


TREES = {
    "cyclic": {1: 2, 2: 1}, "forward": {3: 23}, "its own": {5: 5}, "two roots": {4: -1}, "out of range": {7: 99},
}  # fmt: skip


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES.keys())
def test_trees_that_are_none_are_refused(tmp_path, honest, tree):
    for name, key in (("own body", "kintree_table"), ("licensed body", "kintree_table")):
        parents = honest[name][key].astype(np.int64)
        rows = parents[0] if parents.ndim == 2 else parents
        for joint, parent in tree.items():
            rows[joint] = parent
        with pytest.raises(InputError):
            FORMATS[name][2](tmp_path / "file", honest, {**honest[name], key: parents})


def _body_of_no_size(arrays):
    return {**arrays, "v_template": arrays["v_template"] * np.float32([1, 0, 1])}


def _body_of_nothing(arrays):
    return {**arrays, "f": np.zeros_like(arrays["f"])}


@pytest.mark.parametrize("change", [_body_of_no_size, _body_of_nothing])
@pytest.mark.parametrize("name", ["own body", "licensed body"])
def test_bodies_that_are_none_as_a_whole_are_refused(tmp_path, honest, name, change):
    with pytest.raises(InputError, match="the height of the body|the area of the faces"):
        FORMATS[name][2](tmp_path / "file", honest, change(honest[name]))


def test_avatars_that_are_none_as_a_whole_are_refused(tmp_path, honest):
    weights = honest["weights"]
    changes = {
        "the greatest opacity": {"opacity_logits": np.full_like(weights["opacity_logits"], -50.0)},
        "the area of all Gaussians": {"log_scales": np.full_like(weights["log_scales"], 0.9)},
        "the avatar's height": {"offsets": np.random.default_rng(0).uniform(-9, 9, weights["offsets"].shape)},
        "the length of a quaternion": {"quats": np.full_like(weights["quats"], 1e-5)},
        "the weights lack spacing": {"spacing": None},
        "which no avatar has": {"odd": np.zeros(3)},
        "and it tells of": {key: value[:-1] for key, value in weights.items() if len(value) == len(weights["face"])},
    }
    for message, change in changes.items():
        changed = {key: value for key, value in {**weights, **change}.items() if value is not None}
        with pytest.raises(InputError, match=message):
            FORMATS["weights"][2](tmp_path / "a.tar", honest, changed)


@pytest.mark.parametrize(
    "change",
    [
        {"licences": [1]}, {"licences": [["a"]]}, {"licences": ["a\ud800"]}, {"licences": ["a\x00"]}, {"licences": {"a": 1}},
        {"licences": ["x" * 10**5]}, {"licences": ["x"] * 200}, {"config": None}, {"config": {"edge_band": "0"}},
        {"training": []}, {"gaussians": {"count": 7}}, {"gaussians": None}, {"gaussians": {"count": 1e30}},
        {"version": True}, {"version": 5.0},
        {"method": None}, {"method": "spells"}, {"gaussians": {}}, {"method": "config"},
        {"source": {"name": "a.mp4", "sha256": 1}}, {"source": {"name": "x" * 10**5, "sha256": ""}}, {"more": "x" * 2**24},
    ],
)  # fmt: skip
def test_what_an_avatar_may_not_say_of_itself_is_refused(tmp_path, honest, change):
    info = json.dumps(json.loads(honest["avatar"]["avatar.json"]) | change).encode()
    with pytest.raises(InputError, match=r"a\.tar"):
        load_archive(tarred(tmp_path / "a.tar", {**honest["avatar"], "avatar.json": info}))


def test_the_name_of_a_video_may_hold_any_bytes(tmp_path, honest):
    info = json.loads(honest["avatar"]["avatar.json"])
    info["source"]["name"] = "caf\udce9.mp4"  # as Python reads a name that is no UTF-8
    parts = {**honest["avatar"], "avatar.json": json.dumps(info).encode()}
    assert load_archive(tarred(tmp_path / "a.tar", parts)).info["source"]["name"] == "caf?.mp4"
    found = FORMATS["frames"][2](tmp_path / "file", honest, {**honest["frames"], "source": "caf\udce9.mp4"})
    assert found.source == "caf?.mp4"


@pytest.mark.parametrize(
    "names", [["nose"] * 25, ["x" * 1000, *BODY_25[1:]], [*BODY_25[1:], "a\x00b"], list(BODY_25[1:]), np.arange(25)]
)
def test_names_that_are_none_are_refused(tmp_path, honest, names):
    with pytest.raises(InputError):
        FORMATS["keypoints"][2](tmp_path / "file", honest, {**honest["keypoints"], "names": np.array(names)})


def test_turned_boxes_and_frames_that_go_back_are_refused(tmp_path, honest):
    boxes = np.tile([30.0, 10.0, 20.0, 40.0], (LENGTH, 1))
    with pytest.raises(InputError, match="boxes"):
        FORMATS["keypoints"][2](tmp_path / "file", honest, {**honest["keypoints"], "bbox": boxes})
    with pytest.raises(InputError, match="goes back"):
        FORMATS["frames"][2](tmp_path / "file", honest, {**honest["frames"], "source_frames": range(LENGTH, 0, -1)})
    with pytest.raises(InputError, match="held_out names"):
        FORMATS["poses"][2](tmp_path / "file", honest, {**honest["poses"], "held_out": np.array([1, 1])})


def test_more_shape_components_than_a_body_has_are_one_sentence(honest):
    from understudy.body.posed import posed_vertices

    body = sausage_body(num_betas=4)
    track = replace(turning_track(2, body, K), betas=np.zeros(9, np.float32))
    with pytest.raises(InputError, match="has 4 shape components but 9 betas"):
        posed_vertices(body, track, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"mean": float("nan")}, {"mean": 1e30}, {"mean": "20"}, {"per_frame": [20.0]}, {"per_frame": [20.0, "x"]},
        {"mean": None}, {"per_frame": None}, {"per_frame": [20.0, [1.0]]},
    ],
)  # fmt: skip
def test_figures_that_are_none_are_refused(tmp_path, honest, change):
    load = FORMATS["figure"][2]
    assert load(tmp_path / "file", honest, FIGURE) == _of_figure(FIGURE)
    with pytest.raises(InputError, match="with_pose_refinement.psnr|metrics.json"):
        load(tmp_path / "file", honest, {**FIGURE, **change})


@pytest.mark.parametrize(
    "content", [[], None, {"step": [1.0]}, {**CURVES, "loss": [1.0]}, {**CURVES, "psnr": ["a", "b"]}]
)
def test_curves_that_are_none_are_refused(tmp_path, content):
    (tmp_path / "training.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"training\.json"):
        read_history(tmp_path / "training.json")


def test_a_frame_without_a_figure_is_passed_over_in_words():
    from understudy.report.figures import in_a_sentence

    figure = {"psnr_person_box_on_white": {"mean": 20.0, "per_frame": [20.0, None, 22.0]}}
    assert "(20 to 22 dB)" in in_a_sentence({"held_out_frames": [1, 2, 3], "without_pose_refinement": figure})


@pytest.mark.parametrize("fps", [0, -1.0, 1e-300, 1e300, float("nan"), "30", None, [30.0]])
def test_footage_of_an_impossible_rate_is_refused(tmp_path, fps):
    from PIL import Image

    from understudy.rendering.footage import open_footage

    (tmp_path / "frames").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "frames/000000.png")
    (tmp_path / "frames.json").write_text(json.dumps({"fps": fps}))
    with pytest.raises(InputError, match=r"frames\.json"):
        open_footage(tmp_path)


@pytest.mark.parametrize("key", ["fps", "width", "height", "source_frames", "K"])
def test_a_number_that_is_null_is_missing(tmp_path, key):
    (tmp_path / "frames.json").write_text(
        json.dumps(
            {"fps": 30.0, "width": 32, "height": 48, "source": "a.mp4", "source_sha256": "0", "source_frames": [0, 1],
             "K": np.eye(3).tolist(), "K_source": "default", key: None}
        )
    )  # fmt: skip
    with pytest.raises(InputError, match=f"lacks {key}"):
        Frames.load(tmp_path / "frames.json")
