"""The frames stage: a video or a folder of images to ``frames/`` and ``frames.json``."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from understudy.errors import InputError
from understudy.files.arrays import reading
from understudy.files.atomic import atomic_folder
from understudy.formats.frames import Frames
from understudy.progress import track
from understudy.video.camera import SourceCamera
from understudy.video.clip import VideoFile
from understudy.video.config import MIN_FRAMES, FramesConfig
from understudy.video.crop import LOOK_SIZE, Crop, FindPeople, choose_crop, find_boxes, uncropped
from understudy.video.images import ImageFolder
from understudy.video.pictures import Picture, fit_size
from understudy.video.sources import list_videos
from understudy.video.timing import frame_rate, frames_on_grid, keep_frames

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

    With ``find_people`` and ``config.crop`` frames are cropped to the person, the largest one who stays longest, at the
    video's own resolution up to ``person_height``; the camera's principal point moves with it. All of the picture is kept
    where the person takes most of it, or is not found in most frames.

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
        InputError: There is no such source, it is no video, it has too few frames, its pictures change their size, or
            ``start`` is after its end; or what is to be replaced was made by somebody else.
    """
    source, folder, index = Path(source), Path(folder), Path(index)
    pictures = _open(source, config)
    kept, fps = _choose(pictures, source, config)
    first = next(pictures.read(kept[:1], LOOK_SIZE), None)
    if first is None:
        raise InputError(f"no frame of {source} can be decoded; copy it again or convert it to mp4.")
    camera = SourceCamera(first[1].size, pictures.focal_35mm, config)
    crop = uncropped(camera.size, config.max_size)
    if find_people is not None and config.crop:
        crop = _crop(pictures, kept, fps, camera, config, find_people, threads)
    straight = camera.undistorter(crop.scaled_size)
    read = pictures.read(kept, max(crop.scaled_size), None if camera.has_lens else crop)
    source_frames: list[int] = []
    with atomic_folder(folder, "frames") as temporary:
        for found, picture in track(read, "extracting frames", total=len(kept)):
            pixels = picture.pixels if straight is None else crop.of(straight(picture.pixels))
            if pixels.shape[1::-1] != crop.size:
                raise InputError(
                    f"{source} changes the size of its pictures from {camera.size[0]}x{camera.size[1]} px to "
                    f"{picture.size[0]}x{picture.size[1]} px at picture {found}; cut it there (frames.start, frames.stop)."
                )
            Image.fromarray(pixels).save(
                temporary / f"{len(source_frames):06d}.jpg", quality=JPEG_QUALITY, subsampling="4:4:4"
            )
            source_frames.append(found)
        if len(source_frames) < MIN_FRAMES:
            raise InputError(
                f"only {len(source_frames)} frames of {source} can be decoded; at least {MIN_FRAMES} are needed, "
                "so copy it again or convert it to mp4."
            )
        if len(source_frames) < len(kept):
            logger.warning("%s ends early: %d of %d frames could be decoded", source, len(source_frames), len(kept))
    K, shown = camera.cropped(crop)
    frames = Frames(
        folder=folder,
        fps=fps,
        width=crop.size[0],
        height=crop.size[1],
        source=source.name,
        source_sha256=pictures.sha256(),
        source_frames=np.array(source_frames, np.int64),
        K=K,
        K_source=camera.K_source,
        source_size=camera.size,
        crop=shown,
    )
    frames.save(index, recorded=True)
    logger.info("%d frames of %dx%d px at %.4g per second", len(frames), frames.width, frames.height, fps)
    return frames


def _crop(
    pictures: VideoFile | ImageFolder,
    kept: np.ndarray,
    fps: float,
    camera: SourceCamera,
    config: FramesConfig,
    find_people: FindPeople,
    threads: int,
) -> Crop:
    """Round the person, in pictures without lens distortion."""
    straight = camera.undistorter(fit_size(camera.size, LOOK_SIZE))

    def small() -> Iterator[Picture]:
        read = pictures.read(kept, LOOK_SIZE)
        for _, picture in track(read, "looking for the person", total=len(kept)):
            yield picture if straight is None else picture._replace(pixels=straight(picture.pixels))

    boxes = find_boxes(small(), find_people, threads)
    crop = choose_crop(boxes, fps, camera.size, config.person_height, config.max_size)
    if not crop.is_whole:
        share = crop.scaled_size[0] / camera.size[0]
        scaled = "at the video's own resolution" if share == 1 else f"scaled to {share:.2f}"
        logger.info("cropped to %dx%d of %dx%d px, %s", *crop.size, *crop.scaled_size, scaled)
    return crop


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
