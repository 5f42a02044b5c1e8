"""Exposure and white balance of each frame: a factor on each colour, known up to a common one."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SEEN = 0.5
"""Alpha from which on a pixel tells of the exposure."""
MEASURED_FROM = 0.25
"""Part of the training from which on exposures are measured: before, the avatar's own colours still move."""


class Exposures:
    """Logarithms of the factors of some frames of a video, as they were last seen beside the avatar."""

    def __init__(self, frames: Sequence[int], device: torch.device) -> None:
        self.frames = list(frames)
        self.logs = torch.full((len(self.frames), 3), torch.nan, device=device)
        """NaN in frames that were not measured."""
        self._row = {frame: row for row, frame in enumerate(self.frames)}

    def factors(self, frame: int) -> Tensor:
        """Of one frame [3]: one where it was not measured; over all others their logarithms are zero on average."""
        return self._centred()[self._row[frame]].exp()

    def observe(self, frame: int, rgb: Tensor, alpha: Tensor, true_rgb: Tensor, weight: Tensor) -> None:
        """Take note of a frame's picture beside the avatar's.

        Args:
            frame: Which.
            rgb: The avatar's colours [H,W,3] times ``alpha`` [H,W], with no exposure.
            alpha: The avatar's.
            true_rgb: The frame's colours times its mask [H,W,3].
            weight: How much each pixel counts [H,W].
        """
        weight = (weight * (alpha > SEEN))[..., None]
        cross, square = (weight * rgb * true_rgb).sum(dim=(0, 1)), (weight * rgb.square()).sum(dim=(0, 1))
        if bool((cross > 0).all() and (square > 0).all()):
            self.logs[self._row[frame]] = (cross / square).clamp(0.2, 5.0).log()

    def over(self, length: int) -> np.ndarray:
        """Factors [length,3] of all frames of the video; those that were not measured are interpolated."""
        measured = ~self.logs[:, 0].isnan().cpu().numpy()
        if not measured.any():
            return np.ones((length, 3), np.float32)
        known = np.asarray(self.frames)[measured]
        columns = [np.interp(np.arange(length), known, column) for column in self._centred().cpu().numpy()[measured].T]
        return np.exp(np.stack(columns, axis=1)).astype(np.float32)

    def _centred(self) -> Tensor:
        return (self.logs - self.logs.nanmean(dim=0)).nan_to_num(0.0)
