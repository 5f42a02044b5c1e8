"""Kernels that find, for points in space, the nearest vertices of each part of a posed surface, and the nearest place on it."""

import numba
import numpy as np

from understudy.render.jit import kernel


@kernel()
def sort_into_cells(vertices, origin, size, counts):  # noqa: ANN201
    """First vertex of each cell of a grid [cells+1], and the vertices in the order of their cells [V]."""
    cells = np.empty(len(vertices), np.int64)
    starts = np.zeros(counts[0] * counts[1] * counts[2] + 1, np.int64)
    for v in range(len(vertices)):
        cell = 0
        for axis in range(3):
            place = int((vertices[v, axis] - origin[axis]) / size)
            cell = cell * counts[axis] + min(max(place, 0), counts[axis] - 1)
        cells[v] = cell
        starts[cell + 1] += 1
    for cell in range(1, len(starts)):
        starts[cell] += starts[cell - 1]
    order, filled = np.empty(len(vertices), np.int64), starts[:-1].copy()
    for v in range(len(vertices)):
        order[filled[cells[v]]] = v
        filled[cells[v]] += 1
    return starts, order


@kernel(parallel=True)
def nearest_by_part(points, vertices, parts, order, starts, origin, size, counts, reach, slack, index, squares):  # noqa: ANN201
    """The nearest vertices of each part within ``reach``, nearest first; of the nearest part's, and within ``slack`` of them.

    ``vertices`` [V,3] and ``parts`` [V] are in the order of the grid's cells, ``order`` [V] says which they are.
    Into ``index`` [N,P,M], -1 where there are fewer, and ``squares`` [N,P,M], their squared distances, infinity there.
    """
    most = index.shape[2]
    for n in numba.prange(len(points)):
        x, y, z = points[n, 0] - origin[0], points[n, 1] - origin[1], points[n, 2] - origin[2]
        for part in range(index.shape[1]):
            for m in range(most):
                index[n, part, m] = -1
                squares[n, part, m] = np.inf
        nearest, limit = np.float32(np.inf), np.float32(reach * reach)
        first, last = _span(x, reach, size, counts[0])
        for a in range(2 * max(last - first, 0)):
            i = _outward(x, size, a)
            if i < first or i >= last:
                continue
            away = _gap(x, i, size)
            left = limit - away * away
            if left <= 0:
                continue
            here, beyond = _span(y, np.sqrt(left), size, counts[1])
            for b in range(2 * max(beyond - here, 0)):
                j = _outward(y, size, b)
                if j < here or j >= beyond:
                    continue
                away = _gap(y, j, size)
                rest = left - away * away
                if rest <= 0:
                    continue
                near, far = _span(z, np.sqrt(rest), size, counts[2])
                if far <= near:
                    continue
                row = (i * counts[1] + j) * counts[2]
                for v in range(starts[row + near], starts[row + far]):
                    dx, dy, dz = (
                        points[n, 0] - vertices[v, 0],
                        points[n, 1] - vertices[v, 1],
                        points[n, 2] - vertices[v, 2],
                    )
                    square = dx * dx + dy * dy + dz * dz
                    part = parts[v]
                    if square >= limit or square >= squares[n, part, most - 1]:
                        continue
                    if square < nearest:
                        nearest = square
                        limit = min(limit, (np.sqrt(square) + slack) ** 2)
                    m = most - 1
                    while m > 0 and squares[n, part, m - 1] > square:
                        squares[n, part, m] = squares[n, part, m - 1]
                        index[n, part, m] = index[n, part, m - 1]
                        m -= 1
                    squares[n, part, m] = square
                    index[n, part, m] = order[v]
        for part in range(index.shape[1]):  # what was found while less near ones were known
            for m in range(most):
                if squares[n, part, m] >= limit:
                    index[n, part, m] = -1
                    squares[n, part, m] = np.inf


@kernel()
def _outward(place, size, step):  # noqa: ANN202
    """Cells along an axis from a place's own one outwards: it, the one after, the one before, and so on."""
    away = (step + 1) // 2
    return int(np.floor(place / size)) + (away if step % 2 == 1 else -away)


@kernel()
def _span(place, reach, size, count):  # noqa: ANN202
    """Cells along an axis, the last one exclusive, that are within ``reach`` of a place."""
    first = max(0, int(np.floor((place - reach) / size)))
    return first, min(count, int(np.floor((place + reach) / size)) + 1)


