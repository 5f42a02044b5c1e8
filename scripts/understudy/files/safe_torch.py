"""Tensors out of files of ``torch.save`` without running what the files say.

Torch's own reader of weights calls a good many of its functions and classes with whatever a file says, and believes sizes and
strides. This one knows storages of numbers, strided tensors on them, and containers; other kinds of tensors are passed over.
"""

import io
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from understudy.files.arrays import check_claim, open_zip
from understudy.files.pickle_ledger import OBJECT_BYTES, Ledger
from understudy.files.regular import check_regular, read_bytes
from understudy.files.safe_unpickler import ArrayUnpickler, Maker, holder_of, shown

MOST_WEIGHTS = 64 << 30
"""Bytes of a file of weights."""
MOST_OLD = 8 << 30
"""And of one of torch before version 1.6, which is read whole."""
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""What files of torch before version 1.6 begin with."""
_CHUNK = 1 << 24
_NUMBER_BYTES = 8
_ANY_TYPE, _ANY_COUNT = np.dtype("u1"), 1 << 62

_STORAGES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64, "ComplexDoubleStorage": torch.complex128, "UntypedStorage": torch.uint8,
    "QInt8Storage": torch.int8, "QUInt8Storage": torch.uint8, "QInt32Storage": torch.int32,
}  # fmt: skip
_TYPES = {str(value): value for value in vars(torch).values() if isinstance(value, torch.dtype)}
_PASSED_OVER = {
    f"torch._utils._rebuild_{kind}"
    for kind in (
        "qtensor", "sparse_tensor", "meta_tensor_no_storage", "nested_tensor", "wrapper_subclass",
        "device_tensor_from_numpy", "device_tensor_from_cpu_tensor",
    )
} | {
    "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.serialization._get_layout",
    "torch.per_tensor_affine", "torch.per_tensor_symmetric", "torch.per_channel_affine", "torch.per_channel_symmetric",
    "torch.per_channel_affine_float_qparams",
}  # fmt: skip
"""What torch reads too, and nothing here needs."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A class of storages."""

    dtype: torch.dtype


class _Storages(Protocol):
    """Where the numbers are."""

    def storage(self, key: str, dtype: torch.dtype, count: int, view: Any) -> Tensor:
        """So many numbers [count]."""


def load_torch(path: Path, largest: int = MOST_WEIGHTS) -> Any:
    """Content of a file of ``torch.save``: containers, numbers and tensors, which are on the CPU and need no gradients.

    Raises:
        ValueError: It is no such file, is damaged, asks for too much, or names anything else.
        Exception: Anything, where it is damaged; a MemoryError only where there is no memory.
    """
    check_regular(path)
    if not zipfile.is_zipfile(path):
        return _load_old(read_bytes(path, min(largest, MOST_OLD)))
    with open_zip(path, max(largest, path.stat().st_size)) as archive:
        names = archive.namelist()
        programs = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(programs) != 1:
            raise ValueError("no file of torch.save")
        if any(name.endswith("/constants.pkl") for name in names):
            raise ValueError("it is TorchScript, a program, and not weights alone")
        records = _Records(archive, programs[0].removesuffix("data.pkl"))
        data = records.read("data.pkl")
        held = sum(member.file_size for member in archive.infolist())
        return _Unpickler(io.BytesIO(data), Ledger(path.stat().st_size, _NUMBER_BYTES * held), records).load()


