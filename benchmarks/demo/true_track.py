"""The demo actor's true poses as a track of the pipeline's own body: what a perfect fit would give.

The body is fitted to points of the true mesh, which has the free body's vertices; no picture is read. The rig has fewer bones
than the true one, so some millimetres remain (``distance``).
"""

from dataclasses import dataclass

import numpy as np
import roma
import torch
from torch import Tensor
from torch.func import jacfwd, vmap

from benchmarks.support.truth import Truth
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.errors import InputError
from understudy.formats.smpl import BodyTrack

ITERATIONS = 5
CHUNK = 16
"""Frames whose derivatives are in memory at once."""
ENOUGH = 6
"""Points that tell a joint's turn."""
CALM = 1e-4
"""Damping, m^2: only there so that what the points do not tell stays small."""


@dataclass(frozen=True)
class TrueTrack:
    """The true motion on our body."""

    track: BodyTrack
    distance: np.ndarray  # [T] mm, mean distance of the points from the true ones


def true_track(body: BodyModel, truth: Truth) -> TrueTrack:
    """Fit the body to the truth's ``markers`` [T,M,3], vertices ``marker_vertices`` [M] of the body, in least squares.

    One shape for the whole clip; each frame's pose and place are free.

    Raises:
        InputError: The body is not of the topology of the truth's mesh.
    """
    if len(body.v_template) != len(truth["rest_vertices"]):
        raise InputError(f"The truth's mesh is not that of the body {body.name}; use the free body.")
    rig = PointRig.of(body, torch.from_numpy(truth["marker_vertices"].astype(np.int64))[:, None], torch.ones(1, 1))
    points = torch.from_numpy(truth["markers"])
    rotations, transl = _start(body, rig, points)
    betas = torch.zeros(body.num_betas)
    for _ in range(ITERATIONS):
        turns, shifts, change = _newton(rig, betas, rotations, transl, points)
        rotations, transl, betas = rotations @ roma.rotvec_to_rotmat(turns), transl + shifts, betas + change
    distance = 1000 * (rig.posed(betas, rotations, transl)[0] - points).norm(dim=-1).mean(dim=-1)
    axis_angle = roma.rotmat_to_rotvec(rotations)
    track = BodyTrack(
        global_orient=axis_angle[:, 0].numpy(),
        body_pose=axis_angle[:, 1:].flatten(1).numpy(),
        transl=transl.numpy(),
        betas=betas.numpy(),
        K=np.asarray(truth["K"], np.float64),
        body_model=(body.name, body.sha256),
        reprojection_px=np.zeros(len(points), np.float32),
        valid=np.ones(len(points), bool),
    )
    return TrueTrack(track, distance.numpy())


def _newton(
    rig: PointRig, betas: Tensor, rotations: Tensor, transl: Tensor, points: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """A Gauss-Newton step: turns [T,J,3], shifts [T,3] and change of the betas [B].

    Frames meet in the betas alone, so that each frame's part is eliminated by itself (a Schur complement).
    """
    count, joints = 3 * len(rig.parents), len(rig.parents)

    def placed(change: Tensor, rotation: Tensor, place: Tensor) -> Tensor:
        turned = rotation @ roma.rotvec_to_rotmat(change[:count].view(joints, 3))
        moved = place + change[count : count + 3]
        return rig.posed(betas + change[count + 3 :], turned[None], moved[None])[0].flatten()

    still = torch.zeros(count + 3 + len(betas))
    slopes = vmap(jacfwd(placed), in_dims=(None, 0, 0), chunk_size=CHUNK)(still, rotations, transl)
    apart = (points - rig.posed(betas, rotations, transl)[0]).flatten(1)
    own, shared = slopes[..., : count + 3].double(), slopes[..., count + 3 :].double()
    apart = apart.double()[..., None]
    inner = own.mT @ own + CALM * torch.eye(count + 3, dtype=torch.float64)
    mixed, pull = own.mT @ shared, own.mT @ apart
    solved = torch.linalg.solve(inner, torch.cat([mixed, pull], dim=-1))
    outer = (shared.mT @ shared - mixed.mT @ solved[..., :-1]).sum(dim=0)
    wanted = (shared.mT @ apart - mixed.mT @ solved[..., -1:]).sum(dim=0)
    change = torch.linalg.solve(outer + CALM * torch.eye(len(betas), dtype=torch.float64), wanted)
    step = (solved[..., -1:] - solved[..., :-1] @ change)[..., 0].float()
    return step[:, :count].view(-1, joints, 3), step[:, count:], change[:, 0].float()


def _start(body: BodyModel, rig: PointRig, points: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations [T,J,3,3] and places [T,3]: each joint turned as the points that mostly follow it are.

    A joint with too few points of its own turns with its parent.
    """
    rest, _ = rig.rest(torch.zeros(body.num_betas))
    owner = rig.weights.argmax(dim=1)
    world = []
    for joint, parent in enumerate(body.parents):
        own = owner == joint
        if int(own.sum()) < ENOUGH:
            world.append(world[parent] if parent >= 0 else torch.eye(3).expand(len(points), 3, 3))
            continue
        before, after = (part - part.mean(dim=-2, keepdim=True) for part in (rest[own], points[:, own]))
        world.append(roma.special_procrustes(after.mT @ before))
    local = [world[j] if p < 0 else world[p].mT @ world[j] for j, p in enumerate(body.parents)]
    rotations = torch.stack(local, dim=1)
    placed, _ = rig.posed(torch.zeros(body.num_betas), rotations, torch.zeros(len(points), 3))
    return rotations, (points - placed).mean(dim=1)
