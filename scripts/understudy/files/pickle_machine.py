"""A pickle's instructions that make containers and numbers, each held to account."""

import pickle
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, ClassVar

from understudy.files.pickle_ledger import NESTED, Ledger

MOST_BITS = 4096
"""Of an integer."""
_UNKNOWN = (
    pickle.PERSID, pickle.BINPERSID, pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
    pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.REDUCE, pickle.BUILD,
)  # fmt: skip
"""Instructions that refer to what is elsewhere, or call and change objects."""


@dataclass(slots=True)
class Unbuilt:
    """Stands for an array until its type, shape and bytes come; numpy's own would take whatever it is told."""

    places: list[int] = field(default_factory=list)
    """The numbers that it is referred to by."""


class _End(Exception):
    """The pickle has been followed to its end."""


class Machine(pickle._Unpickler):
    """Python's own unpickler written in Python, without objects, and with an account of everything that it makes.

    Args:
        file: A pickle in memory, from where it stands.
        ledger: Account of the file.
    """

    stack: list[Any]
    memo: dict[int, Any]
    dispatch: ClassVar[dict[int, Any]] = {
        code: follow for code, follow in pickle._Unpickler.dispatch.items() if bytes([code]) not in _UNKNOWN
    }

    def __init__(self, file: BytesIO, ledger: Ledger) -> None:
        super().__init__(file, encoding="latin1")
        self.source, self.ledger = file, ledger

    def load(self) -> Any:
        """The object, when the pickle has been followed to its end.

        Raises:
            UnpicklingError: It is cut short, or has an instruction that is not known.
            Exception: Anything, where it is damaged; a MemoryError only where there is no memory.
        """
        self.read, self.readline = read, _ = self.source.read, self.source.readline
        self.metastack: list[list[Any]] = []
        self.stack = []
        self.append = self.stack.append
        self.proto = step = 0
        dispatch = self.dispatch
        try:
            for step in range(self.ledger.steps):  # noqa: B007 - read below
                dispatch[read(1)[0]](self)
        except _End:
            return self.stack.pop()
        except (IndexError, KeyError):
            raise pickle.UnpicklingError("it is cut short, or no pickle") from None
        finally:
            self.ledger.steps -= step
        raise pickle.UnpicklingError("it has more instructions than its size warrants")

    def load_stop(self) -> None:
        """End."""
        if not self.stack:
            raise pickle.UnpicklingError("it holds nothing")
        raise _End

    def pop_mark(self) -> list[Any]:
        """All since the last mark."""
        items = self.stack
        self.stack = self.metastack.pop()
        self.append = self.stack.append
        return items

    def load_frame(self) -> None:
        """Pass over a frame's length: what follows is in memory anyway."""
        self.read(8)

    def load_mark(self) -> None:
        """Begin a list of items."""
        if len(self.metastack) > 4 * NESTED:
            raise pickle.UnpicklingError(f"it nests more than {NESTED} levels deep")
        self.metastack.append(self.stack)
        self.stack = []
        self.append = self.stack.append

    def load_int(self) -> None:
        """An integer in letters."""
        super().load_int()  # type: ignore[misc]
        self._check_integer()

    def load_long(self) -> None:
        """An integer in letters."""
        super().load_long()  # type: ignore[misc]
        self._check_integer()

    def load_long4(self) -> None:
        """An integer of many bytes."""
        super().load_long4()  # type: ignore[misc]
        self._check_integer()

    def _check_integer(self) -> None:
        if self.stack[-1].bit_length() > MOST_BITS:
            raise pickle.UnpicklingError(f"a number of more than {MOST_BITS} bits")

    def load_bytearray8(self) -> None:
        """Bytes, as many as there are."""
        super().load_binbytes8()  # type: ignore[misc]
        self.ledger.spend(len(self.stack[-1]))
        self.stack[-1] = bytearray(self.stack[-1])

    def load_tuple(self) -> None:
        """Gather items."""
        self._push(tuple(self.pop_mark()))

    def load_empty_tuple(self) -> None:
        """Begin nothing."""
        self._push(())

    def load_tuple1(self) -> None:
        """Gather the last item."""
        self._gather(1)

    def load_tuple2(self) -> None:
        """Gather the last two items."""
        self._gather(2)

    def load_tuple3(self) -> None:
        """Gather the last three items."""
        self._gather(3)

    def _gather(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        if len(items) != count:
            raise pickle.UnpicklingError("it takes items that are not there")
        self.ledger.made(items, items)
        self.stack[-count:] = [items]

    def _push(self, items: tuple[Any, ...] | list[Any]) -> None:
        self.ledger.made(items, items)
        self.append(items)

    def load_empty_list(self) -> None:
        """Begin a list."""
        self._push([])

    def load_list(self) -> None:
        """Make a list of items."""
        self._push(self.pop_mark())

    def load_empty_dictionary(self) -> None:
        """Begin a dict."""
        self.append(self.dict_of([]))

    def load_dict(self) -> None:
        """Make a dict of keys and values."""
        items = self.pop_mark()
        self.append(self.dict_of(items))

    def load_empty_set(self) -> None:
        """Begin a set."""
        self.append(self.set_of([]))

    def load_frozenset(self) -> None:
        """Make a frozen set of items."""
        items = self.pop_mark()
        self.append(self.set_of(items, frozenset))

    def dict_of(self, items: list[Any]) -> dict[Any, Any]:
        """A dict of keys and values that follow each other."""
        made: dict[Any, Any] = {}
        self.ledger.made(made)
        self._set_items(made, items)
        return made

    def set_of(self, items: list[Any], kind: type = set) -> Any:
        """A set."""
        self.ledger.check_keys(items)
        made = kind(items)
        self.ledger.made(made, items)
        return made

    def load_append(self) -> None:
        """Put an item into a list."""
        item = self.stack.pop()
        self._extend([item])

    def load_appends(self) -> None:
        """Put items into a list."""
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        last = self.stack[-1]
        if type(last) is not list:
            raise pickle.UnpicklingError("it puts items into what is not a list")
        self.ledger.filled(last, items)
        last += items

    def load_setitem(self) -> None:
        """Put a value into a dict."""
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items(self.stack[-1], [key, value])

    def load_setitems(self) -> None:
        """Put values into a dict."""
        items = self.pop_mark()
        self._set_items(self.stack[-1], items)

    def _set_items(self, last: Any, items: list[Any]) -> None:
        if type(last) is not dict:
            raise pickle.UnpicklingError("it puts values into what is not a dict")
        keys = items[::2]
        self.ledger.check_keys(keys)
        self.ledger.filled(last, items)
        last.update(zip(keys, items[1::2], strict=True))

    def load_additems(self) -> None:
        """Put items into a set."""
        items = self.pop_mark()
        if type(self.stack[-1]) is not set:
            raise pickle.UnpicklingError("it puts items into what is not a set")
        self.ledger.check_keys(items)
        self.ledger.filled(self.stack[-1], items)
        self.stack[-1].update(items)

    def _remember(self, place: int) -> None:
        """Give what was made last a number to be referred to by."""
        if len(self.memo) > self.ledger.memos:
            raise pickle.UnpicklingError("it has more references than its size warrants")
        self.memo[place] = value = self.stack[-1]
        if type(value) is Unbuilt:
            value.places.append(place)

    def load_memoize(self) -> None:
        """Remember under the next number."""
        self._remember(len(self.memo))

    def load_put(self) -> None:
        """Remember under a number in letters."""
        self._remember(int(self.readline()[:-1]))

    def load_binput(self) -> None:
        """Remember under a number of one byte."""
        self._remember(self.read(1)[0])

    def load_long_binput(self) -> None:
        """Remember under a number of four bytes."""
        self._remember(int.from_bytes(self.read(4), "little"))

    dispatch |= {
        pickle.STOP[0]: load_stop, pickle.FRAME[0]: load_frame, pickle.MARK[0]: load_mark, pickle.BYTEARRAY8[0]: load_bytearray8,
        pickle.INT[0]: load_int, pickle.LONG[0]: load_long, pickle.LONG4[0]: load_long4,
        pickle.TUPLE[0]: load_tuple, pickle.EMPTY_TUPLE[0]: load_empty_tuple, pickle.TUPLE1[0]: load_tuple1,
        pickle.TUPLE2[0]: load_tuple2, pickle.TUPLE3[0]: load_tuple3, pickle.EMPTY_LIST[0]: load_empty_list,
        pickle.LIST[0]: load_list, pickle.EMPTY_DICT[0]: load_empty_dictionary, pickle.DICT[0]: load_dict,
        pickle.EMPTY_SET[0]: load_empty_set, pickle.FROZENSET[0]: load_frozenset, pickle.APPEND[0]: load_append,
        pickle.APPENDS[0]: load_appends, pickle.SETITEM[0]: load_setitem, pickle.SETITEMS[0]: load_setitems,
        pickle.ADDITEMS[0]: load_additems, pickle.MEMOIZE[0]: load_memoize, pickle.PUT[0]: load_put,
        pickle.BINPUT[0]: load_binput, pickle.LONG_BINPUT[0]: load_long_binput,
    }  # fmt: skip
