"""Trainings in bounded processes: the run of the ladder and the first fit, by the same code as in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from ...spec.model import Spec
from ...spec.values import Strategy
from ...system.usage import peak_memory
from ..estimators import Predictor
from ..learning.trained import Trained
from ..subprocesses.bounded import carried_out
from ..subprocesses.limits import Limits
from ..subprocesses.remote import RemoteEstimator
from ..subprocesses.used import Used
from ..subprocesses.worker import here
from .asked import LADDER, Asked, LadderRows
from .run import LadderResult, first, run_ladder
from .skipped import OPEN, SkippedStrategies


@dataclass(frozen=True)
class _LadderJob:
    champion: Trained
    lines: Mapping[Strategy, Trained]
    spec: Spec
    rows: LadderRows  # its `scratch` is asked for in the process that has the data
    asked: Asked
    full: bool
    skipped: SkippedStrategies

    def __call__(self, ask: Callable[[datetime | None], pd.DataFrame]) -> tuple[LadderResult, object]:
        champion = replace(self.champion, estimator=here(self.champion.estimator))
        lines = {strategy: replace(line, estimator=here(line.estimator)) for strategy, line in self.lines.items()}
        rows = replace(self.rows, scratch=ask)
        result = run_ladder(
            champion,
            self.spec,
            rows=rows,
            lines=lines,
            asked=self.asked,
            full=self.full,
            skipped=self.skipped,
            peak=peak_memory,
        )
        if isinstance(self.champion.estimator, RemoteEstimator):  # a version that carries code is handed over alone
            if result.candidate is None:
                return replace(result, learned={}), None
            kept = replace(result, candidate=result.candidate.without_estimator(), learned={})
            return kept, result.candidate.estimator
        made = {strategy: trained.estimator for strategy, trained in result.learned.items()}
        bare = {strategy: trained.without_estimator() for strategy, trained in result.learned.items()}
        candidate = result.candidate and result.candidate.without_estimator()
        return replace(result, candidate=candidate, learned=bare), made or None


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
    lines: Mapping[Strategy, Trained] | None = None,
    asked: Asked = LADDER,
    full: bool = False,
    skipped: SkippedStrategies = OPEN,
) -> LadderResult:
    """As run.run_ladder, in a bounded process; `LadderResult.used` is what that took. `rows.scratch` is asked only if
    it is needed.

    A champion that carries code is loaded there with its code, and so is its successor: nothing of theirs is
    imported here. Raises TrainingDied where the process was ended or crashed.
    """
    job = _LadderJob(champion, lines or {}, spec, replace(rows, scratch=_elsewhere), asked, full, skipped)
    with carried_out(job, spec, Limits.of(spec), rows.scratch) as done:
        result = done.result
        if isinstance(champion.estimator, RemoteEstimator):
            remote = champion.estimator
            candidate = result.candidate and replace(
                result.candidate, estimator=done.estimator(remote.code, remote.checked)
            )
            return replace(result, candidate=candidate, used=done.used)
        if not result.learned:
            return replace(result, used=done.used)
        made = done.estimator()
        learned = {strategy: replace(trained, estimator=made[strategy]) for strategy, trained in result.learned.items()}
        own = result.candidate and result.candidate.state.strategy
        candidate = result.candidate and replace(result.candidate, estimator=made[own])
        return replace(result, candidate=candidate, learned=learned, used=done.used)


def _elsewhere(since: datetime | None) -> pd.DataFrame:
    """In place of a function that cannot be sent to another process."""
    raise NotImplementedError


def first_apart(spec: Spec, rows: pd.DataFrame, *, holdout: pd.DataFrame | None = None) -> tuple[Trained, float, Used]:
    """As run.first, in a bounded process; the version, the CPU seconds of learning, and what the process took."""
    with carried_out(_First(spec, rows, holdout), spec, Limits.of(spec)) as done:
        trained, seconds = done.result
        return replace(trained, estimator=done.estimator()), seconds, done.used


def code_of(trained: Trained) -> Path | None:
    """The folder of the code that *trained* carries; None where it carries none."""
    return trained.estimator.code if isinstance(trained.estimator, RemoteEstimator) else None
