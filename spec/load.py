"""Reading a spec from its YAML file, with errors that name file, line, key, value and what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from .errors import SpecError
from .model import Spec
from .wording import Place, dotted, sentences

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast


def load_spec(path: str | Path) -> Spec:
    """Read and validate a spec.

    Raises SpecError where the file is missing, is no YAML, repeats a key, or does not fit; every fault
    found is listed, each with its line.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise SpecError(f"{path}: there is no such file. Write one, or start with `ratoon init DIR`.")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: it is not text in UTF-8 (byte {error.start}). Save it so.") from None
    except OSError as error:
        raise SpecError(f"{path}: it cannot be read: {error.strerror}.") from None
    content, lines = _parse(file, text)
    if not isinstance(content, dict):
        raise SpecError(f"{file.name}: expected keys such as `model:` and `data:`, found {type(content).__name__}.")
    try:
        spec = Spec.model_validate(content)
    except ValidationError as error:
        raise SpecError("\n".join(sentences(error, content, lines, file.name, Spec))) from None
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
    return "\n".join(sentences(error, content, lines, file.name, Spec))


def json_schema() -> dict[str, Any]:
    """The spec's JSON schema, by which editors complete and check the YAML."""
    schema = Spec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Ratoon spec", **schema}


def _parse(file: Path, text: str) -> tuple[Any, dict[Place, int]]:
    try:
        node = yaml.compose(text, Loader=LOADER)
        if node is None:
            raise SpecError(f"{file.name}: the file is empty. `ratoon init DIR` writes one that works.")
        lines = dict(_lines(node, (), file.name))
        return yaml.load(text, Loader=LOADER), lines  # noqa: S506 - a safe loader, as above
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise SpecError(f"{file.name}{where}: no valid YAML: {getattr(error, 'problem', error)}.") from None


def _lines(node: yaml.Node, path: Place, file: str) -> Iterator[tuple[Place, int]]:
    """Yield the line of every key and item; refuse a key that is written twice (YAML keeps the last silently)."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise SpecError(f"{file}:{key.start_mark.line + 1}: {dotted((*path, key.value))} is written twice.")
            seen.add(key.value)
            yield from _lines(value, (*path, key.value), file)
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index), file)
