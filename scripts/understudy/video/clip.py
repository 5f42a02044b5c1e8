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
from understudy.files import sha256
from understudy.video.convert import FrameConverter
from understudy.video.pictures import Picture
from understudy.video.timing import needed_packets

logger = logging.getLogger(__name__)

DROPPABLE = ("h264", "hevc", "vp8", "vp9", "av1", "prores", "mjpeg", "dnxhd")
"""Codecs whose keyframe flags can be trusted, so that unneeded packets need not be decoded."""

FOCAL_KEY = re.compile(r"focal.?length.*35.?mm|35.?mm.*focal.?length", re.IGNORECASE)
"""``com.apple.quicktime.camera.focal_length.35mm_equivalent``, ``FocalLengthIn35mmFormat`` and the like."""


class _Table(NamedTuple):
    """What the packets say, in decoding order."""

    pts: np.ndarray  # [N] int64, in units of the stream's time base
    keyframes: np.ndarray  # [N] bool
    shown: np.ndarray  # [N] bool: not cut off by an edit list


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
        with _open(path) as container:
            stream = _picture_stream(container, path)
            self.focal_35mm = _focal_35mm(container.metadata, stream.metadata)
            self.declared_rate = float(stream.average_rate or stream.guessed_rate or 0) or None
            self._time_base = float(stream.time_base or 1)
            table = _read_table(container, stream)
            self._timed = table is not None
            if table is None:
                count = _count_packets(path)
                self._time_base = 1 / (self.declared_rate or 30.0)
                table = _Table(np.arange(count), np.zeros(count, bool), np.ones(count, bool))
            self._table = table
            self._pts = np.unique(table.pts[table.shown])
            _warn_if_cut_short(path, container, stream, table, self._time_base)
        self.times = (self._pts - self._pts[0]) * self._time_base if len(self._pts) else np.zeros(0)

    def sha256(self) -> str:
        """Hash of the file."""
        return sha256(self.path)

    def read(self, indices: Sequence[int] | np.ndarray, max_size: int) -> Iterator[tuple[int, Picture]]:
        """Yield index and picture of the wanted frames, scaled to ``max_size``.

        A frame that cannot be decoded is replaced by the nearest one that can; after the last one that can
        the iteration ends. So the index may differ from the wanted one and there may be fewer pictures.

        Args:
            indices: Frames counted from 0, not decreasing.
            max_size: Longest side of the pictures in px.
        """
        wanted = self._pts[np.asarray(indices)]
        with _open(self.path) as container:
            stream = _picture_stream(container, self.path)
            convert = FrameConverter(stream, max_size)
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
        drop = self._timed and decoder.name in DROPPABLE
        needed = needed_packets(table.pts, table.keyframes, wanted) if drop else np.ones(len(table.pts), bool)
        wanted_times = set(wanted.tolist())
        count = 0
        jumped = False
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
            for frame in frames:
                yield (count if not self._timed or frame.pts is None else frame.pts), frame
                count += 1
        for frame in _decoded(stream, None):
            yield (count if not self._timed or frame.pts is None else frame.pts), frame
            count += 1


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
        # "file:" keeps a colon in a name from reading as a protocol; playlists may not reach out to the network
        return av.open(f"file:{path.resolve()}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} is not a video that can be read ({reason}); copy it again or convert it to mp4."
        ) from None


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.codec_context is None:
        raise InputError(f"{path} has no pictures that can be decoded; give a video of the person.")
    if not stream.codec_context.width or not stream.codec_context.height:
        raise InputError(f"{path} has pictures of no size; copy it again or convert it to mp4.")
    return stream


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    """Packets that hold something, up to the end or to where the file is damaged beyond reading."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except FFmpegError as error:
        logger.debug("reading stopped: %s", error)


def _read_table(container: InputContainer, stream: VideoStream) -> _Table | None:
    """Times of all packets, or None where the file gives none (raw streams, some AVI)."""
    rows = []
    for packet in _packets(container, stream):
        if packet.pts is None:
            return None
        rows.append((packet.pts, packet.is_keyframe, not packet.is_discard and not packet.is_corrupt))
    columns = np.array(rows, np.int64).reshape(-1, 3)
    return _Table(columns[:, 0], columns[:, 1].astype(bool), columns[:, 2].astype(bool))


def _count_packets(path: Path) -> int:
    with _open(path) as container:
        return sum(1 for _ in _packets(container, _picture_stream(container, path)))


def _decoded(stream: VideoStream, packet: Packet | None) -> list[VideoFrame]:
    """Frames that come out for a packet (None: the last ones); none where it is damaged."""
    try:
        return stream.decode(packet)
    except (FFmpegError, EOFError) as error:
        logger.debug("a packet could not be decoded: %s", error)
        return []


def _warn_if_cut_short(
    path: Path, container: InputContainer, stream: VideoStream, table: _Table, time_base: float
) -> None:
    found = len(table.pts)
    if stream.frames > found:
        logger.warning("%s is cut short: %d of its %d frames are there", path, found, stream.frames)
    elif found and container.duration:
        promised = container.duration / av.time_base
        there = (table.pts.max() - table.pts.min()) * time_base
        if promised - there > max(1.0, 0.05 * promised):
            logger.warning("%s should last %.1f s, but its pictures end after %.1f s", path, promised, there)


def _focal_35mm(*metadata: dict[str, str]) -> float | None:
    for tags in metadata:
        for key, value in tags.items():
            number = re.match(r"\s*([0-9.]+)", value)
            if FOCAL_KEY.search(key) and number:
                try:
                    focal = float(number[1])
                except ValueError:
                    continue
                if math.isfinite(focal) and focal > 0:
                    return focal
    return None
