"""Files of arrays and of JSON: written whole, and read so that what is wrong with them is named."""

import hashlib
import json
import math
import shlex
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from understudy.commands import called
from understudy.errors import InputError, disk_trouble, lacks_memory
from understudy.files.atomic import atomic_write
from understudy.files.regular import check_regular, read_bytes, regular_file

LARGEST = 4 << 30
"""Bytes that a compressed file may unfold to."""
MOST_JSON = 1 << 29
"""Bytes of a JSON file; the keypoints of everybody in an hour of video take less."""
MOST_VALUES = 1 << 25
"""Lists, objects and words that a JSON file may hold: each takes some 60 bytes of memory for as few as 3 of the file."""
MOST_MEMBERS = 100_000
"""Of a zip file."""
_LISTED_BYTES = 200
"""That each may take in the list of them."""
MOST_FOLDED = 1100
"""Times by which deflate can make zeros smaller, at most."""
MOST_AXES = 32
"""Axes that an array may have."""
MOST_HOLLOW = 10_000_000
"""Rows that an array without any bytes may have, which readers may count on."""


def sha256(path: str | Path) -> str:
    """Hex SHA-256 of a file."""
    with regular_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_claim(shape: tuple[int, ...], dtype: np.dtype, held: int) -> int:
    """Bytes of an array that is said to be of this shape and type, by what is there.

    Args:
        shape: Its lengths.
        dtype: Its type.
        held: Bytes that are there.

    Raises:
        ValueError: No array has such a shape, or it claims more than ``held``; or, holding nothing, very many rows.
    """
    if len(shape) > MOST_AXES or any(type(length) is not int or not 0 <= length < 1 << 60 for length in shape):
        raise ValueError("it says that an array has a shape that none can have")
    size = dtype.itemsize * math.prod(shape)
    if size > held or (size == 0 and math.prod(length for length in shape if length) > MOST_HOLLOW):
        raise ValueError("it is cut short or says more than it holds")
    return size


def again(target: str | Path) -> str:
    """What to do about a damaged file or folder in a stage's place; it may be the user's own, so nothing is to be deleted."""
    name = shlex.quote(str(target))
    return f"move {name} away and run: {called('snakemake')} --cores all {name}"


@contextmanager
def reading(path: str | Path, what: str, mend: str) -> Iterator[None]:
    """Turn whatever a damaged or foreign file makes a reader raise into an ``InputError`` that names it.

    What no file can bring about stays what it is: a package or name that is missing, want of memory, a disk without room.

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
        if disk_trouble(error) is not None or lacks_memory(error):
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path} is not {what} ({reason}); {mend}.") from error


def write_npz(path: str | Path, arrays: Mapping[str, Any], recorded: bool = False) -> None:
    """Write a compressed npz atomically; ``recorded`` is that of ``atomic_write``. Object arrays are refused."""
    for key, value in arrays.items():
        if np.asarray(value).dtype == object:
            raise TypeError(f"{key} is an object array, which npz files of this project never hold")
    with atomic_write(path, recorded) as temporary:
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
    with reading(path, "a readable npz file", mend), open_zip(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        arrays = {name.removesuffix(".npy"): read_member(archive, name) for name in names}
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; {mend}.")
    return arrays


@contextmanager
def open_zip(path: str | Path, largest: int | None = None) -> Iterator[zipfile.ZipFile]:
    """A zip file, when its list of members was found to be of a bearable length and ``check_unfolded`` let it pass.

    Raises:
        ValueError: It is no plain file, or something is wrong with its members.
    """
    check_regular(path)
    with open(path, "rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        if end is not None and end[zipfile._ECD_SIZE] > _LISTED_BYTES * MOST_MEMBERS:  # type: ignore[attr-defined]
            raise ValueError("its list of members is too long")
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            check_unfolded(archive, largest)
            yield archive


def check_unfolded(archive: zipfile.ZipFile, largest: int | None = None) -> None:
    """Refuse a zip file whose members unfold to more than ``largest`` bytes, by default ``LARGEST``.

    Raises:
        ValueError: They do; or they are too many, share their bytes, or say of themselves what cannot be.
    """
    members = archive.infolist()
    size, most = sum(member.file_size for member in members), LARGEST if largest is None else largest
    if size > most:
        raise ValueError(f"it unfolds to {size} bytes, more than {most}")
    if len(members) > MOST_MEMBERS:
        raise ValueError(f"it has {len(members)} members, more than {MOST_MEMBERS}")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{member.filename[:80]!r} is compressed in an unusual way")
        if member.file_size > MOST_FOLDED * member.compress_size + MOST_FOLDED:
            raise ValueError(f"{member.filename[:80]!r} says more than it holds")
    if sum(member.compress_size for member in members) > archive.start_dir:
        raise ValueError("its members share their bytes")


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
        try:
            check_claim(shape, dtype, archive.getinfo(name).file_size)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
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


def write_json(path: str | Path, value: Any, recorded: bool = False) -> None:
    """Write JSON atomically, indented; numpy numbers and arrays become plain ones, NaN is refused.

    ``recorded`` is that of ``atomic_write``.
    """
    with atomic_write(path, recorded) as temporary:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False, default=_plain) + "\n", encoding="utf-8")


def read_json(path: str | Path, mend: str | None = None, largest: int = MOST_JSON) -> Any:
    """Read JSON.

    Args:
        path: The file.
        mend: What to do about a damaged file; default to make it again.
        largest: Bytes that it may have.

    Raises:
        InputError: The file is missing, not JSON, or larger than ``largest`` and ``MOST_VALUES`` allow.
    """
    with reading(path, "readable JSON", again(path) if mend is None else mend):
        content = read_bytes(path, largest)
        values = content.count(b"[") + content.count(b"{") + content.count(b'"') // 2
        if values > MOST_VALUES:
            raise ValueError(f"it holds {values} lists, objects and words, more than {MOST_VALUES}")
        return json.loads(content.decode("utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
