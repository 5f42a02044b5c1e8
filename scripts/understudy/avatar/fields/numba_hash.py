"""Kernels of the hash grid: look-ups on all its levels and their adjoints, on CPUs."""

import numba
import numpy as np

from understudy.render.jit import kernel


@kernel()
def _cell(point, side, cell, part):  # noqa: ANN202
    """The cell of a grid with ``side`` nodes along each axis that a point [3] 0..1 is in, and where in it."""
    for axis in range(3):
        place = point[axis] * np.float32(side - 1)
        cell[axis] = max(0, min(int(place), side - 2))  # the last node closes the last cell
        part[axis] = place - np.float32(cell[axis])


@kernel()
def _row(cell, corner, side, length, primes, dense):  # noqa: ANN202
    """Row in its level's table of one of the eight corners of a cell, the bits of ``corner`` saying which."""
    x, y, z = cell[0] + (corner & 1), cell[1] + ((corner >> 1) & 1), cell[2] + ((corner >> 2) & 1)
    if dense:
        return (x * side + y) * side + z
    mixed = (x * primes[0]) ^ (y * primes[1]) ^ (z * primes[2])
    rest = mixed - int(mixed / np.float64(length)) * length  # a division of integers takes five times as long
    if rest < 0:
        return rest + length
    return rest if rest < length else rest - length


@kernel()
def _weight(part, corner):  # noqa: ANN202
    """Share of a corner in the value at a place of its cell."""
    weight, one = np.float32(1), np.float32(1)
    for axis in range(3):
        weight *= part[axis] if (corner >> axis) & 1 else one - part[axis]
    return weight


@kernel(parallel=True)
def look_up(points, table, starts, lengths, sides, dense, primes, features):  # noqa: ANN201
    """Features [N,L,F] of points [N,3] 0..1, each level's interpolated linearly between the corners of its cell."""
    for n in numba.prange(len(points)):
        cell, part = np.empty(3, np.int64), np.empty(3, np.float32)
        for level in range(len(starts)):
            _cell(points[n], sides[level], cell, part)
            for f in range(table.shape[1]):
                features[n, level, f] = 0
            for corner in range(8):
                weight = _weight(part, corner)
                row = starts[level] + _row(cell, corner, sides[level], lengths[level], primes, dense[level])
                for f in range(table.shape[1]):
                    features[n, level, f] += weight * table[row, f]


@kernel(parallel=True)
def scatter(points, gradients, starts, lengths, sides, dense, primes, table):  # noqa: ANN201
    """Adjoint of ``look_up`` in the table: one level by one thread, so that no sum depends on their number."""
    for level in numba.prange(len(starts)):
        cell, part = np.empty(3, np.int64), np.empty(3, np.float32)
        for n in range(len(points)):
            _cell(points[n], sides[level], cell, part)
            for corner in range(8):
                weight = _weight(part, corner)
                row = starts[level] + _row(cell, corner, sides[level], lengths[level], primes, dense[level])
                for f in range(table.shape[1]):
                    table[row, f] += weight * gradients[n, level, f]


@kernel(parallel=True)
def slopes(points, gradients, table, starts, lengths, sides, dense, primes, result):  # noqa: ANN201
    """Adjoint of ``look_up`` in the points [N,3]."""
    one = np.float32(1)
    for n in numba.prange(len(points)):
        cell, part = np.empty(3, np.int64), np.empty(3, np.float32)
        for axis in range(3):
            result[n, axis] = 0
        for level in range(len(starts)):
            _cell(points[n], sides[level], cell, part)
            for corner in range(8):
                row = starts[level] + _row(cell, corner, sides[level], lengths[level], primes, dense[level])
                value = np.float32(0)
                for f in range(table.shape[1]):
                    value += gradients[n, level, f] * table[row, f]
                value *= np.float32(sides[level] - 1)
                x = part[0] if corner & 1 else one - part[0]
                y = part[1] if corner & 2 else one - part[1]
                z = part[2] if corner & 4 else one - part[2]
                result[n, 0] += value * y * z if corner & 1 else -value * y * z
                result[n, 1] += value * x * z if corner & 2 else -value * x * z
                result[n, 2] += value * x * y if corner & 4 else -value * x * y
