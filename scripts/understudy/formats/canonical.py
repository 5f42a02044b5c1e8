"""``canonical.npz``: the person's body in the big pose, its skinning and UV, sampled on a volume, and its texture."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from understudy.files import again, check_shapes, read_npz, reading, write_npz


@dataclass(frozen=True)
class Canonical:
    """The body of one person in canonical space: metres, y up, facing +z, pelvis of the rest pose near the origin."""

    vertices: np.ndarray  # [V,3] float32
    """Big-pose mesh: zero pose but the hips at +-30 degrees about z."""
    joints: np.ndarray  # [24,3] float32
    """Joints in the big pose."""
    rest_vertices: np.ndarray  # [V,3] float32
    """The shaped mesh in the zero pose."""
    rest_joints: np.ndarray  # [24,3] float32
    parents: np.ndarray  # [24] int32
    """-1 at the root."""
    faces: np.ndarray  # [F,3] int32
    lbs_weights: np.ndarray  # [V,24] float32
    vt: np.ndarray  # [VT,2] float32
    """UV, u right and v up, 0..1."""
    ft: np.ndarray  # [F,3] int32
    bw: np.ndarray  # [X,Y,Z,25] float32
    """24 blend weights and the distance to the surface (m) at ``origin + step * (i, j, k)``."""
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

    def save(self, path: str | Path) -> None:
        """Write the npz."""
        write_npz(path, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: str | Path) -> "Canonical":
        """Read the npz.

        Raises:
            InputError: The file is missing, damaged, or its arrays do not fit together.
        """
        names = tuple(field.name for field in fields(cls))
        arrays = read_npz(path, names)
        with reading(path, "a canonical.npz", again(path)):
            values: dict[str, Any] = {**arrays, "step": float(arrays["step"])}
            _check(arrays)
        return cls(**{name: values[name] for name in names})


def _check(arrays: dict[str, np.ndarray]) -> None:
    """Refuse shapes that do not fit together, and indices that point outside."""
    vertices, faces, texels, side = (len(arrays[key]) for key in ("vertices", "faces", "vt", "texture"))
    volume, joints = arrays["bw"].shape[:3], len(arrays["joints"])
    shapes: dict[str, tuple[int, ...]] = {key: (vertices, 3) for key in ("vertices", "rest_vertices")}
    shapes |= {key: (joints, 3) for key in ("joints", "rest_joints")} | {"parents": (joints,), "origin": (3,)}
    shapes |= {"faces": (faces, 3), "ft": (faces, 3), "vt": (texels, 2), "lbs_weights": (vertices, joints)}
    shapes |= {"bw": (*volume, joints + 1), "uv": (*volume, 2), "texture_seen": (side, side)}
    shapes |= {"texture": (side, side, 3), "normal": (side, side, 3)}
    check_shapes(arrays, shapes)
    for key, limit in (("faces", vertices), ("ft", texels)):
        if arrays[key].min(initial=0) < 0 or arrays[key].max(initial=0) >= limit:
            raise ValueError(f"{key} points outside")
