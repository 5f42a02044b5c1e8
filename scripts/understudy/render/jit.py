"""Compiling of the numba kernels: cached on disk in a folder that no other user can enter, in memory where there is none."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import numba
from numba.core import caching

from understudy.private import NotPrivate, private_folder, user_cache

config: Any = numba.config
logger = logging.getLogger(__name__)

FAST = {"contract", "arcp", "nsz"}
"""Fast mathematics that still knows NaN and infinity, by which broken Gaussians are told and dropped.

Not ``reassoc``: with it the process that compiles a parallel kernel runs another order of sums than those that find it on
disk, and the first avatar on a machine differs from all later ones. It was no faster.
"""

# numba's own threads sleep while idle; OpenMP's and TBB's keep cores busy that torch's threads wait for, and the other
# way round: on two cores a training step took three times as long with them
if "NUMBA_THREADING_LAYER" not in os.environ:
    config.THREADING_LAYER = "workqueue"

_one_at_a_time = threading.Lock()


def kernel(parallel: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: compile at the first call, keep the machine code on disk for the next process.

    What is kept is run as code, so it lies in a folder that no other user can enter: in ``NUMBA_CACHE_DIR`` where that is
    set, else beside the source where that is this user's, else in the user's cache folder. With none of them the function
    is compiled anew by each process.
    """

    def compile_lazily(function: Callable[..., Any]) -> Callable[..., Any]:
        compiled: Any = numba.njit(parallel=parallel, fastmath=FAST, error_model="numpy", nogil=True)(function)
        try:
            compiled._cache = _Kept(function)
        except RuntimeError as error:  # no folder will do
            logger.debug("%s is compiled without a cache: %s", function.__name__, error)
        return compiled

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


@cache
def _cache_folder(source: str) -> str | None:
    """Where the kernels of a folder of sources are kept; None where no folder will do."""
    below = caching.UserProvidedCacheLocator.get_suitable_cache_subpath(os.path.join(source, "_"))
    places = []
    if config.CACHE_DIR:
        places.append(os.path.join(config.CACHE_DIR, f"understudy-{os.geteuid()}", below))
    if os.stat(source).st_uid == os.geteuid():  # never in another's checkout, who could not delete it
        places.append(os.path.join(source, "__pycache__", f"numba-{os.geteuid()}"))
    if (own := user_cache()) is not None:
        places.append(os.path.join(own, below))
    reasons = []
    for place in places:
        try:
            return private_folder(place)
        except OSError as error:
            reasons.append(str(error))
            if isinstance(error, NotPrivate):
                logger.warning("%s; kernels are neither kept nor looked for there.", error)
    _tell("; ".join(reasons) or "the user has no home")
    return None


@cache
def _tell(reason: str) -> None:
    """Say once why kernels are not kept."""
    logger.warning(
        "Kernels are compiled in every process, which takes a minute (%s); set NUMBA_CACHE_DIR to a folder of yours.",
        reason,
    )


class _Folder(caching.UserProvidedCacheLocator):
    """Where numba keeps a kernel."""

    def __init__(self, function: Callable[..., Any], source: str, folder: str) -> None:
        self._py_file, self._lineno, self._cache_path = source, function.__code__.co_firstlineno, folder

    def get_source_stamp(self) -> tuple[Any, ...]:
        """What the machine code was made of: the source, and how it was compiled."""
        return (super().get_source_stamp(), *sorted(FAST))

    @classmethod
    def from_function(cls, function: Callable[..., Any], source: str) -> "_Folder | None":
        """As numba asks for it."""
        folder = _cache_folder(os.path.dirname(os.path.abspath(source)))
        return None if folder is None else cls(function, source, folder)


class _Code(caching.CompileResultCacheImpl):
    _locator_classes = [_Folder]  # type: ignore[list-item]  # noqa: RUF012


class _Kept(caching.FunctionCache):
    """A kernel on disk: one that is damaged is compiled again, and a full disk does without."""

    _impl_class = _Code

    def load_overload(self, *asked: Any) -> Any:
        """The compiled kernel, or None."""
        try:
            return super().load_overload(*asked)
        except MemoryError:
            raise
        except Exception as error:
            logger.debug("%s is compiled again: %s", self._name, error)
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, *made: Any) -> None:
        """Keep a compiled kernel."""
        try:
            super().save_overload(*made)
        except OSError as error:
            _tell(str(error))
