"""Which way is up, by how people keep their balance."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.support.bodies import sausage_body
from understudy.motion.balance import balanced_up, upright_turn


def up_of(side: str | None, turn: Rotation = Rotation.identity()) -> np.ndarray | None:  # noqa: B008
    """What is up for somebody who stands on one leg, or on both, in a world turned by ``turn``."""
    body = sausage_body()
    pose = torch.zeros(10, 69)
    if side is not None:
        lifted = 1 if side == "left" else 0  # the other hip and knee, in the order of the pose
        pose[:, 3 * lifted], pose[:, 3 * (lifted + 3)] = -1.3, 1.6
    joints = body(torch.zeros(body.num_betas), torch.zeros(10, 3), pose, torch.zeros(10, 3)).joints.numpy()
    return balanced_up(turn.apply(joints.reshape(-1, 3)).reshape(joints.shape), body.joint_names)


@pytest.mark.parametrize("degrees", [-12.0, 0.0, 12.0])
def test_a_tilted_world_is_put_upright(degrees):
    tilt = Rotation.from_euler("x", degrees, degrees=True)
    up = up_of(None, tilt)
    assert np.degrees(np.arccos(up @ tilt.apply([0.0, 1.0, 0.0]))) < 3.0
    np.testing.assert_allclose(upright_turn(up).apply(up), [0.0, 1.0, 0.0], atol=1e-9)
    # a rest pose may lean by itself: only the tilt is compared
    leaning = up_of(None)
    np.testing.assert_allclose(up, tilt.apply(leaning), atol=0.01)


def test_the_foot_that_is_down_bears_the_weight():
    both, left, right = (up_of(side) for side in (None, "left", "right"))
    # the centre of mass stays in the middle, so that up leans away from the foot
    assert left[0] < both[0] - 0.05 and right[0] > both[0] + 0.05


def test_who_lies_says_nothing_of_what_is_up():
    assert up_of(None, Rotation.from_euler("x", 40, degrees=True)) is None
