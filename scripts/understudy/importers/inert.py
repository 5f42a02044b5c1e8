"""Arrays out of other people's files without running what the files say.

npz and npy files with Python objects, plain pickles and joblib's pickles are read by an unpickler that admits only what
rebuilds containers and numpy arrays; torch's files by torch's own reader of weights.
"""

import bz2
import io
import lzma
import pickle
import zipfile
import zlib
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from understudy.body.inert_pickle import ArrayUnpickler
from understudy.errors import InputError
from understudy.files import check_unfolded, read_npy_header, reading

MAX_BYTES = 2 << 30
"""Compressed files that unpack to more are refused."""

CONVERT = (
    "open it where it was made and save the numbers with numpy.savez as global_orient, body_pose, transl and betas, "
    "then import that npz (kind smpl)"
)

AGAIN = "copy it again from where it was made"

_CONTAINERS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "dict"): dict,
    ("builtins", "list"): list,
    ("builtins", "set"): set,
    ("__builtin__", "dict"): dict,
    ("__builtin__", "list"): list,
    ("__builtin__", "set"): set,
}


class _JoblibArray:
    """What joblib writes before an array's bytes; its fields come as the state."""


class _Unpickler(ArrayUnpickler):
    dispatch: ClassVar[dict[int, Any]] = dict(ArrayUnpickler.dispatch)

    def __init__(self, file: io.BufferedIOBase | io.BytesIO, path: Path) -> None:
        super().__init__(file, path)
        self._source = file

    def find_class(self, module: str, name: str) -> Any:
        if (found := self.array_name(module, name)) is not None:
            return found
        if (module, name) in _CONTAINERS:
            return _CONTAINERS[module, name]
        if module == "joblib.numpy_pickle" and name == "NumpyArrayWrapper":
            return _JoblibArray
        raise InputError(f"{self._path} holds objects of {module}.{name}, which are not loaded for safety; {CONVERT}.")

    def load_build(self) -> None:
        state, held = self.stack[-1], self.stack[-2]
        if not isinstance(held, _JoblibArray):
            super().load_build()
            return
        self.stack.pop()
        self.stack[-1] = self._joblib_array(state if isinstance(state, dict) else {})

    dispatch[pickle.BUILD[0]] = load_build

    def _joblib_array(self, state: dict[str, Any]) -> np.ndarray:
        """The array whose bytes follow in the file."""
        dtype, shape = np.dtype(state["dtype"]), tuple(int(length) for length in state["shape"])
        if dtype.hasobject:
            return _Unpickler(self._source, self._path).load()
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self._source.read(1)
            self._source.read(padding[0])
        # straight from the file: joblib ends the pickle's frame before an array
        count = int(np.prod(shape, dtype=np.int64)) if shape else 1
        data = self._source.read(count * dtype.itemsize)
        return np.frombuffer(data, dtype, count).reshape(shape, order="F" if state.get("order") == "F" else "C").copy()


def read_pickle(path: Path) -> Any:
    """The object in a pickle or in a file of joblib (plain, zlib, gzip, bz2, xz): containers, numbers and arrays only.

    Raises:
        InputError: There is no such file, it is damaged, or it holds other objects.
    """
    with reading(path, "a readable pickle", AGAIN):
        data = path.read_bytes()
    return _load(io.BytesIO(_unpacked(data, path)), path)


def read_arrays(path: Path) -> dict[str, Any]:
    """Members of an npz, also those that hold Python objects; a lone dict within an object array is opened.

    Raises:
        InputError: There is no such file, it is damaged, or it holds other objects than containers and arrays.
    """
    with reading(path, "a readable npz file", AGAIN), zipfile.ZipFile(path) as archive:
        check_unfolded(archive, MAX_BYTES)
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name[:-4]: _npy(io.BytesIO(archive.read(name)), path) for name in names}


def read_npy(path: Path) -> Any:
    """Content of an npy, also one that holds Python objects. Raises as ``read_arrays``."""
    with reading(path, "a readable npy file", AGAIN):
        return _npy(io.BytesIO(path.read_bytes()), path)


def read_torch(path: Path) -> Any:
    """Content of a file of ``torch.save`` with tensors as arrays, by torch's reader that loads weights only.

    Raises:
        InputError: There is no such file, it is damaged, or it holds other objects than containers and tensors.
    """
    import torch

    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if zipfile.is_zipfile(path):
        with reading(path, "a readable file of torch", AGAIN), zipfile.ZipFile(path) as archive:
            check_unfolded(archive, MAX_BYTES)
    try:
        return _as_arrays(torch.load(path, map_location="cpu", weights_only=True))
    except MemoryError:
        raise
    except Exception as error:  # a damaged or foreign file can fail in any way
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path} cannot be read without running code of it ({reason}); {CONVERT}.") from None


def read_any(path: Path) -> Any:
    """Content of an npz, npy, pt, pth, pkl or joblib file, told by its bytes rather than its name."""
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if zipfile.is_zipfile(path):
        with reading(path, "a readable zip file", AGAIN), zipfile.ZipFile(path) as archive:
            numpy_made = any(name.endswith(".npy") for name in archive.namelist())
        return read_arrays(path) if numpy_made else read_torch(path)
    with open(path, "rb") as file:
        start = file.read(6)
    return read_npy(path) if start == b"\x93NUMPY" else read_pickle(path)


def _npy(file: io.BytesIO, path: Path) -> Any:
    shape, dtype = read_npy_header(file)
    if dtype.hasobject:
        value = _load(file, path)
        return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size > len(file.getbuffer()):
        raise ValueError("it is cut short or says more than it holds")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _load(file: io.BytesIO, path: Path) -> Any:
    try:
        return _Unpickler(file, path).load()
    except InputError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(f"{path} is not a readable pickle ({error}); copy it again.") from None


def _unpacked(data: bytes, path: Path) -> bytes:
    """The bytes without joblib's compression."""
    open_by_start: tuple[tuple[bytes, Callable[[], Any]], ...] = (
        (b"x", lambda: zlib.decompressobj()),
        (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
        (b"BZh", bz2.BZ2Decompressor),
        (b"\xfd7zXZ", lzma.LZMADecompressor),
        (b"\x5d\x00", lzma.LZMADecompressor),
    )
    make = next((make for start, make in open_by_start if data.startswith(start)), None)
    if make is None:
        return data
    try:
        content = make().decompress(data, MAX_BYTES)
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{path} is damaged ({error}); copy it again.") from None
    if len(content) >= MAX_BYTES:
        raise InputError(f"{path} unpacks to more than {MAX_BYTES >> 30} GiB; {CONVERT}.")
    return content


def _as_arrays(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _as_arrays(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_as_arrays(value) for value in content)
    if hasattr(content, "detach"):
        tensor = content.detach()
        return (tensor.float() if tensor.dtype.is_floating_point else tensor).numpy()
    return content
