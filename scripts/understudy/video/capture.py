"""OpenCV's reader of videos, for stages that have no other, kept from opening any file but the one."""

import re
from pathlib import Path

import cv2

from understudy.errors import InputError
from understudy.files.regular import regular_file
from understudy.video.headers import headers_of
from understudy.video.sources import MOST_PIXELS

VIDEO = re.compile(
    rb"....(ftyp|styp|moov|mdat|wide|free|skip|pnot)|\x1aE\xdf\xa3|RIFF....AVI|GIF8[79]a"  # mp4 and mov, mkv and webm
    rb"|FLV\x01|OggS|0&\xb2u\x8ef\xcf\x11|\0\0\0?\x01|G.{187}G.{187}G|.{4}G.{191}G",  # and what is called so
    re.DOTALL,
)
"""How a video begins. A playlist, which FFmpeg would follow to other files, begins with a word, and OpenCV forbids it nothing."""
LOOKED_AT = 1 << 10
"""Bytes at the beginning."""


def open_capture(path: Path) -> cv2.VideoCapture:
    """A video, to be grabbed from its first picture on, and released.

    Raises:
        InputError: It is no video in a file of its own, or its pictures are larger than any camera's.
    """
    with regular_file(path) as file:
        # by its number, since a name may stand for many files (%d) or for no file (a camera, an address)
        known = VIDEO.match(file.read(LOOKED_AT))
        file.seek(0)  # on macOS whoever opens the number goes on from here
        with headers_of(path):
            capture = cv2.VideoCapture(f"/dev/fd/{file.fileno()}", cv2.CAP_FFMPEG) if known else None
    if capture is None or not capture.isOpened():
        raise InputError(f"{path} is not a video that can be read; copy it again or convert it to mp4.")
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if not 0 < width * height <= MOST_PIXELS:
        raise InputError(f"{path} claims pictures of {width:.0f}x{height:.0f} px; convert it to mp4.")
    return capture
