import numpy as np

from understudy.formats.skeleton import BODY_25, BONES, FACE, INDEX, KEYPOINTS, mirrored


def test_the_first_25_points_are_openpose_body_25():
    assert KEYPOINTS[:25] == BODY_25
    assert [INDEX[name] for name in ("nose", "neck", "right_shoulder", "mid_hip", "left_ear", "right_heel")] == [
        0, 1, 2, 8, 18, 24,
    ]  # fmt: skip


def test_names_are_unique():
    assert len(set(KEYPOINTS)) == len(KEYPOINTS) == 37


def test_mirroring_twice_is_the_identity_and_keeps_only_the_middle():
    mirror = mirrored()
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(KEYPOINTS)))
    assert [KEYPOINTS[i] for i in np.flatnonzero(mirror == np.arange(len(mirror)))] == ["nose", "neck", "mid_hip"]
    assert KEYPOINTS[mirror[INDEX["mouth_left"]]] == "mouth_right"


def test_bones_of_the_left_have_twins_on_the_right():
    mirror = mirrored()
    bones = {frozenset(bone) for bone in BONES}
    assert bones == {frozenset(int(mirror[i]) for i in bone) for bone in BONES}


def test_the_face_is_eyes_ears_mouth_and_nose():
    assert len(FACE) == 11
    assert not {INDEX["neck"], INDEX["left_heel"], INDEX["left_thumb"]} & set(FACE)
