"""What a backend of the body is; ``understudy.backends.registry`` has them by name."""

from typing import Protocol

from understudy.body.model import BodyModel
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack


class BodyFiles(Protocol):
    """Poses and shape that another program has found already."""

    name: str

    def read_track(self, frames: Frames, keypoints: Keypoints, body: BodyModel) -> BodyTrack:
        """The motion of ``body`` in the chosen frames, in the camera of ``frames``.

        Files are of the video, whose picture ``frames.source_frames[t]`` is frame ``t``.
        """
