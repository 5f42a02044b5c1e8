"""Arrays out of other people's files without running what the files say.

npz and npy files with Python objects, plain pickles and joblib's pickles are read by an unpickler that admits only what
rebuilds containers and numpy arrays.
"""

import bz2
import io
import lzma
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import check_claim, open_zip, read_npy_header, reading
from understudy.files.pickle_ledger import Ledger
from understudy.files.regular import read_bytes
from understudy.files.safe_unpickler import ArrayUnpickler, Maker, reason_of, shown, type_of

MAX_BYTES = 2 << 30
"""Compressed files that unpack to more are refused."""
SPARE_UNPACKED, MOST_UNPACKED = 256 << 20, 100
"""And so are those that unpack to more than so many bytes and so many times their own."""
MOST_READ = 8 << 30
"""Bytes of a file that is not compressed, which is read whole."""
MOST_LZMA = 256 << 20
"""Bytes that unpacking may need; xz itself never asks for more than 65 MiB."""

CONVERT = (
    "open it where it was made and save the numbers with numpy.savez as global_orient, body_pose, transl and betas, "
    "then import that npz (kind smpl)"
)

AGAIN = "copy it again from where it was made"


class _JoblibArray:
    """What joblib writes before an array's bytes; its fields come as the state."""


_JOBLIB_ARRAY = Maker(_JoblibArray)
_JOBLIB_NESTED = 8
"""Pickles within pickles, as joblib writes arrays of objects."""


class _Unpickler(ArrayUnpickler):
    dispatch: ClassVar[dict[int, Any]] = dict(ArrayUnpickler.dispatch)

    def __init__(self, file: io.BytesIO, path: Path, ledger: Ledger, level: int = 0) -> None:
        super().__init__(file, ledger)
        self._path, self._level = path, level

    def named(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return Maker(self.dict_of_pairs)
        if (module, name) == ("collections", "defaultdict"):
            return Maker(lambda *kind: self.dict_of([]))
        if module in ("builtins", "__builtin__") and name in ("dict", "list", "set"):
            return Maker({"dict": self.dict_of_pairs, "list": self.list_of, "set": self.set_maker(set)}[name])
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return _JOBLIB_ARRAY
        raise InputError(
            f"{self._path} holds objects of {shown(module, name)}, which are not loaded for safety; {CONVERT}."
        )

    def load_build(self) -> None:
        if type(self.stack[-2]) is not _JoblibArray:
            super().load_build()
            return
        state = self.stack.pop()
        self.stack[-1] = self._joblib_array(state if isinstance(state, dict) else {})

    dispatch[pickle.BUILD[0]] = load_build

    def _joblib_array(self, state: dict[str, Any]) -> Any:
        """The array whose bytes follow in the file."""
        dtype, shape = type_of(state["dtype"]), state["shape"]
        if dtype.hasobject:
            if self._level == _JOBLIB_NESTED:
                raise pickle.UnpicklingError(f"it holds more than {_JOBLIB_NESTED} pickles within each other")
            return _Unpickler(self.source, self._path, self.ledger, self._level + 1).load()
        if state.get("numpy_array_alignment_bytes") is not None:
            self.source.read(self.source.read(1)[0])
        left = self.source.getbuffer().nbytes - self.source.tell()
        data = self.source.read(check_claim(shape, dtype, left))
        return self.array(shape, dtype, state.get("order") == "F", data)


def read_pickle(path: Path) -> Any:
    """The object in a pickle or in a file of joblib (plain, zlib, gzip, bz2, xz): containers, numbers and arrays only.

    Raises:
        InputError: There is no such file, it is damaged, asks for too much, or holds other objects.
    """
    with reading(path, "a readable pickle", AGAIN):
        packed = read_bytes(path, MOST_READ)
        data = unpacked(packed, path)
        return _load(io.BytesIO(data), path, Ledger(len(packed), len(data)))


def read_arrays(path: Path) -> dict[str, Any]:
    """Members of an npz, also those that hold Python objects; a lone dict within an object array is opened.

    Raises:
        InputError: There is no such file, it is damaged, or it holds other objects than containers and arrays.
    """
    with reading(path, "a readable npz file", AGAIN), open_zip(path, MAX_BYTES) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        ledger = Ledger(path.stat().st_size, sum(member.file_size for member in archive.infolist()))
        return {name[:-4]: _npy(io.BytesIO(archive.read(name)), path, ledger) for name in names}


def read_npy(path: Path) -> Any:
    """Content of an npy, also one that holds Python objects. Raises as ``read_arrays``."""
    with reading(path, "a readable npy file", AGAIN):
        data = read_bytes(path, MOST_READ)
        return _npy(io.BytesIO(data), path, Ledger(len(data), len(data)))


def read_torch(path: Path) -> Any:
    """Content of a file of ``torch.save`` with tensors as arrays, those of fewer than 32 bits as float32.

    Raises:
        InputError: There is no such file, it is damaged, asks for too much, or holds other objects than containers and tensors.
    """
    from understudy.files.safe_torch import load_torch

    with reading(path, "a file of torch that can be read without running code of it", CONVERT):
        return _as_arrays(load_torch(path, MAX_BYTES))


def read_any(path: Path) -> Any:
    """Content of an npz, npy, pt, pth, pkl or joblib file, told by its bytes rather than its name."""
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if zipfile.is_zipfile(path):
        with reading(path, "a readable zip file", AGAIN), open_zip(path, MAX_BYTES) as archive:
            numpy_made = any(name.endswith(".npy") for name in archive.namelist())
        return read_arrays(path) if numpy_made else read_torch(path)
    with open(path, "rb") as file:
        start = file.read(6)
    return read_npy(path) if start == b"\x93NUMPY" else read_pickle(path)


def _npy(file: io.BytesIO, path: Path, ledger: Ledger) -> Any:
    shape, dtype = read_npy_header(file)
    if dtype.hasobject:
        value = _load(file, path, ledger)
        return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    check_claim(shape, dtype, file.getbuffer().nbytes)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _load(file: io.BytesIO, path: Path, ledger: Ledger) -> Any:
    try:
        return _Unpickler(file, path, ledger).load()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(f"{path} is not a readable pickle ({reason_of(error)}); copy it again.") from None


def _as_arrays(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _as_arrays(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_as_arrays(value) for value in content)
    if hasattr(content, "detach"):
        return (content.float() if content.dtype.is_floating_point else content).numpy()
    return content


def unpacked(data: bytes, path: Path) -> bytes:
    """The bytes of a pickle without joblib's compression.

    Raises:
        InputError: They are damaged, or more than the file warrants.
    """
    open_by_start: tuple[tuple[bytes, Callable[[], Any]], ...] = (
        (b"x", lambda: zlib.decompressobj()),
        (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
        (b"BZh", bz2.BZ2Decompressor),
        (b"\xfd7zXZ", lambda: lzma.LZMADecompressor(memlimit=MOST_LZMA)),
        (b"\x5d\x00", lambda: lzma.LZMADecompressor(memlimit=MOST_LZMA)),
    )
    make = next((make for start, make in open_by_start if data.startswith(start)), None)
    if make is None:
        return data
    most = min(MAX_BYTES, SPARE_UNPACKED + MOST_UNPACKED * len(data))
    try:
        content: bytes = make().decompress(data, most)
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{path} is damaged ({error}); copy it again.") from None
    if len(content) >= most:
        raise InputError(f"{path} unpacks to more than {most >> 20} MiB; {CONVERT}.")
    return content
