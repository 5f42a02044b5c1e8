"""The 2D skeleton of all stages: OpenPose's BODY_25 in its order, then more points that some backends have.

Left and right are the person's.
"""

import numpy as np

BODY_25 = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip

FACE_AND_HANDS = (
    "left_eye_inner", "left_eye_outer", "right_eye_inner", "right_eye_outer", "mouth_left", "mouth_right",
    "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
)  # fmt: skip

COCO_17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""What all detectors know, in COCO's order."""

KEYPOINTS = BODY_25 + FACE_AND_HANDS
INDEX = {name: i for i, name in enumerate(KEYPOINTS)}

FACE = tuple(
    INDEX[name] for name in KEYPOINTS if name == "nose" or any(part in name for part in ("eye", "ear", "mouth"))
)

MIDDLES = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}
"""Points that are halfway between two others."""

BONES = tuple(
    (INDEX[a], INDEX[b])
    for a, b in (
        ("nose", "neck"), ("neck", "mid_hip"),
        ("neck", "right_shoulder"), ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
        ("neck", "left_shoulder"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
        ("mid_hip", "right_hip"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
        ("mid_hip", "left_hip"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
        ("nose", "right_eye"), ("right_eye", "right_ear"), ("nose", "left_eye"), ("left_eye", "left_ear"),
        ("left_ankle", "left_heel"), ("left_heel", "left_big_toe"),
        ("right_ankle", "right_heel"), ("right_heel", "right_big_toe"),
        ("left_wrist", "left_index"), ("right_wrist", "right_index"),
    )
)  # fmt: skip


def mirrored(names: tuple[str, ...] = KEYPOINTS) -> np.ndarray:
    """Index [J] of each keypoint's left/right counterpart (its own where it has none)."""

    def counterpart(name: str) -> str:
        return name.replace("left", "right") if "left" in name else name.replace("right", "left")

    place = {name: index for index, name in enumerate(names)}
    return np.array([place.get(counterpart(name), index) for name, index in place.items()])
