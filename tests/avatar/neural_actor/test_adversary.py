"""A discriminator of texture patches that learns against a predictor."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from tests.support.bodies import sausage_body
from understudy.avatar.neural_actor.adversary import Adversary
from understudy.avatar.neural_actor.pose_texture import Design, PoseTexture
from understudy.avatar.neural_actor.texels import joint_turns
from understudy.avatar.neural_actor.textures import SeenTexture

BODY = sausage_body()
REST = torch.eye(3).expand(24, 3, 3)
RESIDUAL = PoseTexture(BODY, torch.zeros(1, 2), Design("linear", 32, 0.0, joint_turns(REST)[None]))
TEXELS = len(RESIDUAL.atlas.texel)


def seen_by_half(predicted: float) -> SeenTexture:
    """A frame that shows noise on every second texel, beside one colour."""
    filmed = torch.rand(TEXELS, 3, generator=torch.Generator().manual_seed(0))
    share = torch.from_numpy((np.arange(TEXELS) % 2).astype(np.float32))
    return SeenTexture(torch.full((TEXELS, 3), predicted, requires_grad=True), filmed, share)


def test_it_learns_to_tell_the_frames_texture_from_the_predicted_one():
    adversary, losses = Adversary(RESIDUAL), []
    for _ in range(60):
        adversarial, matching = adversary.losses(seen_by_half(0.5), REST)
        losses.append(adversarial.item())
    assert losses[-1] > losses[0] + 0.5  # it is sure that the predicted one is none
    assert matching > 0


def test_what_the_frame_does_not_show_asks_for_nothing():
    adversary, seen = Adversary(RESIDUAL), seen_by_half(0.5)
    _, matching = adversary.losses(seen, REST)
    matching.backward()
    assert seen.predicted.grad[seen.share > 0].abs().max() > 0
    same = SeenTexture(seen.predicted, seen.filmed, torch.zeros(TEXELS))
    adversarial, matching = adversary.losses(same, REST)
    assert matching == 0 and adversarial == 0


def test_a_step_against_it_makes_the_predicted_texture_more_like_the_frames():
    adversary, seen = Adversary(RESIDUAL), seen_by_half(0.5)
    for _ in range(30):
        adversary.losses(seen, REST)
    adversarial, matching = adversary.losses(seen, REST)
    (adversarial + matching).backward()
    moved = SeenTexture(seen.predicted.detach() - 2.0 * seen.predicted.grad, seen.filmed, seen.share)
    assert sum(adversary.losses(moved, REST)) < adversarial + matching


def test_its_state_is_all_there_from_the_start_and_goes_on():
    whole, killed = Adversary(RESIDUAL), Adversary(RESIDUAL)
    fresh = killed.state()
    for _ in range(3):
        whole.losses(seen_by_half(0.5), REST)
    state = deepcopy(whole.state())
    assert {key: set(value) for key, value in fresh["moments"].items()} == {
        key: set(value) for key, value in state["moments"].items()
    }
    killed.restore(state)
    for one, other in zip(*(a.losses(seen_by_half(0.4), REST) for a in (whole, killed)), strict=True):
        assert one.item() == pytest.approx(other.item(), abs=0)
