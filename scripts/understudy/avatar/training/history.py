"""Curves of a training, and its lines in the log."""

import logging
import time

import numpy as np

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0
SHOWN = 20
"""Steps over which a line in the log averages."""


class History:
    """What each step came to."""

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {name: [] for name in ("step", "seconds", "shrink", "loss", "psnr")}
        self._last_line = time.monotonic()

    def note(self, step: int, seconds: float, shrink: int, loss: float, error: float) -> None:
        """Add a step: its loss, and the mean squared error of its colours."""
        values = (step, seconds, shrink, loss, -10.0 * float(np.log10(max(error, 1e-10))))
        for curve, value in zip(self.curves.values(), values, strict=True):
            curve.append(float(value))

    def report(self, steps: int, now: bool = False) -> None:
        """Log where training stands of ``steps``, if it is time or ``now``."""
        if self.curves["step"] and (now or time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES):
            self._last_line = time.monotonic()
            step, seconds = int(self.curves["step"][-1]), self.curves["seconds"][-1]
            loss, psnr = (float(np.mean(self.curves[name][-SHOWN:])) for name in ("loss", "psnr"))
            line = "avatar: step %d of %d, %.0f s, loss %.4f, PSNR %.2f dB"
            logger.info(line, step, steps, seconds, loss, psnr)
