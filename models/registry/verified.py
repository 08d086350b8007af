"""What is checked of a version before anything of it is loaded.

Its files against their digests, its training state against its tags and the ledger, and whether code that it carries
may run here. A version of before there were digests is checked for the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from ...spec.errors import RegistryError
from ...spec.model import Spec
from ..gate import GateResult
from ..learning.state import TrainingState
from ..subprocesses.digests import FILES, Checked, compared
from .tags import VersionTags
from .version_files import EXTRA, GATE, STATE, state_in
from .versions import Version, Witness


def check(version: Version, folder: Path, spec: Spec, witness: Witness | None) -> Checked:
    """The files of *version* in *folder*, once they are those that were registered.

    Raises RegistryError that names version, file or tag, what differs, and the next step. *witness*: the ledger's
    word, where there is a ledger.
    """
    with _told(version, spec):
        recorded = witness.files(version.number) if witness is not None else None
        if (folder / EXTRA / STATE).is_file():  # without it, it is none of Ratoon's, as `state_in` says
            checked = compared(folder, version.tags.get(FILES), recorded)
        elif FILES in version.tags or recorded is not None:
            raise RegistryError(
                f"version {version.number} carries no training state any more: {EXTRA}/{STATE} is gone since it was "
                f"registered. Nothing was loaded. Restore it from a backup, let another version serve (ratoon promote "
                f"{spec.path} --version NUMBER), or begin anew with another `model` and `ratoon train`"
            )
        state = state_in(folder, version.number)
        _refuse_other_tags(version, state)
        _refuse_other_gate(version, folder)
        _refuse_other_watermark(version, state, witness)
        if witness is None:
            return checked
        strange = recorded is None and (first := witness.first()) is not None and int(first) < int(version.number)
        return replace(checked, known=recorded is not None, strange=strange)


def _refuse_other_tags(version: Version, state: TrainingState) -> None:
    for key, expected in VersionTags.of_state(state).to_mlflow().items():
        found = version.tags.get(key)
        if found is not None and found != expected:
            raise RegistryError(
                f"its training state and its tag {key} disagree: {expected!r} in {EXTRA}/training_state.json, "
                f"{found!r} in the tag; one of them was edited"
            )


def _refuse_other_gate(version: Version, folder: Path) -> None:
    """The tag says that a gate passed it: so must the gate's own result, which is among the files."""
    if version.meta.gate != "passed":
        return
    file = folder / EXTRA / GATE
    passed = None
    if file.is_file():
        with suppress(ValidationError, ValueError):
            passed = GateResult.model_validate(json.loads(file.read_text())).passed
    if passed is False or not file.is_file():
        raise RegistryError(f"its tag ratoon.gate says `passed`, which {EXTRA}/{GATE} does not")


def _refuse_other_watermark(version: Version, state: TrainingState, witness: Witness | None) -> None:
    landed = witness.watermark(version.number) if witness is not None else None
    if landed is not None and landed != state.watermark:
        raise RegistryError(
            f"its training state and the ledger disagree: the watermark is {state.watermark.isoformat()} in "
            f"{EXTRA}/training_state.json, {landed.isoformat()} in the ledger's training run; rows would be learned "
            "twice or never"
        )


@contextmanager
def _told(version: Version, spec: Spec) -> Iterator[None]:
    """Say of which version an error speaks, and what to do."""
    try:
        yield
    except RegistryError as error:
        if str(error).startswith(f"version {version.number} "):
            raise
        raise RegistryError(
            f"version {version.number} of {version.model!r} is not as it was registered: {error}. Nothing was loaded, "
            "trained or registered. Restore its files and tags from a backup, or let another version serve: "
            f"ratoon promote {spec.path} --version NUMBER"
        ) from error
