"""The solver of the fit: bands, borders, derivatives in closed form, and where it ends."""

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from benchmarks.poses.lbfgs import minimise as lbfgs
from tests.support.bodies import sausage_body
from tests.support.fit_scenes import K, turning_walk
from understudy.body.rig import PointRig
from understudy.fitting import curvature as cu
from understudy.fitting.evidence import Evidence, gather_evidence
from understudy.fitting.ground import Contacts, find_contacts, ground_energy
from understudy.fitting.initialise import initial_motion
from understudy.fitting.least_squares import FLOOR, Quadratic, differences, minimise, moved, solve, stencil
from understudy.fitting.motion import FREE, GROUPS, Motion, log_map, project
from understudy.fitting.outline import Matches, Outlines, Surface, outline_energy
from understudy.fitting.pose_prior import PRIOR_GROUPS, PosePrior
from understudy.fitting.priors import LIMIT_SIGMA, STANCE, beyond_limits, smoothness_energy, stance_energy
from understudy.fitting.skeleton import Skeleton, skew
from understudy.fitting.terms import Terms, crown_and_sole, geman_mcclure

BODY = sausage_body()
CAMERA = torch.from_numpy(K).float()
N, BETAS = 3 * len(FREE) + 3, BODY.num_betas


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rigid(rig):
    """The same points, each on one joint only."""
    one = torch.nn.functional.one_hot(rig.weights.argmax(dim=1), rig.weights.shape[1]).float()
    return replace(
        rig,
        anchors=rig.anchors.sum(dim=1, keepdim=True) * one[..., None],
        anchors_shapedirs=rig.anchors_shapedirs.sum(dim=1, keepdim=True) * one[..., None, None],
        weights=one,
    )


def random_motion(length, seed=0, spread=0.4):
    random = torch.Generator().manual_seed(seed)
    turn = roma.rotvec_to_rotmat(spread * torch.randn(length, len(GROUPS), 3, generator=random))
    transl = torch.tensor([0.2, -0.1, 4.0]) + 0.1 * torch.randn(length, 3, generator=random)
    return Motion(turn, transl, 0.5 * torch.randn(BETAS, generator=random), torch.tensor(1.1))


def still_motion(length):
    transl = torch.tensor([[0.2, -0.1, 4.0]]).repeat(length, 1)
    return Motion(STANCE.repeat(length, 1, 1, 1), transl, torch.full((BETAS,), 0.1))


def terms_of(motion, rig, **changes):
    """Terms that ``motion`` explains without any error."""
    points, _ = motion.points(rig)
    nowhere = Contacts(torch.zeros(0, dtype=torch.long), torch.zeros(len(motion), 0))
    random = torch.Generator().manual_seed(3)
    weights = 0.2 + torch.rand(points.shape[:2], generator=random)
    seen = torch.ones(len(motion), dtype=torch.bool)
    evidence = Evidence(
        BODY.keypoint_names, project(points, motion.camera(CAMERA)), weights, points, weights, seen, CAMERA, 25.0
    )
    values = dict(
        evidence=evidence, rig=rig, size_px=torch.full((len(motion),), 300.0), contacts=nowhere, smoothness=1.3, robustness=4.0,
        height_m=None, guess=0.7, crown_and_sole=crown_and_sole(BODY),
    )  # fmt: skip
    return Terms(**(values | changes))


def dense(model):
    """The whole matrix, frames first and the shape last."""
    length, _, n, _ = model.blocks.shape
    size = length * n
    matrix = torch.zeros(size + len(model.shared), size + len(model.shared))
    for frame in range(length):
        for lag in range(min(3, length - frame)):
            rows, columns = slice((frame + lag) * n, (frame + lag + 1) * n), slice(frame * n, (frame + 1) * n)
            matrix[rows, columns] = model.blocks[frame, lag]
            matrix[columns, rows] = model.blocks[frame, lag].T
    matrix[:size, size:] = model.border.flatten(0, 1)
    matrix[size:, :size] = model.border.flatten(0, 1).T
    matrix[size:, size:] = model.shared
    return matrix


