"""Where a 2D pose detector would see its keypoints on Anny's surface, and which part of the head is hair."""

import numpy as np

from understudy.body.building.build import sparse_regressor
from understudy.body.joints import ARM, LEG, SMPL_JOINTS
from understudy.body.model import PARTS
from understudy.formats.skeleton import KEYPOINTS

MOST_VERTICES = 32
"""Largest number of vertices behind a keypoint."""

_MIDDLES = {"neck": "shoulder", "mid_hip": "hip"}
_KNUCKLES = {"pinky": ("finger5-1",), "index": ("finger2-1",), "thumb": ("finger1-2", "finger1-3")}
"""Bones whose heads' mean is the hand's keypoint: the knuckles that MediaPipe Pose names, the thumb between its two."""


_OFFSETS = {
    "ear": ("head", (-0.021, 0.009, 0.024)),
    "mouth": ("head", (-0.005, 0.011, 0.001)),
    "wrist": ("left_wrist", (0.011, 0.004, 0.0)),
    "pinky": ("left_wrist", (-0.004, 0.0, 0.028)),
    "index": ("left_wrist", (-0.016, -0.012, -0.018)),
    "thumb": ("left_wrist", (0.002, 0.013, -0.037)),
    "hip": ("pelvis", (0.0, 0.025, 0.011)),
    "knee": ("left_knee", (-0.011, 0.010, 0.0)),
    "big_toe": ("left_foot", (0.009, 0.002, -0.022)),
}
"""Left keypoint to the joint it moves with, and how far from its anatomical place the detector sees it (m, T-pose's axes).

Measured: MediaPipe Pose 0.10.21 on 120 rendered pictures of this body in many shapes, poses and views (up to 75 degrees to
either side, and from behind), robust least squares over 205 to 240 sightings each. On 120 other pictures the offsets left
were at most 9 mm, most below 3, against a scatter of 9 to 17 mm.
"""


