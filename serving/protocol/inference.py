"""One request and one answer of `infer` in the Open Inference Protocol V2, whatever carries them.

A body is JSON, or JSON of `Inference-Header-Content-Length` bytes with the binary data of its tensors behind it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson
from numpy.typing import NDArray

from .errors import RequestError, bad
from .tensors import Tensor, datatype_of, read_tensor, to_raw

HEADER_LENGTH = "Inference-Header-Content-Length"
_BARE = (b"NaN", b"Infinity")  # Triton's client writes them, and no other JSON has them


@dataclass(frozen=True)
class WantedOutput:
    """One of the answers that a request names."""

    name: str
    binary: bool


@dataclass(frozen=True)
class InferRequest:
    """What `infer` was asked: *id* and *version* may be missing; *outputs* is None for all of them."""

    inputs: tuple[Tensor, ...]
    id: str | None = None
    version: str | None = None
    outputs: tuple[WantedOutput, ...] | None = None
    binary: bool = False  # of all outputs, where none is named
    parameters: Mapping[str, object] = field(default_factory=dict)


def parse_json(body: bytes | memoryview) -> object:
    """JSON as clients write it: a bare NaN too. Raises RequestError (400) for anything else."""
    try:
        return orjson.loads(body)
    except ValueError as error:
        whole = bytes(body)
        if any(word in whole for word in _BARE):
            try:
                return json.loads(whole)
            except (ValueError, RecursionError):
                pass
        raise bad(f"the body is no JSON: {str(error)[:120]}") from None


def read_request(body: bytes, header_length: str | None) -> InferRequest:
    """The request in *body*; *header_length* is the header of that name. Raises RequestError (400)."""
    head, rest = body, memoryview(b"")
    if header_length is not None:
        if not header_length.isdecimal() or int(header_length) > len(body):
            raise bad(f"{HEADER_LENGTH} is {header_length!r:.40}; expected the bytes of JSON in a body of {len(body)}")
        head, rest = body[: int(header_length)], memoryview(body)[int(header_length) :]
    found = parse_json(head)
    if not isinstance(found, dict) or not isinstance(found.get("inputs"), list):
        raise bad("expected an object with `inputs`, a list of tensors")
    parameters = _parameters(found)
    name = found.get("id")
    if name is not None and not isinstance(name, str):
        raise bad(f"`id` is {name!r:.60}; expected text")
    version = parameters.get("model_version")
    return InferRequest(
        inputs=_inputs(found["inputs"], rest),
        id=name or None,
        version=None if version in (None, "") else str(version),
        outputs=_outputs(found.get("outputs")),
        binary=parameters.get("binary_data_output") is True,
        parameters=parameters,
    )


def _parameters(entry: Mapping[str, object]) -> dict[str, object]:
    found = entry.get("parameters") or {}
    if not isinstance(found, dict):
        raise bad(f"`parameters` is {found!r:.60}; expected an object")
    return found


def _inputs(entries: list[object], rest: memoryview) -> tuple[Tensor, ...]:
    made = []
    for entry in entries:
        raw = None
        size = _parameters(entry).get("binary_data_size") if isinstance(entry, Mapping) else None
        if size is not None:
            if type(size) is not int or not 0 <= size <= len(rest):
                raise bad(f"`binary_data_size` is {size!r:.40}; {len(rest)} bytes of binary data are left")
            raw, rest = rest[:size], rest[size:]
        made.append(read_tensor(entry, raw))
    if len(rest):
        raise bad(f"{len(rest)} bytes of binary data belong to no input")
    return tuple(made)


def _outputs(found: object) -> tuple[WantedOutput, ...] | None:
    if not found:
        return None
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and isinstance(each.get("name"), str) for each in found
    ):
        raise bad("`outputs` needs a list of objects with a `name`")
    return tuple(WantedOutput(each["name"], _parameters(each).get("binary_data") is True) for each in found)


@dataclass(frozen=True)
class InferResponse:
    """What `infer` answers: the arrays by name, first axis the rows."""

    model: str
    version: str
    id: str
    outputs: Mapping[str, NDArray[np.generic]]
    parameters: Mapping[str, object]

    def write(self, request: InferRequest) -> tuple[bytes, int | None]:
        """The body, and the length of its JSON if binary data stands behind it. 400 for an output that is not there."""
        wanted = request.outputs or tuple(WantedOutput(name, request.binary) for name in self.outputs)
        entries, raws = [], []
        for each in wanted:
            values = self.outputs.get(each.name)
            if values is None:
                raise bad(f"output {each.name!r:.60} is unknown; expected one of {', '.join(self.outputs)}")
            entry: dict[str, object] = {
                "name": each.name,
                "datatype": datatype_of(values),
                "shape": list(values.shape),
            }
            if each.binary:
                raws.append(to_raw(values))
                entry["parameters"] = {"binary_data_size": len(raws[-1])}
            else:
                entry["data"] = values.ravel().tolist()
            entries.append(entry)
        head = orjson.dumps(
            {
                "model_name": self.model,
                "model_version": self.version,
                "id": self.id,
                "parameters": self.parameters,
                "outputs": entries,
            }
        )
        return (head + b"".join(raws), len(head)) if raws else (head, None)


def named_once(names: Collection[str]) -> None:
    """Raises RequestError (400) if a column is there twice."""
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if list(names).count(name) > 1})
        raise RequestError(400, f"column {twice[0]!r} is there twice")