def by_unknowns(motion, function):
    """``function`` of a motion as one of a flat vector of all unknowns, zoom included, differentiable twice at zero."""
    size = len(motion) * N

    def flat(x):
        step, shape, zoom = x[:size].reshape(-1, N), x[size:-1], x[-1].exp()
        turn = torch.linalg.matrix_exp(skew(step[:, :-3].unflatten(1, (-1, 3))))
        rotations = motion.rotations.clone()
        rotations[:, list(FREE)] = motion.rotations[:, list(FREE)] @ turn
        transl = (motion.transl + step[:, -3:]) * torch.stack([torch.ones(()), torch.ones(()), zoom])
        return function(Motion(rotations, transl, motion.betas + shape, motion.zoom * zoom))

    return flat, torch.zeros(size + BETAS + 1)


def skeleton_of(motion, rig):
    return Skeleton.of(motion, rig, FREE, BETAS, zooms=True)


def assert_is_hessian(model, motion, energy, tolerance=2e-4):
    function, zero = by_unknowns(motion, energy)
    true = torch.autograd.functional.hessian(function, zero, vectorize=True)
    torch.testing.assert_close(dense(model), true, rtol=10 * tolerance, atol=tolerance * true.abs().max().item())


def random_model(length, num_groups, num_betas, seed=0):
    random = torch.Generator().manual_seed(seed)
    model = Quadratic.zeros(length, num_groups, num_betas)
    n = model.blocks.shape[-1]
    for coefficients in ((1.0,), (-1.0, 1.0), (1.0, -2.0, 1.0)):
        rows = torch.randn(length, 2 * n, n, generator=random), torch.randn(length, 2 * n, num_betas, generator=random)
        model.add(*rows, differences(length, coefficients))
    return model


def test_stencil_couples_frames_as_the_differences_do():
    weights = torch.tensor([2.0, 3.0, 5.0])
    operator = torch.zeros(3, 5)
    for row in range(3):
        operator[row, row : row + 3] = torch.tensor([1.0, -2.0, 1.0])
    whole = 2 * operator.T @ torch.diag(weights) @ operator
    coupling = stencil((1.0, -2.0, 1.0), weights)
    for lag in range(3):
        torch.testing.assert_close(coupling[lag, : 5 - lag], whole.diagonal(-lag))
        assert not coupling[lag, 5 - lag :].any()


def test_add_is_the_square_of_all_rows_together():
    random = torch.Generator().manual_seed(0)
    length, count, n, num_betas = 5, 4, 6, 3
    rows = torch.randn(length, count, n, generator=random)
    shared_rows = torch.randn(length, count, num_betas, generator=random)
    weights = torch.rand(length - 2, count, generator=random)
    model = Quadratic.zeros(length, 1, num_betas)
    model.add(rows, shared_rows, stencil((1.0, -2.0, 1.0), weights))
    all_rows = torch.zeros(length, count, length * n + num_betas)
    for frame in range(length):
        all_rows[frame, :, frame * n : (frame + 1) * n] = rows[frame]
    all_rows[..., length * n :] = shared_rows
    seconds = all_rows[2:] - 2 * all_rows[1:-1] + all_rows[:-2]
    torch.testing.assert_close(dense(model), 2 * torch.einsum("tk,tki,tkj->ij", weights, seconds, seconds))


def test_add_frames_is_add_of_those_frames():
    random = torch.Generator().manual_seed(0)
    rows, shared_rows = torch.randn(4, 5, 6, generator=random), torch.randn(4, 5, 2, generator=random)
    some, frames = Quadratic.zeros(4, 1, 2), torch.tensor([1, 3])
    some.add_frames(frames, rows[frames], shared_rows[frames])
    whole = Quadratic.zeros(4, 1, 2)
    whole.add(rows, shared_rows, stencil((1.0,), torch.tensor([0.0, 1.0, 0.0, 1.0])))
    torch.testing.assert_close(dense(some), dense(whole))


