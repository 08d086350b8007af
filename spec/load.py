"""Reading a spec from its YAML file, with errors that name file, line, key, value and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from .errors import SpecError
from .former_keys import warn_of_former_keys, with_present_keys
from .model import Spec
from .parsed import parsed, read_text
from .places import is_a_file, real
from .wording import sentences


def load_spec(path: str | Path) -> Spec:
    """Read and validate a spec.

    Raises SpecError where the file is missing, is no YAML, repeats a key, goes beyond every measure, or does not fit;
    every fault found is listed, each with its line. Warns (`FormerKey`) of each key that has another name now.
    """
    file = real(Path(path))
    if not is_a_file(file):
        raise SpecError(f"{path}: there is no such file. Write one, or start with `ratoon init DIR`.")
    content, lines = parsed(read_text(file, path), file.name)
    content, lines, told = with_present_keys(content, lines, file.name, Spec)
    if not isinstance(content, dict):
        raise SpecError(f"{file.name}: expected keys such as `model:` and `data:`, found {type(content).__name__}.")
    try:
        spec = Spec.model_validate(content)
    except ValidationError as error:
        raise SpecError("\n".join(sentences(error, content, lines, file.name, Spec))) from None
    spec._path = file
    warn_of_former_keys(told)
    return spec


def former_keys_in(path: Path) -> list[str]:
    """A sentence for each key of a spec's file that has another name now."""
    content, lines = parsed(read_text(path, path), path.name)
    return with_present_keys(content, lines, path.name, Spec)[2]


def line_of(path: Path, *key: str | int) -> int:
    """The line of a key in a spec's file, 1 where it is not there; *key* by its present names."""
    content, lines = parsed(read_text(path, path), path.name)
    _, lines, _ = with_present_keys(content, lines, path.name, Spec)
    return lines.get(key, 1)


def check_against(error: ValidationError, file: Path, content: Mapping[str, object]) -> str:
    """The faults in the part of a spec that *file* holds as *content*, worded as `load_spec` words them."""
    _, lines = parsed(read_text(file, file), file.name)
    if lines.get((0,)):  # the file is a bare list of rules
        lines = {("policy", *path): line for path, line in lines.items()}
    present, lines, _ = with_present_keys(content, lines, file.name, Spec)
    return "\n".join(sentences(error, present, lines, file.name, Spec))


def json_schema() -> dict[str, object]:
    """The spec's JSON schema, by which editors complete and check the YAML."""
    schema = Spec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Ratoon spec", **schema}
