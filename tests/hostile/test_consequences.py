"""What numbers that are possible each by itself may lead to further on: bounded time and memory, and a sentence at most."""

import json
import time
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from tests.support.avatar_scenes import make_scene
from tests.support.export_scenes import some_splats
from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training.resume import check_state
from understudy.avatar.training.train import train_avatar
from understudy.batch.status import actor_status
from understudy.body.unwrap import unwrap
from understudy.errors import InputError
from understudy.export.cubes import solid_density
from understudy.export.rings import ring_cameras
from understudy.fitting.regressor.files import RANGES, load_net, save_net
from understudy.fitting.regressor.model import NetConfig, PoseNet
from understudy.formats.benchmarks import read_spent
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import BODY_25, mirrored
from understudy.render.gaussians import rasterize
from understudy.report.page import ReportInputs, write_report


def test_gaussians_that_fill_many_tiles_each_are_refused():
    count = 3000
    means, quats = torch.tensor([[0.0, 0.0, 2.0]]).expand(count, 3), torch.tensor([[1.0, 0, 0, 0]]).expand(count, 4)
    K = torch.tensor([[2000.0, 0, 2048], [0, 2000, 2048], [0, 0, 1]])
    with pytest.raises(InputError, match="too many or too large for a picture of 4096x4096 px"):
        rasterize(
            means, quats, torch.full((count, 3), 5.0), torch.full((count,), 0.9), means, K, torch.eye(4), (4096, 4096)
        )


@pytest.mark.parametrize("change", [{"means": 50.0}, {"scales": 3.0}])
def test_clouds_that_reach_too_far_have_no_surface(change):
    splats = some_splats(2000)
    for key, factor in change.items():
        getattr(splats, key)[:1000] *= factor * 30
    with pytest.raises(InputError, match="too far for a surface"):
        solid_density(splats)


def test_pictures_of_what_is_flat_are_refused():
    flat = np.random.default_rng(0).uniform(-1, 1, (100, 3)) * [1.0, 1e-6, 1.0]
    with pytest.raises(InputError, match="as no person is"):
        ring_cameras(flat, 700, 4, (0.0,))


def test_as_many_charts_as_faces_find_room_in_an_atlas():
    """For ever, where each keeps the usual distance from the others."""
    count = 70_000
    vt, ft = unwrap(np.zeros((3 * count, 3)), np.arange(3 * count).reshape(-1, 3), np.zeros(count, np.uint8))
    assert ft.shape == (count, 3) and vt.min() >= 0 and vt.max() <= 1


def test_a_keypoint_without_a_counterpart_is_its_own():
    assert mirrored(("left_eye", "right_eye", "left_horn", "nose")).tolist() == [1, 0, 2, 3]


CONFIG = AvatarConfig(steps=2, hold_out=0, final_align_steps=0, align_steps=0)


def test_a_state_of_impossible_numbers_is_begun_anew(tmp_path, caplog):
    scene = make_scene(tmp_path / "scene", length=2)
    arguments = (
        scene.frames,
        scene.alpha,
        scene.track,
        scene.canonical,
        scene.body,
        CONFIG,
        None,
        tmp_path / "state",
        GaussiansConfig(count=200),
    )
    train_avatar(*arguments)
    content = torch.load(tmp_path / "state", weights_only=True)
    content["state"]["avatar"]["offsets"][0] = torch.nan
    torch.save(content, tmp_path / "state")
    again = train_avatar(*arguments)
    assert "it starts over" in caplog.text
    assert again.avatar.offsets.isfinite().all() and len(again.history["step"]) == 2


def _state(**change):
    return {
        "avatar": {"offsets": torch.zeros(5, 3)}, "exposures": torch.full((2, 3), torch.nan), "step": 3, "seconds": 1.0,
        "history": {"step": [1.0], "loss": [0.5]}, "members": [{"order": [1], "usable": [0, 1], "random": "{}"}],
        "optimizer": {
            "state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(5, 3), "exp_avg_sq": torch.zeros(5, 3)}},
            "param_groups": [{"lr": 0.1, "params": [0]}],
        },
        **change,
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"avatar": {"offsets": torch.full((5, 3), torch.inf)}}, {"avatar": {"offsets": torch.zeros(4, 3)}}, {"avatar": {}},
        {"avatar": {"offsets": torch.zeros(5, 3).double()}}, {"step": -1}, {"step": True}, {"seconds": float("nan")},
        {"exposures": torch.full((2, 3), torch.inf)}, {"history": {"step": [1.0], "loss": []}},
        {"history": {"step": [1.0], "loss": [float("inf")]}}, {"members": []},
        {"members": [{"order": [9], "usable": [0, 1], "random": "{}"}]}, {"optimizer": {"state": {}, "param_groups": []}},
    ],
)  # fmt: skip
def test_states_of_another_kind_are_told(change):
    like = _state()
    like["optimizer"]["state"] = {}
    check_state(_state(), like, [torch.zeros(5, 3)])
    with pytest.raises(ValueError, match=r"\w"):
        check_state(_state(**change), like, [torch.zeros(5, 3)])


