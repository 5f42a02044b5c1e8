"""The benchmarks' figures for synthetic people, on cases whose answer is known, and the cast's own consistency."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from benchmarks.support.actors.cast import CAST
from benchmarks.support.actors.cloth import PATTERNS
from benchmarks.support.actors.drawing import Light, Shadows, Surface, draw_frame, draw_room
from benchmarks.support.actors.rooms import ROOMS, make_room
from benchmarks.support.truth import pose_figures, shape_error, wrong_facing, wrong_limbs
from tests.support.bodies import sausage_body
from understudy.body.joints import SMPL_JOINTS
from understudy.errors import InputError
from understudy.render.camera import Camera, look_at

UP = np.array([0.0, 1.0, 0.0])
SWAPPED = [
    SMPL_JOINTS.index(n.replace("left", "right") if "left" in n else n.replace("right", "left")) for n in SMPL_JOINTS
]


@pytest.fixture
def joints():
    """A sausage person in T-pose over 5 frames [5,24,3]."""
    body = sausage_body()
    return np.repeat((body.J_regressor @ body.v_template).numpy()[None], 5, axis=0).astype(np.float64)


def test_only_the_exchanged_limb_is_wrong(joints):
    found = joints.copy()
    wrists = [SMPL_JOINTS.index("left_wrist"), SMPL_JOINTS.index("right_wrist")]
    found[2, wrists] = found[2, wrists[::-1]]
    wrong = wrong_limbs(found, joints)
    assert wrong[2].tolist() == [False, True, False, False]
    assert wrong.sum() == 1


def test_limbs_that_pass_each_other_are_not_judged(joints):
    knees = [SMPL_JOINTS.index("left_knee"), SMPL_JOINTS.index("right_knee")]
    joints[:, knees, 0] = [0.05, -0.05]
    found = joints.copy()
    found[:, knees] = found[:, knees[::-1]]
    assert not wrong_limbs(found, joints).any()


@pytest.mark.parametrize(("degrees", "wrong"), [(0, False), (80, False), (-80, False), (100, True), (180, True)])
def test_facing_is_wrong_beyond_a_right_angle(joints, degrees, wrong):
    turn = Rotation.from_rotvec(np.radians(degrees) * UP).as_matrix()
    assert (wrong_facing(joints @ turn.T, joints, np.tile(UP, (5, 1))) == wrong).all()


def test_a_body_exchanged_as_a_whole_has_every_figure_wrong(joints):
    truth = {"joints": joints, "fps": np.float64(25), "up": UP}
    assert pose_figures(joints, truth).mpjpe == 0
    figures = pose_figures(joints[:, SWAPPED], truth)
    assert figures.wrong_limbs == figures.wrong_facing == 1.0
    assert figures.acceleration == 0


def test_a_result_of_another_clip_is_refused(joints):
    with pytest.raises(InputError, match="5 frames and the truth 4"):
        pose_figures(joints, {"joints": joints[1:], "fps": np.float64(25), "up": UP})


def test_shape_error_forgives_size_and_place_alone():
    body = sausage_body()
    rest = body.v_template.numpy()
    betas = np.zeros(body.num_betas, np.float32)
    assert shape_error(body, betas, {"rest_vertices": 1.2 * rest + [0.1, 0.2, 0.3]}) < 1e-3
    other = body.shaped(torch.eye(body.num_betas)[1] * 2)[0].numpy()
    assert shape_error(body, betas, {"rest_vertices": other}) > 1
    assert np.isnan(shape_error(body, betas, {"rest_vertices": rest[1:]}))


def test_the_cast_is_varied_and_can_be_made():
    names = [actor.name for actor in CAST]
    assert len(set(names)) == len(names) >= 8
    assert sum(actor.final for actor in CAST) == 2
    assert min(a.stature for a in CAST) <= 1.5 and max(a.stature for a in CAST) >= 1.95
    for actor in CAST:
        assert actor.room in ROOMS
        assert {actor.look.shirt_pattern, actor.look.trousers_pattern} <= {*PATTERNS, "denim"}


def box_person(x):
    """A box of 0.4 x 0.4 x 1.6 m standing on the floor."""
    corner = np.array([[i, j, k] for k in (0, 1) for j in (0, 1) for i in (0, 1)], float)
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)
    vertices = (corner - [0.5, 0.5, 0]) * [0.4, 0.4, 1.6] + [x, 0, 0]
    texture = np.full((8, 8, 3), (200, 40, 40), np.uint8)
    return Surface(vertices, faces, np.full((12, 3, 2), 4.0), texture)


def test_the_renderer_covers_what_the_person_covers_and_throws_a_shadow():
    view = look_at(np.array([0.0, -4.0, 1.2]), np.array([0, 0, 0.8]), np.array([0, 0, 1.0]))
    camera = Camera(np.array([[150.0, 0, 60], [0, 150, 80], [0, 0, 1]]), 120, 160, view)
    room = make_room("studio", 2.0, 0)
    light = Light((1.0, 0.0, 1.0), 0.8, 0.4, softness=0.5)
    plate = draw_room(room.surface, light, camera)
    person = box_person(0.0)
    picture, alpha = draw_frame(plate, person, np.zeros((0, 3)), light, camera, 0.0, 0)
    centre = camera.project(np.array([0.0, -0.2, 0.8])).astype(int)
    assert alpha[centre[1], centre[0]] == 1.0 and alpha[5, 5] == 0.0
    assert picture[centre[1], centre[0], 0] > 2 * picture[centre[1], centre[0], 2]
    shadows = Shadows.of(person.vertices, person.faces, light)
    # light from the right throws the shadow to the left
    assert shadows.light_at(np.array([[-0.6, 0, 0], [0.6, 0, 0.0]])).tolist() == [0.0, 1.0]
