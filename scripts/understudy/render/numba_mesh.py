"""Kernels of the mesh's picture. The z-buffer works in bands of rows, each by one thread."""

import numba
import numpy as np

from understudy.render.jit import kernel

BANDS = 32
_EDGE = 1e-9
"""How far (in shares of the triangle) a pixel's centre may lie outside an edge: neighbours leave no cracks."""


@kernel(parallel=True)
def fill(pixels, inverse_z, faces, drawn, face, bary, depth):  # noqa: ANN201
    """Draw triangles ``faces`` [F,3] where ``drawn`` [F] into ``face``, ``bary`` and ``depth``, given as empty.

    ``pixels`` [V,2] and ``inverse_z`` [V] are float64. The nearest triangle takes a pixel, of equally near ones the
    first; a band sees the triangles in their order, so that the picture depends on no thread.
    """
    height, width = face.shape
    low, high = np.empty(len(faces), np.int32), np.empty(len(faces), np.int32)
    for f in range(len(faces)):
        low[f], high[f] = 0, -1
        if drawn[f]:
            y0, y1, y2 = pixels[faces[f, 0], 1], pixels[faces[f, 1], 1], pixels[faces[f, 2], 1]
            # rows whose centres, at +0.5, lie between the ends
            low[f] = int(min(max(np.ceil(min(y0, y1, y2) - 0.5 - _EDGE), 0), height))
            high[f] = int(max(min(np.floor(max(y0, y1, y2) - 0.5 + _EDGE), height - 1), -1))
    for band in numba.prange(BANDS):
        first, last = height * band // BANDS, height * (band + 1) // BANDS - 1
        for f in range(len(faces)):
            if low[f] > last or high[f] < first:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            ax, ay, bx, by, cx, cy = (
                pixels[i, 0], pixels[i, 1], pixels[j, 0], pixels[j, 1], pixels[k, 0], pixels[k, 1],
            )  # fmt: skip
            area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            if area == 0:
                continue
            left = int(min(max(np.ceil(min(ax, bx, cx) - 0.5 - _EDGE), 0), width))
            right = int(max(min(np.floor(max(ax, bx, cx) - 0.5 + _EDGE), width - 1), -1))
            wa, wb, wc = inverse_z[i], inverse_z[j], inverse_z[k]
            # shares of the three corners are linear on the picture
            slope_a, slope_b = (by - cy) / area, (cy - ay) / area
            for row in range(max(low[f], first), min(high[f], last) + 1):
                y = row + 0.5
                # measured from the far corner of the opposite edge, so that the edge itself is exactly 0
                start_a = (cx - bx) * (y - by) / area
                start_b = (ax - cx) * (y - cy) / area
                for column in range(left, right + 1):
                    x = column + 0.5
                    share_a = start_a + slope_a * (x - bx)
                    share_b = start_b + slope_b * (x - cx)
                    share_c = 1.0 - share_a - share_b
                    if share_a < -_EDGE or share_b < -_EDGE or share_c < -_EDGE:
                        continue
                    z = np.float32(1.0 / (share_a * wa + share_b * wb + share_c * wc))
                    if z < depth[row, column]:
                        depth[row, column] = z
                        face[row, column] = f
                        bary[row, column, 0] = share_a * wa * z
                        bary[row, column, 1] = share_b * wb * z
                        bary[row, column, 2] = share_c * wc * z


@kernel(parallel=True)
def blend_corners(face, bary, faces, values, picture):  # noqa: ANN201
    """Values [V,C] of the corners, mixed by ``bary``, into ``picture`` [H,W,C] where there is a face."""
    for row in numba.prange(face.shape[0]):
        for column in range(face.shape[1]):
            f = face[row, column]
            if f >= 0:
                for corner in range(3):
                    share, vertex = bary[row, column, corner], faces[f, corner]
                    for c in range(values.shape[1]):
                        picture[row, column, c] += share * values[vertex, c]
