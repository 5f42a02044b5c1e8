"""Rendered pictures to a video, or to a folder of PNG files."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from understudy.errors import InputError
from understudy.files.atomic import atomic_folder
from understudy.files.owned import check_replaceable
from understudy.files.records import check_recorded
from understudy.video.write import write_video
from understudy.video.write_clear import CODECS, write_clear_video
from understudy.video.write_gif import FASTEST, write_gif

VIDEOS = (".mp4", ".gif", *CODECS)
PICTURES = (".png", ".jpg", ".jpeg")
HOLDS = "rendered pictures"
"""What a folder that is written here holds."""


def check_output(output: Path, transparent: bool, fps: float) -> None:
    """Refuse what cannot be written before anything is rendered.

    Raises:
        InputError: The suffix is of no known kind, a video is to be transparent, a GIF too fast, or what is there was made by
            others.
    """
    suffix = output.suffix.lower()
    if suffix in PICTURES:
        raise InputError(
            f"{output} is one picture; give a folder for pictures, or a video ending in .mp4, .webm, .mov or .gif."
        )
    if suffix and suffix not in VIDEOS and not output.is_dir():
        raise InputError(
            f"{output} ends in {suffix}; give a video ending in .mp4, .webm, .mov or .gif, or a folder for PNG pictures."
        )
    if suffix == ".mp4" and transparent:
        raise InputError(
            f"{output} cannot be transparent, as no mp4 can; let it end in .webm, .mov or .gif, or give a folder."
        )
    if suffix == ".gif" and fps > FASTEST:
        raise InputError(
            f"{output} cannot show {fps:g} pictures a second, as no GIF shows more than {FASTEST}; lower fps."
        )
    if suffix in VIDEOS:
        check_recorded([output])
    else:
        check_replaceable(output, HOLDS)


def write_pictures(output: str | Path, pictures: Iterable[np.ndarray], fps: float) -> int:
    """Write a video, or ``000000.png``, ... into a folder that is replaced as a whole; returns their number.

    Args:
        output: ``.mp4``; ``.webm`` or ``.mov``, which keep transparency; ``.gif``, fully opaque or transparent; or a folder.
        pictures: uint8 [H,W,3], [H,W,4] or [H,W], or uint16 [H,W] for a folder; taken one at a time.
        fps: Pictures per second of the video.

    Raises:
        InputError: There are no pictures, or they cannot be written.
    """
    output, count = Path(output), 0

    def counted(channels: int) -> Iterable[np.ndarray]:
        nonlocal count
        for pixels in pictures:
            count += 1
            pixels = np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels
            missing = channels - pixels.shape[-1]
            yield np.pad(pixels, ((0, 0), (0, 0), (0, missing)), constant_values=255) if missing else pixels

    if output.suffix.lower() == ".mp4":
        write_video(output, counted(3), fps)
        return count
    if output.suffix.lower() == ".gif":
        write_gif(output, counted(4), fps)
        return count
    if output.suffix.lower() in VIDEOS:
        write_clear_video(output, counted(4), fps)
        return count
    with atomic_folder(output, HOLDS) as folder:
        for pixels in pictures:
            order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(pixels.shape[-1] if pixels.ndim == 3 else 1)
            done, data = cv2.imencode(".png", pixels if order is None else cv2.cvtColor(pixels, order))
            assert done
            (folder / f"{count:06d}.png").write_bytes(data.tobytes())  # imwrite does not tell when the disk is full
            count += 1
        if count == 0:
            raise InputError(f"there are no pictures to write to {output}.")
    return count
