"""Arrays out of pickles without running what the pickles say.

SMPL's files are Python 2 pickles of numpy arrays, a scipy sparse matrix and chumpy arrays. A pickle is a program; this
reader admits only the few names that rebuild arrays, and puts chumpy's and scipy's classes into inert holders of their state.
"""

import io
import math
import pickle
import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from understudy.errors import InputError

_TYPES = re.compile(r"[<>=|]?(\?|b1|[iu][1248]|f[248]|f16|c8|c16|O8?|[US]\d{1,6})$")
"""Types of numbers and words that arrays may have; those of records, which say where their parts lie, are not among them."""
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


class Unbuilt:
    """Stands for an array until its type, shape and bytes come; numpy's own would take whatever it is told."""


def _reconstruct_array(kind: Any, *rest: Any) -> Unbuilt:
    if kind is not Unbuilt:
        raise pickle.UnpicklingError("only plain arrays can be rebuilt")
    return Unbuilt()


def _dtype(name: Any, *rest: Any) -> np.dtype:
    if not isinstance(name, str) or not _TYPES.match(name):
        raise pickle.UnpicklingError(f"no plain type of numbers: {str(name)[:40]}")
    return np.dtype(name.replace("O8", "O"))


def _array(shape: Any, dtype: Any, fortran: Any, data: Any) -> np.ndarray:
    """An array of so many values as there are."""
    if not isinstance(dtype, np.dtype) or not all(isinstance(length, int) and length >= 0 for length in shape):
        raise pickle.UnpicklingError("an array without type or shape")
    count = math.prod(shape)
    if dtype.hasobject:
        if not isinstance(data, list) or len(data) != count:
            raise pickle.UnpicklingError("an array of other objects than it says")
        values = np.empty(count, object)
        values[:] = data
    else:
        content = data.encode("latin1") if isinstance(data, str) else bytes(data)
        if len(content) != count * dtype.itemsize:
            raise pickle.UnpicklingError("an array of other length than it says")
        values = np.frombuffer(content, dtype, count) if dtype.itemsize else np.zeros(count, dtype)
    return values.reshape(tuple(shape), order="F" if fortran else "C").copy("K")


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return _array(shape, dtype, order == "F", data)


def _scalar(dtype: Any, data: Any = b"") -> Any:
    return _array((), dtype, False, [data] if dtype.hasobject else data)[()]


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into old pickles: as text of one byte per letter."""
    if encoding != "latin1":
        raise pickle.UnpicklingError("only latin1 stands for bytes")
    return text.encode("latin1")


_NUMPY: dict[str, Any] = {"_reconstruct": _reconstruct_array, "scalar": _scalar, "_frombuffer": _from_buffer}


class _Memo(dict[int, Any]):
    """What a pickle refers to by number; it knows where that stands which is yet to be built."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[int, list[int]] = {}

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        if isinstance(value, (np.dtype, Unbuilt)):
            self._places.setdefault(id(value), []).append(key)

    def replace(self, held: Any, built: Any) -> None:
        """Put what was built in place of what stood for it."""
        for key in self._places.pop(id(held), ()):
            if self[key] is held:
                self[key] = built


class ArrayUnpickler(pickle._Unpickler):
    """Python's own unpickler, with arrays built here: the C one, and numpy's, can be made to crash or to ask for all memory."""

    stack: list[Any]
    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: Any, path: Path) -> None:
        super().__init__(file, encoding="latin1")
        self.memo = _Memo()
        self._path = path

    @staticmethod
    def array_name(module: str, name: str) -> Any:
        """What stands for a function or class by which arrays are pickled; None for any other."""
        if (module, name) == ("_codecs", "encode"):
            return _encode
        if module == "numpy":
            return {"ndarray": Unbuilt, "dtype": _dtype}.get(name)
        place = module.replace("numpy._core", "numpy.core")
        known = {"_frombuffer": "numpy.core.numeric"}.get(name, "numpy.core.multiarray")
        return _NUMPY.get(name) if place == known else None

    def load_build(self) -> None:
        """Set an object's state; of a type of numbers only its byte order."""
        held = self.stack[-2]
        if not isinstance(held, (np.dtype, Unbuilt)):
            super().load_build()  # type: ignore[misc]
            return
        state = self.stack.pop()
        if isinstance(held, Unbuilt):
            self.stack[-1] = _array(*state[-4:])
        elif state[1] not in ("<", ">", "|", "=") or state[2:5] != (None, None, None):
            raise pickle.UnpicklingError("only plain types of numbers can be rebuilt")
        else:
            self.stack[-1] = held.newbyteorder(state[1])
        self.memo.replace(held, self.stack[-1])

    dispatch[pickle.BUILD[0]] = load_build


class _Unpickler(ArrayUnpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (found := self.array_name(module, name)) is not None:
            return found
        if module.partition(".")[0] == "chumpy" or (_SPARSE.match(module) and name in _SPARSE_CLASSES):
            return type("Held", (Holder,), {"kind": name})
        if module in ("copy_reg", "copyreg") and name == "_reconstructor":
            return _reconstruct
        if module in ("__builtin__", "builtins") and name in _PLAIN:
            return _PLAIN[name]
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
