"""Kernels of matting: the median plate, the evidence of each undecided pixel, and their settling with their neighbours."""

import math

import numba
import numpy as np

from understudy.render.jit import kernel

FEATURES = 9
FLOOR = 1.5e-6
"""Probability of a colour that a table has never seen."""
SHADOW = 0.15
"""Share of the floor at the feet that lies in a shadow."""
FEET = 5
"""Index of the feet in ``colours.REGIONS``."""
CELL_VOLUME = 512.0
"""Colours in a cell of the tables."""


@kernel(parallel=True)
def median_plate(pictures, free, colour, deviation):  # noqa: ANN201
    """Median ``colour`` [H,W,3] of ``pictures`` [S,H,W,3] over the frames that are ``free`` [S,H,W], and 1.48 times the
    median absolute deviation of the channel that varies most [H,W]; zeros where none is free."""
    samples, height, width = free.shape
    for row in numba.prange(height):
        values = np.empty(samples, np.float32)
        for column in range(width):
            widest = np.float32(0)
            for channel in range(3):
                count = 0
                for s in range(samples):
                    if free[s, row, column]:
                        values[count] = pictures[s, row, column, channel]
                        count += 1
                if count == 0:
                    break
                middle = np.median(values[:count])
                colour[row, column, channel] = middle
                for k in range(count):
                    values[k] = abs(values[k] - middle)
                widest = max(widest, np.float32(1.48) * np.median(values[:count]))
            deviation[row, column] = widest


@kernel()
def _shade(r, g, b, p0, p1, p2, sigma):  # noqa: ANN202
    """Density of colour r g b if it is p0 p1 p2 in a shadow, which darkens by up to a half and keeps the hue."""
    length = max(p0**2 + p1**2 + p2**2, 1.0)
    factor = (r * p0 + g * p1 + b * p2) / length
    if factor < 0.5 or factor > 1.05:
        return 0.0
    aside = (r - factor * p0) ** 2 + (g - factor * p1) ** 2 + (b - factor * p2) ** 2
    return math.exp(-aside / (2 * sigma**2)) / (6.28 * sigma**2) / max(0.55 * math.sqrt(length), 8.0)


@kernel()
def gather(image, alpha, inner, body, surely, band, region, person, scene, plate, spread, known, offsets, features):  # noqa: ANN201
    """Evidence ``features`` [N,9] for the pixels ``band`` [N,2] (row, column).

    All pictures are [H,W]: ``alpha`` 0..255; ``inner`` and ``body`` are signed distances to the outlines of the coarse mask
    and of the body, in heights of the person, positive inside; ``surely`` is 1 for sure person, 2 for sure background;
    ``region`` chooses the rows of the colour tables ``person`` and ``scene`` [regions,CELLS]. ``plate`` [H,W,3],
    ``spread`` and ``known`` are the empty scene. ``offsets`` [M,2] are the places, seen from a pixel, whose colours it
    is compared with.
    """
    height, width = alpha.shape
    for n in range(len(band)):
        row, column = band[n, 0], band[n, 1]
        r, g, b = float(image[row, column, 0]), float(image[row, column, 1]), float(image[row, column, 2])
        opacity = min(max(alpha[row, column] / 255.0, 0.01), 0.99)
        features[n, 0] = 1.0
        features[n, 1] = math.log(opacity / (1.0 - opacity))
        features[n, 2] = math.tanh(inner[row, column] / 0.015)
        features[n, 3] = math.tanh(body[row, column] / 0.02)
        cell = ((int(r) >> 3) * 32 + (int(g) >> 3)) * 32 + (int(b) >> 3)
        at_person = person[region[row, column], cell] + FLOOR
        at_scene = scene[region[row, column], cell]
        if known[row, column]:
            p0, p1, p2 = plate[row, column, 0], plate[row, column, 1], plate[row, column, 2]
            sigma = spread[row, column]
            apart = (r - p0) ** 2 + (g - p1) ** 2 + (b - p2) ** 2
            same = CELL_VOLUME * math.exp(-apart / (2 * sigma**2)) / (15.75 * sigma**3)
            empty = 0.95 * min(same, 1.0) + 0.05 * at_scene + FLOOR
            if region[row, column] == FEET:
                empty += SHADOW * CELL_VOLUME * _shade(r, g, b, p0, p1, p2, sigma)
            features[n, 4] = 0.0
            features[n, 5] = min(max(math.log(at_person / empty), -6.0), 6.0)
            features[n, 6] = 1.0
        else:
            features[n, 4] = min(max(math.log(at_person / (at_scene + FLOOR)), -5.0), 5.0)
            features[n, 5] = features[n, 6] = 0.0
        # mean of the three nearest colours among sure pixels round about, of either kind
        f1 = f2 = f3 = b1 = b2 = b3 = 1e9
        for k in range(len(offsets)):
            y, x = row + offsets[k, 0], column + offsets[k, 1]
            if y < 0 or x < 0 or y >= height or x >= width or surely[y, x] == 0:
                continue
            d = (image[y, x, 0] - r) ** 2 + (image[y, x, 1] - g) ** 2 + (image[y, x, 2] - b) ** 2
            if surely[y, x] == 1:
                if d < f1:
                    f1, f2, f3 = d, f1, f2
                elif d < f2:
                    f2, f3 = d, f2
                elif d < f3:
                    f3 = d
            elif d < b1:
                b1, b2, b3 = d, b1, b2
            elif d < b2:
                b2, b3 = d, b2
            elif d < b3:
                b3 = d
        # where only one kind is near, the other counts as a middling 40 levels away
        to_person = math.sqrt((f1 + f2 + f3) / 3) if f3 < 1e8 else 40.0
        to_scene = math.sqrt((b1 + b2 + b3) / 3) if b3 < 1e8 else 40.0
        if f3 > 1e8 and b3 > 1e8:
            features[n, 7] = features[n, 8] = 0.0
        else:
            features[n, 7] = (to_scene - to_person) / (to_scene + to_person + 6.0)
            features[n, 8] = math.log((to_scene + 4.0) / (to_person + 4.0))


@kernel()
def settle(band, odds, right, down, down_right, down_left, share, sweeps):  # noqa: ANN201
    """Mean-field marginals of a binary Markov random field: ``share`` [H,W] 0..1 of the pixels ``band`` [N,2], in place.

    Each pixel takes the logistic of its own log odds [N] plus those of its eight neighbours, weighted by their likeness:
    ``right``, ``down``, ``down_right`` and ``down_left`` [H,W] towards each side. Sweeps alternate in direction. Band
    pixels must not lie on the border.
    """
    count = len(band)
    for sweep in range(sweeps):
        for step in range(count):
            n = step if sweep % 2 == 0 else count - 1 - step
            y, x = band[n, 0], band[n, 1]
            total = odds[n]
            total += right[y, x] * (2 * share[y, x + 1] - 1) + right[y, x - 1] * (2 * share[y, x - 1] - 1)
            total += down[y, x] * (2 * share[y + 1, x] - 1) + down[y - 1, x] * (2 * share[y - 1, x] - 1)
            total += down_right[y, x] * (2 * share[y + 1, x + 1] - 1)
            total += down_right[y - 1, x - 1] * (2 * share[y - 1, x - 1] - 1)
            total += down_left[y, x] * (2 * share[y + 1, x - 1] - 1)
            total += down_left[y - 1, x + 1] * (2 * share[y - 1, x + 1] - 1)
            share[y, x] = 1.0 / (1.0 + math.exp(-total))
