"""GPUs that several jobs on one machine share: each job sees its own."""

import logging
import os
import shutil
import socket
import subprocess
import time

logger = logging.getLogger(__name__)

PAUSE = 0.5
"""Seconds between looks at whether a GPU has become free."""

_taken: list[socket.socket] = []
"""Names that this process holds until it ends."""


def use_gpus(count: int) -> None:
    """See ``count`` GPUs alone until the process ends; to be called before CUDA is first used.

    Where more GPUs can be seen than are asked for, the first free ones are taken, so that jobs that run at the same time
    never share one; while too few are free, this waits. Where no more are seen, somebody else has dealt them out (SLURM,
    a container), and nothing changes.

    Args:
        count: Number of GPUs; 0 hides all of them.
    """
    if count < 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        return
    seen = visible_gpus()
    if len(seen) <= count:
        return
    waiting = False
    while (held := _take(seen, count)) is None:
        if not waiting:
            waiting = True
            logger.info("waiting for %d of the GPUs %s: other jobs have them", count, ", ".join(seen))
        time.sleep(PAUSE)
    _taken.extend(held.values())
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(held)
    logger.info("working on the GPU %s", ", ".join(held))


def visible_gpus() -> list[str]:
    """Numbers or names of the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` has them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    # the driver's own list: to ask torch might start CUDA, after which nothing can be hidden any more
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    count = sum(line.startswith("GPU ") for line in listed.stdout.splitlines()) if listed.returncode == 0 else 0
    return [str(number) for number in range(count)]


def _take(names: list[str], count: int) -> dict[str, socket.socket] | None:
    """So many GPUs that no other process holds, all or none: two that wait for each other's second would wait for ever."""
    held: dict[str, socket.socket] = {}
    for name in names:
        # a name in the kernel, not a file: free again when the process ends, however it ends, and the same for all users
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            lock.bind(f"\0understudy-gpu-{name}")
        except OSError:
            lock.close()
            continue
        held[name] = lock
        if len(held) == count:
            return held
    for lock in held.values():
        lock.close()
    return None
