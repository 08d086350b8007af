"""`ratoon check`: the spec against the real data, the real model code and the real registry; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pandas as pd

from ...data.columns import HOLDOUT, TARGET
from ...data.doubts.doubts import ROWS, doubts
from ...data.source import Source, open_source
from ...models.families.choose import build, learner_for
from ...models.families.sklearn.scratch_only import ScratchOnly
from ...models.gate.slices import chosen, faults
from ...models.registry.version_files import refuse_untrusted
from ...monitors.labels.delays import KEY, delay_bias
from ...monitors.own.monitor import make_monitors
from ...policy.guards.own import check_guards
from ...policy.rules.check import check_rules
from ...policy.rules.conditions import RuleError
from ...spec.duration import format_extent
from ...spec.errors import RatoonError
from ...spec.load import former_keys_in, line_of
from ...spec.masked import masked
from ...spec.model import Spec
from ...spec.stores import sqlite_file, stores_of
from ...spec.unexpected import not_learned, users_code, worded
from ..checks.log import held_in_log
from ..checks.metric import KEY as KEY_OF_METRIC
from ..checks.metric import metric_made, metric_tried
from ..checks.rows import rows_in_doubt, usual_rows
from .finding import Finding

TRIAL_ROWS = 500


def check_spec(spec: Spec) -> list[Finding]:
    """All findings, in the order in which a person would mend them; the first `fail` of a part ends that part."""
    found = [Finding("ok", "spec", f"{spec.path.name} is well formed")]
    found += [Finding("warn", "spec", told) for told in former_keys_in(spec.path)]
    found += _guarded(KEY_OF_METRIC, lambda: metric_made(spec))
    if found[-1].status != "fail":  # a policy has the metric's tolerance
        found += _guarded("policy", lambda: _policy(spec))
    found += _guarded("monitors.own", lambda: _own_monitors(spec))
    found += _guarded("policy.own", lambda: _own_guards(spec))
    try:
        with open_source(_as_learned(spec)) as source:
            found += _guarded("log", lambda: held_in_log(spec))
            found += _guarded("data", lambda: _data(spec, source))
            if not any(f.what == KEY_OF_METRIC and f.status == "fail" for f in found):
                found += _guarded(KEY_OF_METRIC, lambda: metric_tried(spec, source))
            found += _guarded("gate", lambda: _gate(spec, source))
            if not any(f.status == "fail" for f in found):
                found += _guarded("learner", lambda: _learner(spec, source))
    except RatoonError as error:
        found.append(Finding("fail", "data", str(error)))
    except Exception as error:
        found.append(Finding("fail", "data", f"it cannot be read: {worded(error)}"))
    found += _guarded("registry", lambda: _registry(spec))
    return found


def _guarded(what: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        with users_code():
            return list(check())
    except (RatoonError, ValueError) as error:
        return [Finding("fail", what, masked(str(error)))]
    except Exception as error:  # users' code and libraries raise anything
        return [Finding("fail", what, worded(error))]


def _policy(spec: Spec) -> Iterator[Finding]:
    try:
        check_rules(spec.deciding)
    except RuleError as error:
        for place, text in error.rules:
            where = f"{spec.path.name}:{line_of(spec.path, 'policy', place)}: policy[{place}]"
            yield Finding("fail", "policy", f"{where}: {text}")
        return
    yield Finding("ok", "policy", f"{len(spec.policy)} rules, version {spec.policy_version}")


def _own_guards(spec: Spec) -> Iterator[Finding]:
    if names := check_guards(spec):
        yield Finding("ok", "policy.own", f"{', '.join(names)}; asked when their rule holds")


def _own_monitors(spec: Spec) -> Iterator[Finding]:
    names = [each.name for each in make_monitors(spec)]
    if names:
        yield Finding("ok", "monitors.own", f"{', '.join(names)}; called with the last window at each monitoring run")


def _data(spec: Spec, source: Source) -> Iterator[Finding]:
    span = source.extent()
    if span is None:
        yield Finding("fail", "data", "the source holds no rows")
        return
    view = source.as_of(span.end)
    whole = view.window(span, sample=ROWS)
    window = view.window(view.span_of(spec.monitors.window, span.end), sample=spec.monitors.sample)
    kinds = list(source.kinds.values())
    yield Finding(
        "ok", "data", f"{span}; {kinds.count('number')} number and {kinds.count('category')} category features"
    )
    if window.missing_columns:
        yield Finding("fail", "data.features", f"not in the source: {', '.join(window.missing_columns)}")
    if source.left_out:
        text = f"{', '.join(source.left_out)}: no features, for they come with the format; name them in data.columns to"
        yield Finding("ok", "data.columns", f"{text} have them")
    for doubt in doubts(spec, source.kinds, whole.frame):
        yield Finding("warn", "data.columns", f"{doubt.column!r}: {doubt.text}")
    yield from rows_in_doubt(spec, source, span, whole)
    least = spec.monitors.drift.min_rows if spec.monitors.drift else 0
    extent = format_extent(spec.monitors.window)
    size = f"the last window ({extent}) has {window.rows:,} rows, {window.labelled:,} labelled"
    enough = window.rows >= least
    usual = usual_rows(spec, span, whole.rows)
    if usual < least and not enough:
        size += f", and {usual:.0f} on average"
    text = size if enough else f"{size}; drift needs {least}: a longer `monitors.window`, or `monitors.drift.min_rows`"
    yield Finding("ok" if enough else "warn" if usual >= least else "fail", "monitors.window", text)
    if spec.data.label_time is not None and span.end > span.start:
        early = delay_bias(whole.frame[whole.frame[TARGET].notna()], spec.task, spec.monitors.every)
        if early is not None and early.note:
            yield Finding("warn", KEY, early.note)


def _gate(spec: Spec, source: Source) -> Iterator[Finding]:
    """The slices' features and values, and the share of recent rows that each would hold."""
    slices = spec.gate.slices
    wrong = list(faults(slices, {name: source.kinds[name] for name in source.kinds}))
    for place, text in wrong:
        where = f"{spec.path.name}:{line_of(spec.path, 'gate', 'slices', place)}: gate.slices[{place}]"
        yield Finding("fail", "gate.slices", f"{where}.{text}")
    rows = _trial_rows(source) if slices and not wrong else pd.DataFrame()
    for each in slices if len(rows) else ():
        share = float(chosen(each, rows).mean())
        text = f"{each.name}: {share:.1%} of {len(rows):,} labelled rows"
        yield Finding("ok" if share else "warn", "gate.slices", text if share else f"{text}; it would block as unsure")


