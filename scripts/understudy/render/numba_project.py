"""Projection of 3D Gaussians to the picture, forward and analytic backward.

Sources: Zwicky et al., EWA Volume Splatting (2001), section 4; Kerbl et al., 3D Gaussian Splatting (2023), section 4.
"""

import numba
import numpy as np

from understudy.render.jit import kernel

NEAR = np.float32(0.1)
"""Gaussians with their centre nearer than this (m) are not drawn."""
LOW_PASS = np.float32(0.1)
"""Added to the variance on the picture (px^2), so that no Gaussian falls between the pixels."""
_MARGIN = np.float32(0.3)
_TWO = np.float32(2)


@kernel()
def _rotation(quat, R):  # noqa: ANN202
    """Rotation matrix of the unit quaternion along ``quat`` (wxyz); returns the quaternion's length."""
    length = np.sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3])
    w, x, y, z = quat[0] / length, quat[1] / length, quat[2] / length, quat[3] / length
    one = np.float32(1)
    R[0, 0], R[0, 1], R[0, 2] = one - _TWO * (y * y + z * z), _TWO * (x * y - w * z), _TWO * (x * z + w * y)
    R[1, 0], R[1, 1], R[1, 2] = _TWO * (x * y + w * z), one - _TWO * (x * x + z * z), _TWO * (y * z - w * x)
    R[2, 0], R[2, 1], R[2, 2] = _TWO * (x * z - w * y), _TWO * (y * z + w * x), one - _TWO * (x * x + y * y)
    return length


@kernel()
def _jacobian(x, y, z, K, width, height, J):  # noqa: ANN202
    """Jacobian [2,3] of the pinhole at a point; far outside the picture, that of the nearest point 15 % outside it.

    Returns whether x and y were left as they are.
    """
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    margin_x, margin_y = _MARGIN * np.float32(0.5) * width / fx, _MARGIN * np.float32(0.5) * height / fy
    u, v = x / z, y / z
    inside_u = min(max(u, -cx / fx - margin_x), (width - cx) / fx + margin_x)
    inside_v = min(max(v, -cy / fy - margin_y), (height - cy) / fy + margin_y)
    J[0, 0], J[0, 1], J[0, 2] = fx / z, 0, -fx * inside_u / z
    J[1, 0], J[1, 1], J[1, 2] = 0, fy / z, -fy * inside_v / z
    return u == inside_u, v == inside_v


@kernel()
def _product(A, B, out):  # noqa: ANN202
    """``out = A @ B`` of small matrices."""
    for i in range(A.shape[0]):
        for j in range(B.shape[1]):
            total = np.float32(0)
            for k in range(A.shape[1]):
                total += A[i, k] * B[k, j]
            out[i, j] = total


@kernel(parallel=True)
def project_forward(means, quats, scales, opacities, K, view, width, height, alpha_min, chunks):  # noqa: ANN201
    """Rows ``splats`` [N,8] of the Gaussians on the picture, as ``numba_tiles`` reads them."""
    count = len(means)
    splats = np.empty((count, 8), np.float32)
    for chunk in numba.prange(chunks):
        R, M, V, J = (
            np.empty((3, 3), np.float32), np.empty((3, 3), np.float32),
            np.empty((3, 3), np.float32), np.empty((2, 3), np.float32),
        )  # fmt: skip
        L = np.empty((2, 3), np.float32)
        rotation = view[:3, :3].copy()
        for g in range(count * chunk // chunks, count * (chunk + 1) // chunks):
            splat = splats[g]
            splat[:] = 0
            splat[7] = -1
            mean = means[g]
            x = view[0, 0] * mean[0] + view[0, 1] * mean[1] + view[0, 2] * mean[2] + view[0, 3]
            y = view[1, 0] * mean[0] + view[1, 1] * mean[1] + view[1, 2] * mean[2] + view[1, 3]
            z = view[2, 0] * mean[0] + view[2, 1] * mean[1] + view[2, 2] * mean[2] + view[2, 3]
            # written so that NaN fails
            if not (z > NEAR and opacities[g] >= alpha_min):
                continue
            _rotation(quats[g], R)
            for i in range(3):
                for j in range(3):
                    M[i, j] = R[i, j] * scales[g, j]
            _product(rotation, M, V)
            _jacobian(x, y, z, K, width, height, J)
            _product(J, V, L)
            xx = L[0, 0] * L[0, 0] + L[0, 1] * L[0, 1] + L[0, 2] * L[0, 2] + LOW_PASS
            xy = L[0, 0] * L[1, 0] + L[0, 1] * L[1, 1] + L[0, 2] * L[1, 2]
            yy = L[1, 0] * L[1, 0] + L[1, 1] * L[1, 1] + L[1, 2] * L[1, 2] + LOW_PASS
            determinant = xx * yy - xy * xy
            u, v = K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]
            reach = _TWO * np.log(opacities[g] / alpha_min)
            radius_x, radius_y = np.sqrt(reach * xx), np.sqrt(reach * yy)
            on_picture = u + radius_x > 0 and u - radius_x < width and v + radius_y > 0 and v - radius_y < height
            if not (determinant > 0 and on_picture and np.isfinite(determinant)):
                continue
            splat[0], splat[1] = u, v
            splat[2], splat[3], splat[4] = yy / determinant, -xy / determinant, xx / determinant
            splat[5], splat[6], splat[7] = opacities[g], z, reach
    return splats


