"""Rows of a table by their indices, with a gradient that is the same on every run."""

from torch import Tensor


def take_rows(values: Tensor, rows: Tensor) -> Tensor:
    """``values[rows]``: rows [N,K,C] of a table [M,C] by indices [N,K].

    Threads add up the gradient of plain indexing in whatever order they come; that of ``gather`` has one order.
    """
    picked = values.gather(0, rows.reshape(-1, 1).expand(-1, values.shape[1]))
    return picked.view(*rows.shape, values.shape[1])
