"""BVH files: hierarchy, channels and frames."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.errors import InputError
from understudy.files import reading

MOST = 20_000_000
"""Joints times frames: two hours of a rig of 23 joints at 120 frames per second."""


@dataclass(frozen=True)
class Bvh:
    """A skeleton's motion in the file's own units and axes: ``J`` joints over ``T`` frames."""

    names: tuple[str, ...]  # [J]
    parents: tuple[int, ...]  # [J], -1 at the root; parents come first
    offsets: np.ndarray  # [J,3] from the parent, in the parent's axes
    rotations: np.ndarray  # [T,J,3,3] relative to the parent
    positions: np.ndarray  # [T,J,3] from the parent: offsets, or the position channels where a joint has them
    fps: float

    def posed(self) -> tuple[np.ndarray, np.ndarray]:
        """Orientations [T,J,3,3] and places [T,J,3] of all joints in the world."""
        return self._chain(self.rotations, self.positions)

    def rest(self) -> tuple[np.ndarray, np.ndarray]:
        """Orientations [J,3,3] (all identity) and places [J,3] with every channel at zero."""
        turns, places = self._chain(np.tile(np.eye(3), (1, len(self.names), 1, 1)), self.offsets[None])
        return turns[0], places[0]

    def _chain(self, rotations: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turns, places = rotations.copy(), positions.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                places[:, joint] = places[:, parent] + np.einsum("tab,tb->ta", turns[:, parent], positions[:, joint])
                turns[:, joint] = turns[:, parent] @ rotations[:, joint]
        return turns, places


def read_bvh(path: str | Path) -> Bvh:
    """Read a BVH file.

    Raises:
        InputError: The file is missing, not BVH, or its frames do not have as many numbers as there are channels.
    """
    path = Path(path)
    try:
        words = path.read_text(encoding="utf-8", errors="replace").split()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from None
    with reading(path, "a whole BVH file (hierarchy, then MOTION, frames and their numbers)", "export it again"):
        split = words.index("MOTION")
        names, parents, offsets, channels = _hierarchy(words[1:split])
        length = int(words[split + 2])
        seconds = float(words[split + 5])
        values = np.array(words[split + 6 :], dtype=np.float64)
        if length < 1 or not values.size or length * len(names) > MOST:
            raise ValueError(f"{length} frames of {len(names)} joints in {values.size} numbers")
        values = values.reshape(length, sum(len(own) for own in channels))
        if not 0 < seconds < np.inf or not np.isfinite(values).all() or not np.isfinite(offsets).all():
            raise InputError(f"{path} has no joints, no frames, or numbers that are not finite.")
        rotations, positions = _decode(values, offsets, channels)
    return Bvh(tuple(names), tuple(parents), offsets, rotations, positions, 1.0 / seconds)


def _hierarchy(words: list[str]) -> tuple[list[str], list[int], np.ndarray, list[list[str]]]:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    open_joints: list[int] = []  # -1 for an end site
    pending, place = -1, 0
    while place < len(words):
        word = words[place]
        if word in ("ROOT", "JOINT"):
            names.append(words[place + 1])
            parents.append(open_joints[-1] if open_joints else -1)
            offsets.append([0.0, 0.0, 0.0])
            channels.append([])
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
            channels[open_joints[-1]] = words[place + 2 : place + 2 + count]
            place += 2 + count
        else:
            raise ValueError(word)
    return names, parents, np.array(offsets, np.float64), channels


def _decode(values: np.ndarray, offsets: np.ndarray, channels: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    length, first = len(values), 0
    rotations = np.tile(np.eye(3), (length, len(channels), 1, 1))
    positions = np.tile(offsets, (length, 1, 1))
    for joint, own in enumerate(channels):
        columns = values[:, first : first + len(own)]
        first += len(own)
        turning = [index for index, name in enumerate(own) if name.endswith("rotation")]
        if turning:
            order = "".join(own[index][0].upper() for index in turning)
            turn = Rotation.from_euler(order, columns[:, turning].reshape(length, -1), degrees=True)
            rotations[:, joint] = turn.as_matrix().reshape(length, 3, 3)
        for index, name in enumerate(own):
            if name.endswith("position"):
                positions[:, joint, "XYZ".index(name[0].upper())] = columns[:, index]
    return rotations, positions
