"""BVH files: hierarchy, channels and frames."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TextIO

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.errors import InputError
from understudy.files.arrays import check_ranges, reading
from understudy.motion.limits import LEAST_FPS, MOST_FPS, MOST_FRAMES

MOST = 20_000_000
"""Joints times frames: an hour of a rig of 90 joints at 60 frames per second."""
POSSIBLE = {
    "the number of joints": (1, 10_000),  # rigs of films, with fingers and faces, have some hundreds
    "the number of frames": (1, MOST_FRAMES),
    "Frame Time": (1 / MOST_FPS, 1 / LEAST_FPS),
    "an OFFSET": (-1e9, 1e9),  # of any unit: a map's millimetres too
    "a position": (-1e9, 1e9),
    "a rotation": (-1e8, 1e8),  # degrees; who spins for two hours may be counted on
}
"""Least and most of what a file can hold."""
MOST_WORDS = 1_000_000
"""Of the hierarchy: so many make up more joints than are possible."""
LONGEST = 1000
"""Letters of a word: a number or a joint's name."""
CHUNK = 1 << 18
"""Letters that are read at once."""


@dataclass(frozen=True)
class Bvh:
    """A skeleton's motion in the file's own units and axes: ``J`` joints over ``T`` frames."""

    names: tuple[str, ...]  # [J]
    parents: tuple[int, ...]  # [J], -1 at the root; parents come first
    offsets: np.ndarray  # [J,3] from the parent, in the parent's axes
    channels: tuple[tuple[str, ...], ...]  # [J], in small letters
    values: np.ndarray  # [T,C] of all channels
    fps: float

    def posed(self, joints: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Orientations [T,n,3,3] and places [T,n,3] of joints [n] in the world, by default of all."""
        return self._chain(self.values, joints)

    def rest(self, joints: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Orientations [n,3,3] (all identity) and places [n,3] with every channel at zero."""
        turns, places = self._chain(None, joints)
        return turns[0], places[0]

    def _chain(self, values: np.ndarray | None, joints: Sequence[int] | None) -> tuple[np.ndarray, np.ndarray]:
        """Joints on the way to no wanted one are left out, and the others held until their last child is placed."""
        wanted = range(len(self.names)) if joints is None else joints
        length = 1 if values is None else len(values)
        waiting = self._children(wanted)
        ends = np.cumsum([0, *map(len, self.channels)])
        held: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for joint, parent in enumerate(self.parents):
            if not waiting[joint]:
                continue
            if values is None:
                turn, place = np.eye(3)[None], self.offsets[joint, None]
            else:
                columns = values[:, ends[joint] : ends[joint + 1]]
                turn, place = _decode(columns, self.offsets[joint], self.channels[joint])
            if parent >= 0:
                carrying, start = held[parent]
                place = start + np.einsum("tab,tb->ta", carrying, place)
                turn = carrying @ turn
                waiting[parent] -= 1
                if not waiting[parent]:
                    held.pop(parent)
            held[joint] = turn, place
        turns, places = np.empty((length, len(wanted), 3, 3)), np.empty((length, len(wanted), 3))
        for row, joint in enumerate(wanted):
            turns[:, row], places[:, row] = held[joint]
        return turns, places

    def _children(self, wanted: Iterable[int]) -> list[int]:
        """How many joints wait for each: its children on the way to wanted ones, and the caller, who is never done."""
        waiting = [0] * len(self.names)
        for joint in wanted:
            waiting[joint] = 1
        for joint in range(len(self.names) - 1, -1, -1):
            if waiting[joint] and self.parents[joint] >= 0:
                waiting[self.parents[joint]] += 1
        return waiting


def read_bvh(path: str | Path) -> Bvh:
    """Read a BVH file.

    Raises:
        InputError: The file is missing, not BVH, holds what is not possible, or its frames do not have as many numbers as
            there are channels.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        file = path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from None
    with file, reading(path, "a whole BVH file (hierarchy, then MOTION, frames and their numbers)", "export it again"):
        stream = _words(file)
        head, rest = _head(stream)
        names, parents, offsets, channels = _hierarchy(head)
        length, seconds = int(rest[1]), float(rest[4])
        found = {"the number of joints": len(names), "the number of frames": length, "Frame Time": seconds}
        check_ranges({**found, "an OFFSET": offsets}, POSSIBLE)
        columns = [name for own in channels for name in own]
        count = length * len(columns)
        if length * len(names) > MOST or count > 3 * MOST or 2 * count > size + 1:
            raise ValueError(f"{length} frames of {len(names)} joints and {len(columns)} channels in {size} bytes")
        values = _numbers(rest[5:], stream, count).reshape(length, len(columns))
        for kind in ("position", "rotation"):
            own = [column for column, name in enumerate(columns) if name.endswith(kind)]
            check_ranges({f"a {kind}": values[:, own]}, POSSIBLE)
    return Bvh(tuple(names), tuple(parents), offsets, tuple(channels), values, 1.0 / seconds)


def _words(file: TextIO) -> Iterator[list[str]]:
    """The words of a text, those of one piece at a time."""
    rest = ""
    while piece := file.read(CHUNK):
        words = (rest + piece).split()
        rest = words.pop() if words and not piece[-1].isspace() else ""
        if len(rest) > LONGEST:
            raise ValueError(f"a word of more than {LONGEST} letters")
        yield words
    yield [rest] if rest else []


def _head(stream: Iterator[list[str]]) -> tuple[list[str], list[str]]:
    """The words of the hierarchy, and those from the number of frames on, of which more may follow."""
    words: list[str] = []
    for some in stream:
        words += some
        if "MOTION" in some:
            break
        if len(words) > MOST_WORDS:
            raise ValueError(f"a hierarchy of more than {MOST_WORDS} words")
    split = words.index("MOTION")
    for some in stream if len(words) < split + 6 else ():
        words += some
        if len(words) >= split + 6:
            break
    return words[1:split], words[split + 1 :]


def _numbers(first: list[str], stream: Iterator[list[str]], count: int) -> np.ndarray:
    """All numbers [count] that are left, of which there must be no more and no fewer."""
    values, done = np.empty(count), 0
    for words in (first, *(() if len(first) > count else stream)):
        if done + len(words) > count:
            raise ValueError(f"more than the {count} numbers that its frames have")
        values[done : done + len(words)] = np.array(words, dtype=np.float64)
        done += len(words)
    if done < count:
        raise ValueError(f"{done} numbers of the {count} that its frames have")
    return values


def _hierarchy(words: list[str]) -> tuple[list[str], list[int], np.ndarray, list[tuple[str, ...]]]:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[tuple[str, ...]] = []
    open_joints: list[int] = []  # -1 for an end site
    pending, place = -1, 0
    while place < len(words):
        word = words[place]
        if word in ("ROOT", "JOINT"):
            names.append(words[place + 1])
            if open_joints and open_joints[-1] < 0:
                raise ValueError(f"{words[place + 1][:40]} in an End Site")
            parents.append(open_joints[-1] if open_joints else -1)
            offsets.append([0.0, 0.0, 0.0])
            channels.append(())
            pending, place = len(names) - 1, place + 2
        elif word == "End":
            pending, place = -1, place + 2
        elif word == "{":
            open_joints.append(pending)
            place += 1
        elif word == "}":
            open_joints.pop()
            place += 1
        elif word == "OFFSET":
            if open_joints[-1] >= 0:
                offsets[open_joints[-1]] = [float(number) for number in words[place + 1 : place + 4]]
            place += 4
        elif word == "CHANNELS":
            count = int(words[place + 1])
            if not 0 <= count <= len(words) or open_joints[-1] < 0:
                raise ValueError(f"{count} channels of a joint or an End Site")
            channels[open_joints[-1]] = _channels(words[place + 2 : place + 2 + count])
            place += 2 + count
        else:
            raise ValueError(word)
    return names, parents, np.array(offsets, np.float64), channels


def _channels(words: list[str]) -> tuple[str, ...]:
    """A joint's channels in small letters: what moves and turns it is along and about x, y and z, whatever else there is."""
    names = tuple(word.lower() for word in words)
    turns = [name[0] for name in names if name.endswith("rotation")]
    moves = [name[0] for name in names if name.endswith("position")]
    twice = len(set(moves)) < len(moves) or any(a == b for a, b in pairwise(turns))
    if twice or len(turns) > 3 or not set(turns + moves) <= set("xyz"):
        raise ValueError(f"channels {' '.join(words)}")
    return names


def _decode(columns: np.ndarray, offset: np.ndarray, channels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Rotations [T,3,3] relative to the parent and places [T,3] from it, of a joint's own channels [T,c]."""
    length = len(columns)
    rotations, positions = np.tile(np.eye(3), (length, 1, 1)), np.tile(offset, (length, 1))
    turning = [index for index, name in enumerate(channels) if name.endswith("rotation")]
    if turning:
        order = "".join(channels[index][0].upper() for index in turning)
        turn = Rotation.from_euler(order, columns[:, turning].reshape(length, -1), degrees=True)
        rotations = turn.as_matrix().reshape(length, 3, 3)
    for index, name in enumerate(channels):
        if name.endswith("position"):
            positions[:, "xyz".index(name[0])] = columns[:, index]
    return rotations, positions