def keypoint_rows(
    vertices: np.ndarray,  # [S,V,3]
    heads: dict[str, np.ndarray],  # of [S,3]
    coco: dict[str, np.ndarray],  # of [V]
    edges: dict[str, np.ndarray],
    weights: np.ndarray,  # [V,J]
    mirror: np.ndarray,  # [V]
    rotations: np.ndarray,  # [S,J,3,3]
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [K,M] int64 and coefficients [K,M] of every keypoint of the skeleton; rows sum to one.

    Args:
        vertices: Samples in any one pose.
        heads: Heads of Anny's bones in that pose.
        coco: Anny's regressors of COCO's keypoints.
        edges: Vertices of the lips' and of the left eyelids' edge, as ``mouth`` and ``left_eye``.
        weights: Skin weights.
        mirror: Counterpart of each vertex.
        rotations: World rotation of each joint from the samples' pose to the T-pose.
    """
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in KEYPOINTS:
        if not name.startswith("right") and name not in _MIDDLES and not name.endswith("_right"):
            found[name] = _one(name, vertices, heads, coco, edges, weights, rotations)
    # what is in the middle is made the same on both sides
    nose, coefficients = found["nose"]
    found["nose"] = np.concatenate([nose, mirror[nose]]), np.concatenate([coefficients, coefficients]) / 2
    for name in KEYPOINTS:
        if name not in found and "right" in name:
            chosen, coefficients = found[name.replace("right", "left")]
            found[name] = mirror[chosen], coefficients
    for middle, limb in _MIDDLES.items():
        both = [found[f"{side}_{limb}"] for side in ("left", "right")]
        found[middle] = np.concatenate([b[0] for b in both]), np.concatenate([b[1] for b in both]) / 2
    indices = np.zeros((len(KEYPOINTS), MOST_VERTICES), np.int64)
    rows = np.zeros((len(KEYPOINTS), MOST_VERTICES))
    for row, name in enumerate(KEYPOINTS):
        chosen, coefficients = found[name]
        indices[row, : len(chosen)], rows[row, : len(chosen)] = chosen, coefficients
        indices[row, len(chosen) :] = chosen[0]
    return indices, rows


def head_parts(
    parts: np.ndarray,  # [F] uint8
    faces: np.ndarray,  # [F,3]
    vertices: np.ndarray,  # [V,3]
    regions: np.ndarray,  # [F] of str
    eye: np.ndarray,  # [3]
    ear: np.ndarray,  # [3]
) -> np.ndarray:
    """``parts`` [F] with the scalp marked as hair and what is never seen as inside.

    The hairline runs over the forehead, as far above the eyes as two thirds of the way to the crown, down before the ears and
    behind them to the nape.

    Args:
        parts: Parts, the whole head as face.
        faces: Corners.
        vertices: Rest vertices, y up, facing +z, m.
        regions: Anny's names of regions.
        eye: Left eye.
        ear: Left ear.
    """
    centre = vertices[faces].mean(axis=1)
    crown = vertices[:, 1].max()
    forehead = eye[1] + 0.55 * (crown - eye[1])
    front = vertices[np.abs(vertices[:, 1] - forehead) < 0.02, 2].max()
    # in profile the hairline is a straight line from the forehead to the ear's upper front, then level with the nape
    along = np.clip((centre[:, 2] - (ear[2] + 0.015)) / (front - (ear[2] + 0.015)), 0.0, 1.0)
    hairline = (ear[1] + 0.025) + along**0.7 * (forehead - ear[1] - 0.025)
    behind = centre[:, 2] < ear[2] - 0.012
    lowest = np.where(behind, ear[1] - 0.06, hairline)
    at_ear = np.linalg.norm(np.abs(centre) * [1, 0, 0] + centre * [0, 1, 1] - ear, axis=1) < 0.036
    on_head = parts == PARTS.index("face")
    hair = (on_head | ((parts == PARTS.index("neck")) & behind)) & (centre[:, 1] > lowest) & ~at_ear
    marked = np.where(hair, PARTS.index("hair"), parts)
    hidden = np.isin(regions, ("mouth_cavity", "tongue", "eye_cavity.L", "eye_cavity.R", "eye_back.L", "eye_back.R"))
    return np.where(hidden, PARTS.index("inside"), marked).astype(np.uint8)


def region_edge(faces: np.ndarray, regions: np.ndarray, first: str, second: str) -> np.ndarray:
    """Vertices that belong both to a face [F,3] of one region and to one of another."""
    return np.intersect1d(faces[regions == first], faces[regions == second])


def _one(
    name: str,
    vertices: np.ndarray,
    heads: dict[str, np.ndarray],
    coco: dict[str, np.ndarray],
    edges: dict[str, np.ndarray],
    weights: np.ndarray,
    rotations: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and coefficients of a keypoint of the left side or of the middle."""
    stem = "mouth" if name == "mouth_left" else name.partition("_")[2]
    if stem in _KNUCKLES:
        point = np.mean([heads[f"{bone}.L"] for bone in _KNUCKLES[stem]], axis=0)
    elif stem == "mouth":
        point = _corner(vertices, edges["mouth"], 1.0)
    elif stem in ("eye_inner", "eye_outer"):
        point = _corner(vertices, edges["left_eye"], -1.0 if stem == "eye_inner" else 1.0)
    else:
        point = np.einsum("v,svc->sc", coco[name], vertices)
    if stem in _OFFSETS:
        joint, offset = _OFFSETS[stem]
        point = point + np.einsum("sab,a->sb", rotations[:, SMPL_JOINTS.index(joint)], offset)
    count = MOST_VERTICES // 2
    if stem in (*ARM, *LEG):
        return sparse_regressor(vertices, point, weights, count)
    return sparse_regressor(vertices, point, np.ones((vertices.shape[1], 1)), count, candidates=1200, stride=3)


def _corner(vertices: np.ndarray, edge: np.ndarray, outwards: float) -> np.ndarray:
    """Outermost (or innermost, for -1) point [S,3] across x of the vertices ``edge`` of samples [S,V,3]."""
    return vertices[:, edge[(vertices[:, edge, 0].mean(axis=0) * outwards).argmax()]]
