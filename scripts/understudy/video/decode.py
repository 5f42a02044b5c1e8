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
from understudy.video.window import LOOK_SIZE, FindPeople, Window, choose_window, find_boxes

logger = logging.getLogger(__name__)

JPEG_QUALITY = 95

SOUND_TIMES = "a video whose times make sense", "convert it to mp4"
"""What ``frames_on_grid`` wants, and what helps where it is not so."""

IMAGES_FPS = 30.0
"""Rate of a folder of images, unless the config says otherwise."""


def extract_frames(
    source: Path,
    folder: Path,
    index: Path,
    config: FramesConfig,
    find_people: FindPeople | None = None,
    threads: int = 1,
) -> Frames:
    """Write the kept frames of a video, or of a folder of images, and what is known of its camera.

    Frames are kept on a uniform time grid at the rate of the video's regular stretches, each the frame nearest in
    time: of a video at a constant rate every frame once, also where its times are jittered
    or rounded. Dropped frames and pauses of the camera are filled with the nearest frame, so that frame ``i`` always
    shows the moment ``i / fps``. Of this grid ``start``, ``stop``, ``step`` and ``max_frames`` choose.

    The camera is, in this order: ``K``, ``focal_px`` or ``focal_35mm`` of the config; the 35-mm equivalent focal length
    in the file's metadata; that of a usual phone, 26 mm. Equivalence is by the diagonal.

    With ``find_people`` and ``config.window`` the frames are a window round the person, the largest one who stays longest,
    at the video's own resolution up to ``person_height``; the camera's principal point moves with it. All of the picture is
    kept where the person takes most of it, or nobody is found.

    The video is decoded once, or twice where people are looked for, and streamed; memory does not grow with its length.
    Nothing is left behind on an error.

    Args:
        source: Video file, or folder of images.
        folder: Folder to write ``000000.jpg``, ... to; replaced as a whole.
        index: ``frames.json`` to write.
        config: Which frames to keep, and what is known of the camera.
        find_people: Gives boxes x0 y0 x1 y1 px [4] of all people in a picture uint8 [H,W,3]; several threads may call it.
        threads: Pictures that people are looked for in together.

    Returns:
        What ``frames.json`` says.

    Raises:
        InputError: There is no such source, it is no video, it has too few frames, or ``start`` is after its end; or what is
            to be replaced was made by somebody else.
    """
    source, folder, index = Path(source), Path(folder), Path(index)
    pictures = _open(source, config)
    kept, fps = _choose(pictures, source, config)
    window = None
    if find_people is not None and config.window:
        window = _window(pictures, kept, fps, config, find_people, threads)
    source_frames: list[int] = []
    camera: _Camera | None = None
    longest = config.max_size if window is None else max(window.whole)
    with atomic_folder(folder, "frames") as temporary:
        for found, picture in track(pictures.read(kept, longest), "extracting frames", total=len(kept)):
            if camera is None:
                camera = _Camera(picture, window, pictures.focal_35mm, config)
            Image.fromarray(camera.kept(picture.pixels)).save(
                temporary / f"{len(source_frames):06d}.jpg", quality=JPEG_QUALITY, subsampling="4:4:4"
            )
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
        window=camera.shown,
    )
    frames.save(index, recorded=True)
    logger.info("%d frames of %dx%d px at %.4g per second", len(frames), frames.width, frames.height, fps)
    return frames


def _window(
    pictures: VideoFile | ImageFolder,
    kept: np.ndarray,
    fps: float,
    config: FramesConfig,
    find_people: FindPeople,
    threads: int,
) -> Window | None:
    """Round the person; None for no pictures."""
    small = (picture for _, picture in track(pictures.read(kept, LOOK_SIZE), "looking for the person", total=len(kept)))
    boxes, size = find_boxes(small, find_people, threads)
    if size is None:
        return None
    window = choose_window(boxes, fps, size, config.person_height, config.max_size)
    if window.size != window.whole:
        logger.info(
            "a window of %dx%d px at %.3g of the video's resolution, which is %dx%d px",
            *window.size,
            window.scale,
            *size,
        )
    return window


class _Camera:
    """Intrinsics for what is kept, and how it is made of the scaled pictures."""

    def __init__(
        self, picture: Picture, window: Window | None, metadata_35mm: float | None, config: FramesConfig
    ) -> None:
        scaled = (picture.pixels.shape[1], picture.pixels.shape[0])
        # a picture of another size than the first one looked at would be cut elsewhere
        self.window = window if window is not None and window.whole == scaled and window.size != scaled else None
        self.source_size = picture.size
        given, self.source = _camera_of(picture.size, metadata_35mm, config)
        self.K = scale_camera(given, picture.size, scaled)
        self.undistort = (
            Undistorter(self.K, config.distortion, scaled) if config.distortion and any(config.distortion) else None
        )
        self.size, self.shown = scaled, None
        if self.window is not None:
            self.size = self.window.size
            self.K[:2, 2] -= self.window.corner
            factor = np.array(picture.size) / scaled
            corners = np.array([self.window.corner, np.add(self.window.corner, self.window.size)])
            self.shown = (corners * factor).ravel()

    def kept(self, pixels: np.ndarray) -> np.ndarray:
        """What is kept of a scaled picture [H,W,3]."""
        if self.undistort:
            pixels = self.undistort(pixels)
        return pixels if self.window is None else self.window.of(pixels)


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