@pytest.mark.parametrize("length", [1, 2, 3, 7])
@pytest.mark.parametrize("num_betas", [0, 4])
def test_solve_is_the_dense_solution(length, num_betas):
    model = random_model(length, 2, num_betas)
    n = model.blocks.shape[-1]
    slope = torch.randn(length, n), torch.randn(num_betas)
    matrix = dense(model).double()
    matrix = matrix + torch.diag(0.1 * matrix.diagonal() + 1e-3)
    expected = -torch.linalg.solve(matrix, torch.cat([slope[0].flatten(), slope[1]]).double()).float()
    frames, shape = solve(model, slope, 0.1)
    torch.testing.assert_close(torch.cat([frames.flatten(), shape]), expected, rtol=1e-3, atol=1e-5)


def test_solve_says_nan_where_there_is_no_minimum():
    model = Quadratic.zeros(3, 1, 0)
    model.blocks[1, 0] = -torch.eye(6)
    assert solve(model, (torch.ones(3, 6), torch.zeros(0)), 1e-3)[0].isnan().all()


def test_a_step_moves_every_unknown():
    motion = random_motion(2)
    step = 0.3 * torch.randn(2, N, generator=torch.Generator().manual_seed(1)), 0.1 * torch.arange(1.0, BETAS + 2)
    stepped = moved(motion, step, FREE, BETAS)
    function, _ = by_unknowns(motion, lambda m: m)
    expected = function(torch.cat([step[0].flatten(), step[1]]))
    for name in ("rotations", "transl", "betas", "zoom"):
        torch.testing.assert_close(getattr(stepped, name), getattr(expected, name), rtol=1e-4, atol=1e-5)


def test_solve_goes_down_the_slope_where_nothing_is_known():
    frames, shared = solve(Quadratic.zeros(2, 1, 1), (torch.ones(2, 6), -torch.ones(1)), 1.0)
    torch.testing.assert_close(frames, -torch.ones(2, 6) / FLOOR)
    torch.testing.assert_close(shared, torch.ones(1) / FLOOR)


def test_outliers_count_as_their_cost_grows():
    squared = torch.tensor([0.0, 1.0, 9.0, 400.0], requires_grad=True)
    (slope,) = torch.autograd.grad(geman_mcclure(squared, 3.0).sum(), squared)
    torch.testing.assert_close(cu._trust(squared.detach(), 3.0), slope)


