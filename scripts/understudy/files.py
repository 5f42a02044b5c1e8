"""Files of arrays and of JSON: written whole, and read so that what is wrong with them is named."""

import hashlib
import json
import shlex
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError, disk_trouble
from understudy.whole import whole_file

LARGEST = 4 << 30
"""Bytes that a compressed file may unfold to."""
LARGEST_JSON = 1 << 27
"""Bytes of a JSON file: the curves of a training of a million steps. What it is read into takes some twenty times as many."""


def sha256(path: str | Path) -> str:
    """Hex SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def again(target: str | Path) -> str:
    """What to do about a damaged file or folder that the workflow made."""
    return f"delete it and run: snakemake --cores all {shlex.quote(str(target))}"


@contextmanager
def reading(path: str | Path, what: str, mend: str) -> Iterator[None]:
    """Turn whatever a damaged or foreign file makes a reader raise into an ``InputError`` that names it.

    What no file can bring about stays what it is: a package or name that is missing, a disk without room to unfold it.

    Args:
        path: The file.
        what: What it should be, such as "a readable npz file".
        mend: What to do about it.

    Raises:
        InputError: The file is missing, cannot be opened, or is not what it should be.
    """
    try:
        yield
    except (InputError, MemoryError, ImportError, NameError):
        raise
    except FileNotFoundError as error:
        if error.filename is not None and Path(error.filename) != Path(path):
            raise
        raise InputError(f"{path}: no such file.") from None
    except PermissionError as error:
        raise InputError(
            f"{error.filename or path} cannot be read: {error.strerror}; give yourself the right to."
        ) from None
    except Exception as error:
        if disk_trouble(error) is not None:
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path} is not {what} ({reason}); {mend}.") from error


def write_npz(path: str | Path, arrays: Mapping[str, Any]) -> None:
    """Write a compressed npz atomically. Object arrays are refused."""
    for key, value in arrays.items():
        if np.asarray(value).dtype == object:
            raise TypeError(f"{key} is an object array, which npz files of this project never hold")
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def read_npz(path: str | Path, keys: tuple[str, ...] = (), mend: str | None = None) -> dict[str, np.ndarray]:
    """Read an npz without ever unpickling, and without taking more memory than its members' sizes say.

    Args:
        path: The file.
        keys: Arrays that must be there.
        mend: What to do about a damaged file; default to make it again.

    Raises:
        InputError: The file is missing, damaged, holds Python objects or more than ``LARGEST`` bytes, or lacks one of ``keys``.
    """
    mend = again(path) if mend is None else mend
    with reading(path, "a readable npz file", mend), zipfile.ZipFile(path) as archive:
        check_unfolded(archive)
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        arrays = {name.removesuffix(".npy"): read_member(archive, name) for name in names}
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; {mend}.")
    return arrays


def check_unfolded(archive: zipfile.ZipFile, largest: int | None = None) -> None:
    """Refuse a zip file whose members unfold to more than ``largest`` bytes, by default ``LARGEST``.

    Raises:
        ValueError: They do.
    """
    size, most = sum(member.file_size for member in archive.infolist()), LARGEST if largest is None else largest
    if size > most:
        raise ValueError(f"it unfolds to {size} bytes, more than {most}")


def read_npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an npy that is read from its start.

    Raises:
        ValueError: It is none.
    """
    try:
        version = np.lib.format.read_magic(file)
        header: Callable[..., Any] = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(file)
    except Exception as error:  # it is parsed as Python, which can fail in any way, of memory too
        raise ValueError(f"no header of an npy file ({error})") from None
    if any(length < 0 for length in shape) or dtype.itemsize < 0:  # sizes of words overflow
        raise ValueError(f"an array of shape {shape} and type {dtype.str}")
    return shape, dtype


def read_member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of an npz, when its size was found to be what its header says.

    Raises:
        ValueError: It is damaged or holds Python objects.
    """
    with archive.open(name) as file:
        shape, dtype = read_npy_header(file)
        if dtype.hasobject:
            raise ValueError(f"{name} holds Python objects, which are never loaded")
        size = dtype.itemsize
        for length in shape:
            size *= length
        if size > archive.getinfo(name).file_size:
            raise ValueError(f"{name} is cut short or says more than it holds")
    with archive.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def check_shapes(
    arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], text: tuple[str, ...] = ()
) -> None:
    """Refuse arrays of other shapes than ``shapes`` says, and those that hold no numbers; ``text`` names those of words.

    Raises:
        ValueError: One is.
    """
    for key, shape in shapes.items():
        if key not in arrays:
            continue
        array = arrays[key]
        if array.shape != shape or array.dtype.kind not in ("U" if key in text else "biuf"):
            raise ValueError(f"{key} is {array.dtype} of shape {array.shape}, not of {shape}")


def check_ranges(arrays: Mapping[str, Any], ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse numbers outside ``ranges``, both ends included, and those that are not finite; absent keys are passed over.

    A range is what the world allows, wide enough for every honest file: it keeps a file's numbers from asking for
    endless time or memory, or from leading to pictures of nothing.

    Raises:
        ValueError: One is outside.
    """
    for key, (least, most) in ranges.items():
        values = np.asarray(arrays.get(key, ()))
        if not values.size:
            continue
        if values.dtype.kind not in "biuf":
            raise ValueError(f"{key} is {values.dtype}, not numbers")
        low, high = float(values.min()), float(values.max())  # both NaN where one is, which compares as neither
        if not least <= low or not high <= most:
            outside = high if least <= low else low
            raise ValueError(f"{key} is {outside:g} somewhere, and may be {least:g} to {most:g}")


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, indented; numpy numbers and arrays become plain ones, NaN is refused."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False, default=_plain) + "\n", encoding="utf-8")


def read_json(path: str | Path, mend: str | None = None, largest: int = LARGEST_JSON) -> Any:
    """Read JSON.

    Args:
        path: The file.
        mend: What to do about a damaged file; default to make it again.
        largest: Bytes that it may have.

    Raises:
        InputError: The file is missing, too large, or not JSON.
    """
    with reading(path, "readable JSON", again(path) if mend is None else mend):
        with open(path, "rb") as file:
            data = file.read(largest + 1)
        if len(data) > largest:
            raise ValueError(f"it has more than {largest} bytes")
        return json.loads(data.decode("utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
