"""One limit for the threads of every numeric library that a stage has loaded."""

import sys


def use_threads(count: int) -> None:
    """Let torch, numba and OpenCV, where loaded, use ``count`` threads."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
    if "numba" in sys.modules:
        numba = sys.modules["numba"]
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(count)
