import dataclasses
import os
import pickle
import re
import sys
import types

import numpy as np
import pytest
import torch
from scipy.sparse import csc_matrix

from tests.support.bodies import sausage_body
from tests.support.smpl_files import smpl_arrays
from understudy.body.files import load_body, write_body
from understudy.body.model import PARTS, BodyModel
from understudy.body.smpl_files import load_smpl
from understudy.errors import InputError
from understudy.formats.skeleton import KEYPOINTS


def save_pickle(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.fixture
def chumpy_like(monkeypatch):
    """A class that pickles as ``chumpy.ch.Ch`` does, gone again when the file is read."""
    module = types.ModuleType("chumpy.ch")
    module.Ch = type("Ch", (), {"__module__": "chumpy.ch", "__qualname__": "Ch"})
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return module.Ch


def test_own_file_comes_back_the_same(tmp_path):
    body = dataclasses.replace(sausage_body(posedirs=True), licence="CC0")
    write_body(tmp_path / "body.npz", body)
    again = load_body(tmp_path / "body.npz")
    assert len(again.sha256) == 64
    for field in dataclasses.fields(BodyModel):
        before, after = getattr(body, field.name), getattr(again, field.name)
        if field.name == "sha256":
            continue
        if isinstance(before, (torch.Tensor, np.ndarray)):
            assert before.dtype == after.dtype and (np.asarray(before) == np.asarray(after)).all(), field.name
        else:
            assert before == after, field.name


@pytest.mark.parametrize("form", ["npz", "sparse npz", "pkl 0", "pkl 2", "pkl 5"])
def test_smpl_file_poses_as_smplx_does(tmp_path, form):
    smplx = pytest.importorskip("smplx")
    arrays = smpl_arrays()
    if form == "npz":
        np.savez(tmp_path / "body.npz", **arrays)
    elif form == "sparse npz":
        np.savez(
            tmp_path / "body.npz", **{**arrays, "J_regressor": np.array(csc_matrix(arrays["J_regressor"]), object)}
        )
    else:
        content = {**arrays, "J_regressor": csc_matrix(arrays["J_regressor"]), "bs_type": "lrotmin"}
        save_pickle(tmp_path / "body.pkl", content, int(form[-1]))
    body = load_body(next(tmp_path.iterdir()))
    reference = smplx.SMPL(
        "unused",
        data_struct=smplx.utils.Struct(**arrays),
        num_betas=10,
        batch_size=4,
        vertex_ids=dict.fromkeys(smplx.vertex_ids.vertex_ids["smplh"], 0),
    )
    torch.manual_seed(0)
    betas, orient, pose, transl = torch.randn(4, 10), torch.randn(4, 3), torch.randn(4, 69) * 0.5, torch.randn(4, 3)
    with torch.no_grad():
        wanted = reference(betas=betas, global_orient=orient, body_pose=pose, transl=transl)
        ours = body(betas, orient, pose, transl)
    assert (wanted.vertices - ours.vertices).abs().max() < 1e-5
    assert (wanted.joints[:, :24] - ours.joints).abs().max() < 1e-5
    assert not body.free and len(body.sha256) == 64


def test_chumpy_arrays_are_read_without_chumpy(tmp_path, chumpy_like, monkeypatch):
    arrays = smpl_arrays()
    held = chumpy_like()
    held.__dict__ = {"x": arrays["shapedirs"], "dirty_vars": set()}
    path = save_pickle(tmp_path / "body.pkl", {**arrays, "shapedirs": held})
    monkeypatch.delitem(sys.modules, "chumpy.ch")
    monkeypatch.delitem(sys.modules, "chumpy")
    assert np.allclose(load_body(path).shapedirs.numpy(), arrays["shapedirs"])
    assert "chumpy" not in sys.modules


class _Command:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("hiding", ["whole", "value", "npz"])
def test_pickle_that_runs_a_command_runs_nothing(tmp_path, hiding):
    trace = tmp_path / "ran"
    command = _Command(os.system, f"touch {trace}")
    path = tmp_path / "body.pkl"
    if hiding == "npz":
        path = tmp_path / "body.npz"
        np.savez(path, **{**smpl_arrays(), "J_regressor": np.array(command, object)})
    else:
        save_pickle(path, command if hiding == "whole" else {**smpl_arrays(), "f": command})
    with pytest.raises(InputError, match=rf"{re.escape(str(path))}.*system"):
        load_body(path)
    assert not trace.exists()
    if hiding == "whole":  # the trap itself works
        pickle.loads(path.read_bytes())
        assert trace.exists()


@pytest.mark.parametrize("function", [eval, getattr, __import__, pickle.loads, np.load, csc_matrix.dot])
def test_pickle_may_name_nothing_but_arrays(tmp_path, function):
    path = save_pickle(tmp_path / "body.pkl", _Command(function, "1"), protocol=4)
    with pytest.raises(InputError, match="which no SMPL file needs|readable pickle"):
        load_body(path)


def damaged(**changes):
    return {**smpl_arrays(), **changes}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "lacks v_template"),
        (damaged(weights=np.zeros((5, 24))), r"weights is float64 of shape \(5, 24\)"),
        (damaged(posedirs=np.zeros((5, 3, 9))), r"posedirs is float64 of shape \(5, 3, 9\)"),
        (damaged(f=np.array([[0, 1, 10**6]])), r"f is 1e\+06 somewhere"),
        (damaged(v_template=np.full_like(smpl_arrays()["v_template"], np.nan)), "v_template is nan"),
        (damaged(kintree_table=np.zeros((2, 24), int)), "not in the tree of SMPL"),
        (damaged(f=np.array(["text"])), "no numeric array f"),
    ],
)
def test_damaged_smpl_file_is_named(tmp_path, arrays, message):
    np.savez(tmp_path / "body.npz", **arrays)
    with pytest.raises(InputError, match=message) as caught:
        load_body(tmp_path / "body.npz")
    assert str(caught.value).startswith(str(tmp_path / "body.npz"))


