"""Results that are kept, so that an interrupted backtest goes on where it stopped, and a repeated one is at once."""

from __future__ import annotations

import glob
import hashlib
from importlib.metadata import entry_points
from pathlib import Path

from ..data.source import Source
from ..data.sources.moment import LATEST
from ..loop.plan import Plan
from ..models.families import libraries
from ..models.learning.libraries import installed
from ..models.subprocesses.user_files import own_files
from ..spec.model import Spec
from .results import ArmResult

# Of other packages
_GROUPS = ("ratoon.families", "ratoon.guards", "ratoon.learners", "ratoon.metrics", "ratoon.monitors")
_OWN = Path(__file__).resolve().parents[1]
_ROOMS = ("spec", "system", "anytime", "data", "monitors", "policy", "ledger", "log", "models", "loop", "backtest")


def fingerprint_of(spec: Spec, source: Source) -> str:
    """What stands behind a result beside spec and plan: the rows, the files' age and size, code and libraries.

    A database is known by its rows' ids and labels' number only: use `fresh` where values were mended in place.
    """
    tally = source.as_of(LATEST).ledger_of_rows(LATEST)
    parts = [tally.model_dump_json(), str(source.extent())]
    parts += _contents({*_own_code(spec), *(each for room in _ROOMS for each in (_OWN / room).rglob("*.py"))})
    for place in (spec.data.source, spec.data.labels.source if spec.data.labels else None):
        found = glob.glob(str(spec.folder / place), recursive=True) if place else []  # noqa: PTH207  # may be absolute
        for file in sorted(map(Path, found)):
            parts.append(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}")
    parts += [f"{name} {version}" for name, version in sorted(installed((*libraries(), "duckdb")).items())]
    points = [each for group in _GROUPS for each in entry_points(group=group)]
    parts += sorted(f"{each.name} {each.value} {each.dist.version if each.dist else ''}" for each in points)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def key_of(spec: Spec, plan: Plan, job: str, fingerprint: str) -> str:
    """Equal keys mean equal results: by the whole spec but its stores, the plan, the job, the data, and the team's own
    code, since the rules of one arm may name guards that the spec of the *fingerprint* does not."""
    parts = [job, spec.model_dump_json(exclude={"stores"}), repr(plan), fingerprint, *_contents(_own_code(spec))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _own_code(spec: Spec) -> set[Path]:
    """The Python files that *spec* names, and those beside them, which they may import."""
    return {each for file in own_files(spec) if file.is_file() for each in file.parent.glob("*.py")}


def _contents(code: set[Path]) -> list[str]:
    return [f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in sorted(code)]


def kept(folder: Path, key: str) -> ArmResult | None:
    """What an earlier run kept under *key*; None where it kept nothing, or not in today's form."""
    file = folder / f"{key}.json"
    if not file.is_file():
        return None
    try:
        return ArmResult.model_validate_json(file.read_bytes())
    except ValueError:
        return None


def keep(folder: Path, key: str, result: ArmResult) -> None:
    """Write whole or not at all: a killed backtest leaves no half result."""
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f"{key}.half"
    half.write_text(result.model_dump_json(), encoding="utf-8")
    half.replace(folder / f"{key}.json")
