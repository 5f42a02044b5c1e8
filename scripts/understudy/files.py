"""Whole files or none: atomic writes, and readers that name what is wrong with a file."""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import error as ZlibError

import numpy as np

from understudy.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success flush it to disk and rename it, else remove it.

    The temporary name keeps the suffix of ``path``, since writers choose a format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; on success it takes the place of ``path``, else it is removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: str | Path) -> str:
    """Hex SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_npz(path: str | Path, arrays: Mapping[str, Any]) -> None:
    """Write a compressed npz atomically. Object arrays are refused."""
    for key, value in arrays.items():
        if np.asarray(value).dtype == object:
            raise TypeError(f"{key} is an object array, which npz files of this project never hold")
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def read_npz(path: str | Path, keys: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Read an npz without ever unpickling.

    Args:
        path: The file.
        keys: Arrays that must be there.

    Raises:
        InputError: The file is missing, damaged, holds Python objects, or lacks one of ``keys``.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, ZlibError, AttributeError) as error:
        raise InputError(f"{path} is not a readable npz file ({error}); delete it and run again.") from None
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; delete it and run again.")
    return arrays


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, indented; numpy numbers and arrays become plain ones, NaN is refused."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False, default=_plain) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Raises:
        InputError: The file is missing or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except ValueError as error:
        raise InputError(f"{path} is not readable JSON ({error}); delete it and run again.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