@pytest.mark.parametrize("content", [b"", b"just text\n", b"\x80\x02]q\x00.", b"PK\x03\x04broken"])
def test_files_that_are_no_bodies_are_refused(tmp_path, content):
    for name in ("body.pkl", "body.npz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=re.escape(str(tmp_path / name))):
            load_body(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        load_body(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    "change",
    [{"f": np.array([[0, 1, 99999]])}, {"skin_joints": np.full((1, 1), 30)}, {"v_template": np.full((9, 3), np.nan)}],
)
def test_damaged_own_file_is_refused(tmp_path, change):
    write_body(tmp_path / "body.npz", sausage_body())
    arrays = dict(np.load(tmp_path / "body.npz"))
    np.savez(tmp_path / "body.npz", **{**arrays, **change})
    with pytest.raises(InputError, match="build it again"):
        load_body(tmp_path / "body.npz")


def test_smpl_of_another_mesh_has_the_keypoints_of_its_joints(tmp_path):
    np.savez(tmp_path / "body.npz", **smpl_arrays())
    body = load_smpl(tmp_path / "body.npz")
    assert "nose" not in body.keypoint_names and {"neck", "mid_hip", "left_hip", "right_wrist"} <= set(
        body.keypoint_names
    )
    assert torch.allclose(body.keypoint_weights.sum(dim=1), torch.ones(len(body.keypoint_names)))
    points = dict(zip(body.keypoint_names, body.keypoints(body.v_template[None])[0], strict=True))
    joints = body.shaped(torch.zeros(10))[1]
    assert torch.allclose(points["left_knee"], joints[4], atol=1e-5)
    assert torch.allclose(points["mid_hip"], (joints[1] + joints[2]) / 2, atol=1e-5)


def test_smpl_mesh_has_the_keypoints_of_its_known_vertices(tmp_path):
    random = np.random.default_rng(0)
    small, count = smpl_arrays(), 6890
    regressor = np.zeros((24, count))
    regressor[np.arange(24), np.arange(24)] = 1.0
    arrays = {
        **small,
        "v_template": random.normal(size=(count, 3)),
        "shapedirs": random.normal(size=(count, 3, 12)),
        "J_regressor": regressor,
        "weights": random.dirichlet(np.ones(24), count),
        "f": random.integers(0, count, (50, 3)),
    }
    del arrays["posedirs"]
    np.savez(tmp_path / "body.npz", **arrays)
    body = load_smpl(tmp_path / "body.npz")
    points = body.keypoints(body.v_template[None])[0]
    assert torch.allclose(points[body.keypoint_names.index("nose")], body.v_template[332])
    assert torch.allclose(points[body.keypoint_names.index("right_heel")], body.v_template[6787])
    assert set(KEYPOINTS) - set(body.keypoint_names) == {
        "left_eye_inner", "left_eye_outer", "right_eye_inner", "right_eye_outer", "mouth_left", "mouth_right",
    }  # fmt: skip
    assert body.num_betas == 10 and body.posedirs is None


def test_smpl_parts_follow_the_skin(tmp_path):
    np.savez(tmp_path / "body.npz", **smpl_arrays())
    body = load_smpl(tmp_path / "body.npz")
    centre = body.v_template.numpy()[body.faces].mean(axis=1)
    for part, low, high in (
        ("left_arm", 0.1, 0.8),
        ("right_arm", -0.8, -0.1),
        ("left_leg", 0.0, 0.25),
        ("face", -0.2, 0.2),
    ):
        x = centre[body.parts == PARTS.index(part), 0]
        assert len(x) and low < x.mean() < high
