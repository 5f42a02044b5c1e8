"""The demo actor's body and how it moves: an Anny body of its own, and 96 poses of its 104 bones.

World axes here are Blender's: metres, z up, the actor at rest faces -y, the floor is z = 0.
The body has nothing to do with the PCA body that the pipeline fits: it is Anny's own mesh, rig and skin weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

PHENOTYPE = {
    "gender": 0.08,
    "age": 0.69,
    "muscle": 0.57,
    "weight": 0.47,
    "height": 0.365,
    "proportions": 0.63,
    "cupsize": 0.5,
    "firmness": 0.5,
    "african": 0.22,
    "asian": 0.17,
    "caucasian": 0.61,
}
"""Anny phenotype of the actor (0..1 each)."""

FRAMES = 96
"""Frames of the clip."""

TURN_FRAMES = 64
"""Frames of the full turn; the other frames are a wave, a bent knee and a lean."""


@dataclass(frozen=True)
class Body:
    """Anny's mesh and rig at rest."""

    vertices: np.ndarray
    """[V,3] metres."""
    faces: np.ndarray
    """[F,3] int."""
    uv: np.ndarray
    """[F,3,2] texture coordinates of the corners, origin bottom left."""
    weights: np.ndarray
    """[V,B] skin weights."""
    heads: np.ndarray
    """[B,3] bone heads."""
    parents: np.ndarray
    """[B] int, -1 for the root; a parent comes before its children."""
    names: list[str]
    """[B] bone names."""
    labels: dict[str, np.ndarray]
    """[F] bool masks of faces: `eyes`, `mouth` (cavity and tongue)."""

    def head(self, name: str) -> np.ndarray:
        """Head [3] of a bone at rest."""
        return self.heads[self.names.index(name)]

    def weight(self, *prefixes: str) -> np.ndarray:
        """Summed skin weight [V] of all bones whose name starts with one of the prefixes."""
        return self.weights[:, [n.startswith(prefixes) for n in self.names]].sum(1)


@cache
def anny_model() -> Any:
    """Anny with all its phenotypes."""
    import anny
    import torch

    return anny.Anny(phenotypes="all").to(torch.float32)


def build_body(phenotype: Mapping[str, float] = PHENOTYPE) -> Body:
    """Build a body at rest with Anny, the demo actor's by default; soles at z = 0, pelvis above the origin."""
    import torch
    from anny.face_segmentation import get_face_segmentation_mask

    model = anny_model()
    bones = len(model.bone_labels)
    rest = model(
        pose_parameters=torch.eye(4)[None, None].repeat(1, bones, 1, 1),
        phenotype_kwargs={k: torch.tensor([v]) for k, v in phenotype.items()},
    )
    vertices = rest["rest_vertices"][0].numpy().astype(np.float64)
    heads = rest["rest_bone_heads"][0].numpy().astype(np.float64)
    floor = np.array([0, 0, vertices[:, 2].min()])
    weights = np.zeros((len(vertices), bones))
    rows = np.arange(len(vertices))[:, None]
    np.add.at(weights, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())

    def label(*names: str) -> np.ndarray:
        return get_face_segmentation_mask(model, list(names)).numpy()

    return Body(
        vertices=vertices - floor,
        faces=model.faces.numpy(),
        uv=model.texture_coordinates.numpy()[model.face_texture_coordinate_indices.numpy()].astype(np.float64),
        weights=weights / weights.sum(1, keepdims=True),
        heads=heads - floor,
        parents=np.array(model.bone_parents),
        names=list(model.bone_labels),
        labels={
            "eyes": label("eye_back.L", "eye_back.R", "eye_front.L", "eye_front.R"),
            "mouth": label("mouth_cavity", "tongue"),
        },
    )


def smooth_step(x: np.ndarray | float, lo: float, hi: float) -> np.ndarray:
    """0 below lo, 1 above hi, a smooth cubic between."""
    t = np.clip((np.asarray(x, float) - lo) / (hi - lo), 0, 1)
    return t * t * (3 - 2 * t)


