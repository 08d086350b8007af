"""Frames between a replica and the process in which a version of its own code answers: length, then content."""

from __future__ import annotations

import struct
from typing import BinaryIO

import orjson
import pandas as pd
import pyarrow as pa

from .prepared import Answer

MOST = 2**31


def send(stream: BinaryIO, content: bytes) -> None:
    """Write one frame."""
    stream.write(struct.pack("<Q", len(content)))
    stream.write(content)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """The next frame; None where the other end is gone. Raises ValueError for one that is none of ours."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack("<Q", head)
    if length > MOST:
        raise ValueError(f"a frame of {length} bytes")
    content = stream.read(length)
    return content if len(content) == length else None


def from_table(X: pd.DataFrame) -> bytes:
    """A feature table as Arrow's stream."""
    table = pa.Table.from_pandas(X, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def to_table(content: bytes) -> pd.DataFrame:
    """What `from_table` wrote: float64 and object columns."""
    with pa.ipc.open_stream(content) as reader:
        found: pd.DataFrame = reader.read_all().to_pandas()
    for name in found.columns:
        if found[name].dtype.kind != "f":
            found[name] = found[name].astype(object).where(found[name].notna(), None)
    return found


def from_answer(answer: Answer) -> bytes:
    """An answer as JSON, whose numbers keep every digit."""
    scores = None if answer.scores is None else answer.scores.tolist()
    return orjson.dumps({"prediction": answer.prediction.tolist(), "scores": scores})
