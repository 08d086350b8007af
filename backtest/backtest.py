"""The backtest: the spec's policy, others beside it, and all that a policy must beat."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict, Unpack

from ..data.metrics.own import metric_of
from ..data.source import open_source
from ..loop.learn.cohorts import settled
from ..loop.plan import Plan, plan
from ..policy.rules.check import check_rules
from ..spec.errors import BadInput
from ..spec.keys.rules import default_policy
from ..spec.model import Spec
from ..spec.stores import stores_of
from .deciders import At, ByPolicy, Decider
from .findings import DEFAULT
from .jobs import Heard, Job, side_by_side
from .kept import fingerprint_of, keep, kept, key_of
from .results import ArmResult, Backtest, Kind
from .reviewer import review_delay
from .scheduled import NAMES
from .uniform import spread

ALONE: tuple[Kind, ...] = ("never", "warm")
SCRATCH: tuple[Kind, ...] = ("scratch_sliding", "scratch_all")


class Stretch(TypedDict, total=False):
    """Which part of history: from *start* (left out: when a third of the data's time has passed) to *end* (the data's),
    with a look *every* so often (the spec's)."""

    start: datetime | None
    end: datetime | None
    every: timedelta | None


def run_backtest(
    spec: Spec,
    *,
    policies: Mapping[str, Spec] | None = None,
    others: Mapping[str, Decider] | None = None,
    workers: int = 2,
    fresh: bool = False,
    scratch: bool = True,
    heard: Heard = lambda name, done, total: None,
    **stretch: Unpack[Stretch],
) -> Backtest:
    """Replay history for the spec's own policy, for *policies* (name: spec with other rules), and for *others*.

    Results are kept in the spec's home, and found again unless *fresh*. Raises BadInput for a stretch outside the
    data, RuleError for rules that cannot be used; before anything is started. Without *scratch* the arms that train
    from scratch are left out, and the oracle with them: on large data they take most of the time. If the spec's own
    rules never started a training, an arm with Ratoon's default policy says what that would have done.
    """
    named, others = _named(spec, policies or {}, others or {}), others or {}
    spec = named["policy"]
    with open_source(spec) as source:
        every = stretch.get("every") or spec.backtest.every or spec.monitors.every
        planned = plan(source, spec.path.name, stretch.get("start"), stretch.get("end"), every)
        fingerprint = fingerprint_of(spec, source)
        age = settled(spec, source, planned.start).data.mature_after
    if age is not None:  # every arm learns and is judged by the same labels
        named = {name: each.maturing(age) for name, each in named.items()}
        spec = named["policy"]
    folder = stores_of(spec).home / "backtest"
    fits = folder / f"fits-{fingerprint[:12]}-{os.getpid()}"
    keeper = _Keeper(folder, fingerprint, planned, fresh, workers, heard)
    alone = [*ALONE, *(SCRATCH if scratch else ())]
    jobs = [Job(name, each, planned, decider=ByPolicy()) for name, each in named.items()]
    jobs += [Job(name, spec, planned, "other", decider) for name, decider in others.items()]
    jobs += [Job(NAMES[kind], spec, planned, kind, fits=fits) for kind in alone]
    try:
        found = keeper(jobs)
        asked = [name for name in (*named, *others) if found[name].runs]
        after = [_uniform(spec, named, planned, name, found[name].runs) for name in asked]
        if not found["policy"].runs and spec.policy != default_policy(spec.review):
            after.insert(0, Job(DEFAULT, _with_default(spec), planned, decider=ByPolicy()))
        if scratch:
            after.insert(0, Job(NAMES["oracle"], spec, planned, "oracle", fits=fits))
        found |= keeper(after)
    finally:
        shutil.rmtree(fits, ignore_errors=True)
    return _backtest(spec, planned, _in_order(found, (*named, *others)))


def _named(spec: Spec, policies: Mapping[str, Spec], others: Mapping[str, Decider]) -> dict[str, Spec]:
    """The spec of each policy, as it would act. Raises BadInput for a name that is taken, RuleError for bad rules."""
    asked = [*policies, *others]
    taken = {"policy", DEFAULT, *NAMES.values(), *(f"uniform, as many as {name}" for name in ("policy", *asked))}
    wrong = [name for name in asked if name in taken or asked.count(name) > 1]
    if wrong:
        raise BadInput(f"A policy is called {wrong[0]!r}, which is taken; give its file another name.")
    named = {name: _live(each) for name, each in {"policy": spec, **policies}.items()}
    for each in named.values():
        check_rules(each.deciding)
    return named


def _backtest(spec: Spec, planned: Plan, arms: Sequence[ArmResult]) -> Backtest:
    return Backtest(
        model=spec.model,
        spec=str(spec.path),
        metric=spec.metric,
        greater_is_better=metric_of(spec).greater_is_better,
        currency=spec.costs.currency if spec.costs else None,
        start=planned.start,
        end=planned.span.end,
        looks=len(planned.moments),
        training_seconds=spec.backtest.training_time.total_seconds(),
        review_seconds=review_delay(spec).total_seconds(),
        arms=tuple(arms),
    )


def _live(spec: Spec) -> Spec:
    """*spec* as it would act: what a model in shadow mode would earn, judged by what is simulated."""
    data = spec.data
    if data.prediction is not None:  # what history's own model said is not what a simulated version says
        drop = (*data.drop, data.prediction) if data.features is None else data.drop
        data = data.model_copy(update={"prediction": None, "drop": drop})
    live = spec.model_copy(update={"mode": "live", "data": data})
    live._path = spec.path
    return live


def _with_default(spec: Spec) -> Spec:
    """*spec* with Ratoon's default policy: what rules that never held are held against."""
    changed = spec.model_copy(update={"policy": default_policy(spec.review)})
    changed._path = spec.path
    return changed


def _uniform(spec: Spec, named: Mapping[str, Spec], planned: Plan, name: str, runs: int) -> Job:
    title = f"uniform, as many as {name}"
    return Job(title, named.get(name, spec), planned, "uniform", At(spread(planned, runs), title), of=name)


def _in_order(found: Mapping[str, ArmResult], names: Sequence[str]) -> list[ArmResult]:
    """Each policy with its uniform schedule after it, the default policy, then the arms that ask nobody."""
    order = [each for name in names for each in (name, f"uniform, as many as {name}")]
    order += [DEFAULT]
    order += [NAMES[kind] for kind in (*ALONE, *SCRATCH, "oracle")]
    return [found[name] for name in order if name in found]


class _Keeper:
    """Carries out jobs, but for those whose results are kept from an earlier run."""

    def __init__(self, folder: Path, fingerprint: str, planned: Plan, fresh: bool, workers: int, heard: Heard) -> None:
        self._folder, self._fingerprint, self._plan = folder, fingerprint, planned
        self._fresh, self._workers, self._heard = fresh, workers, heard

    def __call__(self, jobs: Sequence[Job]) -> dict[str, ArmResult]:
        keys = {job.name: self._key(job) for job in jobs}
        found: dict[str, ArmResult] = {}
        for job in jobs:
            known = None if self._fresh else kept(self._folder, keys[job.name])
            if known is not None:
                found[job.name] = known
                self._heard(job.name, 1, 1)
        left = [job for job in jobs if job.name not in found]
        for job, result in side_by_side(left, self._workers, self._heard):
            keep(self._folder, keys[job.name], result)
            found[job.name] = result
        return found

    def _key(self, job: Job) -> str:
        what = f"{job.name} {job.kind} {job.decider!r} {job.of}"
        return key_of(job.spec, self._plan, what, self._fingerprint)
