"""Policies from files of their own, to hold against the spec's: `ratoon backtest SPEC --policy FILE`."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from ..spec.errors import SpecError
from ..spec.load import check_against
from ..spec.model import Spec

KEYS = ("policy", "triage", "costs")


def with_policy(spec: Spec, file: Path) -> Spec:
    """*spec* with the rules of *file*: a list of rules, or a mapping with `policy`, `triage` and `costs`.

    What the file leaves out stays as in the spec. Raises SpecError naming the file, the key and the value.
    """
    if not file.is_file():
        raise SpecError(f"{file}: there is no such file; nothing was started.")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SpecError(f"{file.name}: no valid YAML: {error}. Nothing was started.") from None
    if isinstance(content, list):
        content = {"policy": content}
    if not isinstance(content, dict) or not set(content) <= set(KEYS) or not content:
        found = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise SpecError(f"{file.name}: expected a list of rules, or keys {', '.join(KEYS)}; found {found}.")
    whole = spec.model_dump(mode="json", exclude_none=True, exclude_unset=True) | content
    try:
        changed = Spec.model_validate(whole)
    except ValidationError as error:
        raise SpecError(check_against(error, file, content)) from None
    changed._path = spec.path
    return changed
