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
NOTHING = 1 << 30
"""Squared difference of colours where there is none to compare with."""
AT_REST = 3e-4
"""Mean change of a share in a sweep at which neighbours have settled."""
COLOURS = 1 << 24
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


def surroundings(image: np.ndarray, surely: np.ndarray, margin: int) -> np.ndarray:
    """Colours RGB uint8 [H,W,3] and what each pixel surely is [H,W] (0 nothing, 1 person, 2 scene) in one number each.

    Returns:
        int32 [H+2 margin, W+2 margin], nothing sure outside: one read tells all that is compared.
    """
    wide = image.astype(np.int32)
    packed = wide[..., 0] + (wide[..., 1] << 8) + (wide[..., 2] << 16) + COLOURS * surely.astype(np.int32)
    return np.pad(packed, margin)


@kernel()
def gather(image, alpha, inner, body, band, region, person, scene, plate, spread, known, around, steps, features):  # noqa: ANN201
    """Evidence ``features`` [N,9] for the pixels ``band`` [N,2] (row, column).

    All pictures are [H,W]: ``alpha`` 0..255; ``inner`` and ``body`` are signed distances to the outlines of the coarse mask
    and of the body, in heights of the person, positive inside; ``region`` chooses the rows of the colour tables
    ``person`` and ``scene`` [regions,CELLS]. ``plate`` [H,W,3], ``spread`` and ``known`` are the empty scene. ``around``
    is what each pixel is compared with (``surroundings``), and ``steps`` [M] lead there in its flat order.
    """
    margin = (around.shape[0] - alpha.shape[0]) // 2
    stride = around.shape[1]
    flat = around.ravel()
    for n in range(len(band)):
        row, column = band[n, 0], band[n, 1]
        red, green, blue = int(image[row, column, 0]), int(image[row, column, 1]), int(image[row, column, 2])
        r, g, b = float(red), float(green), float(blue)
        opacity = min(max(alpha[row, column] / 255.0, 0.01), 0.99)
        features[n, 0] = 1.0
        features[n, 1] = math.log(opacity / (1.0 - opacity))
        features[n, 2] = math.tanh(inner[row, column] / 0.015)
        features[n, 3] = math.tanh(body[row, column] / 0.02)
        cell = ((red >> 3) * 32 + (green >> 3)) * 32 + (blue >> 3)
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
        f1 = f2 = f3 = b1 = b2 = b3 = NOTHING
        here = (row + margin) * stride + column + margin
        for k in range(len(steps)):
            there = flat[np.uint32(here + steps[k])]
            if there < COLOURS:
                continue
            dr, dg, db = (there & 255) - red, ((there >> 8) & 255) - green, ((there >> 16) & 255) - blue
            d = dr * dr + dg * dg + db * db
            if there < 2 * COLOURS:
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
        to_person = math.sqrt((f1 + f2 + f3) / 3) if f3 < NOTHING else 40.0
        to_scene = math.sqrt((b1 + b2 + b3) / 3) if b3 < NOTHING else 40.0
        if f3 == NOTHING and b3 == NOTHING:
            features[n, 7] = features[n, 8] = 0.0
        else:
            features[n, 7] = (to_scene - to_person) / (to_scene + to_person + 6.0)
            features[n, 8] = math.log((to_scene + 4.0) / (to_person + 4.0))


@kernel()
def tie(image, likeness, sides, ties):  # noqa: ANN201
    """Strengths ``ties`` [S,H+2,W+2] between the pixels of ``image`` uint8 [H,W,3] and their neighbours on some ``sides`` [S,2]
    (rows down, columns to the right): ``likeness`` over the distance for the same colour, less the greater the contrast
    is relative to its mean over the picture. Where there is no neighbour they stay as they are.
    """
    height, width = image.shape[:2]
    mean = 0.0
    for side in range(len(sides)):
        down, right = sides[side]
        total, count = 0.0, 0
        for row in range(height - down):
            for column in range(max(0, -right), width - max(0, right)):
                contrast = 0
                for channel in range(3):
                    step = int(image[row, column, channel]) - int(image[row + down, column + right, channel])
                    contrast += step * step
                ties[side, row + 1, column + 1] = contrast
                total += contrast
                count += 1
        mean += total / max(count, 1) / len(sides)
    scale = np.float32(-0.5 / (mean + 0.5e-6))
    for side in range(len(sides)):
        down, right = sides[side]
        strength = likeness / math.sqrt(down * down + right * right)
        for row in range(height - down):
            for column in range(max(0, -right), width - max(0, right)):
                apart = np.float32(ties[side, row + 1, column + 1])
                ties[side, row + 1, column + 1] = strength * (math.exp(scale * apart) + 0.03)


@kernel()
def settle(band, odds, right, down, down_right, down_left, share, sweeps):  # noqa: ANN201
    """Mean-field marginals of a binary Markov random field: ``share`` [H,W] 0..1 of the pixels ``band`` [N,2], in place.

    Each pixel takes the logistic of its own log odds [N] plus those of its eight neighbours, weighted by their likeness:
    ``right``, ``down``, ``down_right`` and ``down_left`` [H,W] towards each side. At most ``sweeps`` alternate in direction,
    until little changes. Band pixels must not lie on the border.
    """
    count = len(band)
    for sweep in range(sweeps):
        moved = 0.0
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
            settled = 1.0 / (1.0 + math.exp(-total))
            moved += abs(settled - share[y, x])
            share[y, x] = settled
        if moved < AT_REST * count:
            break
