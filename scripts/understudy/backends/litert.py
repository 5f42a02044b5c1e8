"""Networks in TensorFlow Lite's format that come with the project, run by LiteRT."""

import contextlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.files.regular import read_bytes

logger = logging.getLogger(__name__)

NETWORKS = Path(__file__).with_name("networks")
SHA256 = {
    "pose_detection.tflite": "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    "pose_landmark_full.tflite": "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
}
"""Checksum by file of what is in ``networks``."""

LARGEST = 1 << 28
"""Bytes of a network; they lie in memory."""
_STDERR = threading.Lock()
"""There is one standard error for all threads."""


class Network:
    """A network on one CPU thread; a thread that wants to run it at the same time as others opens its own.

    Args:
        path: The file, ``network_file`` of one that comes with the project.
        input_size: Side in px of what it has to take.
        outputs: Shapes that it has to give.

    Raises:
        InputError: It is no network, or another one.
    """

    def __init__(self, path: Path, input_size: int, outputs: Iterable[tuple[int, ...]]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        content = read_bytes(path, LARGEST)
        with quiet_stderr():
            try:
                self._interpreter = Interpreter(model_content=content, num_threads=1)
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                said = (str(error).splitlines() or ["damaged"])[0]
                raise InputError(f"{path} is not a TensorFlow Lite network ({said}).") from None
        [taken, *_] = self._interpreter.get_input_details()
        self._input = taken["index"]
        self._outputs = {
            tuple(output["shape"].tolist()): output["index"] for output in self._interpreter.get_output_details()
        }
        if (
            taken["dtype"] is not np.float32
            or taken["shape"].tolist() != [1, input_size, input_size, 3]
            or not set(outputs) <= set(self._outputs)
        ):
            raise InputError(f"{path} is not the network that was asked for; its inputs or outputs differ.")

    def run(self, image: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
        """Outputs by their shapes for one picture [H,W,C] float32 of the size and range that it was trained for."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return {shape: self._interpreter.get_tensor(index) for shape, index in self._outputs.items()}


def network_file(name: str) -> Path:
    """A network that comes with the project.

    Raises:
        InputError: The file is missing or another one.
    """
    path = NETWORKS / name
    if not path.is_file() or sha256(path) != SHA256[name]:
        raise InputError(f"{path} is missing or not the file that belongs there; get it from the repository again.")
    return path


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send what native code writes to stderr to the debug log instead."""
    with _STDERR, tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            for line in file.read().decode(errors="replace").splitlines():
                logger.debug("%s", line)
