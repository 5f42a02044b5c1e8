"""Threads: one limit for every numeric library that a stage has loaded, and frames side by side."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Results of ``work`` in the order of ``items``, of which ``threads`` are worked on at once.

    Few results lie ready at any time, so that memory does not grow with the number of items. After a failure nothing more
    is begun.
    """
    pool = _workers(threads)
    try:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _workers(threads: int) -> ThreadPoolExecutor:
    """Threads, in each of which numba uses as many of its own as in the caller's: numba keeps that number for each thread."""
    if "numba" not in sys.modules:
        return ThreadPoolExecutor(threads)
    numba = sys.modules["numba"]
    return ThreadPoolExecutor(threads, initializer=numba.set_num_threads, initargs=(numba.get_num_threads(),))


def use_threads(count: int) -> None:
    """Let torch, numba and OpenCV, where loaded, use ``count`` threads."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
    if "numba" in sys.modules:
        numba = sys.modules["numba"]
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(count)
