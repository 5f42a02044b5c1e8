"""Rows of a table: the same values as by indexing, and a gradient that threads do not change."""

import torch

from understudy.avatar.gaussians.rows import take_rows


def gradient(take):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(20_000, 4, generator=generator).requires_grad_()
    rows = torch.randint(0, 20_000, (20_000, 4), generator=generator)
    taken = take(values, rows)
    (taken * torch.randn(taken.shape, generator=generator)).sum().backward()
    return taken.detach(), values.grad


def test_rows_and_their_gradient_are_those_of_indexing():
    taken, slopes = gradient(take_rows)
    expected, expected_slopes = gradient(lambda values, rows: values[rows])
    assert torch.equal(taken, expected)
    torch.testing.assert_close(slopes, expected_slopes)


def test_the_gradient_is_the_same_to_the_bit_on_every_run_of_two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        first, *others = (gradient(take_rows)[1] for _ in range(12))
        assert all(torch.equal(first, other) for other in others)
    finally:
        torch.set_num_threads(before)