def moved(content: Any, device: torch.device) -> Any:
    """What ``load_torch`` read, with its tensors on a device."""
    if isinstance(content, dict):
        return {key: moved(value, device) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(moved(value, device) for value in content)
    return content.to(device) if isinstance(content, Tensor) else content


class _Records:
    """The members of a zip file of torch."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str) -> None:
        self._archive, self._prefix = archive, prefix
        self._read: dict[str, Tensor] = {}
        if f"{prefix}byteorder" in archive.namelist() and self.read("byteorder") != b"little":
            raise ValueError("it was written on a machine of another byte order")

    def read(self, name: str) -> bytes:
        """All of one."""
        return self._archive.read(f"{self._prefix}{name}")

    def storage(self, key: str, dtype: torch.dtype, count: int, view: Any) -> Tensor:
        """So many numbers [count] of the record ``key``."""
        if key not in self._read:
            name = f"{self._prefix}data/{key}"
            content = torch.empty(self._archive.getinfo(name).file_size, dtype=torch.uint8)
            with self._archive.open(name) as file:
                for start in range(0, len(content), _CHUNK):
                    part = content[start : start + _CHUNK].numpy()
                    part[:] = np.frombuffer(file.read(len(part)), np.uint8)
            self._read[key] = content
        if view is not None:
            raise pickle.UnpicklingError("a view of a storage")
        return _numbers(self._read[key], dtype, 0, count)


class _Tail:
    """What follows the pickle in older files, where the numbers are filled in when the tensors are made."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._empty: dict[str, tuple[Tensor, int]] = {}

    def storage(self, key: str, dtype: torch.dtype, count: int, view: Any) -> Tensor:
        """So many numbers [count], or those of them that ``view`` (key, first and count) names, yet to be read."""
        if key not in self._empty:
            self._left -= count * dtype.itemsize
            if self._left < 0:
                raise pickle.UnpicklingError("it is cut short or says more than it holds")
            self._empty[key] = (torch.zeros(count * dtype.itemsize, dtype=torch.uint8), count)
        content = self._empty[key][0]
        if view is None:
            return _numbers(content, dtype, 0, count)
        _, first, length = view
        return _numbers(content, dtype, first, length)

    def fill(self, keys: Any, file: io.BytesIO) -> None:
        """Read the numbers of all storages, which follow each other with a count each."""
        if type(keys) is not list or set(keys) != set(self._empty) or len(keys) != len(self._empty):
            raise pickle.UnpicklingError("it has other numbers than it says")
        for key in keys:
            content, count = self._empty[key]
            if int.from_bytes(file.read(8), "little") != count:
                raise pickle.UnpicklingError("it has other numbers than it says")
            content.numpy()[:] = np.frombuffer(file.read(len(content)), np.uint8)


def _numbers(content: Tensor, dtype: torch.dtype, first: Any, count: Any) -> Tensor:
    """Numbers [count] in bytes."""
    if type(first) is not int or first < 0 or (first + count) * dtype.itemsize > len(content):
        raise pickle.UnpicklingError("it is cut short or says more than it holds")
    return content[first * dtype.itemsize : (first + count) * dtype.itemsize].view(dtype)


def _load_old(data: bytes) -> Any:
    file, ledger, tail = io.BytesIO(data), Ledger(len(data), _NUMBER_BYTES * len(data)), _Tail(len(data))

    def follow() -> Any:
        return _Unpickler(file, ledger, tail).load()

    if follow() != MAGIC or follow() != PROTOCOL:
        raise ValueError("no file of torch.save")
    machine = follow()
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise ValueError("it was written on a machine of another byte order")
    content = follow()
    tail.fill(follow(), file)
    return content


class _Unpickler(ArrayUnpickler):
    dispatch: ClassVar[dict[int, Any]] = dict(ArrayUnpickler.dispatch)

    def __init__(self, file: io.BytesIO, ledger: Ledger, storages: _Storages) -> None:
        super().__init__(file, ledger)
        self._storages = storages

    def named(self, module: str, name: str) -> Any:
        whole = f"{module.replace('__builtin__', 'builtins')}.{name}"
        if module in ("torch", "torch.cuda", "torch.storage") and name in _STORAGES:
            return _Kind(_STORAGES[name])
        if whole in _TYPES:
            return _TYPES[whole]
        if whole in _PASSED_OVER:
            return holder_of(whole)
        makers: dict[str, Callable[..., Any]] = {
            "torch._utils._rebuild_tensor": self._tensor,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch._utils._rebuild_tensor_v3": self._tensor_of_type,
            "torch._utils._rebuild_parameter": lambda tensor, *rest: tensor,
            "torch._utils._rebuild_parameter_with_state": lambda tensor, *rest: tensor,
            "torch._tensor._rebuild_from_type_v2": lambda made_by, kind, given, *rest: self._called(made_by, given),
            "torch.Size": self._size,
            "collections.OrderedDict": self.dict_of_pairs,
            "collections.Counter": self._counter,
            "builtins.set": self.set_maker(set),
            "builtins.bytearray": self._bytes,
            "builtins.complex": complex,
        }
        if whole not in makers:
            raise pickle.UnpicklingError(f"it holds objects of {shown(module, name)}, which are not loaded for safety")
        return Maker(makers[whole])

    def load_binpersid(self) -> None:
        """A storage of numbers."""
        what, kind, key, _, count, *view = self.stack.pop()
        if what != "storage" or type(kind) is not _Kind or type(key) is not str or type(count) is not int or count < 0:
            raise pickle.UnpicklingError("it refers to something else than numbers")
        numbers = self._storages.storage(key, kind.dtype, count, view[0] if view else None)
        self.ledger.made(numbers)
        self.append(numbers)

    dispatch[pickle.BINPERSID[0]] = load_binpersid

    def _tensor(self, numbers: Any, first: Any, shape: Any, strides: Any, *rest: Any) -> Tensor:
        """A view of numbers, which may show some of them several times."""
        if not isinstance(numbers, Tensor) or numbers.ndim != 1 or (len(rest) > 2 and rest[2]):
            raise pickle.UnpicklingError("a tensor of an unusual kind")
        if type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
            raise pickle.UnpicklingError("a tensor without shape or strides")
        if not all(type(number) is int and 0 <= number < 1 << 60 for number in (first, *strides)):
            raise pickle.UnpicklingError("a tensor of strides that none can have")
        count = check_claim(shape, _ANY_TYPE, _ANY_COUNT)
        last = first + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
        if count and last >= len(numbers):
            raise pickle.UnpicklingError("a tensor of more numbers than there are")
        self.ledger.spend(_NUMBER_BYTES * count)
        tensor = numbers.as_strided(shape, strides, first) if count else numbers.new_empty(shape)
        self.ledger.made(tensor, size=_NUMBER_BYTES * count)
        return tensor

    def _tensor_of_type(
        self, numbers: Any, first: Any, shape: Any, strides: Any, gradient: Any, hooks: Any, dtype: Any, *rest: Any
    ) -> Tensor:
        if not isinstance(numbers, Tensor) or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError("a tensor without a type")
        return self._tensor(numbers.view(dtype), first, shape, strides, gradient, hooks, *rest)

    def _size(self, lengths: Any = ()) -> tuple[Any, ...]:
        if type(lengths) not in (list, tuple):
            raise pickle.UnpicklingError("a shape of what is not a list")
        self.ledger.spend(OBJECT_BYTES * len(lengths))
        made = tuple(lengths)
        self.ledger.made(made, made)
        return made

    def _counter(self, counts: Any = ()) -> dict[Any, Any]:
        if type(counts) is not dict:
            return self.dict_of_pairs(counts)
        self.ledger.spend(OBJECT_BYTES * len(counts))
        return self.dict_of([part for pair in counts.items() for part in pair])

    def _bytes(self, content: Any = b"") -> bytearray:
        if type(content) is not bytes:
            raise pickle.UnpicklingError("bytes of something else")
        self.ledger.spend(len(content))
        return bytearray(content)
