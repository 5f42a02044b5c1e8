"""What foreign pickles may ask for: how deep, how many, how much."""

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

NESTED = 200
"""Levels of containers within containers; hashing, comparing and freeing deeper ones would overflow the stack."""
SPARE = 512 << 20
"""Bytes that the smallest file may take as Python objects."""
OBJECT_BYTES = 200
"""About what a small container takes, with its entry here."""
MADE_OF_A_BYTE = 32
"""Bytes of Python objects that a byte on the disk may stand for beyond ``SPARE``; small objects are that wasteful."""
SPARE_STEPS, STEPS_OF_A_BYTE = 10_000_000, 4
SPARE_MEMOS, MEMOS_OF_A_BYTE = 2_000_000, 2
SPARE_SHARED = 1 << 30
"""Bytes by which a content may grow when all that it refers to several times is written out."""
MOST_COMPOUND_KEYS, KEY_BYTES = 20_000, 1024
"""Keys that are tuples or frozen sets, and the size of one: each look-up hashes them anew, and equal hashes are easily made."""

_LEVEL_BITS = 8
_LEVELS = (1 << _LEVEL_BITS) - 1
_ITEM_BYTES = 8
_ATOMS = frozenset((int, float, complex, bool, str, bytes, bytearray, type(None)))
_PLAIN_KEYS = frozenset((str, bytes, bool, float, type(None)))
_NUMPY_KEYS = (np.integer, np.bool_, np.str_, np.bytes_, np.float16, np.float32, np.float64)
_HASHED = (1 << 61) - 1
"""Integers from this on share their hashes with smaller ones, so that a few of them make a dict take for ever."""


class Ledger:
    """Account of what the pickles of one file have made, which their size on the disk warrants or not.

    Every container has an entry: its levels, and the bytes of what is in it with everything counted as often as it is
    referred to. So nobody who later hashes, compares, walks, copies or prints it can be made to crash or to take for ever.
    A container is open until it is put into another one. From then on it cannot change, for entries would no longer be
    true, and it could come to hold itself; honest picklers fill one before they put it anywhere.

    Args:
        on_disk: Bytes of the file.
        held: Bytes of the pickles when they are unpacked.
    """

    def __init__(self, on_disk: int, held: int) -> None:
        self.steps = SPARE_STEPS + STEPS_OF_A_BYTE * on_disk
        """Instructions that may still be followed."""
        self.memos = SPARE_MEMOS + MEMOS_OF_A_BYTE * on_disk
        """Numbered references that one pickle may have."""
        self._room = SPARE + MADE_OF_A_BYTE * on_disk + 3 * held
        self._most = SPARE_SHARED + held
        self._compound_keys = 0
        self._kinds = set[type]()
        self._open: dict[int, int] = {}
        self._closed: dict[int, int] = {}

    def spend(self, count: int) -> None:
        """Count bytes that are about to be taken.

        Raises:
            UnpicklingError: They are more than the file warrants, as for all methods.
        """
        self._room -= count
        if self._room < 0:
            raise pickle.UnpicklingError("it asks for more memory than what it holds needs")

    def made(self, container: Any, items: Sequence[Any] = (), size: int = 0) -> None:
        """Enter a new container, with what is in it and the bytes of its own."""
        self._room -= OBJECT_BYTES
        if self._room < 0:
            self.spend(0)
        self._kinds.add(type(container))
        entry = size << _LEVEL_BITS | 1
        self._open[id(container)] = self._with(entry, items) if items else entry

    def filled(self, container: Any, items: Sequence[Any]) -> None:
        """Enter what is about to be put into a container."""
        place = id(container)
        entry = self._open.get(place)
        if entry is None:
            raise pickle.UnpicklingError("it changes a list or the like that was put into another one, or into itself")
        entry = self._with(entry, items)
        if place not in self._open:
            raise pickle.UnpicklingError("it puts a list or the like into itself")
        self._open[place] = entry

    def _with(self, entry: int, items: Sequence[Any]) -> int:
        """A container's entry when it holds more items, which themselves are closed by that."""
        levels, size = entry & _LEVELS, (entry >> _LEVEL_BITS) + _ITEM_BYTES * len(items)
        if not _ATOMS.issuperset(map(type, items)):
            kinds, is_open, closed = self._kinds, self._open, self._closed
            for item in items:
                kind = type(item)
                if kind in _ATOMS:
                    continue
                if kind in kinds:
                    place = id(item)
                    inner = is_open.pop(place, 0)
                    if inner:
                        closed[place] = inner
                    else:
                        inner = closed[place]
                    size += inner >> _LEVEL_BITS
                    if inner & _LEVELS >= levels:
                        levels = (inner & _LEVELS) + 1
                else:  # no container; its place in memory may have been one's that is gone
                    size += int(getattr(item, "nbytes", _ITEM_BYTES))
            if levels > NESTED:
                raise pickle.UnpicklingError(f"it nests more than {NESTED} levels deep")
        if size > self._most:
            raise pickle.UnpicklingError("it refers to the same things so often that they would fill the memory")
        return size << _LEVEL_BITS | levels

    def check_keys(self, keys: Sequence[Any]) -> None:
        """Refuse what would take long to look up in a dict or a set."""
        kinds = set(map(type, keys))
        if kinds <= _PLAIN_KEYS:
            return
        if int in kinds and not all(-_HASHED < key < _HASHED for key in keys if type(key) is int):
            raise pickle.UnpicklingError("a key is a number of more than 60 bits")
        for key in keys:
            if type(key) in (tuple, frozenset):
                self._compound_keys += 1
                size = self._with(0, (key,)) >> _LEVEL_BITS
                if self._compound_keys > MOST_COMPOUND_KEYS or size > KEY_BYTES:
                    raise pickle.UnpicklingError("too many or too large keys are tuples")
            elif type(key) is not int and type(key) not in _PLAIN_KEYS and not isinstance(key, _NUMPY_KEYS):
                raise pickle.UnpicklingError(f"a key is of the kind {type(key).__name__}")
