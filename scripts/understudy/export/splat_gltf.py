"""``splats.glb``: the Gaussians in one pose as glTF with the extension KHR_gaussian_splatting.

Source: Khronos Group, KHR_gaussian_splatting, release candidate of 2026 (scales are linear; earlier drafts had logarithms).
"""

from pathlib import Path

import numpy as np

from understudy.export.gltf import VERTICES, Glb
from understudy.export.splats import Splats

EXTENSION = "KHR_gaussian_splatting"
POINTS = 0


def write_splat_gltf(path: str | Path, splats: Splats) -> None:
    """Write Gaussians whose y points up; programs that do not know the extension show coloured points."""
    glb = Glb({"scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"name": "person", "mesh": 0}]})
    glb.content["extensionsUsed"] = [EXTENSION]
    attributes = {
        "POSITION": splats.means,
        "COLOR_0": np.concatenate([_linear(splats.colors), splats.opacities[:, None]], axis=1),
        f"{EXTENSION}:ROTATION": np.roll(splats.quats, -1, axis=1),  # x y z w
        f"{EXTENSION}:SCALE": splats.scales,
        f"{EXTENSION}:OPACITY": splats.opacities,
    }
    middle, *first = splats.harmonics()
    attributes[f"{EXTENSION}:SH_DEGREE_0_COEF_0"] = middle
    attributes |= {f"{EXTENSION}:SH_DEGREE_1_COEF_{i}": values for i, values in enumerate(first)}
    primitive = {
        "mode": POINTS,
        "attributes": {
            name: glb.accessor(values.astype(np.float32), VERTICES, name == "POSITION")
            for name, values in attributes.items()
        },
        "extensions": {EXTENSION: {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}},
    }
    glb.content["meshes"] = [{"name": "person", "primitives": [primitive]}]
    glb.write(path)


def _linear(srgb: np.ndarray) -> np.ndarray:
    """Linear values of sRGB ones, both 0..1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