def _learner(spec: Spec, source: Source) -> Iterator[Finding]:
    estimator = build(spec)
    learner = learner_for(estimator, spec)
    rows = _trial_rows(source)
    if len(rows) == 0:
        yield Finding("warn", "learner", f"{learner.family}; no labelled rows, so that no trial fit was made")
        return
    try:
        with users_code():
            trained = learner.first(estimator, rows, spec)
    except RatoonError:
        raise
    except Exception as error:
        yield Finding("fail", "learner", f"{spec.learner.build}: {not_learned(error, len(rows), rows.columns)}")
        return
    refuse_untrusted(trained.estimator, spec.learner.types_allowed, str(spec.path), spec)
    text = f"{learner.family}; a trial fit on {len(rows):,} rows went through and was thrown away"
    if isinstance(learner, ScratchOnly):
        text += f"; it cannot continue, so that every update trains from scratch: {learner.reason}"
    yield Finding("ok", "learner", text)


def _trial_rows(source: Source) -> pd.DataFrame:
    span = source.extent()
    if span is None:
        return pd.DataFrame()
    frame = source.as_of(span.end).window(span, sample=TRIAL_ROWS).frame
    return frame[frame[TARGET].notna() & ~frame[HOLDOUT]]


def _as_learned(spec: Spec) -> Spec:
    """*spec* as its champion learned, where there is one that can be read; that it cannot be, `_registry` finds."""
    from ...loop.context import as_learned
    from ...models.registry.mlflow_registry import Registry

    database = sqlite_file(stores_of(spec).mlflow)
    if spec.data.label_time is None or (database is not None and not database.exists()):
        return spec
    with suppress(Exception):
        registry = Registry.open(spec)
        if (champion := registry.champion()) is not None and champion.meta.made_by_ratoon:
            return as_learned(spec, registry)
    return spec


def _registry(spec: Spec) -> Iterator[Finding]:
    stores = stores_of(spec)
    database = sqlite_file(stores.mlflow)
    if database is not None and not database.exists():
        yield Finding("ok", "registry", f"embedded, not there yet: `ratoon train` makes {database}")
        return
    from ...models.registry.mlflow_registry import Registry

    champion = Registry.open(spec).champion()
    text = f"champion v{champion.number}" if champion else "no champion yet: `ratoon train` makes the first version"
    yield Finding("ok", "registry", f"{masked(stores.mlflow)}: {text}")
