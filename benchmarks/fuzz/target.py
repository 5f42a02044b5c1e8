"""What the fuzzer reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """A reader."""

    make: Callable[[Path], Any]
    """Writes valid files into a folder."""
    read: Callable[[Path], Any]
    """Reads them."""
    raw: bool = False
    """One file of bytes, made without numba's kernels: what an engine that is guided by coverage can take."""
