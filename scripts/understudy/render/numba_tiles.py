"""Blending of depth-sorted Gaussians tile by tile, forward and backward, on CPU.

Source: Kerbl et al., 3D Gaussian Splatting (SIGGRAPH 2023), section 6, with the loops turned round for a CPU: in a tile
the Gaussians follow each other, and each is blended into the rows of 16 pixels that it reaches.
The backward pass goes front to back like the forward one: the colour still behind a Gaussian is the pixel's final sum
less the sum so far, so nothing need be divided out of the transmittance.

Gaussians are rows of ``splats`` [N,8] float32: x, y (px), conic a, b, c (1/px^2), opacity, depth (m), reach.
The reach is the squared Mahalanobis radius beyond which alpha < ALPHA_MIN; negative for a Gaussian that is not drawn.
"""

import numba
import numpy as np

from understudy.render import lanes
from understudy.render.jit import kernel
from understudy.render.lanes import larger, load, ramp, smaller, store, total, where_reached

TILE_W = lanes.COUNT
TILE_H = 16
ALPHA_MIN = np.float32(1 / 255)
ALPHA_MAX = np.float32(0.99)
T_MIN = np.float32(1e-4)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_EIGHTH, _FAR = np.float32(-0.125), np.float32(5.6)
_E1, _E2, _E3, _E4, _E5 = (
    np.float32(c)
    for c in (0.9999945294149122, 0.4998970900286495, 0.16601813062631524, 0.0398322863295, 0.0058764519830)
)


@kernel()
def _falloff(power):  # noqa: ANN202
    """``exp(-power)`` to 1e-6 for power 0..5.6, at and beyond which alpha is below ALPHA_MIN.

    It is the eighth power of a polynomial that is exact at 0, fitted to exp over 0..-0.7.
    """
    p = _EIGHTH * smaller(larger(power, _ZERO), _FAR)
    e = p * (p * (p * (p * (p * _E5 + _E4) + _E3) + _E2) + _E1) + _ONE
    e = e * e
    e = e * e
    return e * e


@kernel()
def _rows_reached(splat, y0, rows):  # noqa: ANN202
    """First and past-the-last row of the tile that the Gaussian's ellipse reaches."""
    half_height = np.sqrt(splat[7] * splat[2] / (splat[2] * splat[4] - splat[3] * splat[3]))
    low = max(_ZERO, np.ceil(splat[1] - half_height - np.float32(0.51) - y0))
    high = min(np.float32(rows), np.floor(splat[1] + half_height - np.float32(0.49) - y0) + _ONE)
    return int(low), int(high)


@kernel()
def _blend_tile(splats, colors, gaussians, x0, y0, rows, columns, left, sums):  # noqa: ANN202
    """Blend a tile's list into ``sums`` [TILE_H, C + 2, 16]; returns how much of it was used.

    ``left`` [TILE_H, 16] is what of each pixel is still to be filled; it drops to 0 where nothing more is drawn.
    """
    channels = colors.shape[1]
    left[:rows, :columns] = 1
    left[rows:] = 0
    left[:, columns:] = 0
    sums[:] = 0
    for entry in range(len(gaussians)):
        if entry % 16 == 15 and left.max() == 0:
            return entry
        g = gaussians[entry]
        splat, color = splats[g], colors[g]
        z, opacity = splat[6], splat[5]
        dx = ramp(np.float32(x0) + _HALF - splat[0])
        curve = dx * (_HALF * splat[2])
        low, high = _rows_reached(splat, np.float32(y0), rows)
        for row in range(low, high):
            dy = np.float32(y0 + row) + _HALF - splat[1]
            raw = opacity * _falloff(dx * (curve + splat[3] * dy) + _HALF * splat[4] * dy * dy)
            alpha = where_reached(raw, ALPHA_MIN, smaller(raw, ALPHA_MAX))
            before = load(left, row)
            weight = before * alpha
            behind = before - weight
            weight = where_reached(behind, T_MIN, weight)
            store(left, row, where_reached(behind, T_MIN, behind))
            at = row * (channels + 2)
            store(sums, at, load(sums, at) + weight)
            store(sums, at + 1, load(sums, at + 1) + z * weight)
            for c in range(channels):
                store(sums, at + 2 + c, load(sums, at + 2 + c) + color[c] * weight)
    return len(gaussians)


