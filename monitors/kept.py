"""What was worked out of a reference column, kept for the next window that is held against the same one.

A champion is watched through many windows with one reference. The key is the content and not the object, since
the reference is read anew for each window; a digest costs a hundredth of what it saves.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

REMEMBERED = 20_000  # results by column, each of a few numbers: those of many models in one process
_T = TypeVar("_T")
Key = Hashable


class Remembered(Generic[_T]):
    """At most *most* results, the longest unused forgotten first; safe between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Key, _T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> _T | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def make(self, key: Key, work: Callable[[], _T]) -> _T:
        """The result under *key*, worked out where it is not known yet."""
        found = self.get(key)
        return found if found is not None else self.put(key, work())

    def put(self, key: Key, value: _T) -> _T:
        """Keep *value*, and give it back."""
        with self._lock:
            self._found[key] = value
            self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return value


def digest(column: pd.Series, *beside: object) -> bytes:
    """A digest (16 bytes) of the values in their order and their type, and of the words for what is *beside*.

    Raises TypeError for values that cannot be hashed, such as lists.
    """
    values = column.to_numpy()
    content = values if values.dtype.kind in "fiubM" else pd.util.hash_array(values, categorize=True)
    words = "|".join([str(values.dtype), *map(repr, beside)]).encode()
    return hashlib.blake2b(np.ascontiguousarray(content).tobytes() + words, digest_size=16).digest()
