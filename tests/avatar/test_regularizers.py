"""What keeps Gaussians in order: which way each regularizer pulls."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from tests.support.bodies import sausage_body
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.gaussians.model import EXTRAS, GaussianAvatar
from understudy.avatar.gaussians.regularizers import Regularizers
from understudy.avatar.gaussians.sampling import sample_surface

BODY = sausage_body()
COUNT = 400
GREY = np.full((COUNT, 3), 0.5)


def new_avatar() -> GaussianAvatar:
    anchors = sample_surface(BODY.v_template.numpy(), BODY.faces, BODY.parts, COUNT, 0)
    return GaussianAvatar(BODY, anchors, np.zeros(BODY.num_betas), GREY, EXTRAS)


def weights(**given: float) -> GaussiansConfig:
    """Options in which no regularizer counts but the given ones."""
    none = {field.name: 0.0 for field in fields(GaussiansConfig) if field.name.startswith("reg_")}
    return GaussiansConfig(**{**none, **given})


def put(tensor: torch.Tensor, value: float) -> None:
    tensor.data += value


def stretch_one_axis(avatar: GaussianAvatar) -> None:
    avatar.log_scales.data[:, 1] -= np.log(12.0)


def lift_every_second(avatar: GaussianAvatar) -> None:
    avatar.offsets.data[::2, 2] += avatar.spacing[::2]


DISTURBED = {
    "offsets": ("reg_offsets", lambda a: put(a.offsets, 0.01), lambda a: a.offsets.norm()),
    "large": ("reg_scales", lambda a: put(a.log_scales, 1.5), lambda a: a.log_scales.mean()),
    "needle": ("reg_scales", stretch_one_axis, lambda a: (a.log_scales[:, 0] - a.log_scales[:, 1]).mean()),
    "opacity": ("reg_opacities", lambda a: None, lambda a: -a.opacity_logits.sigmoid().mean()),
    "bumpy": ("reg_neighbours", lift_every_second, lambda a: a.offsets[::2, 2].mean() - a.offsets[1::2, 2].mean()),
    "colours": ("reg_colors", lambda a: put(a.rgb_logits, 1.0), lambda a: (a.rgb_logits.sigmoid() - 0.5).norm()),
    "light": ("reg_light", lambda a: put(a.light, 0.3), lambda a: a.light.norm()),
    "sheen": ("reg_extras", lambda a: put(a.sh, 0.3), lambda a: a.sh.norm()),
    "blend weights": ("reg_extras", lambda a: put(a.weight_logits, 0.3), lambda a: a.weight_logits.norm()),
}


@pytest.mark.parametrize("name", DISTURBED)
def test_a_step_down_a_regularizer_mends_what_it_is_against(name):
    weight, disturb, measure = DISTURBED[name]
    avatar = new_avatar()
    regularizers = Regularizers.of(avatar, GREY, np.zeros(COUNT))
    disturb(avatar)
    regularizers.loss(avatar, weights(**{weight: 1.0})).backward()
    with torch.no_grad():
        before = measure(avatar)
        for parameter in avatar.parameters():
            if parameter.grad is not None:
                parameter -= 0.1 * torch.nn.functional.normalize(parameter.grad.flatten(), dim=0).view_as(parameter)
        assert measure(avatar) < before - 1e-5


def test_new_gaussians_on_their_texture_are_only_asked_to_be_opaque():
    avatar = new_avatar()
    terms = Regularizers.of(avatar, GREY, np.zeros(COUNT)).terms(avatar)
    mean_opacity = avatar.opacity_logits.sigmoid().mean().item()
    assert terms.opacities.item() == pytest.approx(1.0 - mean_opacity, rel=1e-5)
    for name in ("offsets", "scales", "neighbours", "colors", "extras"):
        assert getattr(terms, name).item() == pytest.approx(0.0, abs=1e-9), name


def test_a_longish_gaussian_is_no_needle():
    avatar = new_avatar()
    avatar.log_scales.data[:, 1] -= np.log(2.0)
    assert Regularizers.of(avatar, GREY, np.zeros(COUNT)).terms(avatar).scales.item() == 0.0


def test_colours_are_held_only_where_the_texture_was_filled_in():
    avatar = new_avatar()
    seen = (np.arange(COUNT) % 2).astype(float)
    regularizers = Regularizers.of(avatar, GREY, seen)
    put(avatar.rgb_logits, 1.0)
    regularizers.loss(avatar, weights(reg_colors=1.0)).backward()
    pulled = avatar.rgb_logits.grad.abs().sum(dim=1)
    assert (pulled[seen == 0] > 0).all() and not pulled[seen == 1].any()


def test_unseen_neighbours_hold_together_much_more():
    def pull(seen: float) -> float:
        avatar = new_avatar()
        regularizers = Regularizers.of(avatar, GREY, np.full(COUNT, seen))
        lift_every_second(avatar)
        return regularizers.terms(avatar).neighbours.item()

    assert pull(0.0) > 50.0 * pull(1.0) > 0.0
