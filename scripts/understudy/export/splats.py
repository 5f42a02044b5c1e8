"""The avatar's Gaussians in one pose, as a ``.ply`` that viewers of 3D Gaussian Splatting open."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from understudy.avatar.splats import SplatAvatar
from understudy.body.model import BodyModel
from understudy.files.atomic import atomic_write

SH_C0, SH_C1 = 0.28209479177387814, 0.4886025119029199
"""The real spherical harmonics of degrees zero and one, of the latter the factor on y, z and x."""
SURE = 1e-4
"""Opacities stay this far from 0 and 1, so that their logits are finite."""


@dataclass(frozen=True)
class Splats:
    """A cloud of Gaussians as arrays; the world's axes are the caller's."""

    means: np.ndarray  # [N,3] float32 m
    quats: np.ndarray  # [N,4] float32 wxyz, unit
    scales: np.ndarray  # [N,3] float32 m
    opacities: np.ndarray  # [N] float32 0..1
    colors: np.ndarray  # [N,3] float32 sRGB 0..1
    sh: np.ndarray | None = None  # [N,3,3] float32
    """Vectors for red, green and blue, whose product with the direction from the camera is added to the colours."""

    def __len__(self) -> int:
        return len(self.means)

    def upside_down(self) -> "Splats":
        """Half a turn about x: from y up and seen from +z to y down and seen from -z, or back."""
        w, x, y, z = self.quats.T
        turned = np.stack([-x, w, -z, y], axis=1)  # (0, 1, 0, 0) times the quaternion
        flip = np.array([1, -1, -1], np.float32)
        sh = None if self.sh is None else self.sh * flip
        return Splats(self.means * flip, turned, self.scales, self.opacities, self.colors, sh)

    def harmonics(self) -> list[np.ndarray]:
        """Coefficients [N,3] of red, green and blue, of degree zero and of the three of degree one where there are any."""
        first = [] if self.sh is None else [-self.sh[..., 1] / SH_C1, self.sh[..., 2] / SH_C1, -self.sh[..., 0] / SH_C1]
        return [(self.colors - 0.5) / SH_C0, *first]


def rest_pose(body: BodyModel) -> tuple[Tensor, Tensor]:
    """Rotations [J,3,3] and translation [3] of the rest pose."""
    return body.rest_rotations, torch.zeros(3)


def posed_splats(avatar: SplatAvatar, rotations: Tensor, transl: Tensor) -> Splats:
    """The Gaussians in a pose of rotations [J,3,3] and translation [3], with their albedo."""
    with torch.no_grad():
        posed = avatar.gaussians(rotations, transl)
    parts = (posed.means, posed.quats, posed.scales, posed.opacities, avatar.albedo(), posed.sh)
    return Splats(*(None if part is None else part.cpu().numpy().astype(np.float32) for part in parts))  # type: ignore[arg-type]


def quat_matrices(quats: np.ndarray) -> np.ndarray:
    """Rotation matrices [N,3,3] of unit quaternions [N,4] wxyz."""
    return Rotation.from_quat(np.roll(quats, -1, axis=1)).as_matrix()


def write_splats(path: str | Path, splats: Splats) -> None:
    """Write the layout of Inria's 3D Gaussian Splatting, binary little-endian, colours of degree zero or one.

    Logarithms of the scales, logits of the opacities, quaternions w x y z, zero normals. Axes are kept;
    programs that read this layout mostly expect y down, as structure from motion gives it.

    Source: Kerbl et al., 3D Gaussian Splatting (SIGGRAPH 2023), the files of its program.
    """
    middle, *first = splats.harmonics()
    rest = np.stack(first, axis=2).reshape(len(splats), 9) if first else np.zeros((len(splats), 0), np.float32)
    names = [*"xyz", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{i}" for i in range(rest.shape[1])] + ["opacity"]
    names += ["scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    opacities = np.clip(splats.opacities, SURE, 1 - SURE)
    table = np.concatenate(
        [
            splats.means,
            np.zeros_like(splats.means),
            middle,
            rest,  # red's, green's, blue's
            np.log(opacities / (1 - opacities))[:, None],
            np.log(splats.scales),
            splats.quats,
        ],
        axis=1,
    )
    header = "\n".join(
        ["ply", "format binary_little_endian 1.0", f"element vertex {len(splats)}"]
        + [f"property float {name}" for name in names]
        + ["end_header\n"]
    )
    with atomic_write(path) as temporary:
        temporary.write_bytes(header.encode("ascii") + table.astype("<f4").tobytes())
