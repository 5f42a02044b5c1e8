"""Nearest points on a triangle mesh: exact, by a bounding-volume tree over faces in Morton order."""

from dataclasses import dataclass

import numpy as np

from understudy.render.jit import kernel

LEAF_FACES = 4
MORTON_BITS = 10


@dataclass(frozen=True)
class SurfacePoints:
    """Points on a mesh's surface."""

    face: np.ndarray  # [N] int32
    bary: np.ndarray  # [N,3] float64, of the face's three corners, in 0..1, rows sum to one
    distance: np.ndarray  # [N] float64, unsigned, from the query point

    def interpolate(self, values: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Values [N,C] at the points, from ``values`` [V,C] at the corners that ``faces`` [F,3] names."""
        return np.einsum("nk,nkc->nc", self.bary, values[faces[self.face]])


def nearest_surface_points(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> SurfacePoints:
    """Nearest point of a mesh for every point of ``points`` [N,3].

    Faces are sorted along a Morton curve and every ``LEAF_FACES`` of them make a leaf of a complete binary tree
    of boxes (Lauterbach et al., Fast BVH Construction on GPUs, Eurographics 2009, section 3); each query descends
    into the nearer child first and skips boxes farther than the best face so far, so the answer is exact.

    Args:
        points: Query points, any finite values.
        vertices: Corners [V,3], same unit and frame as ``points``.
        faces: [F,3], at least one; faces without area are fine.
    """
    corners = np.ascontiguousarray(np.asarray(vertices, np.float64)[faces])
    order = _morton_order(corners.mean(axis=1))
    corners = corners[order]
    low, high = _box_tree(corners)
    place, bary, distance = _query(np.ascontiguousarray(points, np.float64), corners, low, high)
    return SurfacePoints(order[place].astype(np.int32), bary, distance)


def _morton_order(centres: np.ndarray) -> np.ndarray:
    """Order [F] of points [F,3] along a space-filling Z curve."""
    low, high = centres.min(axis=0), centres.max(axis=0)
    cells = ((centres - low) / np.maximum(high - low, 1e-12) * (2**MORTON_BITS - 1)).astype(np.int64)
    bits = (cells[:, :, None] >> np.arange(MORTON_BITS)) & 1
    weights = 1 << (3 * np.arange(MORTON_BITS)[None, :] + np.arange(3)[:, None])
    return np.argsort((bits * weights).sum(axis=(1, 2)), kind="stable")


def _box_tree(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of a complete binary tree over faces in order.

    Node ``i`` has the children ``2 i + 1`` and ``2 i + 2``; the last ``leaves`` nodes are the leaves, each of
    ``LEAF_FACES`` faces that follow each other. Empty leaves have inverted boxes, infinitely far from everything.

    Returns:
        Low and high corners, both [nodes,3].
    """
    count = len(corners)
    leaves = 1 << int(np.ceil(np.log2(max(1, -(-count // LEAF_FACES)))))
    low = np.full((leaves * LEAF_FACES, 3), np.inf)
    high = np.full((leaves * LEAF_FACES, 3), -np.inf)
    low[:count], high[:count] = corners.min(axis=1), corners.max(axis=1)
    lows = [low.reshape(leaves, LEAF_FACES, 3).min(axis=1)]
    highs = [high.reshape(leaves, LEAF_FACES, 3).max(axis=1)]
    while len(lows[0]) > 1:
        lows.insert(0, lows[0].reshape(-1, 2, 3).min(axis=1))
        highs.insert(0, highs[0].reshape(-1, 2, 3).max(axis=1))
    return np.concatenate(lows), np.concatenate(highs)


@kernel()
def _box_distance(point: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Squared distance of a point from a box; zero inside."""
    total = 0.0
    for axis in range(3):
        outside = max(low[axis] - point[axis], point[axis] - high[axis], 0.0)
        total += outside * outside
    return total


@kernel()
def _nearest_on_triangle(point: np.ndarray, corners: np.ndarray, bary: np.ndarray) -> float:
    """Write the barycentric coordinates of the triangle's nearest point; give its squared distance.

    The foot of the perpendicular where it falls inside, else the nearest point of the three edges.
    """
    xx, xy, yy, px, py = 0.0, 0.0, 0.0, 0.0, 0.0
    for axis in range(3):
        x = corners[1, axis] - corners[0, axis]
        y = corners[2, axis] - corners[0, axis]
        p = point[axis] - corners[0, axis]
        xx += x * x
        xy += x * y
        yy += y * y
        px += p * x
        py += p * y
    area = xx * yy - xy * xy
    if area > 1e-12 * xx * yy:
        b = (yy * px - xy * py) / area
        c = (xx * py - xy * px) / area
        if b >= 0.0 and c >= 0.0 and b + c <= 1.0:
            bary[0], bary[1], bary[2] = 1.0 - b - c, b, c
            distance = 0.0
            for axis in range(3):
                foot = bary[0] * corners[0, axis] + b * corners[1, axis] + c * corners[2, axis]
                distance += (point[axis] - foot) ** 2
            return distance
    best = np.inf
    for start in range(3):
        end = (start + 1) % 3
        along, length = 0.0, 0.0
        for axis in range(3):
            edge = corners[end, axis] - corners[start, axis]
            along += edge * (point[axis] - corners[start, axis])
            length += edge * edge
        share = min(max(along / length, 0.0), 1.0) if length > 0.0 else 0.0
        distance = 0.0
        for axis in range(3):
            foot = (1.0 - share) * corners[start, axis] + share * corners[end, axis]
            distance += (point[axis] - foot) ** 2
        if distance < best:
            best = distance
            bary[start], bary[end], bary[3 - start - end] = 1.0 - share, share, 0.0
    return best


@kernel()
def _query(
    points: np.ndarray,  # [N,3]
    corners: np.ndarray,  # [F,3,3] in the tree's order
    low: np.ndarray,  # [nodes,3]
    high: np.ndarray,  # [nodes,3]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place in ``corners`` [N], barycentric coordinates [N,3] and distance [N] of the nearest face."""
    first_leaf = len(low) // 2
    place = np.zeros(len(points), np.int64)
    bary = np.zeros((len(points), 3))
    distance = np.zeros(len(points))
    stack = np.zeros(64, np.int64)
    trial = np.zeros(3)
    for i in range(len(points)):
        # queries often come in order of place, so the last answer is a good first bound
        place[i] = place[i - 1] if i else 0
        best = _nearest_on_triangle(points[i], corners[place[i]], bary[i])
        stack[0], depth = 0, 1
        while depth > 0:
            depth -= 1
            node = stack[depth]
            if _box_distance(points[i], low[node], high[node]) >= best:
                continue
            if node < first_leaf:
                left, right = 2 * node + 1, 2 * node + 2
                if _box_distance(points[i], low[left], high[left]) < _box_distance(points[i], low[right], high[right]):
                    left, right = right, left
                stack[depth], stack[depth + 1] = left, right
                depth += 2
                continue
            start = (node - first_leaf) * LEAF_FACES
            for face in range(start, min(start + LEAF_FACES, len(corners))):
                found = _nearest_on_triangle(points[i], corners[face], trial)
                if found < best:
                    best = found
                    place[i] = face
                    bary[i] = trial
        distance[i] = np.sqrt(best)
    return place, bary, distance
