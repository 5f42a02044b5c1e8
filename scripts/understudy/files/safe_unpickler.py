"""An unpickler that rebuilds containers and plain arrays, runs nothing, and takes no more than its file warrants.

A pickle is a program. Python's own unpickler calls what it is told to, sets attributes of whatever is there and believes
every count, and numpy's functions can be made to crash. Here every instruction has its own narrow meaning.
"""

import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, ClassVar, Literal

import numpy as np

from understudy.files.arrays import check_claim
from understudy.files.pickle_ledger import OBJECT_BYTES, Ledger
from understudy.files.pickle_machine import Machine, Unbuilt

_TYPES = re.compile(r"[<>=|]?(\?|b1|[iu][1248]|f[248]|f16|c8|c16|O8?|[US]\d{1,6})$")
"""Types of numbers and words that arrays may have; those of records, which say where their parts lie, are not among them."""
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Maker:
    """Stands for a function or a class that a pickle names. It can be called, and that is all."""

    make: Callable[..., Any]


@dataclass(slots=True)
class Holder:
    """The state of an object whose class is never imported."""

    kind: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Type:
    """A type of numbers, whose byte order comes later."""

    dtype: np.dtype


def holder_of(kind: str) -> Maker:
    """What makes a holder, whatever the object would have been made from."""
    return Maker(lambda *arguments, **options: Holder(kind))


def shown(module: str, name: str) -> str:
    """A name as a message can show it."""
    return ascii(f"{module}.{name}"[:100])[1:-1]


