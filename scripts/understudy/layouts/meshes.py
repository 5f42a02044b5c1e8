"""Bare ``.obj`` files, as data sets have them."""

from pathlib import Path

import numpy as np


def write_mesh(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Vertices [V,3] in their order and faces [F,3]; nothing else, and no empty line, which some readers stumble over."""
    with open(path, "w", encoding="ascii") as file:
        np.savetxt(file, vertices, "v %.6f %.6f %.6f")
        np.savetxt(file, faces + 1, "f %d %d %d")


def write_uv(path: Path, vt: np.ndarray, faces: np.ndarray, ft: np.ndarray) -> None:
    """UV [VT,2] (v up) and faces [F,3] with their places ``ft`` [F,3] in it."""
    with open(path, "w", encoding="ascii") as file:
        np.savetxt(file, vt, "vt %.6f %.6f")
        np.savetxt(file, np.stack([faces + 1, ft + 1], axis=2).reshape(len(faces), 6), "f %d/%d %d/%d %d/%d")
