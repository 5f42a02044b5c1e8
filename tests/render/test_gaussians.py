"""The Gaussian rasterizer against its dense twin, against known pictures, and its properties."""

import math
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.errors import InputError
from understudy.render.gaussians import rasterize
from understudy.render.reference import rasterize_reference

K = torch.tensor([[60.0, 0.0, 23.0], [0.0, 62.0, 17.0], [0.0, 0.0, 1.0]])
SIZE = (45, 37)  # no multiple of the tiles
NAMES = ("means", "quats", "scales", "opacities", "colors", "view")


def cloud(count=200, seed=0, dtype=torch.float32, scale=0.1, channels=3):
    random = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    gaussians = (
        normal(count, 3) * torch.tensor([0.6, 0.6, 0.5]) + torch.tensor([0.0, 0.0, 3.0]),
        normal(count, 4),
        (0.4 * normal(count, 3)).exp() * scale,
        torch.sigmoid(2 * normal(count)),
        torch.rand(count, channels, generator=random, dtype=torch.float64),
    )
    return [tensor.to(dtype) for tensor in gaussians]


def tilted_view(dtype=torch.float32):
    angle = 0.1
    view = torch.eye(4, dtype=dtype)
    view[0, 0] = view[2, 2] = math.cos(angle)
    view[0, 2], view[2, 0] = math.sin(angle), -math.sin(angle)
    view[:3, 3] = torch.tensor([0.1, -0.05, 0.2])
    return view


def single(x=0.0, y=0.0, z=2.0, scale=0.05, opacity=0.8, color=(1.0, 0.5, 0.25)):
    return [
        torch.tensor([[x, y, z]]),
        torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        torch.full((1, 3), scale),
        torch.tensor([opacity]),
        torch.tensor([color]),
    ]


def joined(*clouds):
    return [torch.cat(tensors) for tensors in zip(*clouds, strict=True)]


