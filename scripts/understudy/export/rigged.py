"""``avatar.glb`` and ``avatar.vrm``: the mesh with its texture, skinned to the body's joints, and motions for them.

glTF's skins are plain linear blending, as ours but for the pose correctives, which no skin can carry.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.export.gltf import INDICES, VERTICES, Glb
from understudy.export.seams import unwrapped
from understudy.export.surface import Surface
from understudy.export.texture import picture_file
from understudy.export.vrm import EXTENSION as VRM
from understudy.export.vrm import VrmMeta, vrm_bones, vrm_extension
from understudy.motion.clip import Clip
from understudy.render.mesh import vertex_normals

INFLUENCES = 4
"""Joints of a vertex: more than four are not read by all programs."""
STILL = 1e-4
"""A joint that turns less than this in a motion gets a single key, rad; without any, some programs would leave it as the motion
before had it."""
ROUGHNESS = 0.9


def write_rigged(
    path: str | Path,
    surface: Surface,
    texture: np.ndarray,
    relief: np.ndarray,
    clips: Mapping[str, Clip],
    licences: Sequence[str] = (),
    vrm: VrmMeta | None = None,
) -> None:
    """Write a GLB: y up, metres, facing +z in a T-pose on the ground.

    Args:
        path: The file.
        surface: The mesh.
        texture: [S,S,3] uint8 sRGB of its UV layout.
        relief: [R,R,3] uint8 normal map of the same.
        clips: Motions by name, their ground at y = 0.
        licences: What the file says of its copyright.
        vrm: Makes it a VRM 1.0 avatar.
    """
    glb = Glb({"scene": 0, "extras": {"licences": list(licences)}})
    if licences:
        glb.content["asset"]["copyright"] = "; ".join(licences)
    place = -surface.joints[0] * [1.0, 0.0, 1.0] - [0.0, surface.vertices[:, 1].min(), 0.0]
    joints = (surface.joints + place).astype(np.float32)
    bones = vrm_bones(surface.body.joint_names)
    names = [bones.get(joint, joint) for joint in surface.body.joint_names]
    glb.content["nodes"] = _joint_nodes(joints, surface.body.parents, names)
    glb.content["nodes"].append({"name": "person", "mesh": 0, "skin": 0})
    glb.content["scenes"] = [{"nodes": [0, len(names)]}]
    bind = np.tile(np.eye(4, dtype=np.float32), (len(names), 1, 1))
    bind[:, :3, 3] = -joints
    # glTF keeps matrices by columns
    inverse = glb.accessor(bind.transpose(0, 2, 1).reshape(-1, 16))
    glb.content["skins"] = [{"joints": list(range(len(names))), "inverseBindMatrices": inverse, "skeleton": 0}]
    _add_mesh(glb, surface, place)
    _add_material(glb, texture, relief)
    if vrm is not None:
        glb.content["extensionsUsed"] = [VRM]
        glb.content["extensions"] = {
            VRM: vrm_extension(vrm, {name: node for node, name in enumerate(names) if name in bones.values()})
        }
    if clips:
        glb.content["animations"] = [_animation(glb, name, clip, surface.joints[0]) for name, clip in clips.items()]
    glb.write(path)


def _joint_nodes(joints: np.ndarray, parents: Sequence[int], names: Sequence[str]) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for joint, parent in enumerate(parents):
        offset = joints[joint] - (joints[parent] if parent >= 0 else 0.0)
        nodes.append({"name": names[joint], "translation": offset.astype(float).tolist()})
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(joint)
    return nodes


def _add_mesh(glb: Glb, surface: Surface, place: np.ndarray) -> None:
    body, mesh = surface.body, unwrapped(surface.body)
    normals = vertex_normals(surface.vertices, body.faces)
    joint, weight = main_joints(body.lbs_weights.numpy())
    attributes = {
        "POSITION": (surface.vertices + place)[mesh.vertex].astype(np.float32),
        "NORMAL": normals[mesh.vertex],
        "TANGENT": mesh.tangents(surface.vertices, normals),
        "TEXCOORD_0": (mesh.uv * [1.0, -1.0] + [0.0, 1.0]).astype(np.float32),  # glTF's v points down
        "JOINTS_0": joint[mesh.vertex],
        "WEIGHTS_0": weight[mesh.vertex],
    }
    primitive = {
        "attributes": {name: glb.accessor(values, VERTICES, name == "POSITION") for name, values in attributes.items()},
        "indices": glb.accessor(mesh.faces.ravel().astype(np.uint32), INDICES),
        "material": 0,
    }
    glb.content["meshes"] = [{"name": "person", "primitives": [primitive]}]


def main_joints(lbs_weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The four joints [V,4] uint8 of the largest weights, and these weights [V,4] float32 with sum one."""
    joint = np.argsort(-lbs_weights, axis=1, kind="stable")[:, :INFLUENCES]
    weight = np.take_along_axis(lbs_weights, joint, axis=1).astype(np.float64)
    weight = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    # where there is no weight, no joint: validators insist
    return np.where(weight > 0, joint, 0).astype(np.uint8), weight


def _add_material(glb: Glb, texture: np.ndarray, relief: np.ndarray) -> None:
    glb.content["images"] = [
        {"mimeType": "image/jpeg", "bufferView": glb.view(picture_file(picture)), "name": name}
        for name, picture in (("person", texture), ("relief", relief))
    ]
    glb.content["samplers"] = [{"magFilter": 9729, "minFilter": 9987}]  # linear, with smaller copies of the image
    glb.content["textures"] = [{"source": 0, "sampler": 0}, {"source": 1, "sampler": 0}]
    surface = {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": ROUGHNESS}
    glb.content["materials"] = [{"name": "person", "pbrMetallicRoughness": surface, "normalTexture": {"index": 1}}]


def _animation(glb: Glb, name: str, clip: Clip, pelvis: np.ndarray) -> dict[str, Any]:
    """A motion: turns of the joints, and the way of the hips."""
    time = glb.accessor((np.arange(len(clip)) / clip.fps).astype(np.float32), bounds=True)
    turns = clip.rotvecs
    moving = [joint == 0 or np.ptp(turns[:, joint], axis=0).max() > STILL for joint in range(turns.shape[1])]
    start = time if all(moving) else glb.accessor(np.zeros(1, np.float32), bounds=True)
    tracks = [(0, "translation", time, (clip.transl + pelvis).astype(np.float32))]
    for joint, moves in enumerate(moving):
        quats = _steady_quats(turns[:, joint])
        tracks.append((joint, "rotation", time, quats) if moves else (joint, "rotation", start, quats[:1]))
    samplers = [
        {"input": times, "output": glb.accessor(values), "interpolation": "LINEAR"} for _, _, times, values in tracks
    ]
    channels = [
        {"sampler": number, "target": {"node": joint, "path": path}}
        for number, (joint, path, _, _) in enumerate(tracks)
    ]
    return {"name": name, "samplers": samplers, "channels": channels}


def _steady_quats(rotvecs: np.ndarray) -> np.ndarray:
    """Quaternions [T,4] xyzw of rotation vectors [T,3], each on the side of the one before, so that they interpolate well."""
    quats = Rotation.from_rotvec(rotvecs).as_quat()
    turned = (quats[1:] * quats[:-1]).sum(axis=1) < 0
    quats[1:] *= np.where(np.cumsum(turned) % 2 == 1, -1.0, 1.0)[:, None]
    return quats.astype(np.float32)
