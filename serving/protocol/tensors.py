"""Tensors of the Open Inference Protocol V2, in JSON and in its binary extension.

Datatypes and the layout of binary data as in the protocol's text (kserve/open-inference-protocol) and its extension
`binary_tensor_data`: little-endian numbers in row-major order; BYTES are `<u32 length><bytes>` each; BOOL one byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import bad

Column: TypeAlias = "NDArray[np.generic] | Sequence[object]"  # numbers as an array; text, or what JSON held, as a list

NUMBERS = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
BYTES = "BYTES"
_MOST_DIMENSIONS = 8
_NUMERIC = frozenset({int, float, bool, type(None)})


@dataclass(frozen=True)
class Tensor:
    """One input: *values* are flat, in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Column

    def columns(self) -> list[Column]:
        """The columns of a tensor of shape (n, k), each of length n."""
        _, width = self.shape
        return [self.values[column::width] for column in range(width)]


def read_tensor(entry: object, raw: memoryview | None) -> Tensor:
    """The input that *entry* (JSON) describes; *raw* are its bytes if they came behind the JSON.

    Raises RequestError (400) that names the input if entry, shape and data do not fit each other.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise bad("each of `inputs` needs a `name`, a `datatype` and a `shape`")
    name, datatype = entry["name"], entry.get("datatype")
    if datatype != BYTES and datatype not in NUMBERS:
        raise bad(f"input {name!r}: datatype {datatype!r} is unknown; expected one of {', '.join(NUMBERS)}, BYTES")
    shape = _shape(name, entry.get("shape"))
    if raw is not None:
        values: Column = _from_bytes(name, raw) if datatype == BYTES else _from_raw(name, datatype, raw)
    else:
        values = _from_json(name, str(datatype), entry.get("data"))
    if len(values) != prod(shape):
        raise bad(f"input {name!r}: shape {list(shape)} wants {prod(shape)} values, found {len(values)}")
    return Tensor(name, str(datatype), shape, values)


def _shape(name: str, found: object) -> tuple[int, ...]:
    whole = isinstance(found, list) and all(type(each) is int and 0 <= each < 2**31 for each in found)
    if not isinstance(found, list) or not whole or not 1 <= len(found) <= _MOST_DIMENSIONS:
        raise bad(f"input {name!r}: `shape` is {found!r}; expected whole numbers such as [3] or [3, 1]")
    return tuple(found)


def _from_raw(name: str, datatype: str, raw: memoryview) -> NDArray[np.generic]:
    dtype = np.dtype(NUMBERS[datatype])
    if len(raw) % dtype.itemsize:
        raise bad(f"input {name!r}: {len(raw)} bytes are no whole number of {datatype}")
    found: NDArray[np.generic] = (
        np.frombuffer(raw, dtype="u1").astype(bool) if datatype == "BOOL" else np.frombuffer(raw, dtype=dtype)
    )
    return found


def _from_bytes(name: str, raw: memoryview) -> list[object]:
    found: list[object] = []
    at, end = 0, len(raw)
    while at < end:
        if at + 4 > end:
            raise bad(f"input {name!r}: its BYTES end within a length")
        (length,) = struct.unpack_from("<I", raw, at)
        at += 4
        if at + length > end:
            raise bad(f"input {name!r}: its BYTES end within a text of {length} bytes")
        found.append(_text(name, bytes(raw[at : at + length])))
        at += length
    return found


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise bad(f"input {name!r}: a text is no UTF-8") from None


def _from_json(name: str, datatype: str, data: object) -> Column:
    if not isinstance(data, list):
        raise bad(f"input {name!r}: `data` is missing; expected a list, or binary data behind the JSON")
    values = _flat(data)
    if datatype == BYTES:
        return values
    kinds = set(map(type, values))
    if kinds and not kinds <= _NUMERIC:
        odd = next(each for each in values if type(each) not in _NUMERIC)
        raise bad(f"input {name!r}: it is {datatype}, but holds {odd!r:.60}")
    try:
        return np.array(values, dtype=np.float64 if type(None) in kinds else NUMBERS[datatype])  # null: NaN
    except (OverflowError, ValueError, TypeError):
        raise bad(f"input {name!r}: a value is too large for {datatype}") from None


def _flat(data: list[object]) -> list[object]:
    """The values of nested lists, in row-major order."""
    for _ in range(_MOST_DIMENSIONS):
        if not data or not isinstance(data[0], list):
            return data
        if not all(isinstance(each, list) for each in data):
            break
        data = list(chain.from_iterable(each for each in data if isinstance(each, list)))
    raise bad("a list in `data` holds both lists and values, or is nested too deep")


def datatype_of(values: NDArray[np.generic]) -> str:
    """The protocol's name for an answer's dtype: INT64, FP64, or BYTES for text."""
    return {"i": "INT64", "u": "INT64", "f": "FP64", "b": "BOOL"}.get(values.dtype.kind, BYTES)


def to_raw(values: NDArray[np.generic]) -> bytes:
    """The bytes of an answer in the binary extension."""
    datatype = datatype_of(values)
    if datatype == BYTES:
        return b"".join(_with_length(values.ravel().tolist()))
    return np.ascontiguousarray(values, dtype=NUMBERS[datatype]).tobytes()


def _with_length(texts: Iterable[object]) -> Iterable[bytes]:
    for each in texts:
        text = str(each).encode()
        yield struct.pack("<I", len(text))
        yield text