def pictures_and_gradients(render, inputs, view, size=SIZE, background=None, seed=1):
    """Pictures, and gradients of one random weighting of them, by the renderer given."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in (*inputs, view)]
    result = render(*leaves[:5], K.to(view), leaves[5], size, background)
    pictures = [result.rgb, result.alpha, result.depth]
    random = torch.Generator().manual_seed(seed)
    weights = [torch.randn(p.shape, generator=random, dtype=torch.float64).to(p) for p in pictures]
    sum((p * w).sum() for p, w in zip(pictures, weights, strict=True)).backward()
    return pictures, [leaf.grad for leaf in leaves]


@pytest.mark.parametrize(
    ("count", "scale", "channels"), [(200, 0.1, 3), (60, 0.6, 1), (300, 0.01, 5)], ids=["usual", "huge", "tiny"]
)
def test_picture_and_gradients_are_those_of_the_dense_twin(count, scale, channels):
    inputs, background = cloud(count, 0, scale=scale, channels=channels), torch.linspace(0.2, 0.8, channels)
    pictures, gradients = pictures_and_gradients(rasterize, inputs, tilted_view(), background=background)
    expected, expected_gradients = pictures_and_gradients(
        rasterize_reference, inputs, tilted_view(), background=background
    )
    for picture, truth in zip(pictures, expected, strict=True):
        torch.testing.assert_close(picture, truth, atol=2e-5, rtol=2e-5)
    for name, gradient, truth in zip(NAMES, gradients, expected_gradients, strict=True):
        largest = truth.abs().max()
        assert largest > 0, name
        torch.testing.assert_close(gradient / largest, truth / largest, atol=2e-4, rtol=0, msg=lambda m, n=name: n + m)


def test_gradients_of_the_twin_are_those_of_finite_differences():
    # a soft cloud, none of whose alphas is near the thresholds at which it starts or stops to be drawn
    inputs = cloud(6, 3, torch.float64, scale=0.7)
    inputs[3] = 0.3 + 0.4 * inputs[3]

    def pictures(*leaves):
        result = rasterize_reference(*leaves[:5], K.double(), leaves[5], (5, 4), torch.tensor([0.1, 0.2, 0.3]).double())
        return result.rgb, result.alpha, result.depth

    leaves = [tensor.requires_grad_() for tensor in (*inputs, tilted_view(torch.float64))]
    assert torch.autograd.gradcheck(pictures, leaves, eps=1e-6, atol=1e-4)


def test_normals_and_their_gradients_are_those_of_the_dense_twin():
    random = torch.Generator().manual_seed(2)
    weights = torch.randn(SIZE[1], SIZE[0], 3, generator=random)
    results = []
    for render in (rasterize, rasterize_reference):
        leaves = [tensor.detach().clone().requires_grad_() for tensor in (*cloud(120, 4, scale=0.15), tilted_view())]
        normal = render(*leaves[:5], K, leaves[5], SIZE, normals=True).normal
        (normal * weights).sum().backward()
        results.append((normal.detach(), [leaves[i].grad for i in (0, 1, 2, 3, 5)]))
    (normal, gradients), (expected, expected_gradients) = results
    torch.testing.assert_close(normal, expected, atol=2e-5, rtol=2e-5)
    for gradient, truth in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(gradient / truth.abs().max(), truth / truth.abs().max(), atol=2e-4, rtol=0)


def test_a_disk_faces_the_camera_along_its_shortest_axis_and_leaves_the_colours_alone():
    disk = single(scale=0.2)
    disk[2] = torch.tensor([[0.2, 0.2, 0.01]])
    plain, render = (rasterize(*disk, K, torch.eye(4), SIZE, normals=normals) for normals in (False, True))
    assert plain.normal is None
    torch.testing.assert_close(render.rgb, plain.rgb)
    seen = render.alpha > 0.1
    direction = render.normal[seen] / render.alpha[seen][:, None]
    torch.testing.assert_close(direction, torch.tensor([0.0, 0.0, -1.0]).expand_as(direction), atol=1e-4, rtol=0)


def test_one_gaussian_is_its_formula():
    x, y, z, scale, opacity = 0.1, -0.05, 2.0, 0.05, 0.8
    render = rasterize(*single(x, y, z, scale, opacity), K, torch.eye(4), SIZE)
    u, v = 60 * x / z + 23, 62 * y / z + 17
    jacobian = torch.tensor([[60 / z, 0, -60 * x / z**2], [0, 62 / z, -62 * y / z**2]])
    covariance = scale**2 * jacobian @ jacobian.T + 0.1 * torch.eye(2)
    row, column = 15, 26
    offset = torch.tensor([column + 0.5 - u, row + 0.5 - v])
    alpha = opacity * torch.exp(-0.5 * offset @ torch.linalg.inv(covariance) @ offset)
    assert alpha > 0.1
    torch.testing.assert_close(render.alpha[row, column], alpha, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(render.rgb[row, column], alpha * torch.tensor([1.0, 0.5, 0.25]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(render.depth[row, column], torch.tensor(z), atol=1e-5, rtol=1e-5)


def test_nearer_gaussian_hides_the_farther_whatever_their_order():
    near, far = single(z=2.0, scale=0.3, opacity=1.0, color=(1.0, 0.0, 0.0)), single(z=3.0, scale=0.5, opacity=1.0)
    for scene in (joined(near, far), joined(far, near)):
        pixel = rasterize(*scene, K, torch.eye(4), SIZE).rgb[17, 23]
        assert pixel[0] > 0.98 and pixel[1:].max() < 0.01


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_the_gaussians_changes_nothing(seed):
    inputs = cloud(80, seed)
    shuffle = torch.randperm(80, generator=torch.Generator().manual_seed(seed))
    pictures, gradients = pictures_and_gradients(rasterize, inputs, tilted_view())
    others, other_gradients = pictures_and_gradients(rasterize, [t[shuffle] for t in inputs], tilted_view())
    for picture, other in zip(pictures, others, strict=True):
        assert torch.equal(picture, other)
    for gradient, other in zip(gradients[:5], other_gradients[:5], strict=True):
        assert torch.equal(gradient[shuffle], other)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.tuples(*[st.floats(-0.5, 0.5)] * 3))
def test_moving_the_camera_is_moving_the_scene_the_other_way(seed, shift):
    inputs, shift = cloud(50, seed), torch.tensor(shift)
    view = torch.eye(4)
    view[:3, 3] = shift
    moved = rasterize(inputs[0] + shift, *inputs[1:], K, torch.eye(4), SIZE)
    torch.testing.assert_close(rasterize(*inputs, K, view, SIZE).rgb, moved.rgb, atol=5e-3, rtol=0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), value=st.floats(0, 1))
def test_background_shows_through_where_alpha_is_missing(seed, value):
    inputs, background = cloud(50, seed), torch.tensor([value, 1 - value, 0.5])
    bare = rasterize(*inputs, K, torch.eye(4), SIZE)
    over = rasterize(*inputs, K, torch.eye(4), SIZE, background)
    torch.testing.assert_close(over.rgb, bare.rgb + (1 - bare.alpha)[..., None] * background)
    assert (bare.alpha >= 0).all() and (bare.alpha <= 1 + 1e-5).all()


@pytest.mark.parametrize(
    "broken",
    [
        {"opacity": 0.0},
        {"opacity": float("nan")},
        {"z": -2.0},
        {"z": -0.2},
        {"z": -0.15, "scale": 1.0},
        {"x": float("nan")},
        {"scale": float("inf")},
        {"scale": float("nan")},
        {"x": 50.0},
        {"z": float("inf")},
    ],
    ids=str,
)
def test_gaussians_that_cannot_be_seen_change_nothing(broken):
    inputs = cloud(50)
    pictures, gradients = pictures_and_gradients(rasterize, inputs, tilted_view())
    with_more, more_gradients = pictures_and_gradients(rasterize, joined(inputs, single(**broken)), tilted_view())
    for picture, other in zip(pictures, with_more, strict=True):
        assert torch.equal(picture, other)
    for gradient, other in zip(gradients[:5], more_gradients[:5], strict=True):
        assert torch.equal(gradient, other[:-1])
        assert (other[-1] == 0).all()


def test_zero_quaternion_is_not_drawn():
    scene = single()
    scene[1] = torch.zeros(1, 4)
    assert (rasterize(*scene, K, torch.eye(4), SIZE).alpha == 0).all()


def test_empty_scene_shows_the_background():
    pictures, gradients = pictures_and_gradients(
        rasterize, [t[:0] for t in cloud(3)], tilted_view(), background=torch.tensor([0.1, 0.2, 0.3])
    )
    torch.testing.assert_close(pictures[0], torch.tensor([0.1, 0.2, 0.3]).expand(37, 45, 3))
    assert (pictures[1] == 0).all() and (pictures[2] == 0).all()
    assert gradients[0].shape == (0, 3) and (gradients[5] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 33), (300, 2)])
def test_any_size_of_picture(size):
    inputs = cloud(80, scale=0.3)
    render = rasterize(*inputs, K, torch.eye(4), size)
    expected = rasterize_reference(*inputs, K, torch.eye(4), size)
    assert render.rgb.shape == (size[1], size[0], 3)
    torch.testing.assert_close(render.rgb, expected.rgb, atol=2e-5, rtol=2e-5)


def test_wide_gaussian_far_beside_the_picture_stays_bounded():
    # its centre is 80 degrees off the axis, where the pinhole's Jacobian alone would stretch it over everything
    scene = single(x=6.0, z=1.0, scale=0.5, opacity=0.9)
    render, expected = (f(*scene, K, torch.eye(4), SIZE) for f in (rasterize, rasterize_reference))
    torch.testing.assert_close(render.alpha, expected.alpha, atol=2e-5, rtol=2e-5)
    assert render.alpha[:, :20].max() < 0.01


def test_deep_stack_stops_once_opaque():
    stack = [torch.cat([t] * 400) for t in single(scale=0.5, opacity=0.9)]
    stack[0][:, 2] = torch.linspace(2, 3, 400)
    pictures, gradients = pictures_and_gradients(rasterize, stack, torch.eye(4))
    expected, expected_gradients = pictures_and_gradients(rasterize_reference, stack, torch.eye(4))
    torch.testing.assert_close(pictures[1], expected[1], atol=2e-5, rtol=0)
    torch.testing.assert_close(gradients[4], expected_gradients[4], atol=1e-3, rtol=1e-3)
    assert (gradients[4][200:] == 0).all()


def test_result_is_the_same_to_the_bit_for_any_number_of_threads_and_again():
    inputs = cloud(500)
    before = torch.get_num_threads()
    runs = []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            runs.append(pictures_and_gradients(rasterize, inputs, tilted_view()))
    finally:
        torch.set_num_threads(before)
    for pictures, gradients in runs[1:]:
        for one, other in zip(runs[0][0] + runs[0][1], pictures + gradients, strict=True):
            assert torch.equal(one, other)


def test_crop_of_the_camera_is_the_crop_of_the_picture():
    inputs = cloud(100, scale=0.02)
    whole = rasterize(*inputs, K, torch.eye(4), SIZE)
    shifted = K.clone()
    shifted[:2, 2] -= torch.tensor([8.0, 5.0])
    part = rasterize(*inputs, shifted, torch.eye(4), (20, 24))
    torch.testing.assert_close(part.rgb, whole.rgb[5:29, 8:28], atol=5e-3, rtol=0)


def test_descent_moves_a_gaussian_onto_its_target():
    target = rasterize(*single(0.15, -0.1), K, torch.eye(4), SIZE).rgb
    scene = single()
    mean = scene[0].clone().requires_grad_()
    optimiser = torch.optim.Adam([mean], lr=0.005)
    for _ in range(120):
        optimiser.zero_grad()
        ((rasterize(mean, *scene[1:], K, torch.eye(4), SIZE).rgb - target) ** 2).sum().backward()
        optimiser.step()
    torch.testing.assert_close(mean[0, :2], torch.tensor([0.15, -0.1]), atol=5e-3, rtol=0)


def test_wrong_shapes_are_named():
    scene = single()
    with pytest.raises(InputError, match=r"quats \[N,4\]"):
        rasterize(scene[0], scene[0], *scene[2:], K, torch.eye(4), SIZE)
    with pytest.raises(InputError, match="0x5"):
        rasterize(*scene, K, torch.eye(4), (0, 5))


def test_cuda_without_gsplat_is_one_clear_sentence(monkeypatch):
    from understudy.render.gsplat_backend import splat

    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(InputError, match="gsplat"):
        splat(*single(), K, torch.eye(4), SIZE)
