"""``canonical.npz``: the person's surface in the rest pose, and the texture that the video shows of it."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from understudy.files.arrays import again, read_npz, reading, write_npz
from understudy.files.tables import Numbers, check_table
from understudy.formats.limits import MOST_FACES, MOST_TEXELS, MOST_VERTICES, SIZE

TEXTURE = {
    "texture": Numbers(("S", "S", 3), np.uint8, 0, 255),
    "texture_seen": Numbers(("S", "S"), np.uint8, 0, 255),
}
"""What is known of the person alone, and in any avatar."""
TABLE = {
    "rest_vertices": Numbers(("V", 3), np.float32, -SIZE, SIZE),
    "faces": Numbers(("F", 3), np.int32, 0, "V"),
    "vt": Numbers(("VT", 2), np.float32, -SIZE, SIZE),
    "ft": Numbers(("F", 3), np.int32, 0, "VT"),
    "normal": Numbers(("S", "S", 3), np.uint8, 0, 255),
    **TEXTURE,
}
"""What the arrays may be."""
LENGTHS = {"V": (8, MOST_VERTICES), "F": (1, MOST_FACES), "VT": (3, 3 * MOST_FACES), "S": (1, MOST_TEXELS)}


@dataclass(frozen=True)
class Canonical:
    """The surface of one person: metres, y up, facing +z, pelvis near the origin.

    Skinning is the body's own and is not repeated here.
    """

    rest_vertices: np.ndarray  # [V,3] float32
    """The shaped mesh in the zero pose."""
    faces: np.ndarray  # [F,3] int32
    vt: np.ndarray  # [VT,2] float32
    """UV, u right and v up, 0..1."""
    ft: np.ndarray  # [F,3] int32
    texture: np.ndarray  # [S,S,3] uint8
    """sRGB texture; row 0 is v = 1. Unseen texels are filled in."""
    texture_seen: np.ndarray  # [S,S] uint8
    """How well each texel was seen, 0 (filled in) to 255."""
    normal: np.ndarray  # [S,S,3] uint8
    """Normals in the big pose as (n / 2 + 0.5) * 255."""

    def save(self, path: str | Path, recorded: bool = False) -> None:
        """Write ``canonical.npz``.

        Args:
            path: The file.
            recorded: Whether to refuse to replace a file that somebody else made, and to record this one as ours.

        Raises:
            InputError: It cannot be written, or a file is there that may not be replaced.
        """
        write_npz(path, {field.name: getattr(self, field.name) for field in fields(self)}, recorded=recorded)

    @classmethod
    def load(cls, path: str | Path) -> "Canonical":
        """Read ``canonical.npz``.

        Raises:
            InputError: The file is missing or damaged, or an array is of another shape, type or range than it must be.
        """
        names = tuple(field.name for field in fields(cls))
        arrays = read_npz(path, names)
        with reading(path, "a canonical.npz", again(path)):
            taken: dict[str, Any] = check_table(arrays, TABLE, LENGTHS)
        return cls(**taken)


def read_texture(
    path: str | Path, keys: tuple[str, ...] = tuple(TEXTURE), mend: str | None = None
) -> dict[str, np.ndarray]:
    """Those arrays of a canonical.npz that ``TEXTURE`` names; an avatar's has no others.

    Args:
        path: The file.
        keys: Which must be there.
        mend: What to do about a damaged file; default to make it again.

    Raises:
        InputError: The file is missing or damaged.
    """
    mend = again(path) if mend is None else mend
    arrays = read_npz(path, keys, mend)
    with reading(path, "a canonical.npz", mend):
        return check_table(arrays, TEXTURE, LENGTHS)
