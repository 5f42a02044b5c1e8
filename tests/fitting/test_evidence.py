"""What the fit may rely on, and how far."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.fit_scenes import turning_walk
from understudy.body.joints import LIMBS
from understudy.fitting.evidence import gather_evidence
from understudy.fitting.regressor.features import POINTS
from understudy.fitting.regressor.regress import sighting_of

WALK = turning_walk(length=3, turn=0.3)
AT = {name: index for index, name in enumerate(WALK.keypoints.names)}


def gathered(keypoints):
    return gather_evidence(keypoints, WALK.frames, WALK.body, min_confidence=0.3)


def with_confidence(**given):
    """The evidence where points have other confidences than one."""
    points = WALK.keypoints.keypoints.copy()
    for name, confidence in given.items():
        points[:, AT[name], 2] = confidence
    return gathered(replace(WALK.keypoints, keypoints=points))


def test_limbs_are_trusted_more_than_toes_and_these_more_than_eyes():
    evidence = gathered(WALK.keypoints)
    ankle, toe, eye = (
        evidence.weights[0, evidence.index(name)].item() for name in ("left_ankle", "left_big_toe", "left_eye")
    )
    assert ankle == 1.0 > toe > 2 * eye > 0


def test_a_point_counts_by_its_confidence_up_to_one_and_not_at_all_below_the_least():
    evidence = with_confidence(left_knee=0.5, right_knee=80.0, left_wrist=0.2, right_wrist=float("nan"))
    found = [evidence.weights[1, evidence.index(name)].item() for name in AT if name.endswith(("knee", "wrist"))]
    by_name = dict(zip([name for name in AT if name.endswith(("knee", "wrist"))], found, strict=True))
    assert by_name == {"left_knee": 0.5, "right_knee": 1.0, "left_wrist": 0.0, "right_wrist": 0.0}


@pytest.mark.parametrize(("count", "seen"), [(5, False), (6, True)])
def test_a_frame_is_seen_with_half_of_the_points_that_a_pose_rests_on(count, seen):
    points = WALK.keypoints.keypoints.copy()
    for name in LIMBS[count:]:
        points[1, AT[name], 2] = 0.0
    evidence = gathered(replace(WALK.keypoints, keypoints=points))
    assert evidence.seen.tolist() == [True, seen, True]


def test_the_regressor_sees_rays_of_the_frames_own_points():
    K = np.array([[700.0, 0.0, 250.0], [0.0, 500.0, 200.0], [0.0, 0.0, 1.0]])
    points = WALK.keypoints.keypoints.copy()
    points[:, AT["nose"]] = 250.0 + 70.0, 200.0 - 100.0, 0.9
    keypoints = replace(WALK.keypoints, keypoints=points, interpolated=np.array([False, True, False]))
    sighting = sighting_of(keypoints, replace(WALK.frames, K=K))
    torch.testing.assert_close(sighting.rays[0, 0, POINTS.index("nose")], torch.tensor([0.1, -0.2]))
    assert (sighting.confidence[0].amax(dim=1) > 0).tolist() == [True, False, True]