@kernel()
def _gap(place, cell, size):  # noqa: ANN202
    """How far a place is from a cell along an axis."""
    return max(np.float32(0), max(cell * size - place, place - (cell + 1) * size))


@kernel(parallel=True)
def blend_transforms(points, which, index, squares, transforms, sigma, moved, axes):  # noqa: ANN201
    """Points that transforms [V,3,4] of their near vertices, blended by a Gaussian of the distance, move.

    For each row of ``index`` [R,M] and ``squares`` [R,M], of the point ``which`` [R]: into ``moved`` [R,3] and the blended
    transform's matrix ``axes`` [R,3,3].
    """
    scale = np.float32(-0.5 / (sigma * sigma))
    for row in numba.prange(len(which)):
        blended = np.zeros((3, 4), np.float32)
        total = np.float32(0)
        for m in range(index.shape[1]):
            v = index[row, m]
            if v < 0:
                break
            # less the nearest one's, so that a narrow Gaussian does not vanish
            weight = np.exp(scale * (squares[row, m] - squares[row, 0]))
            total += weight
            for a in range(3):
                for b in range(4):
                    blended[a, b] += weight * transforms[v, a, b]
        n = which[row]
        for a in range(3):
            value = blended[a, 3]
            for b in range(3):
                value += blended[a, b] * points[n, b]
                axes[row, a, b] = blended[a, b] / total
            moved[row, a] = value / total


@kernel(parallel=True)
def nearest_on_rings(points, vertex, vertices, faces, starts, ring, face, bary, distance):  # noqa: ANN201
    """The nearest place on the faces round each point's nearest ``vertex`` [N], those of a vertex being
    ``ring[starts[v]:starts[v + 1]]``.

    Into ``face`` [N], ``bary`` [N,3] and ``distance`` [N], negative on the inner side.
    """
    for n in numba.prange(len(points)):
        best = np.float32(np.inf)
        v = vertex[n]
        for place in range(starts[v], starts[v + 1]):
            f = ring[place]
            a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
            u, w = _closest(points[n], a, b, c)
            square = np.float32(0)
            for axis in range(3):
                away = points[n, axis] - (1 - u - w) * a[axis] - u * b[axis] - w * c[axis]
                square += away * away
            if square < best:
                best = square
                face[n] = f
                bary[n, 0], bary[n, 1], bary[n, 2] = 1 - u - w, u, w
        f = face[n]
        side = _side(points[n], vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]])
        distance[n] = np.sqrt(best) if side >= 0 else -np.sqrt(best)


@kernel()
def _closest(p, a, b, c):  # noqa: ANN202
    """Barycentric coordinates, of b and c, of the point of a triangle that is nearest to p.

    Source: Ericson, Real-Time Collision Detection (2005), section 5.1.5.
    """
    d1 = d2 = d3 = d4 = d5 = d6 = np.float32(0)
    for k in range(3):
        ab, ac = b[k] - a[k], c[k] - a[k]
        d1 += ab * (p[k] - a[k])
        d2 += ac * (p[k] - a[k])
        d3 += ab * (p[k] - b[k])
        d4 += ac * (p[k] - b[k])
        d5 += ab * (p[k] - c[k])
        d6 += ac * (p[k] - c[k])
    zero, one = np.float32(0), np.float32(1)
    if d1 <= 0 and d2 <= 0:
        return zero, zero
    if d3 >= 0 and d4 <= d3:
        return one, zero
    vc = d1 * d4 - d3 * d2
    if vc <= 0 and d1 >= 0 and d3 <= 0:
        return d1 / (d1 - d3), zero
    if d6 >= 0 and d5 <= d6:
        return zero, one
    vb = d5 * d2 - d1 * d6
    if vb <= 0 and d2 >= 0 and d6 <= 0:
        return zero, d2 / (d2 - d6)
    va = d3 * d6 - d5 * d4
    if va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        t = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return one - t, t
    scale = one / (va + vb + vc)
    return vb * scale, vc * scale


@kernel()
def _side(p, a, b, c):  # noqa: ANN202
    """Positive where p is on the outer side of a triangle's plane, by the right-hand rule."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    wx, wy, wz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
    return nx * (p[0] - a[0]) + ny * (p[1] - a[1]) + nz * (p[2] - a[2])
