"""A video file: the times of its frames from its packets alone, then only the wanted ones decoded."""

import logging
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.video.convert import FrameConverter
from understudy.video.crop import Crop
from understudy.video.headers import headers_of
from understudy.video.pictures import Picture
from understudy.video.sources import CONTAINERS, MOST_PIXELS
from understudy.video.timing import needed_packets

logger = logging.getLogger(__name__)

DROPPABLE = ("h264", "hevc", "vp8", "vp9", "av1", "prores", "mjpeg", "dnxhd")
"""Codecs whose keyframe flags can be trusted, so that unneeded packets need not be decoded."""

FOCAL_KEY = re.compile(r"focal.?length.*35.?mm|35.?mm.*focal.?length", re.IGNORECASE)
"""``com.apple.quicktime.camera.focal_length.35mm_equivalent``, ``FocalLengthIn35mmFormat`` and the like."""
LONGEST_KEY = 200
"""Letters of a key that is looked at: the search takes time by their square."""


class _Table(NamedTuple):
    """What the packets say, in decoding order."""

    pts: np.ndarray  # [N] int64, in units of the time base
    time_base: float  # s
    keyframes: np.ndarray  # [N] bool
    shown: np.ndarray  # [N] bool: whole, and not cut off by an edit list
    ordered: bool  # the file says when to decode but not when to show: frames are told by their order alone


