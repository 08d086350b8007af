"""Results that are kept, so that an interrupted backtest goes on where it stopped, and a repeated one is at once."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from ..data.moment import LATEST
from ..data.source import Source
from ..loop.plan import Plan
from ..spec.model import Spec
from .results import ArmResult

_LIBRARIES = ("ratoon", "scikit-learn", "numpy")


def fingerprint_of(spec: Spec, source: Source) -> str:
    """What stands behind a result beside spec and plan: the rows, the files' age and size, the build function."""
    tally = source.as_of(LATEST).ledger_of_rows(LATEST)
    parts = [tally.model_dump_json(), str(source.extent())]
    build = spec.folder / spec.learner.build.rpartition(":")[0]
    parts.append(hashlib.sha256(build.read_bytes()).hexdigest() if build.is_file() else "")
    for place in (spec.data.source, spec.data.labels.source if spec.data.labels else None):
        for file in sorted(spec.folder.glob(place)) if place and not Path(place).is_absolute() else []:
            parts.append(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}")
        if place and Path(place).is_absolute() and Path(place).is_file():
            parts.append(f"{place} {Path(place).stat().st_size} {Path(place).stat().st_mtime_ns}")
    parts += [f"{name} {version(name)}" for name in _LIBRARIES]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def key_of(spec: Spec, plan: Plan, job: str, fingerprint: str) -> str:
    """Equal keys mean equal results: by the whole spec but its stores, the plan, the job and the data."""
    parts = [job, spec.model_dump_json(exclude={"stores"}), repr(plan), fingerprint]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


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