def reason_of(error: Exception) -> str:
    """What went wrong with a pickle, on one short line."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return ascii(" ".join(str(error)[:1000].split())[:200])[1:-1] or type(error).__name__


def type_of(value: Any) -> np.dtype:
    """The type of numbers that a pickle gives for one.

    Raises:
        UnpicklingError: It is none.
    """
    if not isinstance(value, Type):
        raise pickle.UnpicklingError("an array without a type of numbers")
    return value.dtype


def _unbuilt(kind: Any, *rest: Any) -> Unbuilt:
    if kind is not NDARRAY:
        raise pickle.UnpicklingError("only plain arrays can be rebuilt")
    return Unbuilt()


def _type(name: Any, *rest: Any) -> Type:
    if not isinstance(name, str) or not _TYPES.match(name):
        raise pickle.UnpicklingError(f"no plain type of numbers: {str(name)[:40]!r}")
    return Type(np.dtype(name.replace("O8", "O")))


NDARRAY = Maker(Unbuilt)


class ArrayUnpickler(Machine):
    """A machine that knows arrays, and the few names that they are pickled by."""

    dispatch: ClassVar[dict[int, Any]] = dict(Machine.dispatch)

    def __init__(self, file: BytesIO, ledger: Ledger) -> None:
        super().__init__(file, ledger)
        self._arrays = {
            ("_codecs", "encode"): Maker(self._make_bytes),
            ("numpy", "ndarray"): NDARRAY,
            ("numpy", "dtype"): Maker(_type),
            ("numpy.core.multiarray", "_reconstruct"): Maker(_unbuilt),
            ("numpy.core.multiarray", "scalar"): Maker(self._make_scalar),
            ("numpy.core.numeric", "_frombuffer"): Maker(self._make_array),
        }

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name; ``named`` says it of those that a kind of file knows beyond arrays."""
        if len(module) > LONGEST_NAME or len(name) > LONGEST_NAME:
            raise pickle.UnpicklingError("a name is too long")
        found = self._arrays.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            self.ledger.spend(LONGEST_NAME)
            found = self.named(module, name)
        return found

    def named(self, module: str, name: str) -> Any:
        """What stands for a name that arrays are not pickled by.

        Raises:
            InputError: The kind of file does not know it.
        """
        raise NotImplementedError

    def array(self, shape: Any, dtype: np.dtype, fortran: bool, data: Any) -> np.ndarray:
        """An array of so many values as there are."""
        order: Literal["C", "F"] = "F" if fortran else "C"
        if type(shape) is not tuple:
            raise pickle.UnpicklingError("an array without a shape")
        if dtype.hasobject:
            if type(data) is not list or len(data) != check_claim(shape, np.dtype("u1"), len(data)):
                raise pickle.UnpicklingError("an array of other objects than it says")
            self.ledger.spend(dtype.itemsize * len(data))
            array = np.fromiter(data, object, len(data)).reshape(shape, order=order)
            self.ledger.made(array, data)
            return array
        if type(data) not in (bytes, bytearray, str):
            raise pickle.UnpicklingError("an array of other things than bytes")
        self.ledger.spend((3 if isinstance(data, str) else 1) * len(data))
        content = data.encode("latin1") if isinstance(data, str) else data
        if len(content) != check_claim(shape, dtype, len(content)):
            raise pickle.UnpicklingError("an array of other length than it says")
        values = np.frombuffer(content, dtype) if content else np.zeros(shape, dtype)
        array = values.reshape(shape, order=order).copy("K")
        self.ledger.made(array, size=array.nbytes)
        return array

    def set_maker(self, kind: type) -> Callable[..., Any]:
        """What makes a set of a list, a tuple or nothing."""

        def make(items: Any = ()) -> Any:
            if type(items) not in (list, tuple):
                raise pickle.UnpicklingError("a set of what is not a list")
            self.ledger.spend(OBJECT_BYTES * len(items))
            return self.set_of(list(items), kind)

        return make

    def dict_of_pairs(self, pairs: Any = ()) -> dict[Any, Any]:
        """A dict of pairs of a key and a value, which may themselves be lists."""
        if type(pairs) not in (list, tuple) or not all(
            type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs
        ):
            raise pickle.UnpicklingError("a dict of what are not pairs")
        self.ledger.spend(OBJECT_BYTES * len(pairs))
        return self.dict_of([part for pair in pairs for part in pair])

    def list_of(self, items: Any = ()) -> list[Any]:
        """A list of a list, a tuple or nothing."""
        if type(items) not in (list, tuple):
            raise pickle.UnpicklingError("a list of what is none")
        self.ledger.spend(OBJECT_BYTES * len(items))
        made = list(items)
        self.ledger.made(made, made)
        return made

    def _make_array(self, data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
        return self.array(shape, type_of(dtype), order == "F", data)

    def _make_scalar(self, dtype: Any, data: Any = b"") -> Any:
        kind = type_of(dtype)
        return data if kind.hasobject else self.array((), kind, False, data)[()]

    def _make_bytes(self, text: Any, encoding: Any) -> bytes:
        """How Python 3 writes bytes into old pickles: as text of one byte per letter."""
        if encoding != "latin1" or not isinstance(text, str):
            raise pickle.UnpicklingError("only latin1 stands for bytes")
        self.ledger.spend(len(text))
        return text.encode("latin1")

    def load_reduce(self) -> None:
        """Call what stands for a function or a class."""
        arguments = self.stack.pop()
        self.stack[-1] = self._called(self.stack[-1], arguments)

    def load_newobj(self) -> None:
        """Make an object."""
        self.load_reduce()

    def load_newobj_ex(self) -> None:
        """Make an object, with named arguments that nothing here takes."""
        self.stack.pop()
        self.load_reduce()

    def _instantiate(self, made_by: Any, arguments: list[Any]) -> None:
        self.append(self._called(made_by, tuple(arguments)))

    def _called(self, made_by: Any, arguments: Any) -> Any:
        if type(made_by) is not Maker or type(arguments) is not tuple:
            raise pickle.UnpicklingError("it calls what is not a function")
        made = made_by.make(*arguments)
        if type(made) in (Holder, Unbuilt, Type):
            self.ledger.made(made)
        return made

    def load_build(self) -> None:
        """Set the state of an array, of a type of numbers (its byte order) or of a holder, and of nothing else."""
        state, held = self.stack.pop(), self.stack[-1]
        if type(held) is Unbuilt:
            shape, dtype, fortran, data = state[-4:]
            array = self.stack[-1] = self.array(shape, type_of(dtype), bool(fortran), data)
            for place in held.places:
                if self.memo[place] is held:
                    self.memo[place] = array
        elif type(held) is Type:
            if state[1] not in ("<", ">", "|", "=") or state[2:5] != (None, None, None):
                raise pickle.UnpicklingError("only plain types of numbers can be rebuilt")
            held.dtype = held.dtype.newbyteorder(state[1])
        elif type(held) is Holder:
            parts = state if type(state) is tuple else (state,)
            found = [part for part in parts if type(part) is dict]
            self.ledger.filled(held, found[:1])
            held.state = found[0] if found else {}
        elif type(held) is not dict:  # what is said of an ordered dict beyond its items is not needed
            raise pickle.UnpicklingError("it sets attributes of what has none")

    dispatch |= {
        pickle.REDUCE[0]: load_reduce, pickle.NEWOBJ[0]: load_newobj, pickle.NEWOBJ_EX[0]: load_newobj_ex,
        pickle.BUILD[0]: load_build, pickle.INST[0]: pickle._Unpickler.dispatch[pickle.INST[0]],
        pickle.OBJ[0]: pickle._Unpickler.dispatch[pickle.OBJ[0]],
    }  # fmt: skip
