"""What a training starts from where another avatar of the same video has refined the poses already."""

from understudy.avatar.archive import AvatarArchive
from understudy.errors import InputError
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.smpl import BodyTrack


def refined_poses(archive: AvatarArchive, frames: Frames, track: BodyTrack, hold_out: int) -> BodyTrack:
    """The poses and the shape that an avatar's training refined, in place of the fit that it started from.

    Args:
        archive: The avatar.
        frames: The video that is to be learned from.
        track: Its fit.
        hold_out: One in so many frames may not be learned from; 0 for none.

    Returns:
        Poses of all frames, which no held-out frame has had a part in.

    Raises:
        InputError: The avatar was learned from another video, on another body or from frames that are held out here.
    """
    if archive.info["source"]["sha256"] != frames.source_sha256 or len(archive.poses) != len(frames):
        raise InputError(
            f"The avatar whose poses are to be taken was not learned from {frames.source} as it is now; train it again."
        )
    if archive.poses.body_model[1] != track.body_model[1]:
        raise InputError(
            f"The avatar whose poses are to be taken has the body {archive.poses.body_model[0]}, and the fit is of"
            f" another, {track.body_model[0]}; train it again."
        )
    learned = set(held_out_frames(len(frames), hold_out)) - set(archive.held_out)
    if learned:
        raise InputError(
            f"The avatar whose poses are to be taken has learned from frame {min(learned)}, which is held out here;"
            " train it again with the same avatar.hold_out."
        )
    return archive.poses