@kernel(parallel=True)
def blend_forward(splats, colors, starts, gaussians, tiles_x, stride, rgb, alpha, depth, stops):  # noqa: ANN201
    """Fill ``rgb`` [H,W,C], ``alpha`` [H,W] and ``depth`` [H,W] (alpha-weighted sum), given as zeros.

    ``gaussians`` holds the tiles' lists, front to back; that of tile t is ``starts[t]:starts[t+1]``.
    ``stops`` [tiles] receives where in its list a tile was opaque everywhere. ``stride`` has no common
    factor with the number of tiles: taking tiles so far apart shares the work evenly among threads.
    """
    height, width, channels = rgb.shape
    for index in numba.prange(len(stops)):
        tile = (index * stride) % len(stops)
        start, end = starts[tile], starts[tile + 1]
        stops[tile] = start
        if start < end:
            y0, x0 = (tile // tiles_x) * TILE_H, (tile % tiles_x) * TILE_W
            rows, columns = min(TILE_H, height - y0), min(TILE_W, width - x0)
            left = np.empty((TILE_H, TILE_W), np.float32)
            sums = np.empty((TILE_H, channels + 2, TILE_W), np.float32)
            stops[tile] += _blend_tile(splats, colors, gaussians[start:end], x0, y0, rows, columns, left, sums)
            for row in range(rows):
                for i in range(columns):
                    alpha[y0 + row, x0 + i] = sums[row, 0, i]
                    depth[y0 + row, x0 + i] = sums[row, 1, i]
                    for c in range(channels):
                        rgb[y0 + row, x0 + i, c] = sums[row, 2 + c, i]


@kernel()
def _tile_gradients(splats, colors, gaussians, slots, x0, y0, left, rest, grads, color_sums, pairs):  # noqa: ANN202
    """Gradients of the pairs of one tile's list, to their rows of ``pairs``.

    ``grads`` [TILE_H, C + 2, 16] is the loss's gradient, ``rest`` [TILE_H, 16] its product with the colour from
    here to the back, ``color_sums`` [C, 16] room to work in.
    """
    channels = colors.shape[1]
    for entry in range(len(gaussians)):
        g = gaussians[entry]
        splat, color = splats[g], colors[g]
        z, opacity = splat[6], splat[5]
        dx = ramp(np.float32(x0) + _HALF - splat[0])
        curve = dx * (_HALF * splat[2])
        # sums down the columns, of power's gradient times 1, dy, dy^2 and of the weights' share of depth and colours
        ones = firsts = seconds = depths = dx * _ZERO
        color_sums[:] = 0
        low, high = _rows_reached(splat, np.float32(y0), TILE_H)
        for row in range(low, high):
            dy = np.float32(y0 + row) + _HALF - splat[1]
            raw = opacity * _falloff(dx * (curve + splat[3] * dy) + _HALF * splat[4] * dy * dy)
            alpha = where_reached(raw, ALPHA_MIN, smaller(raw, ALPHA_MAX))
            before = load(left, row)
            weight = before * alpha
            behind = before - weight
            weight = where_reached(behind, T_MIN, weight)
            store(left, row, where_reached(behind, T_MIN, behind))
            at = row * (channels + 2)
            depth_grad = load(grads, at + 1)
            own = load(grads, at) + z * depth_grad
            depths = depths + weight * depth_grad
            for c in range(channels):
                color_grad = load(grads, at + 2 + c)
                own = own + color[c] * color_grad
                store(color_sums, c, load(color_sums, c) + weight * color_grad)
            after = load(rest, row) - weight * own
            store(rest, row, after)
            # alpha = opacity exp(-power), unless it is clipped or too small to draw: there weight is 0
            slope = weight * own - after * (alpha / (_ONE - alpha))
            slope = where_reached(behind, T_MIN, where_reached(ALPHA_MAX, raw, slope))
            ones = ones - slope
            firsts = firsts - slope * dy
            seconds = seconds - slope * (dy * dy)
        pair = pairs[slots[entry]]
        across, along = total(ones * dx), total(firsts)
        pair[0] = -(splat[2] * across + splat[3] * along)
        pair[1] = -(splat[3] * across + splat[4] * along)
        pair[2] = _HALF * total(ones * dx * dx)
        pair[3] = total(firsts * dx)
        pair[4] = _HALF * total(seconds)
        pair[5] = -total(ones) / opacity
        pair[6] = total(depths)
        for c in range(channels):
            pair[7 + c] = total(load(color_sums, c))


@kernel(parallel=True)
def blend_backward(
    splats, colors, starts, gaussians, slots, tiles_x, stride, rgb, alpha, depth, stops, g_rgb, g_alpha, g_depth, pairs
) -> None:
    """Gradients of each (tile, Gaussian) pair into its own row of ``pairs`` [P, 7 + C].

    The order is x, y, conic a, b, c, opacity, depth, colours; ``slots`` [P] names the row of each entry of the tiles'
    lists. ``rgb``, ``alpha``, ``depth`` are the forward pass's sums, ``g_*`` the loss's gradients to them.
    """
    height, width, channels = rgb.shape
    for index in numba.prange(len(stops)):
        tile = (index * stride) % len(stops)
        start, stop = starts[tile], stops[tile]
        for entry in range(stop, starts[tile + 1]):
            pairs[slots[entry]] = 0
        if start < stop:
            y0, x0 = (tile // tiles_x) * TILE_H, (tile % tiles_x) * TILE_W
            left = np.zeros((TILE_H, TILE_W), np.float32)
            rest = np.zeros((TILE_H, TILE_W), np.float32)
            grads = np.zeros((TILE_H, channels + 2, TILE_W), np.float32)
            color_sums = np.empty((channels, TILE_W), np.float32)
            for row in range(min(TILE_H, height - y0)):
                for i in range(min(TILE_W, width - x0)):
                    y, x = y0 + row, x0 + i
                    left[row, i] = 1
                    grads[row, 0, i] = g_alpha[y, x]
                    grads[row, 1, i] = g_depth[y, x]
                    sum_of_all = g_alpha[y, x] * alpha[y, x] + g_depth[y, x] * depth[y, x]
                    for c in range(channels):
                        grads[row, 2 + c, i] = g_rgb[y, x, c]
                        sum_of_all += g_rgb[y, x, c] * rgb[y, x, c]
                    rest[row, i] = sum_of_all
            _tile_gradients(
                splats, colors, gaussians[start:stop], slots[start:stop], x0, y0, left, rest, grads, color_sums, pairs
            )
