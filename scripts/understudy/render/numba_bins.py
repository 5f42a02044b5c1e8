"""Which Gaussians reach which tiles: depth order and the tiles' lists, with arrays of exactly the size needed."""

import numba
import numpy as np

from understudy.render.jit import kernel

MOST_PAIRS = 1 << 27
"""Of Gaussians and tiles; the largest pictures of a million Gaussians that are a person's have a tenth. A pair takes 12 bytes."""
CHUNKS = 16
"""Parts of the depth order that are worked on side by side; fixed, so that no result depends on the threads."""


@kernel()
def depth_order(splats):  # noqa: ANN201
    """Indices of the drawn Gaussians from front to back, equal depths by index (radix sort of the depths' bits)."""
    count = 0
    for g in range(len(splats)):
        if splats[g, 7] >= 0:
            count += 1
    depths, order = np.empty(count, np.float32), np.empty(count, np.int32)
    place = 0
    for g in range(len(splats)):
        if splats[g, 7] >= 0:
            depths[place] = splats[g, 6]
            order[place] = g
            place += 1
    keys = depths.view(np.uint32)  # positive floats sort like their bits
    other_keys, other_order = np.empty_like(keys), np.empty_like(order)
    counts = np.zeros((3, 2048), np.int64)
    for i in range(count):
        key = keys[i]
        counts[0, key & 2047] += 1
        counts[1, (key >> 11) & 2047] += 1
        counts[2, key >> 22] += 1
    for digit in range(3):
        total = 0
        for value in range(2048):
            here = counts[digit, value]
            counts[digit, value] = total
            total += here
        for i in range(count):
            value = (keys[i] >> (11 * digit)) & 2047
            place = counts[digit, value]
            counts[digit, value] += 1
            other_keys[place] = keys[i]
            other_order[place] = order[i]
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
    return order


@kernel()
def _tile_rows(splat, tiles_y, tile_h):  # noqa: ANN202
    """First and past-the-last row of tiles that the ellipse reaches."""
    half = np.sqrt(splat[7] * splat[2] / (splat[2] * splat[4] - splat[3] * splat[3])) + np.float32(0.01)
    low = max(np.floor((splat[1] - half) / tile_h), np.float32(0))
    high = min(np.floor((splat[1] + half) / tile_h) + np.float32(1), np.float32(tiles_y))
    return int(low), int(high)


@kernel()
def _tile_columns(splat, tile_y, tiles_x, tile_w, tile_h):  # noqa: ANN202
    """First and past-the-last tile that the ellipse reaches in one row of tiles.

    The ellipse's right edge x(dy) = (-b dy + sqrt(a reach - (a c - b^2) dy^2)) / a is concave: within the row's band
    it is furthest right at its extreme point or at the band's edge next to that.
    """
    a, b, c, reach = splat[2], splat[3], splat[4], splat[7]
    determinant = a * c - b * b
    half_height = np.sqrt(reach * a / determinant)
    start = np.float32(tile_y) * tile_h
    above = max(start + np.float32(0.5) - splat[1], -half_height)
    below = min(start + tile_h - np.float32(0.5) - splat[1], half_height)
    extreme = -b * np.sqrt(reach / (c * determinant))  # dy of the rightmost point; its negative of the leftmost
    dy = min(max(extreme, above), below)
    right = (-b * dy + np.sqrt(max(a * reach - determinant * dy * dy, np.float32(0)))) / a
    dy = min(max(-extreme, above), below)
    left = (-b * dy - np.sqrt(max(a * reach - determinant * dy * dy, np.float32(0)))) / a
    # a pixel's centre lies half a pixel inside its tile
    low = max(np.floor((splat[0] + left - np.float32(0.51)) / tile_w), np.float32(0))
    high = min(np.floor((splat[0] + right - np.float32(0.49)) / tile_w) + np.float32(1), np.float32(tiles_x))
    return int(low), int(high)


@kernel(parallel=True)
def tile_lists(splats, order, tiles_x, tiles_y, tile_w, tile_h):  # noqa: ANN201
    """The tiles' lists of Gaussians, front to back, by counting and prefix sums.

    Returns:
        starts [tiles + 1], gaussians [P] int32, slots [P] int64 and slot_starts [N + 1]: pair p of the lists is
        row slots[p] of an array in which the pairs of Gaussian g are the rows slot_starts[g]:slot_starts[g+1].
        Where there are more than MOST_PAIRS, starts ends with a larger number, and the rest is of no use.
    """
    tiles = tiles_x * tiles_y
    counts = np.zeros((CHUNKS, tiles), np.int64)
    slot_starts = np.zeros(len(splats) + 1, np.int64)
    for chunk in numba.prange(CHUNKS):
        room = MOST_PAIRS
        for i in range(len(order) * chunk // CHUNKS, len(order) * (chunk + 1) // CHUNKS):
            g = order[i]
            splat = splats[g]
            row_low, row_high = _tile_rows(splat, tiles_y, tile_h)
            reached = 0
            for tile_y in range(row_low, row_high):
                low, high = _tile_columns(splat, tile_y, tiles_x, tile_w, tile_h)
                for tile_x in range(low, high):
                    counts[chunk, tile_y * tiles_x + tile_x] += 1
                    reached += 1
            slot_starts[g + 1] = reached
            room -= reached
            if room < 0:
                break
    starts = np.empty(tiles + 1, np.int64)
    total = 0
    for tile in range(tiles):
        starts[tile] = total
        for chunk in range(CHUNKS):
            here = counts[chunk, tile]
            counts[chunk, tile] = total
            total += here
    starts[tiles] = total
    if total > MOST_PAIRS:
        return starts, np.empty(0, np.int32), np.empty(0, np.int64), slot_starts
    for g in range(len(splats)):
        slot_starts[g + 1] += slot_starts[g]
    gaussians, slots = np.empty(total, np.int32), np.empty(total, np.int64)
    for chunk in numba.prange(CHUNKS):
        for i in range(len(order) * chunk // CHUNKS, len(order) * (chunk + 1) // CHUNKS):
            g = order[i]
            splat = splats[g]
            slot = slot_starts[g]
            row_low, row_high = _tile_rows(splat, tiles_y, tile_h)
            for tile_y in range(row_low, row_high):
                low, high = _tile_columns(splat, tile_y, tiles_x, tile_w, tile_h)
                for tile_x in range(low, high):
                    tile = tile_y * tiles_x + tile_x
                    place = counts[chunk, tile]
                    counts[chunk, tile] = place + 1
                    gaussians[place] = g
                    slots[place] = slot
                    slot += 1
    return starts, gaussians, slots, slot_starts
