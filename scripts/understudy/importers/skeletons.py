"""Other programs' 2D skeletons on ours."""

import numpy as np

from understudy.errors import InputError
from understudy.formats.skeleton import BODY_25, COCO_17, FACE_AND_HANDS, KEYPOINTS, MIDDLES

COCO_18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist", "right_hip",
    "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
"""OpenPose's older model."""
HALPE_26 = (
    *COCO_17, "head_top", "neck", "mid_hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel",
    "right_heel",
)  # fmt: skip
"""AlphaPose with feet; the first 26 of its 136."""

BY_COUNT: dict[int, tuple[str, ...]] = {
    25: BODY_25,
    18: COCO_18,
    17: COCO_17,
    26: HALPE_26,
    136: HALPE_26,
    133: COCO_17,
}
"""Names of the body's points by number of points; 133 is COCO-WholeBody, of which the feet follow the 17."""

_WHOLE_BODY_FEET = (
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip

_HAND = {"thumb": 2, "index": 5, "pinky": 17}
"""Knuckles among a hand's 21 points."""
_FACE = {
    "right_eye_outer": 36, "right_eye_inner": 39, "left_eye_inner": 42, "left_eye_outer": 45, "mouth_right": 48, "mouth_left": 54,
}  # fmt: skip
"""Corners of the eyes and the mouth among the face's 68 or 70 points."""


def body_points(points: np.ndarray, where: str) -> np.ndarray:
    """Points [...,37,3] of our skeleton from a body's points [...,J,3] of any known skeleton; zeros where it has none.

    Raises:
        InputError: A skeleton of an unknown number of points.
    """
    count = points.shape[-2]
    if count not in BY_COUNT:
        known = ", ".join(str(number) for number in sorted(BY_COUNT))
        raise InputError(f"{where} has {count} keypoints a person; known are skeletons of {known}.")
    names = BY_COUNT[count] + (_WHOLE_BODY_FEET if count == 133 else ())
    result = np.zeros((*points.shape[:-2], len(KEYPOINTS), 3))
    for place, name in enumerate(names):
        if name in KEYPOINTS:
            result[..., KEYPOINTS.index(name), :] = points[..., place, :]
    for name, sides in MIDDLES.items():
        if name not in names:
            left, right = (result[..., KEYPOINTS.index(side), :] for side in sides)
            both = np.minimum(left[..., 2:], right[..., 2:])
            middle = np.concatenate([(left[..., :2] + right[..., :2]) / 2, both], axis=-1)
            result[..., KEYPOINTS.index(name), :] = np.where(both > 0, middle, 0.0)
    return result


def add_hands_and_face(
    result: np.ndarray, left: np.ndarray | None, right: np.ndarray | None, face: np.ndarray | None
) -> None:
    """Put knuckles and corners of eyes and mouth into our points [37,3], in place, where the parts [21 or 68+,3] are given."""
    for side, hand in (("left", left), ("right", right)):
        if hand is not None and len(hand) == 21:
            for name, place in _HAND.items():
                result[KEYPOINTS.index(f"{side}_{name}")] = hand[place]
    if face is not None and len(face) >= 68:
        for name, place in _FACE.items():
            result[KEYPOINTS.index(name)] = face[place]


def used_names(points: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Points [N,J,3] and their names without those extra ones that are seen in no frame; BODY_25 stays whole."""
    extra = [name for name in FACE_AND_HANDS if (points[:, KEYPOINTS.index(name), 2] > 0).any()]
    names = (*BODY_25, *extra)
    return points[:, [KEYPOINTS.index(name) for name in names]], names


def box_of(points: np.ndarray) -> np.ndarray:
    """Box x0 y0 x1 y1 [4] round the seen ones of points [J,3]; zeros where none is."""
    seen = points[points[:, 2] > 0, :2]
    if not len(seen):
        return np.zeros(4)
    return np.concatenate([seen.min(axis=0), seen.max(axis=0)])