@pytest.mark.parametrize(
    "config", [{"dilations": [10**9]}, {"dilations": [-1]}, {"dilations": [1.5]}, {"num_betas": True}, {"width": "8"}]
)
def test_networks_of_impossible_sizes_are_refused(tmp_path, config):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    save_net(tmp_path / "n.safetensors", PoseNet(NetConfig(8, (1,), 4)), 0.1, {})
    with safe_open(tmp_path / "n.safetensors", framework="pt") as file:
        about = file.metadata()
    about["net"] = json.dumps(json.loads(about["net"]) | config)
    save_file(load_file(tmp_path / "n.safetensors"), tmp_path / "bad.safetensors", metadata=about)
    with pytest.raises(InputError, match=r"bad\.safetensors"):
        load_net(tmp_path / "bad.safetensors")


def test_networks_of_impossible_numbers_are_refused(tmp_path):
    net = PoseNet(NetConfig(8, (1,), 4))
    for step in (*RANGES["step"], 1e-300, 1e300, float("nan")):
        save_net(tmp_path / "n.safetensors", net, step, {})
        if step in RANGES["step"]:
            load_net(tmp_path / "n.safetensors")
        else:
            with pytest.raises(InputError, match=r"n\.safetensors"):
                load_net(tmp_path / "n.safetensors")
    for value in (torch.nan, 2e4):
        with torch.no_grad():
            net.leave.bias[0] = value
        save_net(tmp_path / "n.safetensors", net, 0.1, {})
        with pytest.raises(InputError, match="impossible numbers"):
            load_net(tmp_path / "n.safetensors")


@pytest.mark.parametrize("mean", [10**400, float("nan"), float("inf"), -(10**9), True, "text", None, [1]])
def test_the_table_of_actors_shows_no_impossible_figures(tmp_path, mean):
    (tmp_path / "results/anna").mkdir(parents=True)
    metrics = {"with_pose_refinement": {"psnr_person_box_on_white": {"mean": mean, "per_frame": []}}}
    (tmp_path / "results/anna/metrics.json").write_text(json.dumps(metrics))
    assert actor_status(tmp_path / "results", "anna", False).psnr is None


def test_costs_without_end_are_unknown(tmp_path):
    path, began = tmp_path / "a.tsv", time.process_time()
    for text in ("s\tmax_rss\n" + "9" * 400 + "\t1e999\n", 's\tmax_rss\n"' + "x" * 200_000, "\x00" * 10, "s\n" * 10**6):
        path.write_text(text)
        assert not any(np.isfinite(one.seconds) for one in read_spent(path))
    assert time.process_time() - began < 5


def test_results_of_other_lengths_make_no_report(tmp_path):
    known = make_scene(tmp_path / "scene", length=2)
    points = np.zeros((3, 25, 3), np.float32)
    flags, boxes = np.zeros(3, bool), np.zeros((3, 4), np.float32)
    found = Keypoints(points, BODY_25, boxes, "none", points, flags, flags, np.ones(3, np.int32))
    rest = dict.fromkeys(field.name for field in fields(ReportInputs))
    inputs = {**rest, "frames": known.frames, "track": known.track, "body": known.body, "keypoints": found}
    with pytest.raises(InputError, match="keypoints cover 3 frames and the video has 2"):
        write_report(tmp_path / "report.html", ReportInputs(**inputs))
    longer = replace(known.frames, source_frames=np.arange(3))
    with pytest.raises(InputError, match="poses cover 2 frames and the video has 3"):
        write_report(tmp_path / "report.html", ReportInputs(**{**inputs, "frames": longer}))
