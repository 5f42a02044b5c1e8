"""Where clothes begin and end on a body: which part a vertex is of, and where along the limb it sits."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_matrix, csr_matrix
from scipy.spatial import cKDTree

from understudy.body.joints import ARM, LEG, SIDES
from understudy.body.model import PARTS, BodyModel

ARMS = ("left_arm", "right_arm")
LEGS = ("left_leg", "right_leg")
HANDS = ("left_hand", "right_hand")
FEET = ("left_foot", "right_foot")


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The vertices of one person's body at rest. Heights are 0 at the hip joints and 1 at the neck's joint."""

    part: np.ndarray  # [V] uint8, index into ``body.model.PARTS``
    along: np.ndarray  # [V] float32
    """Place along an arm (0 shoulder, 1 elbow, 2 wrist) or a leg (0 hip, 1 knee, 2 ankle); 0 elsewhere."""
    height: np.ndarray  # [V] float32
    trunk: float
    """Length of one unit of height, m."""
    to_scalp: np.ndarray  # [V] float32
    """Distance to the nearest vertex on which hair grows, m."""
    to_neck: np.ndarray  # [V] float32
    """Distance to the nearest vertex of the neck, m."""
    cheek: np.ndarray  # [V] bool
    """The face without eyes, brows, mouth and its rim: skin on everybody."""
    edges: csr_matrix  # [V,V] symmetric, 1 where an edge of the mesh joins two vertices

    def of(self, *parts: str) -> np.ndarray:
        """Vertices [V] bool of any of these parts."""
        return np.isin(self.part, [PARTS.index(part) for part in parts])


def anatomy_of(body: BodyModel, betas: np.ndarray) -> Anatomy:
    """The anatomy of a body of shape ``betas`` [B]."""
    with torch.no_grad():
        shaped = body.shaped(torch.from_numpy(np.asarray(betas, np.float32)))
        vertices, joints = (values.numpy() for values in shaped)
        points = body.keypoints(shaped[0][None])[0].numpy()
    at = dict(zip(body.joint_names, joints, strict=True))
    keypoint = dict(zip(body.keypoint_names, points, strict=True))
    part = _part_of_vertex(body)
    along = np.zeros(len(vertices), np.float32)
    for side in SIDES:
        for limb, chain in (("arm", ARM), ("leg", LEG)):
            whole = np.isin(part, [PARTS.index(f"{side}_{p}") for p in (limb, "hand" if limb == "arm" else "foot")])
            along[whole] = _place_along(vertices[whole], *(at[f"{side}_{joint}"] for joint in chain))
    hips = (at["left_hip"] + at["right_hip"]) / 2
    trunk = float(at["neck"][1] - hips[1])
    face = part == PARTS.index("face")
    scalp = part == PARTS.index("hair")
    if not scalp.any():
        scalp = face & _grows_hair(vertices, keypoint)
    return Anatomy(
        part=np.where(scalp, PARTS.index("hair"), part).astype(np.uint8),
        along=along,
        height=((vertices[:, 1] - hips[1]) / trunk).astype(np.float32),
        trunk=trunk,
        to_scalp=_distance(vertices, vertices[scalp]),
        to_neck=_distance(vertices, vertices[part == PARTS.index("neck")]),
        cheek=face & ~scalp & _is_cheek(vertices, keypoint),
        edges=_edges(body.faces, len(vertices)),
    )


def _part_of_vertex(body: BodyModel) -> np.ndarray:
    """The part [V] that most faces at a vertex are of; what lies inside the mouth only where nothing else is."""
    votes = np.zeros((len(body.v_template), len(PARTS)))
    np.add.at(votes, (body.faces.ravel(), np.repeat(body.parts, 3)), 1.0)
    votes[:, PARTS.index("inside")] *= 1e-3
    return votes.argmax(axis=1).astype(np.uint8)


def _place_along(points: np.ndarray, start: np.ndarray, middle: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Place [N] of points [N,3] along two bones: 0 at the start, 1 at the middle, 2 at the end."""

    def share(first: np.ndarray, last: np.ndarray) -> np.ndarray:
        axis = last - first
        return (points - first) @ axis / max(float(axis @ axis), 1e-12)

    return np.minimum(share(start, middle), 1.0) + np.maximum(share(middle, end), 0.0)


def _grows_hair(vertices: np.ndarray, keypoint: dict[str, np.ndarray]) -> np.ndarray:
    """Vertices of a head [V] bool above the forehead or behind the ears, where the body does not say."""
    eyes = (keypoint["left_eye"] + keypoint["right_eye"]) / 2
    ears = (keypoint["left_ear"] + keypoint["right_ear"]) / 2
    nose = keypoint["nose"]
    above, front = vertices[:, 1] - eyes[1], vertices[:, 2] - ears[2]
    drop = eyes[1] - nose[1]
    return (above > 2.0 * abs(drop) + 0.01) | ((front < -0.01) & (above > -1.5 * abs(drop)))


def _is_cheek(vertices: np.ndarray, keypoint: dict[str, np.ndarray]) -> np.ndarray:
    """Vertices [V] bool near the middle of the face but not at eyes or mouth."""
    eyes = np.stack([keypoint["left_eye"], keypoint["right_eye"]])
    nose = keypoint["nose"]
    width = float(np.linalg.norm(eyes[0] - eyes[1]))
    near = np.linalg.norm(vertices - nose, axis=1) < 1.1 * width
    mouth = [keypoint[name] for name in ("mouth_left", "mouth_right") if name in keypoint]
    away = np.stack([*eyes, *mouth, *([np.mean(mouth, axis=0)] if mouth else [])])
    return near & (_distance(vertices, away) > 0.25 * width) & (vertices[:, 1] < eyes[:, 1].mean() + 0.1 * width)


def _distance(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance [N] float32 of points [N,3] to the nearest of ``others`` [M,3]; infinite where there is none."""
    if not len(others):
        return np.full(len(points), np.inf, np.float32)
    return cKDTree(others).query(points)[0].astype(np.float32)


def _edges(faces: np.ndarray, count: int) -> csr_matrix:
    """Neighbours of the mesh's vertices [V,V]."""
    rows = faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    columns = faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    edges = coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), (count, count)).tocsr()
    edges.data[:] = 1.0
    return edges
