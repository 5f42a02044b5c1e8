"""Robust Video Matting (Lin et al., WACV 2022): mattes by a recurrent network, from its TorchScript or ONNX files."""

import logging
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from understudy.backends.onnx_session import open_session
from understudy.commands import called
from understudy.errors import InputError, lacks_memory
from understudy.weights.programs import read_program

logger = logging.getLogger(__name__)

LONG_SIDE = 768
"""Longest side in px that the network's first step works at; its authors advise so for whole bodies."""
STATES = 4
"""Recurrent states."""


class VideoMatting:
    """Mattes of whole pictures in their order; the state goes from each picture to the next.

    Everybody in the picture is in the matte: the stage keeps what touches the tracked person.

    Args:
        weights: ``rvm_*.torchscript`` or ``rvm_*.onnx``.
        sha256: Hex, of the file that somebody vouches for; TorchScript, which is a program, is not run without.
    """

    name = "rvm"

    def __init__(self, weights: Path, sha256: str | None = None) -> None:
        self._network: Network = OnnxNetwork(weights) if weights.suffix == ".onnx" else TorchNetwork(weights, sha256)
        self._shape: tuple[int, ...] = ()

    def find_mask(self, image: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Matte float32 [H,W] of everybody in an RGB uint8 image [H,W,3]; box and points are not looked at."""
        if image.shape != self._shape:
            self._network.forget()
            self._shape = image.shape
        picture = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / 255
        return self._network.matte(picture, min(1.0, LONG_SIDE / max(image.shape[:2])))[0, 0]

    def close(self) -> None:
        """Free the network."""
        del self._network


class Network(Protocol):
    """The network in one of its forms, with its state."""

    def matte(self, picture: np.ndarray, ratio: float) -> np.ndarray:
        """Matte float32 [1,1,H,W] of an RGB picture float32 [1,3,H,W] 0..1, shrunk by ``ratio`` for the first step."""

    def forget(self) -> None:
        """Begin a new video."""


class TorchNetwork:
    """TorchScript."""

    def __init__(self, weights: Path, sha256: str | None) -> None:
        import torch

        self._torch = torch
        self._states: list[Any] = [None] * STATES
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        program = read_program(weights, sha256)
        try:
            self._model: Any = torch.jit.load(program, map_location=self._device).eval()
        except (RuntimeError, ValueError, OSError) as error:
            if lacks_memory(error):
                raise
            first = (str(error).strip().splitlines() or ["empty"])[0].split(". ")[0]
            raise InputError(f"{weights} is not a TorchScript file ({first}); give rvm_*.torchscript.") from None
        if self._device.type == "cpu":
            self._model = self._model.float()  # half precision is for GPUs
        self._type = next((values.dtype for values in self._model.parameters()), torch.float32)

    def matte(self, picture: np.ndarray, ratio: float) -> np.ndarray:
        """Matte float32 [1,1,H,W] of an RGB picture float32 [1,3,H,W] 0..1."""
        with self._torch.inference_mode():
            source = self._torch.from_numpy(picture).to(self._device, self._type)
            _, alpha, *states = self._model(source, *self._states, ratio)
        self._states = states
        return alpha.float().cpu().numpy()

    def forget(self) -> None:
        """Begin a new video."""
        self._states = [None] * STATES


class OnnxNetwork:
    """ONNX."""

    def __init__(self, weights: Path) -> None:
        try:
            self._session = open_session(weights)
        except ModuleNotFoundError:
            raise InputError(
                f"{weights} needs the package onnxruntime, which is not installed here: {called('pip')} install -e '.[rvm]' in"
                " Understudy's folder, or take the .torchscript file."
            ) from None
        inputs = {entry.name: entry for entry in self._session.get_inputs()}
        needed = {"src", "downsample_ratio", *(f"r{number}i" for number in range(1, STATES + 1))}
        if set(inputs) != needed:
            raise InputError(f"{weights} takes {', '.join(sorted(inputs))} and is not of RVM; give rvm_*.onnx.")
        self._type = np.float16 if inputs["src"].type == "tensor(float16)" else np.float32
        self._states = [np.zeros((1, 1, 1, 1), self._type)] * STATES

    def matte(self, picture: np.ndarray, ratio: float) -> np.ndarray:
        """Matte float32 [1,1,H,W] of an RGB picture float32 [1,3,H,W] 0..1."""
        given = {f"r{number}i": state for number, state in enumerate(self._states, start=1)}
        given |= {"src": picture.astype(self._type), "downsample_ratio": np.array([ratio], np.float32)}
        names = ["pha", *(f"r{number}o" for number in range(1, STATES + 1))]
        alpha, *states = self._session.run(names, given)
        self._states = states
        return alpha.astype(np.float32)

    def forget(self) -> None:
        """Begin a new video."""
        self._states = [np.zeros((1, 1, 1, 1), self._type)] * STATES