def test_joints_move_as_their_derivatives_say():
    motion = random_motion(2)
    rig = PointRig.of_keypoints(BODY)
    rows, shared_rows = skeleton_of(motion, rig).joint_rows()
    function, zero = by_unknowns(motion, lambda m: m.points(rig)[1].flatten(1))
    true = torch.autograd.functional.jacobian(function, zero, vectorize=True)
    for frame in range(2):
        torch.testing.assert_close(rows[frame], true[frame, :, frame * N : (frame + 1) * N], rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(shared_rows[frame], true[frame, :, 2 * N :], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rigidly, tolerance", [(True, 2e-3), (False, 0.05)])
def test_points_move_as_their_derivatives_say(rigidly, tolerance):
    motion, step = random_motion(3), 1e-2
    rig = PointRig.of_keypoints(BODY)
    rig = rigid(rig) if rigidly else rig
    skeleton = skeleton_of(motion, rig)
    torch.testing.assert_close(skeleton.points(rig) + motion.transl[:, None], motion.points(rig)[0], rtol=0, atol=1e-5)
    random = torch.Generator().manual_seed(1)
    which = torch.randint(len(rig.weights), (3, 20), generator=random)
    directions = torch.randn(3, 20, 3, generator=random)
    rows, shared_rows = skeleton.point_rows(rig, skeleton.points(rig), which, directions)
    change = torch.randn(3, N, generator=random), torch.randn(BETAS + 1, generator=random)

    def along(scale):
        points = moved(motion, (scale * change[0], scale * change[1]), FREE, BETAS).points(rig)[0]
        return (torch.gather(points, 1, which[..., None].expand(-1, -1, 3)) * directions).sum(dim=-1)

    true = (along(step) - along(-step)) / (2 * step)
    said = (rows @ change[0][..., None])[..., 0] + shared_rows @ change[1]
    assert (said - true).norm() < tolerance * true.norm()


def test_some_groups_and_no_shape_give_those_columns_of_the_whole():
    motion, rig = random_motion(2), PointRig.of_keypoints(BODY)
    whole, few = skeleton_of(motion, rig), Skeleton.of(motion, rig, FREE[2:5], 0)
    which, directions = torch.arange(5), torch.randn(2, 5, 3)
    rows, _ = whole.point_rows(rig, whole.points(rig), which, directions)
    few_rows, shared_rows = few.point_rows(rig, few.points(rig), which, directions)
    torch.testing.assert_close(few_rows, torch.cat([rows[..., 6:15], rows[..., -3:]], dim=-1))
    assert shared_rows.shape == (2, 5, 0)


def test_rotation_vectors_change_as_their_derivative_says():
    rotations = random_motion(3, spread=0.8).rotations
    slope = cu._log_slope(rotations)
    for axis in range(3):
        small = 1e-2 * torch.eye(3)[axis]
        ends = [log_map(rotations @ roma.rotvec_to_rotmat(sign * small)) for sign in (1.0, -1.0)]
        torch.testing.assert_close(slope[..., axis], (ends[0] - ends[1]) / 2e-2, rtol=2e-2, atol=2e-3)


def test_turns_of_two_frames_are_coupled_as_their_matrices_are():
    later, earlier = random_motion(2).rotations[:, 0]
    derivative = [
        torch.autograd.functional.jacobian(lambda v, R=R: (R @ roma.rotvec_to_rotmat(v)).flatten(), torch.zeros(3))
        for R in (later, earlier)
    ]
    torch.testing.assert_close(cu._turn_coupling(later, earlier), derivative[0].T @ derivative[1] / 2)


def test_reprojection_and_directions_have_their_true_curvature_where_they_are_met():
    motion, rig = still_motion(2), rigid(PointRig.of_keypoints(BODY))
    terms = terms_of(motion, rig)
    skeleton = skeleton_of(motion, rig)
    model = skeleton.quadratic()
    cu.add_reprojection(model, terms, skeleton, skeleton.points(rig))
    assert_is_hessian(model, motion, lambda m: terms.reprojection(m, m.points(rig)[0]))
    model = skeleton.quadratic()
    cu.add_directions(model, terms, skeleton, skeleton.points(rig))
    assert_is_hessian(model, motion, lambda m: terms.guess * terms.directions(m.points(rig)[0]).sum())


@pytest.mark.parametrize("length", [1, 2, 4])
def test_smoothness_and_stance_have_their_true_curvature_at_rest(length):
    motion, rig = still_motion(length), PointRig.of_keypoints(BODY)
    skeleton = skeleton_of(motion, rig)
    model = skeleton.quadratic()
    cu.add_smoothness(model, skeleton, 25.0, 1.3)
    assert_is_hessian(model, motion, lambda m: 1.3 * smoothness_energy(m, m.points(rig)[1], 25.0))
    model = skeleton.quadratic()
    cu.add_stance(model, skeleton)
    assert_is_hessian(model, motion, lambda m: stance_energy(m.rotations))


def test_limits_have_the_curvature_of_what_is_beyond_them():
    motion, rig = random_motion(2, spread=0.9), PointRig.of_keypoints(BODY)
    model = skeleton_of(motion, rig).quadratic()
    cu.add_limits(model, skeleton_of(motion, rig))
    function, zero = by_unknowns(motion, lambda m: (beyond_limits(m.rotations) / LIMIT_SIGMA).flatten())
    slope = torch.autograd.functional.jacobian(function, zero, vectorize=True)
    assert slope.any()
    torch.testing.assert_close(dense(model), 2 * slope.T @ slope, rtol=1e-3, atol=0.1)


def test_pose_prior_has_its_true_curvature_at_a_mean():
    motion, rig = random_motion(1), PointRig.of_keypoints(BODY)
    here = log_map(motion.rotations[:, [GROUPS.index(name) for name in PRIOR_GROUPS]]).flatten(1)
    random = torch.Generator().manual_seed(0)
    whitening = torch.tril(torch.randn(2, here.shape[1], here.shape[1], generator=random)) + 3 * torch.eye(
        here.shape[1]
    )
    prior = PosePrior(torch.cat([here, here + 50.0]), whitening, torch.zeros(2))
    skeleton = skeleton_of(motion, rig)
    model = skeleton.quadratic()
    cu.add_pose_prior(model, skeleton, prior, 0.3)
    assert_is_hessian(model, motion, lambda m: 0.3 * prior.energy(m.rotations).sum())


@pytest.mark.parametrize("height", [None, 1.8])
def test_shape_and_zoom_have_their_true_curvature(height):
    motion, rig = still_motion(1), PointRig.of_keypoints(BODY)
    terms = terms_of(motion, rig, height_m=height)
    blind = replace(
        terms, evidence=replace(terms.evidence, weights=torch.zeros(1, len(BODY.keypoint_names))), guess=0.0
    )
    model = skeleton_of(motion, rig).quadratic()
    cu.add_shape(model, terms, skeleton_of(motion, rig))

    def energy(shared):
        return blind.energy(Motion(motion.rotations, motion.transl, motion.betas + shared[:-1], shared[-1].exp()))

    true = torch.autograd.functional.hessian(energy, torch.zeros(BETAS + 1))
    torch.testing.assert_close(model.shared, true, rtol=1e-3, atol=1e-2)


def test_outlines_have_their_true_curvature_where_nearly_met():
    motion = still_motion(2)
    rig = rigid(PointRig.of_keypoints(BODY))
    count = len(rig.weights)
    pixels = project(motion.points(rig)[0], CAMERA)
    random = torch.Generator().manual_seed(0)
    normals = torch.nn.functional.normalize(torch.randn(pixels.shape, generator=random), dim=-1)
    same = torch.arange(count).expand(2, -1)
    ones = torch.ones(2, count)
    outlines = Outlines(torch.arange(2), pixels - 0.05 * normals, normals, ones, (512, 512))
    matches, surface = Matches(same, ones, same, ones), Surface(rig, torch.ones(count, 3))
    size_px = torch.full((2,), 300.0)
    skeleton = skeleton_of(motion, rig)
    model = skeleton.quadratic()
    cu.add_outlines(model, skeleton, outlines, matches, surface, CAMERA, size_px, 0.0, 0.8)
    assert_is_hessian(
        model, motion, lambda m: 0.8 * outline_energy(outlines, matches, surface, m, CAMERA, size_px, 0.0), 5e-3
    )


def test_standing_feet_have_their_true_curvature_on_a_level_floor():
    motion, rig = still_motion(3), rigid(PointRig.of_keypoints(BODY))
    feet = torch.tensor([i for i, name in enumerate(BODY.keypoint_names) if name.endswith(("heel", "big_toe"))])
    lowest = motion.points(rig)[0][0, feet, 1].argsort()[-1:]
    contacts = Contacts(feet[lowest], torch.tensor([[1.0], [0.5], [0.7]]))
    skeleton = skeleton_of(motion, rig)
    model = skeleton.quadratic()
    cu.add_ground(model, skeleton, rig, contacts, 25.0, 0.6)
    true, zero = by_unknowns(motion, lambda m: 0.6 * ground_energy(contacts, m.points(rig)[0], 25.0))
    slope = torch.autograd.functional.hessian(true, zero, vectorize=True)
    slides = model.blocks[:, 1]  # the floor binds no two frames
    torch.testing.assert_close(slides[0], slope[N : 2 * N, :N], rtol=2e-3, atol=2e-4 * slope.abs().max().item())
    whole = dense(model)
    assert (whole - slope).norm() < 0.1 * slope.norm()


def scene_problem(length, seed=0):
    scene = turning_walk(length=length, turn=1.0, noise_px=1.0, seed=seed)
    evidence = gather_evidence(scene.keypoints, scene.frames, scene.body, 0.3)
    rig = PointRig.of_keypoints(scene.body)
    rig = rig.at(torch.tensor([scene.body.keypoint_names.index(name) for name in evidence.names]))
    start = initial_motion(evidence, rig)
    size_px = torch.full((length,), 290.0)
    terms = Terms(
        evidence, rig, size_px, find_contacts(evidence, size_px), smoothness=1.0, robustness=4.0, height_m=None, guess=0.1,
        crown_and_sole=crown_and_sole(scene.body),
    )  # fmt: skip
    return start, terms


def solved(start, terms, zoom_range=None):
    return cu.fit_terms(start, terms, FREE, BETAS, 20, zoom_range)


def test_a_few_steps_end_no_higher_than_many_of_lbfgs():
    start, terms = scene_problem(30)
    solution = solved(start, terms)
    reach = BODY.shapedirs.square().sum(dim=1).mean(dim=0).sqrt()
    other = lbfgs(start, terms.energy, FREE, reach, terms.evidence.fps, 80)
    assert solution.evaluations <= 15
    assert solution.energy < 1.005 * other.energy
    with torch.no_grad():
        assert solution.energy == pytest.approx(terms.energy(solution.motion).item(), rel=1e-3)


def test_longer_videos_need_no_more_steps():
    evaluations = [solved(*scene_problem(length)).evaluations for length in (20, 120)]
    assert evaluations[1] <= evaluations[0] + 3


def test_focal_length_is_found_within_its_bounds():
    start, terms = scene_problem(20)
    known = solved(start, terms)
    wide = solved(start, terms, zoom_range=(0.5, 2.0))
    narrow = solved(start, terms, zoom_range=(0.995, 1.005))
    assert wide.motion.zoom != 1.0 and 0.5 <= wide.motion.zoom <= 2.0
    assert 0.995 <= narrow.motion.zoom <= 1.005
    assert wide.energy <= narrow.energy * 1.002 <= known.energy * 1.004


def test_energy_never_rises_and_only_what_is_free_changes():
    start, terms = scene_problem(12)
    energies = []

    def curvature(motion):
        with torch.no_grad():
            energies.append(terms.energy(motion).item())
        return cu.terms_curvature(terms, Skeleton.of(motion, terms.rig, FREE[:4], 1))

    solution = minimise(start, terms.energy, curvature, FREE[:4], 1, 6)
    assert all(np.diff([*energies, solution.energy]) < 0)
    torch.testing.assert_close(solution.motion.rotations[:, list(FREE[4:])], start.rotations[:, list(FREE[4:])])
    assert torch.equal(solution.motion.betas[1:], start.betas[1:])
    assert solution.motion.betas[0] != start.betas[0]


def test_steps_much_too_long_are_shortened():
    start, terms = scene_problem(6)

    def weak(motion):
        model = cu.terms_curvature(terms, Skeleton.of(motion, terms.rig, FREE, BETAS))
        return Quadratic(model.blocks / 5, model.border / 5, model.shared / 5)

    solution = minimise(start, terms.energy, weak, FREE, BETAS, 20)
    assert solution.energy < 1.05 * solved(start, terms).energy


def test_what_is_not_finite_is_never_accepted():
    start, terms = scene_problem(6)
    best = solved(start, terms).energy

    def cliff(motion):
        value = terms.energy(motion)
        return value * torch.nan if value.item() < 1.5 * best else value

    model = lambda m: cu.terms_curvature(terms, Skeleton.of(m, terms.rig, FREE, BETAS))  # noqa: E731
    solution = minimise(start, cliff, model, FREE, BETAS, 10)
    assert 1.5 * best <= solution.energy < np.inf
    assert all(values.isfinite().all() for values in (solution.motion.rotations, solution.motion.transl))
    nowhere = minimise(start, lambda m: terms.energy(m) * torch.nan, model, FREE, BETAS, 10)
    torch.testing.assert_close(nowhere.motion.transl, start.transl)
