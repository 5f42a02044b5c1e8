"""Arrays out of pickles without running what the pickles say.

SMPL's files are Python 2 pickles of numpy arrays, a scipy sparse matrix and chumpy arrays. A pickle is a program; this
reader admits only the few names that rebuild arrays, and puts chumpy's and scipy's classes into inert holders of their state.
"""

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError

_NUMPY = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
_SPARSE = re.compile(r"scipy\.sparse\.(_?csc|_?csr)$")
_SPARSE_CLASSES = ("csc_matrix", "csr_matrix", "csc_array", "csr_array")


class Holder:
    """The state of an object whose class is never imported."""

    kind = ""
    state: dict[str, Any]

    def __new__(cls, *arguments: Any, **options: Any) -> "Holder":
        """Ignore what the object would have been made from."""
        held = super().__new__(cls)
        held.state = {}
        return held

    def __init__(self, *arguments: Any, **options: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple):
            state = next((part for part in state if isinstance(part, dict)), {})
        self.state = state if isinstance(state, dict) else {}


_PLAIN: dict[str, type] = {"object": Holder, "set": set, "frozenset": frozenset}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, path: Path) -> None:
        super().__init__(file, encoding="latin1")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NUMPY:
            return super().find_class(module, name)
        if module.partition(".")[0] == "chumpy" or (_SPARSE.match(module) and name in _SPARSE_CLASSES):
            return type("Held", (Holder,), {"kind": name})
        if module in ("copy_reg", "copyreg") and name == "_reconstructor":
            return _reconstruct
        if module in ("__builtin__", "builtins") and name in _PLAIN:
            return _PLAIN[name]
        if module == "_codecs" and name == "encode":
            return _encode
        raise InputError(
            f"{self._path} is a pickle that asks for {module}.{name}, which no SMPL file needs; nothing of it was run, "
            "get the file from its publisher again."
        )


def unpickle_arrays(data: bytes, path: Path) -> Any:
    """The object in a pickle, made of plain containers, numpy arrays and ``Holder`` only.

    Args:
        data: The pickle.
        path: Where it comes from, for messages.

    Raises:
        InputError: The data are no pickle, or name anything but arrays.
    """
    try:
        return _Unpickler(io.BytesIO(data), path).load()
    except InputError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(
            f"{path} is no body model: it is neither an npz file nor a readable pickle ({error}); "
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
    array = np.asarray(value) if isinstance(value, (np.ndarray, list, tuple, int, float)) else np.empty(0, object)
    if array.dtype.kind not in "iuf":
        raise InputError(
            f"{path} holds no numeric array {key}; give the file of SMPL, SMPL-H or SMPL-X as its publisher has it."
        )
    return array


def _reconstruct(cls: type, base: type, state: Any) -> Holder:
    """What ``copyreg._reconstructor`` is for holders, and for nothing else."""
    if not (isinstance(cls, type) and issubclass(cls, Holder)):
        raise pickle.UnpicklingError("only held classes can be rebuilt")
    return cls()


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into old pickles: as text of one byte per letter."""
    if encoding != "latin1":
        raise pickle.UnpicklingError("only latin1 stands for bytes")
    return text.encode("latin1")


def _sparse_to_dense(holder: Holder, path: Path, key: str) -> np.ndarray:
    from scipy.sparse import csc_matrix, csr_matrix

    state = holder.state
    shape = state.get("_shape", state.get("shape"))
    try:
        make = csc_matrix if holder.kind.startswith("csc") else csr_matrix
        matrix = make((state["data"], state["indices"], state["indptr"]), shape=shape)
        matrix.check_format(full_check=True)
        return matrix.toarray()
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path} holds a damaged sparse matrix {key} ({error}).") from None