def relaxed_pose(body: Body) -> dict[str, np.ndarray]:
    """The A-pose under everything: rotation vectors [3] (radians, rest axes) by bone; fingers a little curled."""
    pose: dict[str, np.ndarray] = {}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        shoulder, elbow, wrist = (body.head(f"{b}.{side}") for b in ("upperarm01", "lowerarm01", "wrist"))
        upper, fore = elbow - shoulder, wrist - elbow
        bend = np.cross(upper, fore)
        angle = np.arctan2(np.linalg.norm(bend), upper @ fore)
        pose[f"lowerarm01.{side}"] = -0.55 * angle * bend / np.linalg.norm(bend)
        pose[f"upperarm01.{side}"] = np.radians([-5.0, 15.0 * sign, 0.0])
        pose[f"upperleg01.{side}"] = np.radians([0.0, 3.0 * sign, 0.0])
        across = body.head(f"finger5-1.{side}") - body.head(f"finger2-1.{side}")
        for finger in range(2, 6):
            for phalanx in range(1, 4):
                curl = np.radians(6.0 + 4.0 * phalanx + finger)
                pose[f"finger{finger}-{phalanx}.{side}"] = sign * curl * across / np.linalg.norm(across)
    return pose


def pose_at(frame: int, base: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """Rotation vectors by bone at a frame, and the yaw of the whole body (radians): a stepping turn, then moves."""
    pose = dict(base)

    def add(bone: str, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        extra = Rotation.from_euler("xyz", [x, y, z], degrees=True)
        pose[bone] = (extra * Rotation.from_rotvec(pose.get(bone, np.zeros(3)))).as_rotvec()

    turn = min(frame / TURN_FRAMES, 1.0)
    yaw = 2 * np.pi * (turn - 0.02 * np.sin(2 * np.pi * turn))
    busy = smooth_step(turn, 0.0, 0.08) * (1 - smooth_step(turn, 0.92, 1.0))
    stride = np.sin(2 * np.pi * 4 * turn) * busy
    for side, lift in (("L", max(stride, 0.0)), ("R", max(-stride, 0.0))):
        add(f"upperleg01.{side}", x=-15 * lift)
        add(f"lowerleg01.{side}", x=27 * lift)
        add(f"foot.{side}", x=-8 * lift)
    add("spine03", y=1.5 * stride, z=2.0 * busy)
    add("neck02", z=4.0 * busy)

    add("neck01", x=4)
    add("head", x=5)
    after = float(frame - TURN_FRAMES)
    raise_arm = float(smooth_step(after, 3, 16))
    bend_arm = float(smooth_step(after, 0, 11))
    wave = np.sin(after * 0.75) * raise_arm
    add("clavicle.R", y=12 * raise_arm)
    # On its way up the forearm swings forward and the elbow stays near, so that the hand stays in the picture.
    swing = 4 * bend_arm * (1 - bend_arm)
    add("upperarm01.R", y=34 * raise_arm - 22 * swing, z=16 * bend_arm)
    add("lowerarm01.R", y=132 * bend_arm + 9 * wave, x=-8 * bend_arm - 85 * swing)
    add("head", y=-4 * raise_arm, z=-5 * raise_arm)
    lean = float(smooth_step(after, 6, 18))
    add("spine04", y=-4 * lean)
    add("spine02", y=-4 * lean, z=-6 * lean)
    knee = float(smooth_step(after, 10, 22))
    add("upperleg01.L", x=-24 * knee, y=-3 * knee)
    add("lowerleg01.L", x=42 * knee)
    add("foot.L", x=-8 * knee)
    add("upperarm01.L", x=-10 * knee, y=4 * knee)
    add("lowerarm01.L", x=-22 * knee)
    breath = np.sin(2 * np.pi * frame / 70)
    add("spine02", x=0.6 * breath)
    return pose, yaw


def bone_transforms(body: Body, pose: dict[str, np.ndarray], yaw: float) -> np.ndarray:
    """Rest-to-posed transforms [B,4,4] of all bones: every bone turns about its head, then the body about z."""
    out = np.zeros((len(body.names), 4, 4))
    for b, name in enumerate(body.names):
        local = np.eye(4)
        local[:3, :3] = Rotation.from_rotvec(pose.get(name, np.zeros(3))).as_matrix()
        local[:3, 3] = body.heads[b] - local[:3, :3] @ body.heads[b]
        out[b] = local if body.parents[b] < 0 else out[body.parents[b]] @ local
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", yaw).as_matrix()
    return turn @ out


def skin(vertices: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Linear blend skinning: vertices [V,3], weights [V,B], transforms [B,4,4] -> [V,3]."""
    blended = (weights @ transforms[:, :3].reshape(-1, 12)).reshape(-1, 3, 4)
    return np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]


def posed_heads(body: Body, transforms: np.ndarray) -> np.ndarray:
    """Bone heads [B,3] in a pose."""
    return np.einsum("bij,bj->bi", transforms[:, :3, :3], body.heads) + transforms[:, :3, 3]
