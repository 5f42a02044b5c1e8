"""Bodies and cameras made up for tests: no file, no download."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
import trimesh

from understudy.body.joints import SMPL_JOINTS, SMPL_PARENTS
from understudy.body.model import PARTS, BodyModel
from understudy.formats.skeleton import KEYPOINTS

REST_JOINTS = np.array(
    [
        [0.00, 0.00, 0.00], [0.09, -0.08, 0.00], [-0.09, -0.08, 0.00], [0.00, 0.11, 0.00], [0.10, -0.48, 0.00],
        [-0.10, -0.48, 0.00], [0.00, 0.25, 0.00], [0.10, -0.90, -0.02], [-0.10, -0.90, -0.02], [0.00, 0.31, 0.00],
        [0.10, -0.95, 0.12], [-0.10, -0.95, 0.12], [0.00, 0.52, 0.00], [0.08, 0.42, 0.00], [-0.08, 0.42, 0.00],
        [0.00, 0.60, 0.02], [0.18, 0.44, 0.00], [-0.18, 0.44, 0.00], [0.44, 0.44, 0.00], [-0.44, 0.44, 0.00],
        [0.69, 0.44, 0.00], [-0.69, 0.44, 0.00], [0.77, 0.44, 0.00], [-0.77, 0.44, 0.00],
    ],
    np.float32,
)  # fmt: skip
"""A plain T-pose, y up, facing +z, left at +x."""


def sausage_body(num_betas: int = 4, posedirs: bool = False, seed: int = 0) -> BodyModel:
    """A person of capsules, one per bone: about 1.7 m tall, rigidly skinned with a soft blend at the joints.

    The first shape component makes it taller; keypoints sit on or beside the joints they are named for.
    """
    random = np.random.default_rng(seed)
    pieces, owners = [], []
    for child, parent in enumerate(SMPL_PARENTS):
        if parent < 0:
            continue
        start, end = REST_JOINTS[parent], REST_JOINTS[child]
        radius = 0.09 if {SMPL_JOINTS[child], SMPL_JOINTS[parent]} & {"spine1", "spine2", "spine3"} else 0.05
        capsule = trimesh.creation.capsule(height=float(np.linalg.norm(end - start)), radius=radius, count=(8, 8))
        capsule.apply_transform(trimesh.geometry.align_vectors([0, 0, 1], end - start))
        capsule.apply_translation(start)
        pieces.append(capsule)
        owners.append(np.full(len(capsule.vertices), parent))
    head = trimesh.creation.icosphere(subdivisions=2, radius=0.11)
    head.apply_translation(REST_JOINTS[SMPL_JOINTS.index("head")] + [0, 0.06, 0])
    pieces.append(head)
    owners.append(np.full(len(head.vertices), SMPL_JOINTS.index("head")))
    mesh = trimesh.util.concatenate(pieces)
    vertices, owner = np.asarray(mesh.vertices, np.float32), np.concatenate(owners)
    faces = np.asarray(mesh.faces, np.int32)

    distance = np.linalg.norm(vertices[:, None] - REST_JOINTS[None], axis=-1)
    weights = np.eye(len(SMPL_JOINTS), dtype=np.float32)[owner]
    for joint, parent in enumerate(SMPL_PARENTS):
        if parent >= 0:
            near = (owner == parent) & (distance[:, joint] < 0.06)
            weights[near, joint], weights[near, parent] = 0.3, 0.7

    # each joint is the mean of a ring of vertices near it, so that it follows the shape
    regressor = np.zeros((len(SMPL_JOINTS), len(vertices)), np.float32)
    for joint in range(len(SMPL_JOINTS)):
        nearest = np.argsort(distance[:, joint])[:12]
        basis = np.vstack([vertices[nearest].T, np.ones(12)])
        regressor[joint, nearest] = np.linalg.pinv(basis) @ np.append(REST_JOINTS[joint], 1.0)

    shapedirs = np.zeros((len(vertices), 3, num_betas), np.float32)
    shapedirs[..., 0] = 0.04 * vertices
    shapedirs[:, 0, 1] = 0.05 * vertices[:, 0]
    shapedirs[:, 2, 2] = 0.10 * vertices[:, 2]

    at = {name: REST_JOINTS[i] for i, name in enumerate(SMPL_JOINTS)}
    places = np.stack([_keypoint_place(name, at) for name in KEYPOINTS])
    nearest = np.argsort(np.linalg.norm(vertices[None] - places[:, None], axis=-1), axis=1)[:, :4]

    atlas = np.stack([vertices[:, 0] + 1.0, vertices[:, 1] + 1.2], axis=1) / 2.5
    return BodyModel(
        name="sausage",
        sha256="0" * 64,
        free=True,
        v_template=torch.from_numpy(vertices),
        shapedirs=torch.from_numpy(shapedirs),
        posedirs=torch.from_numpy(random.normal(0, 1e-3, (len(vertices), 3, 207)).astype(np.float32))
        if posedirs
        else None,
        J_regressor=torch.from_numpy(regressor),
        lbs_weights=torch.from_numpy(weights),
        joint_names=SMPL_JOINTS,
        parents=SMPL_PARENTS,
        faces=faces,
        vt=atlas.astype(np.float32),
        ft=faces.copy(),
        parts=np.full(len(faces), PARTS.index("torso"), np.uint8),
        keypoint_names=KEYPOINTS,
        keypoint_vertices=torch.from_numpy(nearest),
        keypoint_weights=torch.full(nearest.shape, 0.25),
    )


MORE = {
    "tail": "pelvis",
    "jaw": "head",
    "left_eye": "head",
    "right_eye": "head",
    "left_watch": "left_wrist",
    "rib": "spine2",
}
"""Joints that SMPL does not have, and what they hang on."""


def more_joints(body: BodyModel, more: Mapping[str, str] = MORE, seed: int = 1) -> BodyModel:
    """The body with more joints, each right after the one that it hangs on, so that indices are others than SMPL's.

    They are where that one is and share its skin weight with it, so that nothing moves otherwise while they are at rest.
    """
    random = np.random.default_rng(seed)
    names = list(body.joint_names)
    for name, parent in more.items():
        names.insert(names.index(parent) + 1, name)
    source = [body.joint(more.get(name, name)) for name in names]
    share = torch.tensor([1.0 / (1 + list(more.values()).count(more.get(name, name))) for name in names])
    above = {name: more.get(name) or body.joint_names[body.parents[body.joint(name)]] for name in names[1:]}
    posedirs = body.posedirs
    if posedirs is not None:
        added = torch.from_numpy(random.normal(0, 1e-3, (*posedirs.shape[:2], 9 * len(more))).astype(np.float32))
        blocks = iter(added.split(9, dim=2))
        own = posedirs.split(9, dim=2)
        posedirs = torch.cat([next(blocks) if name in more else own[body.joint(name) - 1] for name in names[1:]], dim=2)
    return replace(
        body,
        posedirs=posedirs,
        J_regressor=body.J_regressor[source],
        lbs_weights=body.lbs_weights[:, source] * share,
        joint_names=tuple(names),
        parents=(-1, *(names.index(above[name]) for name in names[1:])),
    )


def _keypoint_place(name: str, at: dict[str, np.ndarray]) -> np.ndarray:
    """Where a keypoint of the skeleton is on the made-up body."""
    side = 1.0 if "left" in name else -1.0 if "right" in name else 0.0
    prefix = "left_" if side > 0 else "right_"
    if name in at:
        return at[name]
    if name == "mid_hip":
        return at["pelvis"]
    if "toe" in name:
        return at[prefix + "foot"] + [0, 0, 0.05]
    if "heel" in name:
        return at[prefix + "ankle"] + [0, -0.04, -0.05]
    if any(part in name for part in ("pinky", "index", "thumb")):
        return at[prefix + "hand"]
    forward = 0.02 if "ear" in name else 0.1
    return at["head"] + [0.05 * side, 0.06, forward]
