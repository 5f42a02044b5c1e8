"""State of a training that may be killed at any time, in one file beside what it is to make."""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from understudy.avatar.config import AvatarConfig
from understudy.body.model import BodyModel
from understudy.errors import lacks_memory
from understudy.files.atomic import atomic_write
from understudy.files.pictures import MOST_BYTES
from understudy.files.regular import read_bytes
from understudy.files.safe_torch import load_torch, moved
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.masks import mask_path
from understudy.formats.smpl import BodyTrack

logger = logging.getLogger(__name__)

FORMAT = 4
"""Of the state; files of another are not gone on from."""
SECONDS = 20.0
"""Between two savings: so much work is lost at most."""


@dataclass
class Checkpoint:
    """The file and what it belongs to."""

    path: Path
    key: str
    """Digest of the training's input and configuration: another training's file is not gone on from."""
    saved: float = field(default_factory=time.monotonic)

    @classmethod
    def of(
        cls,
        path: str | Path,
        frames: Frames,
        track: BodyTrack,
        canonical: Canonical,
        body: BodyModel,
        config: AvatarConfig,
        options: Any,
        folders: Sequence[Path],
    ) -> "Checkpoint":
        """For a training with these arguments; ``options`` are the method's, ``folders`` hold masks and trimaps."""
        about = (FORMAT, asdict(config), asdict(options), frames.source_sha256, len(frames), body.sha256)
        digest = hashlib.sha256(repr(about).encode())
        for array in (track.global_orient, track.body_pose, track.transl, track.betas, track.K, track.valid):
            digest.update(np.ascontiguousarray(array).tobytes())
        for array in (canonical.rest_vertices, canonical.texture, canonical.texture_seen):
            digest.update(np.ascontiguousarray(array).tobytes())
        for folder in folders:
            for index in range(len(frames)):
                mask = mask_path(folder, index)
                digest.update(read_bytes(mask, MOST_BYTES) if mask.exists() else b"none")
        return cls(Path(path), digest.hexdigest())

    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self.saved > SECONDS

    def save(self, state: dict[str, Any]) -> None:
        """Write the state: tensors, numbers, text, lists and dicts of them."""
        with atomic_write(self.path) as temporary:
            torch.save({"key": self.key, "state": state}, temporary)
        self.saved = time.monotonic()

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """The state that was saved last; None where there is none, or another training's, or the file is damaged.

        Nothing in the file is ever executed.
        """
        if not self.path.exists():
            return None
        try:
            content = moved(load_torch(self.path), device)
            key, state = content["key"], content["state"]
        except Exception as error:  # a damaged file can fail in any way
            if lacks_memory(error):  # the file is as good as before
                raise
            logger.warning("%s cannot be read (%s); training starts over", self.path, error)
            return None
        if key != self.key:
            logger.info("%s is of another training; this one starts over", self.path)
            return None
        return dict(state)
