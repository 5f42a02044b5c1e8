"""Arrays out of SMPL's pickles without running what the pickles say.

SMPL's files are Python 2 pickles of numpy arrays, a scipy sparse matrix and chumpy arrays. Chumpy's and scipy's classes become
inert holders of their state.
"""

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError
from understudy.files.pickle_ledger import Ledger
from understudy.files.safe_unpickler import ArrayUnpickler, Holder, Maker, holder_of, reason_of, shown

MOST_DENSE = 1 << 25
"""Numbers of a sparse matrix that is written out, or of lists."""
_SPARSE = re.compile(r"scipy\.sparse\.(_?csc|_?csr)$")
_SPARSE_CLASSES = ("csc_matrix", "csr_matrix", "csc_array", "csr_array")


class _Unpickler(ArrayUnpickler):
    def __init__(self, file: io.BytesIO, path: Path, ledger: Ledger) -> None:
        super().__init__(file, ledger)
        self._path = path

    def named(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "chumpy" or (_SPARSE.match(module) and name in _SPARSE_CLASSES):
            return holder_of(name)
        if module in ("copy_reg", "copyreg") and name == "_reconstructor":
            return Maker(_reconstruct)
        if module in ("__builtin__", "builtins"):
            if name == "object":
                return holder_of("")
            if name in ("set", "frozenset"):
                return Maker(self.set_maker(frozenset if name == "frozenset" else set))
        raise InputError(
            f"{self._path} is a pickle that asks for {shown(module, name)}, which no SMPL file needs; "
            "nothing of it was run, get the file from its publisher again."
        )


def unpickle_arrays(data: bytes, path: Path, ledger: Ledger | None = None) -> Any:
    """The object in a pickle, made of plain containers, numpy arrays and ``Holder`` only.

    Args:
        data: The pickle.
        path: The file that it comes from.
        ledger: Account of that file, where it holds several; else a new one.

    Raises:
        InputError: The data are no pickle, ask for too much, or name anything but arrays.
    """
    try:
        return _Unpickler(io.BytesIO(data), path, ledger or Ledger(path.stat().st_size, len(data))).load()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(
            f"{path} is not a body model: it is neither an npz file nor a readable pickle ({reason_of(error)}); "
            "give the .npz or .pkl of SMPL, SMPL-H or SMPL-X."
        ) from None


def dense(value: Any, path: Path, key: str) -> np.ndarray:
    """A plain numeric array from what a pickle held under ``key``: an array, a chumpy array's ``x``, or a sparse matrix.

    Raises:
        InputError: It is something else.
    """
    if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 0:
        value = value.item()
    if isinstance(value, Holder):
        if value.kind in _SPARSE_CLASSES:
            return _sparse_to_dense(value, path, key)
        value = value.state.get("x")
    array = _plain(value)
    if array is None or array.dtype.kind not in "iuf":
        raise InputError(
            f"{path} holds no numeric array {key}; give the file of SMPL, SMPL-H or SMPL-X as its publisher has it."
        )
    return array


def _plain(value: Any) -> np.ndarray | None:
    """The array of numbers that a value is, lists of them included."""
    if isinstance(value, (list, tuple)) and not _of_numbers(value):
        return None
    return np.asarray(value) if isinstance(value, (np.ndarray, list, tuple, int, float)) else None


def _of_numbers(value: Any) -> bool:
    """Whether lists hold numbers alone, and bearably many; words would first become as long each as the longest."""
    waiting, count = [value], 0
    while waiting and count <= MOST_DENSE:
        one = waiting.pop()
        if isinstance(one, (list, tuple)):
            waiting.extend(one)
        elif isinstance(one, (int, float, np.number, np.bool_)) or (
            isinstance(one, np.ndarray) and one.dtype.kind in "biuf"
        ):
            count += np.size(one)
        else:
            return False
    return count <= MOST_DENSE


def _reconstruct(cls: Any, *rest: Any) -> Holder:
    """What ``copyreg._reconstructor`` is for holders, and for nothing else."""
    made = cls.make() if isinstance(cls, Maker) else None
    if not isinstance(made, Holder):
        raise pickle.UnpicklingError("only held classes can be rebuilt")
    return made


def _sparse_to_dense(holder: Holder, path: Path, key: str) -> np.ndarray:
    from scipy.sparse import csc_matrix, csr_matrix

    state = holder.state
    shape = state.get("_shape", state.get("shape"))
    try:
        data, indices, indptr = parts = state["data"], state["indices"], state["indptr"]
        if not all(isinstance(part, np.ndarray) and part.ndim == 1 and part.dtype.kind in "iuf" for part in parts):
            raise ValueError("its parts are not rows of numbers")
        rows, columns = (int(length) for length in shape or ())
        if min(rows, columns) < 0 or rows * columns > MOST_DENSE:
            raise ValueError(f"of {rows} x {columns} numbers")
        make = csc_matrix if holder.kind.startswith("csc") else csr_matrix
        matrix = make((data, indices, indptr), shape=(rows, columns))
        matrix.check_format(full_check=True)
        return matrix.toarray()
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise InputError(f"{path} holds a damaged sparse matrix {key} ({error}).") from None