class VideoFile:
    """Frames of a video file.

    Opening it reads the packets once, without decoding. Frames are counted in the order in which they are shown,
    which is the order in which a decoder gives them.
    """

    def __init__(self, path: Path) -> None:
        """Read the packets' times.

        Raises:
            InputError: The file is not a video, has no pictures, or nothing of it can be read.
        """
        self.path = path
        with headers_of(path), _open(path) as container:
            stream = _picture_stream(container, path)
            self.focal_35mm = _focal_35mm(container.metadata, stream.metadata)
            self.declared_rate = float(stream.average_rate or stream.guessed_rate or 0) or None
            self._table = _read_table(container, stream, self.declared_rate)
            self._pts = np.unique(self._table.pts[self._table.shown])
            _warn_if_cut_short(path, container, stream, self._table)
        self.times = (self._pts - self._pts[:1]) * self._table.time_base

    def sha256(self) -> str:
        """Hash of the file."""
        return sha256(self.path)

    def read(
        self, indices: Sequence[int] | np.ndarray, max_size: int, crop: Crop | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """Yield index and picture of the wanted frames, scaled to ``max_size``.

        A frame that cannot be decoded is replaced by the nearest one that can; after the last one that can
        the iteration ends. So the index may differ from the wanted one and there may be fewer pictures.

        Args:
            indices: Frames counted from 0, not decreasing.
            max_size: Longest side of the pictures in px.
            crop: The part to give of pictures that have its ``scaled_size`` then.
        """
        wanted = self._pts[np.asarray(indices)]
        with _open(self.path) as container:
            stream = _picture_stream(container, self.path)
            convert = FrameConverter(stream, max_size, crop)
            patience = 1.5 * (float(np.median(np.diff(self._pts))) if len(self._pts) > 1 else 1.0)
            for pts, frame in nearest_in_time(self._decode(container, stream, wanted), wanted, patience):
                yield int(np.searchsorted(self._pts, pts)), convert(frame)

    def _decode(
        self, container: InputContainer, stream: VideoStream, wanted: np.ndarray
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Frames with their times, among them the wanted ones, as few others as is simple."""
        decoder = stream.codec_context
        decoder.thread_type = "AUTO"
        table = self._table
        drop = not table.ordered and decoder.name in DROPPABLE
        needed = needed_packets(table.pts, table.keyframes, wanted) if drop else np.ones(len(table.pts), bool)
        wanted_times = set(wanted.tolist())
        jumped = False
        order = iter(self._pts.tolist())

        def timed(frame: VideoFrame) -> tuple[int, VideoFrame]:
            own = None if table.ordered else frame.pts
            return next(order, int(self._pts[-1])) if own is None else own, frame

        for index, packet in enumerate(_packets(container, stream)):
            if index >= len(needed) or not needed[index]:
                jumped = True
                continue
            frames: list[VideoFrame] = []
            if jumped:
                frames += _decoded(stream, None)
                decoder.flush_buffers()
                jumped = False
            if drop:  # pictures that no other refers to are passed over
                decoder.skip_frame = "DEFAULT" if packet.pts in wanted_times else "NONREF"
            frames += _decoded(stream, packet)
            yield from map(timed, frames)
        yield from map(timed, _decoded(stream, None))


def nearest_in_time(
    frames: Iterator[tuple[int, VideoFrame]], wanted: np.ndarray, patience: float
) -> Iterator[tuple[int, VideoFrame]]:
    """For each wanted time the nearest frame of a stream, holding no more than two frames.

    Args:
        frames: Time and frame, in the order of time.
        wanted: Times, not decreasing.
        patience: Times later than the last frame by more than this get no frame.
    """
    position = 0
    before: tuple[int, VideoFrame] | None = None
    for current in frames:
        while position < len(wanted) and wanted[position] <= current[0]:
            time = wanted[position]
            yield before if before is not None and time - before[0] < current[0] - time else current
            position += 1
        if position == len(wanted):
            return
        before = current
    while before is not None and position < len(wanted) and wanted[position] - before[0] <= patience:
        yield before
        position += 1


def _open(path: Path) -> InputContainer:
    try:
        # "file:" keeps a colon in a name from reading as a protocol
        options = {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINERS)}
        return av.open(f"file:{path.resolve()}", options=options, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} is not a video that can be read ({reason}); copy it again or convert it to mp4."
        ) from None


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.codec_context is None:
        raise InputError(f"{path} has no pictures that can be decoded; give a video of the person.")
    width, height = stream.codec_context.width, stream.codec_context.height
    if not width or not height:
        raise InputError(f"{path} has pictures of no size; copy it again or convert it to mp4.")
    if width * height > MOST_PIXELS:
        raise InputError(f"{path} claims pictures of {width}x{height} px, more than any camera's; convert it to mp4.")
    # a size that changes on the way is refused by the decoder before it takes the memory
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return stream


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    """Packets that hold something, up to the end or to where the file is damaged beyond reading."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except MemoryError:
        raise
    except FFmpegError as error:
        logger.debug("reading stopped: %s", error)


def _read_table(container: InputContainer, stream: VideoStream, rate: float | None) -> _Table:
    """What the packets say. AVI has times of decoding only; where there are none at all, frames come at ``rate``."""
    pts: list[int | None] = []
    dts: list[int | None] = []
    flags = []
    for packet in _packets(container, stream):
        pts.append(packet.pts)
        dts.append(packet.dts)
        flags.append((packet.is_keyframe, not packet.is_discard and not packet.is_corrupt))
    keyframes, shown = np.array(flags, bool).reshape(-1, 2).T
    time_base = float(stream.time_base or 1)
    if None not in pts and container.format.name != "avi":
        return _Table(np.array(pts, np.int64), time_base, keyframes, shown, ordered=False)
    if None not in dts:
        return _Table(np.array(dts, np.int64), time_base, keyframes, shown, ordered=True)
    return _Table(np.arange(len(pts)), 1 / (rate or 30.0), keyframes, shown, ordered=True)


def _decoded(stream: VideoStream, packet: Packet | None) -> list[VideoFrame]:
    """Frames that come out for a packet (None: the last ones); none where it is damaged."""
    try:
        return stream.decode(packet)
    except (MemoryError, BlockingIOError) as error:  # the latter where there is no room for the decoder's threads
        raise MemoryError(str(error)) from error
    except (FFmpegError, EOFError) as error:
        logger.debug("a packet could not be decoded: %s", error)
        return []


def _warn_if_cut_short(path: Path, container: InputContainer, stream: VideoStream, table: _Table) -> None:
    found = len(table.pts)
    if stream.frames > found:
        logger.warning("%s is cut short: %d of its %d frames are there", path, found, stream.frames)
    elif found and container.duration:
        promised = container.duration / av.time_base
        there = (table.pts.max() - table.pts.min()) * table.time_base
        if promised - there > max(1.0, 0.05 * promised):
            logger.warning("%s should last %.1f s, but its pictures end after %.1f s", path, promised, there)


def _focal_35mm(*metadata: dict[str, str]) -> float | None:
    for tags in metadata:
        for key, value in tags.items():
            number = re.match(r"\s*([0-9.]+)", value)
            if len(key) <= LONGEST_KEY and FOCAL_KEY.search(key) and number:
                try:
                    focal = float(number[1])
                except ValueError:
                    continue
                if math.isfinite(focal) and focal > 0:
                    return focal
    return None
