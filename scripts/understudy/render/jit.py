"""Compiling of the numba kernels: cached on disk where a folder can be written, in memory otherwise."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba

config: Any = numba.config
logger = logging.getLogger(__name__)

FAST = {"contract", "reassoc", "arcp", "nsz"}
"""Fast mathematics that still knows NaN and infinity, by which broken Gaussians are told and dropped."""

# numba's own threads sleep while idle; OpenMP's and TBB's keep cores busy that torch's threads wait for, and the other
# way round: on two cores a training step took three times as long with them
if "NUMBA_THREADING_LAYER" not in os.environ:
    config.THREADING_LAYER = "workqueue"

_one_at_a_time = threading.Lock()


def kernel(parallel: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: compile at the first call, keep the machine code on disk for the next process.

    The cache lies beside the source, or in the user's cache folder when the checkout is read-only,
    or in ``NUMBA_CACHE_DIR``; with none of them writable the function is compiled anew by each process.
    """

    def compile_lazily(function: Callable[..., Any]) -> Callable[..., Any]:
        options: dict[str, Any] = {"parallel": parallel, "fastmath": FAST, "error_model": "numpy", "nogil": True}
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as error:  # numba finds no folder to write to
            logger.debug("%s is compiled without a cache: %s", function.__name__, error)
            return numba.njit(**options)(function)

    return compile_lazily


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run kernels with ``count`` threads, no more than numba was started with.

    One caller at a time: this threading layer breaks when two Python threads enter it.
    """
    with _one_at_a_time:
        before = numba.get_num_threads()
        numba.set_num_threads(max(1, min(count, config.NUMBA_NUM_THREADS)))
        try:
            yield
        finally:
            numba.set_num_threads(before)
