"""The names of the motions that an actor is shown in."""

import pytest

from understudy.batch.motions import motion_names
from understudy.errors import InputError


def test_a_motion_is_named_after_its_file_and_a_track_after_its_actor():
    paths = ["data/walk.npz", "results/anna/smpl.npz", "run.bvh", "run.bvh"]
    assert motion_names(paths) == {"walk": "data/walk.npz", "anna": "results/anna/smpl.npz", "run": "run.bvh"}


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["a/walk.npz", "b/walk.bvh"], r"b/walk\.bvh would be written to renders/walk\.mp4, which is taken"),
        (["turntable.bvh"], "which is taken"),
        (["reenactment.bvh"], "which is taken"),
        (["a\nb.bvh"], "cannot name a motion"),
    ],
)
def test_names_that_are_taken_or_unfit_are_refused(paths, words):
    with pytest.raises(InputError, match=words):
        motion_names(paths)
