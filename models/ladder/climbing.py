"""Trainings in bounded processes: the climb of the ladder and the first fit, by the same code as in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from ...spec.model import Spec
from ...spec.values import LadderRung
from ...system.usage import peak_memory
from ..estimators import Predictor
from ..learning.trained import Trained
from ..subprocesses.bounded import carried_out
from ..subprocesses.limits import Limits
from ..subprocesses.remote import RemoteEstimator
from ..subprocesses.used import Used
from ..subprocesses.worker import here
from .asked import LADDER, Asked, LadderRows
from .race import Race, climb, first
from .skipped import OPEN, Outlook


@dataclass(frozen=True)
class _Climb:
    champion: Trained
    lines: Mapping[LadderRung, Trained]
    spec: Spec
    rows: LadderRows  # its `scratch` is asked for in the process that has the data
    asked: Asked
    full: bool
    outlook: Outlook

    def __call__(self, ask: Callable[[datetime | None], pd.DataFrame]) -> tuple[Race, object]:
        champion = replace(self.champion, estimator=here(self.champion.estimator))
        lines = {rung: replace(line, estimator=here(line.estimator)) for rung, line in self.lines.items()}
        rows = replace(self.rows, scratch=ask)
        race = climb(
            champion,
            self.spec,
            rows=rows,
            lines=lines,
            asked=self.asked,
            full=self.full,
            outlook=self.outlook,
            peak=peak_memory,
        )
        if isinstance(self.champion.estimator, RemoteEstimator):  # a version that carries code is handed over alone
            if race.candidate is None:
                return replace(race, learned={}), None
            kept = replace(race, candidate=race.candidate.without_estimator(), learned={})
            return kept, race.candidate.estimator
        made = {rung: trained.estimator for rung, trained in race.learned.items()}
        bare = {rung: trained.without_estimator() for rung, trained in race.learned.items()}
        candidate = race.candidate and race.candidate.without_estimator()
        return replace(race, candidate=candidate, learned=bare), made or None


@dataclass(frozen=True)
class _First:
    spec: Spec
    rows: pd.DataFrame
    holdout: pd.DataFrame | None

    def __call__(self, ask: object) -> tuple[tuple[Trained, float], Predictor]:
        trained, seconds = first(self.spec, self.rows, holdout=self.holdout)
        return (trained.without_estimator(), seconds), trained.estimator


def run_ladder_apart(
    champion: Trained,
    spec: Spec,
    *,
    rows: LadderRows,
    lines: Mapping[LadderRung, Trained] | None = None,
    asked: Asked = LADDER,
    full: bool = False,
    outlook: Outlook = OPEN,
) -> Race:
    """As race.climb, in a bounded process; `Race.used` is what that took. `rows.scratch` is asked only if it is needed.

    A champion that carries code is loaded there with its code, and so is its successor: nothing of theirs is
    imported here. Raises TrainingDied where the process was ended or crashed.
    """
    job = _Climb(champion, lines or {}, spec, replace(rows, scratch=_elsewhere), asked, full, outlook)
    with carried_out(job, spec, Limits.of(spec), rows.scratch) as done:
        race = done.result
        if isinstance(champion.estimator, RemoteEstimator):
            remote = champion.estimator
            candidate = race.candidate and replace(
                race.candidate, estimator=done.estimator(remote.code, remote.checked)
            )
            return replace(race, candidate=candidate, used=done.used)
        if not race.learned:
            return replace(race, used=done.used)
        made = done.estimator()
        learned = {rung: replace(trained, estimator=made[rung]) for rung, trained in race.learned.items()}
        own = race.candidate and race.candidate.state.rung
        candidate = race.candidate and replace(race.candidate, estimator=made[own])
        return replace(race, candidate=candidate, learned=learned, used=done.used)


def _elsewhere(since: datetime | None) -> pd.DataFrame:
    """In place of a function that cannot be sent to another process."""
    raise NotImplementedError


def first_apart(spec: Spec, rows: pd.DataFrame, *, holdout: pd.DataFrame | None = None) -> tuple[Trained, float, Used]:
    """As race.first, in a bounded process; the version, the CPU seconds of learning, and what the process took."""
    with carried_out(_First(spec, rows, holdout), spec, Limits.of(spec)) as done:
        trained, seconds = done.result
        return replace(trained, estimator=done.estimator()), seconds, done.used


def code_of(trained: Trained) -> Path | None:
    """The folder of the code that *trained* carries; None where it carries none."""
    return trained.estimator.code if isinstance(trained.estimator, RemoteEstimator) else None