@kernel(parallel=True)
def project_backward(means, quats, scales, K, view, width, height, splats, pairs, slot_starts, chunks):  # noqa: ANN201
    """Gradients to the Gaussians and the view from those of the (tile, Gaussian) pairs.

    Sums are taken in a fixed order: a Gaussian's pairs in the order of their slots, the view's part by part.

    Returns:
        Gradients to means [N,3], quats [N,4], scales [N,3], opacities [N], colours [N,C], view [4,4].
    """
    count, channels = len(means), pairs.shape[1] - 7
    g_means, g_quats = np.zeros((count, 3), np.float32), np.zeros((count, 4), np.float32)
    g_scales, g_opacities = np.zeros((count, 3), np.float32), np.zeros(count, np.float32)
    g_colors = np.zeros((count, channels), np.float32)
    g_views = np.zeros((chunks, 3, 4), np.float64)
    for chunk in numba.prange(chunks):
        R, M, V, J = (
            np.empty((3, 3), np.float32), np.empty((3, 3), np.float32),
            np.empty((3, 3), np.float32), np.empty((2, 3), np.float32),
        )  # fmt: skip
        L, g_L, g_J = np.empty((2, 3), np.float32), np.empty((2, 3), np.float32), np.empty((2, 3), np.float32)
        g_V, g_M = np.empty((3, 3), np.float32), np.empty((3, 3), np.float32)
        at, g_at = np.empty(3, np.float32), np.empty(3, np.float32)
        total = np.empty(7 + channels, np.float32)
        rotation = view[:3, :3].copy()
        back = view[:3, :3].T.copy()
        g_view = g_views[chunk]
        for g in range(count * chunk // chunks, count * (chunk + 1) // chunks):
            if slot_starts[g] == slot_starts[g + 1]:
                continue
            total[:] = 0
            for slot in range(slot_starts[g], slot_starts[g + 1]):
                pair = pairs[slot]
                for i in range(7 + channels):
                    total[i] += pair[i]
            g_opacities[g] = total[5]
            for c in range(channels):
                g_colors[g, c] = total[7 + c]

            mean, splat = means[g], splats[g]
            for i in range(3):
                at[i] = view[i, 0] * mean[0] + view[i, 1] * mean[1] + view[i, 2] * mean[2] + view[i, 3]
            x, y, z = at[0], at[1], at[2]
            length = _rotation(quats[g], R)
            for i in range(3):
                for j in range(3):
                    M[i, j] = R[i, j] * scales[g, j]
            _product(rotation, M, V)
            free_x, free_y = _jacobian(x, y, z, K, width, height, J)
            _product(J, V, L)

            # covariance = conic^-1, so its gradient is -conic G conic; half of conic b's belongs to each corner
            a, b, c_ = splat[2], splat[3], splat[4]
            ga, gb, gc = total[2], np.float32(0.5) * total[3], total[4]
            pa, pb, pc, pd = a * ga + b * gb, a * gb + b * gc, b * ga + c_ * gb, b * gb + c_ * gc
            g_xx, g_xy, g_yy = -(pa * a + pb * b), -(pa * b + pb * c_), -(pc * b + pd * c_)
            # covariance = L L^T + low-pass, L = J V
            for k in range(3):
                g_L[0, k] = _TWO * (g_xx * L[0, k] + g_xy * L[1, k])
                g_L[1, k] = _TWO * (g_xy * L[0, k] + g_yy * L[1, k])
            for i in range(2):
                for k in range(3):
                    g_J[i, k] = g_L[i, 0] * V[k, 0] + g_L[i, 1] * V[k, 1] + g_L[i, 2] * V[k, 2]
            for i in range(3):
                for k in range(3):
                    g_V[i, k] = J[0, i] * g_L[0, k] + J[1, i] * g_L[1, k]

            fx, fy = K[0, 0], K[1, 1]
            g_at[0] = total[0] * fx / z
            g_at[1] = total[1] * fy / z
            g_at[2] = total[6] - (total[0] * fx * x + total[1] * fy * y) / (z * z)
            # J's last column is J's diagonal times -x/z, -y/z; clipped ratios are constants
            g_at[2] -= (g_J[0, 0] * J[0, 0] + g_J[1, 1] * J[1, 1] + g_J[0, 2] * J[0, 2] + g_J[1, 2] * J[1, 2]) / z
            if free_x:
                g_at[0] -= g_J[0, 2] * fx / (z * z)
                g_at[2] -= g_J[0, 2] * J[0, 2] / z
            if free_y:
                g_at[1] -= g_J[1, 2] * fy / (z * z)
                g_at[2] -= g_J[1, 2] * J[1, 2] / z

            _product(back, g_V, g_M)
            for i in range(3):
                g_means[g, i] = back[i, 0] * g_at[0] + back[i, 1] * g_at[1] + back[i, 2] * g_at[2]
                for j in range(3):
                    g_view[i, j] += g_at[i] * mean[j] + g_V[i, 0] * M[j, 0] + g_V[i, 1] * M[j, 1] + g_V[i, 2] * M[j, 2]
                g_view[i, 3] += g_at[i]
            for k in range(3):
                g_scales[g, k] = g_M[0, k] * R[0, k] + g_M[1, k] * R[1, k] + g_M[2, k] * R[2, k]
                for i in range(3):
                    g_M[i, k] *= scales[g, k]  # now the gradient to R
            _quaternion_gradient(quats[g], length, g_M, g_quats[g])
    g_whole = np.zeros((4, 4), np.float32)
    for i in range(3):
        for j in range(4):
            g_whole[i, j] = g_views[:, i, j].sum()
    return g_means, g_quats, g_scales, g_opacities, g_colors, g_whole


@kernel()
def _quaternion_gradient(quat, length, g_R, g_quat):  # noqa: ANN202
    """Gradient to a quaternion from that to its rotation matrix; none along the quaternion, whose length is free."""
    w, x, y, z = quat[0] / length, quat[1] / length, quat[2] / length, quat[3] / length
    g_quat[0] = _TWO * (x * (g_R[2, 1] - g_R[1, 2]) + y * (g_R[0, 2] - g_R[2, 0]) + z * (g_R[1, 0] - g_R[0, 1]))
    g_quat[1] = _TWO * (
        w * (g_R[2, 1] - g_R[1, 2]) - _TWO * x * (g_R[1, 1] + g_R[2, 2])
        + y * (g_R[0, 1] + g_R[1, 0]) + z * (g_R[0, 2] + g_R[2, 0])
    )  # fmt: skip
    g_quat[2] = _TWO * (
        w * (g_R[0, 2] - g_R[2, 0]) - _TWO * y * (g_R[0, 0] + g_R[2, 2])
        + x * (g_R[0, 1] + g_R[1, 0]) + z * (g_R[1, 2] + g_R[2, 1])
    )  # fmt: skip
    g_quat[3] = _TWO * (
        w * (g_R[1, 0] - g_R[0, 1]) - _TWO * z * (g_R[0, 0] + g_R[1, 1])
        + x * (g_R[0, 2] + g_R[2, 0]) + y * (g_R[1, 2] + g_R[2, 1])
    )  # fmt: skip
    along = g_quat[0] * w + g_quat[1] * x + g_quat[2] * y + g_quat[3] * z
    g_quat[0] = (g_quat[0] - along * w) / length
    g_quat[1] = (g_quat[1] - along * x) / length
    g_quat[2] = (g_quat[2] - along * y) / length
    g_quat[3] = (g_quat[3] - along * z) / length
