import numpy as np
import pytest
import torch

from understudy.avatar.fields.hash_grid import HashGrid, HashShape, next_prime

SHAPE = HashShape(levels=6, features=2, log2_rows=9, base=4, growth=1.6)


def numbered(shape):
    """A grid whose every row holds its own number."""
    grid = HashGrid(shape).requires_grad_(False)
    grid.table.data = torch.arange(len(grid.table), dtype=torch.float32)[:, None].repeat(1, shape.features)
    return grid


def node(level, x, y, z, shape=SHAPE):
    return torch.tensor([[x, y, z]], dtype=torch.float64).div(shape.sides[level] - 1).float()


def some_points(count=400, seed=0):
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))


def test_tables_have_the_next_prime_of_rows():
    assert [next_prime(2**power) for power in (9, 14, 15)] == [521, 16411, 32771]


def test_levels_grow_and_are_dense_while_they_fit():
    assert SHAPE.sides.tolist() == [4, 6, 10, 16, 26, 41]
    assert SHAPE.dense.tolist() == [True, True, False, False, False, False]
    assert SHAPE.rows.tolist() == [64, 216, 521, 521, 521, 521]


def test_a_dense_level_has_one_row_for_each_node_the_last_axis_running_fastest():
    grid = numbered(SHAPE)
    for x, y, z in ((0, 0, 0), (0, 0, 3), (1, 2, 3), (3, 3, 3)):
        assert float(grid(node(0, x, y, z))[0, 0, 0]) == pytest.approx((x * 4 + y) * 4 + z, abs=1e-3)


def test_a_fine_level_mixes_the_nodes_by_the_published_primes():
    grid, first = numbered(SHAPE), 64 + 216 + 521
    expected = {(5, 7, 11): 376, (0, 0, 1): 457, (15, 2, 9): 162}
    for (x, y, z), row in expected.items():
        assert (x ^ (y * 19349663) ^ (z * 83492791)) % 521 == row
        assert float(grid(node(3, x, y, z))[0, 3, 0]) == pytest.approx(first + row, abs=0.02)


def test_between_nodes_values_are_interpolated_linearly():
    grid = numbered(SHAPE)
    middle = 0.5 * (node(0, 1, 1, 1) + node(0, 1, 1, 2))
    assert float(grid(middle)[0, 0, 0]) == pytest.approx((1 * 4 + 1) * 4 + 1.5, abs=1e-3)


def test_kernels_and_plain_operations_agree_with_their_gradients():
    grid, points = HashGrid(SHAPE), some_points().requires_grad_()
    grid.table.data = torch.randn(grid.table.shape, generator=torch.Generator().manual_seed(1))
    pull = torch.randn(len(points), 6, 2, generator=torch.Generator().manual_seed(2))
    for fast, plain in zip(pulled(grid, grid, points, pull), pulled(grid.look_up, grid, points, pull), strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-4)


def pulled(look_up, grid, points, pull):
    features = look_up(points)
    return features, *torch.autograd.grad((features * pull).sum(), (points, grid.table))


def test_slopes_are_finite_differences():
    grid, points, step = HashGrid(SHAPE), some_points(50), 1e-4
    grid.table.data = torch.randn(grid.table.shape, generator=torch.Generator().manual_seed(1))
    points.requires_grad_()
    slope = torch.autograd.grad(grid(points).sum(), points)[0]
    sides = [grid(points + sign * step * torch.tensor([0.0, 1.0, 0.0])).sum(dim=(1, 2)) for sign in (1, -1)]
    expected = (sides[0] - sides[1]) / (2 * step)
    close = ((slope[:, 1] - expected).abs() < 0.05 * (1 + expected.abs())).float().mean()
    assert close > 0.9  # some steps cross a node


def test_the_far_border_belongs_to_the_last_cell():
    ends = torch.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 0.5]])
    grid = numbered(SHAPE)
    torch.testing.assert_close(grid(ends), grid.look_up(ends), rtol=1e-4, atol=1e-3)
    assert float(grid(ends)[0, 0, 0]) == pytest.approx(63, abs=1e-3)


def test_results_are_the_same_to_the_bit_for_any_number_of_threads():
    grid, points = HashGrid(SHAPE), some_points(5000).requires_grad_()
    pull = torch.randn(5000, 6, 2, generator=torch.Generator().manual_seed(2))
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(pulled(grid, grid, points, pull))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())
