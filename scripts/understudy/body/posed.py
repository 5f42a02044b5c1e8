"""The fitted body of single frames, as plain arrays."""

import numpy as np
import torch

from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.formats.smpl import BodyTrack


def posed_vertices(body: BodyModel, track: BodyTrack, frame: int) -> np.ndarray:
    """Vertices [V,3] float32 of frame ``frame`` in the camera's frame, m."""
    values = (track.global_orient, track.body_pose, track.transl)
    with torch.no_grad():
        pose = [torch.from_numpy(np.asarray(value[frame : frame + 1], np.float32)) for value in values]
        return body(torch.from_numpy(np.asarray(track.betas, np.float32)), *pose).vertices[0].numpy()


def check_same_body(body: BodyModel, track: BodyTrack, frames: int) -> None:
    """Refuse a track that was made with another body, of other joints or for another number of frames.

    Raises:
        InputError: The two do not belong together.
    """
    if track.body_model[1] != body.sha256:
        raise InputError(
            f"The poses were fitted with another file of the body {track.body_model[0]} than {body.name} as it is now; "
            "run the stage fitting again."
        )
    check_same_joints(body, track)
    if len(track) != frames:
        raise InputError(
            f"The poses cover {len(track)} frames and the video has {frames}; run the stage fitting again."
        )


def check_same_joints(body: BodyModel, track: BodyTrack) -> None:
    """Refuse a track whose poses are of another number of joints than the body has.

    Raises:
        InputError: They are.
    """
    if track.joints != len(body.joint_names):
        raise InputError(
            f"The poses are of {track.joints} joints and the body {body.name} has {len(body.joint_names)}; "
            "make them again with this body."
        )
