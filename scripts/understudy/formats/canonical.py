"""``canonical.npz``: the person's body in the big pose, its skinning and UV, sampled on a volume, and its texture."""

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from understudy.files.arrays import again, check_ranges, read_npz, reading, write_npz
from understudy.files.tables import Numbers, check_shares, check_table
from understudy.formats.limits import (
    LEAST_JOINTS,
    MOST_FACES,
    MOST_JOINTS,
    MOST_TEXELS,
    MOST_VERTICES,
    SIZE,
    SLACK,
    WEIGHTS,
    check_tree,
)

TEXTURE = {
    "texture": Numbers(("S", "S", 3), np.uint8, 0, 255),
    "texture_seen": Numbers(("S", "S"), np.uint8, 0, 255),
}
"""What is known of the person alone, and in any avatar."""
TABLE = {
    "vertices": Numbers(("V", 3), np.float32, -SIZE, SIZE),
    "joints": Numbers(("J", 3), np.float32, -SIZE, SIZE),
    "rest_vertices": Numbers(("V", 3), np.float32, -SIZE, SIZE),
    "rest_joints": Numbers(("J", 3), np.float32, -SIZE, SIZE),
    "parents": Numbers(("J",), np.int32, -1, "J"),
    "faces": Numbers(("F", 3), np.int32, 0, "V"),
    "lbs_weights": Numbers(("V", "J"), np.float32, *WEIGHTS),
    "vt": Numbers(("VT", 2), np.float32, -SIZE, SIZE),
    "ft": Numbers(("F", 3), np.int32, 0, "VT"),
    "bw": Numbers(("X", "Y", "Z", "J+1"), np.float32, WEIGHTS[0], 2 * SIZE),
    "uv": Numbers(("X", "Y", "Z", 2), np.float32, -SIZE, SIZE),
    "origin": Numbers((3,), np.float32, -2 * SIZE, 2 * SIZE),
    "step": Numbers((), np.float64, 1e-4, SIZE),
    "normal": Numbers(("S", "S", 3), np.uint8, 0, 255),
    **TEXTURE,
}
"""What the arrays may be."""
MOST_NODES = 20_000_000
"""Of the volume."""
LENGTHS = {
    "V": (8, MOST_VERTICES), "F": (1, MOST_FACES), "VT": (3, 3 * MOST_FACES), "S": (1, MOST_TEXELS),
    "X": (1, MOST_NODES), "Y": (1, MOST_NODES), "Z": (1, MOST_NODES),
    "J": (LEAST_JOINTS, MOST_JOINTS), "J+1": (LEAST_JOINTS + 1, MOST_JOINTS + 1),
}  # fmt: skip


@dataclass(frozen=True)
class Canonical:
    """The body of one person in canonical space: metres, y up, facing +z, pelvis of the rest pose near the origin."""

    vertices: np.ndarray  # [V,3] float32
    """Big-pose mesh: zero pose but the hips at +-30 degrees about z."""
    joints: np.ndarray  # [J,3] float32
    """Joints in the big pose."""
    rest_vertices: np.ndarray  # [V,3] float32
    """The shaped mesh in the zero pose."""
    rest_joints: np.ndarray  # [J,3] float32
    parents: np.ndarray  # [J] int32
    """-1 at the root."""
    faces: np.ndarray  # [F,3] int32
    lbs_weights: np.ndarray  # [V,J] float32
    vt: np.ndarray  # [VT,2] float32
    """UV, u right and v up, 0..1."""
    ft: np.ndarray  # [F,3] int32
    bw: np.ndarray  # [X,Y,Z,J+1] float32
    """Blend weights of the joints and the distance to the surface (m) at ``origin + step * (i, j, k)``."""
    uv: np.ndarray  # [X,Y,Z,2] float32
    """UV of the nearest surface point."""
    origin: np.ndarray  # [3] float32
    step: float
    texture: np.ndarray  # [S,S,3] uint8
    """sRGB texture; row 0 is v = 1. Unseen texels are filled in."""
    texture_seen: np.ndarray  # [S,S] uint8
    """How well each texel was seen, 0 (filled in) to 255."""
    normal: np.ndarray  # [S,S,3] uint8
    """Canonical normals as (n / 2 + 0.5) * 255."""

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
            nodes = math.prod(taken["bw"].shape[:3])
            if nodes > MOST_NODES:
                raise ValueError(f"the volume has {nodes} nodes, more than {MOST_NODES}")
            _check_volume(taken["bw"], len(taken["parents"]))
            check_shares("lbs_weights", taken["lbs_weights"], SLACK)
            check_tree(taken["parents"])
        return cls(**{**taken, "step": float(taken["step"])})


def _check_volume(bw: np.ndarray, joints: int) -> None:
    """Refuse a volume that is not of so many joints' weights and a distance.

    Raises:
        ValueError: It is not.
    """
    if bw.shape[-1] != joints + 1:
        raise ValueError(f"bw has {bw.shape[-1]} numbers a node, not the weights of {joints} joints and a distance")
    check_ranges(
        {"bw": bw[..., :-1], "a distance in bw": bw[..., -1]}, {"bw": WEIGHTS, "a distance in bw": (0, 2 * SIZE)}
    )


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
