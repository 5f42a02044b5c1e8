"""Several processes that train one avatar, each on its own part of the frames: torch's distributed data parallelism.

Members make the same steps on the same parameters with the mean of their gradients; poses and exposures belong to the member
whose frames they are, and are told to the others.
"""

import logging
import logging.handlers
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, multiprocessing

from understudy.errors import InputError, sentence
from understudy.threads import use_threads

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """Who trains: the members of torch's process group where there is one, else this process alone."""

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> "ProcessGroup":
        """The team that this process belongs to."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    def share(self, items: Sequence[int]) -> list[int]:
        """This member's part; every item is one member's."""
        return list(items[self.rank :: self.size])

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Put the members' mean into each tensor."""
        whole = list(tensors)
        if self.size > 1 and whole:
            mean = self.add(torch.cat([tensor.flatten() for tensor in whole])) / self.size
            for tensor, part in zip(whole, mean.split([tensor.numel() for tensor in whole]), strict=True):
                tensor.copy_(part.view_as(tensor))

    def add(self, tensor: Tensor) -> Tensor:
        """The members' sum."""
        if self.size == 1:
            return tensor
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    def merge(self, rows: Tensor, mine: Sequence[int]) -> None:
        """Take the others' rows of ``rows`` [n,...], of which ``mine`` are this member's."""
        if self.size > 1:
            own = torch.zeros_like(rows)
            own[list(mine)] = rows[list(mine)]
            rows.copy_(self.add(own))

    def gather(self, value: T) -> list[T]:
        """The members' values."""
        values: list[Any] = [value] * self.size
        if self.size > 1:
            distributed.all_gather_object(values, value)
        return values

    def agree(self, value: float, device: torch.device) -> float:
        """The first member's value."""
        if self.size == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(told, src=0)
        return float(told)


def run_together(work: Callable[..., T], size: int, arguments: tuple[Any, ...], cuda: bool) -> T:
    """What the first of ``size`` processes returns, which do the same work as a team.

    Args:
        work: A function of a module.
        size: Number of processes.
        arguments: Of the function; they must be picklable.
        cuda: Whether each takes the GPU of its number; else they share the present number of threads.

    Raises:
        InputError: A member raised it, or found no memory or room.
    """
    context = multiprocessing.get_context("spawn")
    lines = context.Queue()
    listener = logging.handlers.QueueListener(lines, *logging.getLogger("understudy").handlers)
    listener.start()
    try:
        with tempfile.TemporaryDirectory(prefix="understudy-") as folder, _temporary_files_in(folder):
            try:
                # by value: torch would move tensors to shared memory, away from under arrays that view them
                whole = (size, folder, work, pickle.dumps(arguments), lines, torch.get_num_threads(), cuda)
                # daemons, which end with this process however it is stopped
                multiprocessing.spawn(_member, whole, nprocs=size, daemon=True)
            except (multiprocessing.ProcessRaisedException, multiprocessing.ProcessExitedException):
                if (failed := Path(folder) / "failed").exists():
                    raise InputError(failed.read_text(encoding="utf-8")) from None
                raise
            result: T = pickle.loads((Path(folder) / "result").read_bytes())  # our own process wrote it
            return result
    finally:
        listener.stop()


@contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    """Let temporary files be made in ``folder``, and be gone with it.

    torch's members tell of an error in a pickle, which the first process loads. torch picks a name for it in /tmp and
    leaves that name free, so that another user of the machine could put a pickle there.
    """
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def _member(
    rank: int, size: int, folder: str, work: Callable[..., Any], arguments: bytes, lines: Any, threads: int, cuda: bool
) -> None:
    own = logging.getLogger("understudy")
    own.setLevel(logging.INFO if rank == 0 else logging.WARNING)
    own.addHandler(logging.handlers.QueueHandler(lines))
    use_threads(max(1, threads // size))
    if cuda:
        torch.cuda.set_device(rank)
    backend = "nccl" if cuda else "gloo"
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # members are of one machine: nothing is to listen to the network
    distributed.init_process_group(backend, init_method=f"file://{folder}/meeting", rank=rank, world_size=size)
    try:
        result = work(*pickle.loads(arguments))
        if rank == 0:
            (Path(folder) / "result").write_bytes(pickle.dumps(result))
    except Exception as error:
        if (told := sentence(error, "training")) is not None:
            (Path(folder) / "failed").write_text(told, encoding="utf-8")
        raise
    finally:
        distributed.destroy_process_group()
