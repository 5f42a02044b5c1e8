"""Several processes that train one avatar together."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.avatar_scenes import Scene, make_scene, render_frame
from tests.support.trainings import FEW, QUICK
from understudy.avatar.device import check_gpus
from understudy.avatar.training.parallel import ProcessGroup, run_together
from understudy.avatar.training.train import train_avatar
from understudy.errors import InputError
from understudy.metrics.image import psnr

CONFIG, OPTIONS = replace(QUICK, exposure=True), replace(FEW, count=1500)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


def trained(frames, alpha, track, canonical, body, config, options, checkpoint=None):
    """What both members end with, as the first knows it."""
    torch.set_num_threads(1)
    training = train_avatar(frames, alpha, track, canonical, body, config, None, checkpoint, options)
    both = ProcessGroup.here().gather({name: value.numpy() for name, value in training.avatar.state_dict().items()})
    return training, both, ProcessGroup.here().gather(training.poses.transl)


def together(scene: Scene, config=CONFIG, checkpoint=None, options=OPTIONS):
    return run_together(
        trained,
        2,
        (scene.frames, scene.alpha, scene.track, scene.canonical, scene.body, config, options, checkpoint),
        cuda=False,
    )


def test_two_members_end_with_one_avatar_as_good_as_a_single_ones(scene: Scene, tmp_path: Path):
    training, avatars, places = together(scene, checkpoint=tmp_path / "state")
    for name, value in avatars[0].items():
        np.testing.assert_array_equal(value, avatars[1][name], err_msg=name)
    np.testing.assert_array_equal(*places)
    assert training.history["step"][-1] == CONFIG.steps  # steps of both count
    assert len(training.history["step"]) == CONFIG.steps // 2
    for frame in training.held_out:
        truth = render_frame(scene.truth, scene.track, frame, scene.camera)
        assert psnr(render_frame(training.avatar, training.poses, frame, scene.camera).rgb, truth.rgb) > 23.0
    again, _, _ = together(scene, checkpoint=tmp_path / "state")  # as if killed while the avatar was saved
    assert again.history == training.history
    for name, value in again.avatar.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), avatars[0][name], err_msg=name)


def test_bad_input_of_a_member_is_one_sentence(scene: Scene):
    with pytest.raises(InputError, match="All learning rates are 0"):
        off = dict.fromkeys((name for name in vars(OPTIONS) if name.startswith("lr_")), 0.0)
        together(scene, replace(CONFIG, lr_betas=0.0), options=replace(OPTIONS, **off))


def find_no_memory():
    raise MemoryError


def test_want_of_memory_of_a_member_is_one_sentence():
    with pytest.raises(InputError, match="training ran out of memory; run fewer jobs"):
        run_together(find_no_memory, 1, (), cuda=False)


def fail():
    raise OSError("of a member")


def test_what_members_tell_of_errors_lies_where_nobody_else_can_put_it(monkeypatch):
    made, real = [], tempfile.NamedTemporaryFile

    def noted(*arguments, **options):
        file = real(*arguments, **options)
        made.append((file.name, os.stat(os.path.dirname(file.name)).st_mode & 0o777))
        return file

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", noted)
    with pytest.raises(torch.multiprocessing.ProcessRaisedException, match="of a member"):
        run_together(fail, 1, (), cuda=False)
    errors = [mode for name, mode in made if "errorfile" in name]
    assert errors and set(errors) == {0o700}


def test_alone_a_team_changes_nothing():
    team, rows = ProcessGroup.here(), torch.arange(6.0).view(3, 2)
    team.average([rows])
    team.merge(rows, [1])
    assert rows.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert team.share([5, 6, 7]) == [5, 6, 7]
    assert team.gather("a") == ["a"]
    assert [ProcessGroup(rank, 2).share([5, 6, 7]) for rank in (0, 1)] == [[5, 7], [6]]


@pytest.mark.skipif(torch.cuda.device_count() > 7, reason="there are so many GPUs")
def test_more_gpus_than_there_are_are_refused():
    with pytest.raises(InputError, match=r"avatar.gpus is 8, but \d can be used"):
        check_gpus("auto", 8)
