"""Networks in ONNX files."""

from pathlib import Path
from typing import Any

import cv2

from understudy.errors import InputError


def open_session(weights: Path) -> Any:
    """onnxruntime's session of a file, on the GPU where onnxruntime has one, else with as many threads as OpenCV has.

    Raises:
        InputError: The file is no network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cv2.getNumThreads()
    available = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    try:
        return onnxruntime.InferenceSession(str(weights), options, providers=providers)
    except Exception as error:  # onnxruntime's own classes share no base
        raise InputError(f"{weights} is not an ONNX network ({str(error).splitlines()[0]}).") from None
