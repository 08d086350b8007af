"""The specs of a project: every YAML file in its folder that describes a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...loop.rehearsal import WRITTEN_BY
from ...spec.errors import BadInput
from ...spec.load import load_spec
from ...spec.model import Spec
from ...spec.parsed import MOST_BYTES, top_keys
from ...spec.places import is_a_file, real

MARKS = {"model", "data", "learner"}  # the keys that no spec is without


def find_specs(folder: Path) -> list[Path]:
    """The specs in *folder* and below it, sorted; hidden folders and rehearsals of a replay are left out.

    A YAML file is taken for a spec where it has two of the keys `model`, `data` and `learner`; whether it is a
    good one, `load_spec` says. Raises BadInput where there is no such folder.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder; nothing was deployed. Name a folder or specs.")
    found = [path for end in ("*.yaml", "*.yml") for path in folder.rglob(end) if not _hidden(path, folder)]
    return sorted(path for path in found if _is_spec(path))


def one_per_model(specs: Sequence[Path]) -> list[Spec]:
    """Read the specs. Raises SpecError for a bad one, BadInput where two describe the same model."""
    read: dict[str, Spec] = {}
    for path in dict.fromkeys(real(each) for each in specs):
        spec = load_spec(path)
        if spec.model in read:
            raise BadInput(
                f"{path} and {read[spec.model].path} both describe the model {spec.model!r}, and deployments are named "
                "by the model. Nothing was deployed. Give one of them another `model`, or name the specs to deploy."
            )
        read[spec.model] = spec
    return list(read.values())


def usable(specs: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Those of *specs* that can be deployed together, and a sentence for each that cannot."""
    good: dict[str, list[Path]] = {}
    said = []
    for path in specs:
        try:
            good.setdefault(load_spec(path).model, []).append(path)
        except BadInput as error:
            said.append(f"{path} was not deployed: {error}")
    for model, paths in good.items():
        if len(paths) > 1:
            said.append(f"{', '.join(map(str, paths))} all describe {model!r}; none was deployed. Name them apart.")
    return [paths[0] for paths in good.values() if len(paths) == 1], said


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _is_spec(path: Path) -> bool:
    if not is_a_file(path):  # a link to nowhere, a folder, a pipe that nobody writes to
        return False
    try:
        with path.open("rb") as opened:
            text = opened.read(MOST_BYTES).decode("utf-8", errors="replace")
    except OSError:  # somebody else's
        return False
    if text.startswith(WRITTEN_BY):
        return False
    return len(MARKS & top_keys(text)) >= 2
