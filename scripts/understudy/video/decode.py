"""The frames stage: a video or a folder of images to ``frames/`` and ``frames.json``."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image

from understudy.errors import InputError
from understudy.files.arrays import reading
from understudy.files.atomic import atomic_folder
from understudy.formats.frames import Frames, KSource
from understudy.progress import track
from understudy.video.clip import VideoFile
from understudy.video.config import MIN_FRAMES, FramesConfig
from understudy.video.images import ImageFolder
from understudy.video.intrinsics import (
    PHONE_FOCAL_35MM,
    Undistorter,
    camera_matrix,
    centred_camera,
    focal_from_35mm,
    scale_camera,
)
from understudy.video.pictures import Picture
from understudy.video.sources import list_videos
from understudy.video.timing import frame_rate, frames_on_grid, keep_frames

logger = logging.getLogger(__name__)

JPEG_QUALITY = 95

SOUND_TIMES = "a video whose times make sense", "convert it to mp4"
"""What ``frames_on_grid`` wants, and what helps where it is not so."""

IMAGES_FPS = 30.0
"""Rate of a folder of images, unless the config says otherwise."""


def extract_frames(source: Path, folder: Path, index: Path, config: FramesConfig) -> Frames:
    """Write the kept frames of a video, or of a folder of images, and what is known of its camera.

    Frames are kept on a uniform time grid at the rate of the video's regular stretches, each the frame nearest in
    time: of a video at a constant rate every frame once, also where its times are jittered
    or rounded. Dropped frames and pauses of the camera are filled with the nearest frame, so that frame ``i`` always
    shows the moment ``i / fps``. Of this grid ``start``, ``stop``, ``step`` and ``max_frames`` choose.

    The camera is, in this order: ``K``, ``focal_px`` or ``focal_35mm`` of the config; the 35-mm equivalent focal length
    in the file's metadata; that of a usual phone, 26 mm. Equivalence is by the diagonal.

    The video is decoded once, and streamed; memory does not grow with its length. Nothing is left behind on an error.

    Args:
        source: Video file, or folder of images.
        folder: Folder to write ``000000.jpg``, ... to; replaced as a whole.
        index: ``frames.json`` to write.
        config: Which frames to keep, and what is known of the camera.

    Returns:
        What ``frames.json`` says.

    Raises:
        InputError: There is no such source, it is no video, it has too few frames, or ``start`` is after its end; or what is
            to be replaced was made by somebody else.
    """
    source, folder, index = Path(source), Path(folder), Path(index)
    pictures = _open(source, config)
    kept, fps = _choose(pictures, source, config)
    source_frames: list[int] = []
    camera: _Camera | None = None
    with atomic_folder(folder, "frames") as temporary:
        for found, picture in track(pictures.read(kept, config.max_size), "extracting frames", total=len(kept)):
            if camera is None:
                camera = _Camera(picture, pictures.focal_35mm, config)
            image = Image.fromarray(camera.undistort(picture.pixels) if camera.undistort else picture.pixels)
            image.save(temporary / f"{len(source_frames):06d}.jpg", quality=JPEG_QUALITY, subsampling="4:4:4")
            source_frames.append(found)
        if camera is None or len(source_frames) < MIN_FRAMES:
            raise InputError(
                f"only {len(source_frames)} frames of {source} can be decoded; at least {MIN_FRAMES} are needed, "
                "so copy it again or convert it to mp4."
            )
        if len(source_frames) < len(kept):
            logger.warning("%s ends early: %d of %d frames could be decoded", source, len(source_frames), len(kept))
    frames = Frames(
        folder=folder,
        fps=fps,
        width=camera.size[0],
        height=camera.size[1],
        source=source.name,
        source_sha256=pictures.sha256(),
        source_frames=np.array(source_frames, np.int64),
        K=camera.K,
        K_source=camera.source,
        source_size=camera.source_size,
    )
    frames.save(index, recorded=True)
    logger.info("%d frames of %dx%d px at %.4g per second", len(frames), frames.width, frames.height, fps)
    return frames


class _Camera:
    """Intrinsics for the kept size."""

    def __init__(self, picture: Picture, metadata_35mm: float | None, config: FramesConfig) -> None:
        self.size = (picture.pixels.shape[1], picture.pixels.shape[0])
        self.source_size = picture.size
        whole, self.source = _camera_of(picture.size, metadata_35mm, config)
        self.K = scale_camera(whole, picture.size, self.size)
        self.undistort = (
            Undistorter(self.K, config.distortion, self.size) if config.distortion and any(config.distortion) else None
        )


def _camera_of(size: tuple[int, int], metadata_35mm: float | None, config: FramesConfig) -> tuple[np.ndarray, KSource]:
    """K of the upright picture before scaling, and where it comes from."""
    if config.K is not None:
        K = camera_matrix(*config.K)
        off_centre = np.abs(K[:2, 2] / size - 0.5).max()
        if off_centre > 0.2:
            logger.warning(
                "frames.K has its principal point at (%g, %g), far from the middle of the upright picture of %dx%d px; "
                "K must be for the upright picture before scaling", K[0, 2], K[1, 2], *size,
            )  # fmt: skip
        return K, "config"
    if config.focal_px is not None:
        return centred_camera(config.focal_px, *size), "config"
    if config.focal_35mm is not None:
        return centred_camera(focal_from_35mm(config.focal_35mm, *size), *size), "config"
    if metadata_35mm is not None:
        return centred_camera(focal_from_35mm(metadata_35mm, *size), *size), "metadata"
    return centred_camera(focal_from_35mm(PHONE_FOCAL_35MM, *size), *size), "default"


def _open(source: Path, config: FramesConfig) -> VideoFile | ImageFolder:
    if source.is_dir():
        return ImageFolder(source, config.fps or IMAGES_FPS)
    if not source.is_file():
        try:
            others = ", ".join(path.name for path in list_videos(source.parent).values()) or "no videos"
        except InputError as error:  # two files of one name: say so instead
            others = str(error).rstrip(".")
        raise InputError(f"{source}: no such file; {source.parent} has {others}.")
    if source.stat().st_size == 0:
        raise InputError(f"{source} is empty; copy it again.")
    if config.fps is not None:
        logger.info("frames.fps is for folders of images; %s has its own times", source)
    return VideoFile(source)


def _choose(pictures: VideoFile | ImageFolder, source: Path, config: FramesConfig) -> tuple[np.ndarray, float]:
    """Frames to keep, counted in the source, and their rate."""
    times = pictures.times
    if len(times) < MIN_FRAMES:
        raise InputError(
            f"{source} has {len(times)} {'frame' if len(times) == 1 else 'frames'}; at least {MIN_FRAMES} are needed, "
            "so film for longer."
        )
    rate = frame_rate(times, pictures.declared_rate)
    with reading(source, *SOUND_TIMES):
        grid = frames_on_grid(times, rate)
    lasts = len(grid) / rate
    if config.start >= lasts:
        raise InputError(
            f"frames.start is {config.start:g} s, but {source} lasts {lasts:.4g} s; choose an earlier start."
        )
    kept, step = keep_frames(len(grid), rate, config.start, config.stop, config.step, config.max_frames)
    if len(kept) < MIN_FRAMES:
        raise InputError(
            f"frames.start, stop and step leave {len(kept)} of the {len(grid)} frames of {source}; "
            f"at least {MIN_FRAMES} are needed, so widen them."
        )
    if step != config.step:
        logger.info(
            "keeping every %d. frame, %d in all, so as not to exceed frames.max_frames, %d",
            step, len(kept), config.max_frames,
        )  # fmt: skip
    return grid[kept], rate / step
