"""Faults of a spec as sentences: file, line, key, value found and what was expected, in the user's words."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Place = tuple[int | str, ...]

_EXPECTED = {
    "float_type": "a number", "float_parsing": "a number", "finite_number": "a number",
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list, such as [a, b]", "list_type": "a list, such as [a, b]",
    "greater_than_equal": "{ge} or more", "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less", "less_than": "less than {lt}",
    "too_short": "{min_length} or more entries", "too_long": "at most {max_length} entries",
    "string_too_long": "at most {max_length} characters",
    "literal_error": "{expected}",
}  # fmt: skip
_KEYS = ("model_type", "model_attributes_type", "dict_type")
_OTHER_SHAPE = {*_KEYS, "literal_error"} | {kind for kind in _EXPECTED if kind.endswith("_type")}
MOST_FAULTS = 20  # nobody reads more at once, and a search for near names takes its time for each
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


def sentences(
    error: ValidationError, content: object, lines: Mapping[Place, int], file: str, root: type[BaseModel]
) -> list[str]:
    """One sentence for each fault, sorted by key; the ways in which a value may be written share one sentence.

    *content* is what the file holds, *lines* the line of each place in it, *root* the model it should fit.
    """
    found: dict[Place, list[ErrorDetails]] = {}
    for fault in error.errors(include_url=False):
        if fault["type"] == "default_factory_not_called":
            continue  # a default waits for what is wrong before it, which is told
        found.setdefault(_in_file(fault, content), []).append(fault)
    said: list[str] = []
    above = {place[:n] for place in found for n in range(len(place))}
    for place in sorted(found, key=lambda each: [str(part) for part in each]):
        faults = found[place]
        if len(said) == MOST_FAULTS:
            return [*said, f"{file}: and more; these {MOST_FAULTS} first."]
        if place in above and all(fault["type"] in _OTHER_SHAPE for fault in faults):
            continue  # what is written has keys; the faults in them say more than "no number"
        line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), 1)
        said.append(f"{file}:{line}: {cut(dotted(place)) or 'spec'}: {_word(faults, place, root)}")
    return said


def cut(text: str, most: int = 120) -> str:
    """*text*, or its beginning and how long it is."""
    return text if len(text) <= most else f"{text[: most - 1]}… ({len(text):,} characters)"


def dotted(place: Place) -> str:
    """A place as people write it: `policy[1].persist`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _word(faults: Sequence[ErrorDetails], place: Place, root: type[BaseModel]) -> str:
    first = faults[0]
    if first["type"] == "extra_forbidden":
        known = _known_keys(place[:-1], root)
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        return "unknown key; " + (
            f"did you mean `{near[0]}`?" if near else f"expected one of {', '.join(sorted(known))}."
        )
    if first["type"] == "missing":
        return "this key is required and is not there."
    value = first.get("input")
    shown = "" if isinstance(value, dict | list | BaseModel) else f"found {cut(json.dumps(value, default=str))}; "
    own = [str(fault["msg"]).removeprefix("Value error, ") for fault in faults if fault["type"] == "value_error"]
    if own:
        return f"{shown}{own[0]}."
    ways = dict.fromkeys(_expected(fault, place, root) for fault in faults)  # keeps the order, each once
    return f"{shown}expected {', or '.join(ways)}."


def _expected(fault: ErrorDetails, place: Place, root: type[BaseModel]) -> str:
    kind = fault["type"]
    if kind in _KEYS:
        known = _known_keys(place, root)
        return f"keys: {', '.join(known)}" if known else "keys and values"
    if kind == "string_pattern_mismatch" and fault["ctx"]["pattern"] == _NAME:
        return "letters, digits, `_`, `.` and `-`, beginning with a letter or digit"
    if kind in _EXPECTED:
        return _EXPECTED[kind].format(**fault.get("ctx", {}))
    return str(fault["msg"]).removeprefix("Input should be ")


def _in_file(fault: ErrorDetails, content: object) -> Place:
    """Keep of pydantic's location the parts that stand in the file (it adds names of union members)."""
    place: list[int | str] = []
    here = content
    for index, part in enumerate(fault["loc"]):
        match here:
            case list() if isinstance(part, int) and part < len(here):
                here = here[part]
            case dict() if part in here:
                here = here[part]
            case _:
                if fault["type"] == "missing" and index == len(fault["loc"]) - 1:
                    place.append(part)
                continue
        place.append(part)
    return tuple(place)


def _known_keys(place: Place, root: type[BaseModel]) -> list[str]:
    """The keys that may stand at *place*; a key that the user chooses (a feature of a slice) leads on."""
    models = [root]
    for part in place:
        if isinstance(part, int):
            continue
        field = next((each.model_fields[part] for each in models if part in each.model_fields), None)
        models = list(_models_in(field.annotation)) if field else models
    return [field.alias or name for name, field in models[0].model_fields.items()] if models else []


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
