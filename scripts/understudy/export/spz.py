"""``.spz``: Gaussians in about a tenth of the bytes, as Niantic's viewers and many web viewers read them.

Source: Niantic Labs, SPZ file format, version 3 (github.com/nianticlabs/spz, README.md).
"""

import gzip
import struct
from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.export.splats import Splats
from understudy.files.atomic import atomic_write

MAGIC, VERSION = 0x5053474E, 3
FRACTION_BITS = 14
"""Places are whole multiples of 2^-14 m, and at most 512 m from the origin."""
COLOR_SCALE = 0.15
"""Of the coefficients of degree zero, so that colours beyond 0..1 would fit too."""
LEAST_LOG_SCALE, STEPS_OF_SCALE = -10.0, 16.0
QUATERNION_STEPS = 511
"""Nine bits for the size of each of a quaternion's three smaller components, of which none exceeds 1 / sqrt(2)."""


def write_spz(path: str | Path, splats: Splats) -> None:
    """Write Gaussians whose y points up and that are seen from +z (the format's right, up, back).

    Raises:
        InputError: A Gaussian is farther away than the format can say.
    """
    middle, *first = splats.harmonics()
    header = struct.pack("<IIIBBBB", MAGIC, VERSION, len(splats), 1 if first else 0, FRACTION_BITS, 0, 0)
    parts = (
        _places(splats.means, path),
        _byte(255.0 * splats.opacities),
        _byte(255.0 * (COLOR_SCALE * middle + 0.5)),
        _byte(STEPS_OF_SCALE * (np.log(splats.scales) - LEAST_LOG_SCALE)),
        _turns(splats.quats),
        # coefficient by coefficient, its three colours together
        _byte(128.0 * np.stack(first, axis=1) + 128.0) if first else b"",
    )
    with atomic_write(path) as temporary:
        # without a time inside, so that the same avatar gives the same bytes
        temporary.write_bytes(gzip.compress(header + b"".join(parts), mtime=0))


def _places(means: np.ndarray, path: str | Path) -> bytes:
    """Three numbers of 24 bits for each place."""
    fixed = np.round(np.asarray(means, np.float64) * 2**FRACTION_BITS)
    if not (np.abs(fixed) < 2**23).all():
        raise InputError(f"{path}: a Gaussian lies {np.abs(means).max():g} m away, which .spz cannot say; export .ply.")
    return fixed.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _turns(quats: np.ndarray) -> bytes:
    """32 bits for each quaternion wxyz: which component is the largest, then sign and size of the other three.

    Components are numbered x y z w; the whole is negated where the largest is negative.
    """
    xyzw = np.roll(np.asarray(quats, np.float64), -1, axis=1)
    xyzw /= np.linalg.norm(xyzw, axis=1, keepdims=True)
    largest = np.abs(xyzw).argmax(axis=1)
    rows = np.arange(len(xyzw))
    xyzw *= np.where(xyzw[rows, largest] < 0, -1.0, 1.0)[:, None]
    others = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])[largest]
    values = np.take_along_axis(xyzw, others, axis=1)
    sizes = np.minimum(np.round(np.abs(values) * np.sqrt(2.0) * QUATERNION_STEPS), QUATERNION_STEPS).astype(np.uint32)
    words = (values < 0).astype(np.uint32) << 9 | sizes
    packed = largest.astype(np.uint32) << 30 | words[:, 0] << 20 | words[:, 1] << 10 | words[:, 2]
    return packed.astype("<u4").tobytes()


def _byte(values: np.ndarray) -> bytes:
    return np.clip(np.round(values), 0, 255).astype(np.uint8).tobytes()
