"""What a pose predicts in texture space, and how far that is trusted."""

import numpy as np
import pytest
import torch

from tests.support.bodies import sausage_body
from understudy.avatar.neural_actor.model import held
from understudy.avatar.neural_actor.pose_texture import CHANNELS, FARTHEST, Design, PoseTexture
from understudy.avatar.neural_actor.texels import Texels, joint_turns
from understudy.body.lbs import pose_rotations
from understudy.textures.atlas import make_atlas
from understudy.textures.maps import texel_normals

BODY = sausage_body()
REST = torch.eye(3).expand(24, 3, 3)
ELBOW, KNEE = BODY.joint("left_elbow"), BODY.joint("left_knee")
SIDE = 32
both = pytest.mark.parametrize("predictor", ["linear", "unet"])


def bent(angle: float, joint: int = ELBOW, root: float = 0.0) -> torch.Tensor:
    pose, turn = torch.zeros(69), torch.zeros(1, 3)
    pose[3 * (joint - 1) + 2], turn[0, 1] = angle, root
    return pose_rotations(turn, pose[None])[0]


def texture_of(predictor: str, reach: float = 0.0, learned: bool = True) -> PoseTexture:
    """With points at all texels; where ``learned``, with weights that say something."""
    atlas = make_atlas(BODY.vt, BODY.ft, SIDE)
    row, column = np.divmod(atlas.texel, SIDE)
    uv = torch.from_numpy(np.stack([(column + 0.5) / SIDE, 1.0 - (row + 0.5) / SIDE], axis=1)).float()
    filmed = joint_turns(torch.stack([REST, bent(0.4)]))
    texture = PoseTexture(BODY, uv, Design(predictor, SIDE, reach, filmed))
    generator = torch.Generator().manual_seed(0)
    if learned:
        for parameter in texture.parameters():
            parameter.data += 0.2 * torch.randn(parameter.shape, generator=generator)
    return texture.requires_grad_(False)


@both
def test_a_texture_changes_nothing_before_it_is_learned(predictor):
    texture = texture_of(predictor, learned=False)
    changes = texture.at_points(texture(held(bent(0.7))))
    assert (changes.moves == 0).all() and (changes.shades == 1).all()


@both
def test_the_roots_turn_is_no_cause(predictor):
    texture = texture_of(predictor)
    torch.testing.assert_close(texture(held(bent(0.7))), texture(held(bent(0.7, root=1.0))), atol=1e-5, rtol=0)
    assert (texture(held(bent(0.7))) - texture(held(bent(0.2)))).abs().max() > 0.01


@both
def test_moves_and_shades_are_bounded_whatever_was_learned(predictor):
    texture = texture_of(predictor)
    for parameter in texture.parameters():
        parameter.data *= 100.0
    changes = texture.at_points(texture(held(bent(0.7))))
    assert 0.027 < changes.moves.abs().max() <= 0.03  # m
    assert 2.5 < changes.shades.max() <= 1.001 * np.e and 0.999 / np.e <= changes.shades.min() < 0.4


def test_a_linear_texture_is_none_in_the_mean_pose_and_twice_as_much_twice_as_far():
    predictor = texture_of("linear").predictor
    mean = joint_turns(torch.stack([REST, bent(0.4)])).mean(dim=0)
    middle = bent(2.0 * np.arcsin(mean[ELBOW - 1, 2].item() / 2.0))
    assert predictor(held(middle)).abs().max() < 1e-5
    near, far = (
        predictor(held(bent(2.0 * np.arcsin((mean[ELBOW - 1, 2].item() + more) / 2.0)))) for more in (0.1, 0.2)
    )
    torch.testing.assert_close(far, 2.0 * near, atol=1e-5, rtol=1e-3)


def test_a_linear_texture_knows_nothing_of_joints_far_away():
    texture = texture_of("linear")
    straight, kicking = (texture.predictor(held(bent(angle, KNEE))) for angle in (0.0, 0.8))
    arm = texture.texels.image(texture.texels.weights[:, [ELBOW]])[0, 0] > 0.5
    leg = texture.texels.image(texture.texels.weights[:, [KNEE]])[0, 0] > 0.5
    assert (straight - kicking)[..., arm].abs().max() < 1e-6 < (straight - kicking)[..., leg].abs().max()


@both
def test_a_texture_does_not_jump_where_a_joint_passes_a_right_angle(predictor):
    texture = texture_of(predictor, reach=0.5)
    for sign in (-1.0, 1.0):
        before, after = (texture(held(bent(sign * angle))) for angle in (1.568, 1.574))
        assert (before - after).abs().max() < 0.05


def test_the_normals_of_texels_are_those_of_the_posed_body():
    atlas = make_atlas(BODY.vt, BODY.ft, SIDE)
    texels, pose = Texels(BODY, atlas), bent(0.9, root=0.6)
    inside = pose.clone()
    inside[0] = torch.eye(3)
    vertices = BODY.posed(torch.zeros(4), inside[None], torch.zeros(1, 3)).vertices[0].numpy()
    cosine = (texels.posed_normals(pose).numpy() * texel_normals(atlas, vertices, BODY.faces)).sum(axis=1)
    assert cosine.mean() > 0.995 and np.quantile(cosine, 0.05) > 0.95  # creases bend a mesh's normals
    turned = (texels.posed_normals(REST) - texels.posed_normals(pose)).norm(dim=1)
    moved = texels.weights[:, [ELBOW, BODY.joint("left_wrist"), BODY.joint("left_hand")]].sum(dim=1) > 0.5
    assert turned[moved].max() > 0.5 and turned[~moved].max() < 0.5


def test_a_u_net_tells_a_pose_that_is_held_from_one_that_is_passed():
    texture = texture_of("unet")
    passed = torch.stack([bent(0.1), bent(0.4), bent(0.7)])
    assert (texture(passed) - texture(held(bent(0.7)))).abs().max() > 0.01


def test_poses_of_the_video_are_trusted_and_others_the_less_the_farther_they_are():
    texture = texture_of("linear", reach=0.5)
    hand = texture.texels.image(texture.texels.weights[:, [ELBOW]])[0, 0] > 0.9
    trust = [texture.trust(bent(angle))[0, 0, hand].mean().item() for angle in np.linspace(0.4, 2.4, 41)]
    assert trust[0] == pytest.approx(1.0) and trust[-1] < 0.05
    assert (np.diff(trust) <= 0).all() and np.abs(np.diff(trust)).max() < 0.1
    far = 2.0 * np.sin(0.2) + 0.5  # the reach beyond the last filmed turn
    assert texture.trust(bent(2.0 * np.arcsin(far / 2.0)))[0, 0, hand].mean() == pytest.approx(np.exp(-0.5), abs=0.02)
    assert (texture_of("linear").trust(bent(2.0)) == 1).all()


def test_points_read_the_texel_that_they_lie_in():
    texture = texture_of("linear")
    image = torch.rand(1, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) - 0.5
    changes = texture.at_points(image)
    inside = image[0].flatten(1)[:, texture.atlas.texel].T
    torch.testing.assert_close(changes.moves, FARTHEST * inside[:, :3], atol=1e-6, rtol=0)
    torch.testing.assert_close(changes.shades, texture.shades_of_texels(image), atol=1e-5, rtol=0)
