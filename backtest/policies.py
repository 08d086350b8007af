"""Policies from files of their own, to hold against the spec's: `ratoon backtest SPEC --policy FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from ..spec.errors import SpecError
from ..spec.former_keys import warn_of_former_keys, with_present_keys
from ..spec.load import check_against
from ..spec.model import Spec
from ..spec.parsed import parsed, read_text
from ..spec.places import is_a_file

KEYS = ("policy", "triage", "costs")


def policies_of(spec: Spec, files: Sequence[Path]) -> dict[str, Spec]:
    """Each file's spec by the file's name without its ending; raises SpecError where two have the same."""
    names = [file.stem for file in files]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SpecError(f"Two policy files are called {twice[0]!r}; give each a name of its own. Nothing was started.")
    return {file.stem: with_policy(spec, file) for file in files}


def with_policy(spec: Spec, file: Path) -> Spec:
    """*spec* with the rules of *file*: a list of rules, or a mapping with `policy`, `triage` and `costs`.

    What the file leaves out stays as in the spec. Raises SpecError naming the file, the key and the value.
    """
    if not is_a_file(file):
        raise SpecError(f"{file}: there is no such file; nothing was started.")
    content, lines = parsed(read_text(file, file), file.name)
    if isinstance(content, list):
        content, lines = {"policy": content}, {("policy", *place): line for place, line in lines.items()}
    if not isinstance(content, dict) or not set(content) <= set(KEYS) or not content:
        found = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise SpecError(f"{file.name}: expected a list of rules, or keys {', '.join(KEYS)}; found {found}.")
    present, _, told = with_present_keys(content, lines, file.name, Spec)
    whole = spec.model_dump(mode="json", exclude_unset=True) | present
    try:
        changed = Spec.model_validate(whole)
    except ValidationError as error:
        raise SpecError(check_against(error, file, content)) from None
    changed._path = spec.path
    warn_of_former_keys(told)
    return changed
