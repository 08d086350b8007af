"""Reading a spec from its YAML file, with errors that name file, line, key, value and what was expected."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from .errors import SpecError
from .model import Spec

_Path = tuple[int | str, ...]


def load_spec(path: str | Path) -> Spec:
    """Read and validate a spec.

    Raises SpecError where the file is missing, is no YAML, repeats a key, or does not fit; every fault
    found is listed, each with its line.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise SpecError(f"{path}: there is no such file. Write one, or start with `ratoon init DIR`.")
    text = file.read_text(encoding="utf-8")
    content, lines = _parse(file, text)
    if not isinstance(content, dict):
        raise SpecError(f"{file.name}: expected keys such as `model:` and `data:`, found {type(content).__name__}.")
    try:
        spec = Spec.model_validate(content)
    except ValidationError as error:
        faults = [_word(fault, content, lines, file.name) for fault in _sorted(error)]
        raise SpecError("\n".join(faults)) from None
    spec._path = file
    return spec


def line_of(path: Path, *key: str | int) -> int:
    """The line of a key in a spec's file, 1 where it is not there."""
    _, lines = _parse(path, path.read_text(encoding="utf-8"))
    return lines.get(key, 1)


def check_against(error: ValidationError, file: Path, content: dict[str, Any]) -> str:
    """The faults in the part of a spec that *file* holds as *content*, worded as `load_spec` words them."""
    _, lines = _parse(file, file.read_text(encoding="utf-8"))
    if lines.get((0,)):  # the file is a bare list of rules
        lines = {("policy", *path): line for path, line in lines.items()}
    return "\n".join(_word(fault, content, lines, file.name) for fault in _sorted(error))


def json_schema() -> dict[str, Any]:
    """The spec's JSON schema, by which editors complete and check the YAML."""
    schema = Spec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Ratoon spec", **schema}


def _parse(file: Path, text: str) -> tuple[Any, dict[_Path, int]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise SpecError(f"{file.name}: the file is empty. `ratoon init DIR` writes one that works.")
        lines = dict(_lines(node, (), file.name))
        return yaml.safe_load(text), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise SpecError(f"{file.name}{where}: no valid YAML: {getattr(error, 'problem', error)}.") from None


def _lines(node: yaml.Node, path: _Path, file: str) -> Iterator[tuple[_Path, int]]:
    """Yield the line of every key and item; refuse a key that is written twice (YAML keeps the last silently)."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise SpecError(f"{file}:{key.start_mark.line + 1}: {_dotted((*path, key.value))} is written twice.")
            seen.add(key.value)
            yield from _lines(value, (*path, key.value), file)
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index), file)


def _sorted(error: ValidationError) -> list[Any]:
    return sorted(error.errors(include_url=False), key=lambda fault: [str(part) for part in fault["loc"]])


def _word(fault: Any, content: Any, lines: dict[_Path, int], file: str) -> str:
    path = _in_file(fault["loc"], content)
    kind = fault["type"]
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), 1)
    where = f"{file}:{line}: {_dotted(path) or 'spec'}"
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"expected one of {', '.join(sorted(known))}."
        return f"{where}: unknown key; {hint}"
    if kind == "missing":
        return f"{where}: this key is required and is not there."
    found = fault.get("input")
    shown = "" if isinstance(found, dict | list | BaseModel) else f"found {json.dumps(found, default=str)}; "
    message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    expected = message if kind == "value_error" else f"expected {message}"
    return f"{where}: {shown}{expected}."


def _in_file(loc: _Path, content: Any) -> _Path:
    """Keep of pydantic's location the parts that stand in the file (it adds names of union members)."""
    path: list[int | str] = []
    here = content
    for index, part in enumerate(loc):
        if isinstance(here, dict):
            if part not in here:
                if index == len(loc) - 1:
                    path.append(part)
                continue
            here = here[part]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _known_keys(path: _Path) -> list[str]:
    model: type[BaseModel] | None = Spec
    for part in path:
        if isinstance(part, int) or model is None:
            continue
        field = model.model_fields.get(part)
        model = next(_models_in(field.annotation), None) if field else None
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)


def _dotted(path: _Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
