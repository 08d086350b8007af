"""Was it right to act, or to wait? Asked once the labels of the time after a decision have arrived.

An act is compared with what it replaced: the version that it registered against the champion of that moment,
on the same labelled rows that came after. A refuted candidate, or a run that failed, cost and gave nothing:
acting was wrong. Of a candidate that is not proven yet nothing can be told. A wait is judged by what the champion
then did: it was wrong where the champion's loss on the rows after it was harm by the spec's own tolerance, right
where it was not. (Whether a training would have mended that loss is not known without training; a backtest tries it.)
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ...data.columns import TARGET
from ...data.metrics.own import metric_of
from ...data.metrics.paired import paired_gain
from ...data.window import Window
from ...ledger.ledger import UpdateRow
from ...models.learning.unit import other_unit
from ...spec.errors import RatoonError
from ...spec.masked import masked
from ...spec.model import Spec
from ...spec.values import Decision, Score, Span
from ..context import ModelContext
from .drop import drop_of

MOST = 20  # decisions scored at one look, so that a long gap does not stall it
_ASKED = 500  # of the oldest without a score: labels may still be on their way
_RECENT = 8  # looks, or windows, of labels that tell how long they take
_SOON = 0.5  # quantile of their delay, before which nobody waits for a window's last labels to have come
_PATIENCE = 4  # looks, or windows, after which too few labels have the last word


def score_past(context: ModelContext, now: datetime) -> tuple[Score, ...]:
    """Score the decisions whose time after them is known by *now*, and write the scores down."""
    span = _judged(context.spec)
    found: list[Score] = []
    delay: timedelta | None = None
    runs = {update.decision: update for update in context.ledger.runs.of(context.spec.model)}
    for decision in context.ledger.scores.unscored(context.spec.model, before=now - span, limit=_ASKED):
        if len(found) >= MOST:
            break
        if delay is None:  # one narrow read; nothing is known before anything is pending
            delay = _known_delay(context, span, now)
        score = _score(context, decision, runs.get(decision.id), span, now, delay)
        if score is not None and context.ledger.scores.record(score, context.spec.model):
            found.append(score)
    return tuple(found)


def _judged(spec: Spec) -> timedelta:
    """How long after a decision is looked at: a window, or where that is a number of rows, a step."""
    return spec.monitors.window if isinstance(spec.monitors.window, timedelta) else spec.monitors.every


def _known_delay(context: ModelContext, length: timedelta, now: datetime) -> timedelta:
    """How long labels took of late, as far as they have come; zero where none has."""
    recent = Span(start=now - _RECENT * length, end=now)
    return max(context.source.as_of(now).label_delay(recent, _SOON), timedelta(0))


def _score(
    context: ModelContext, decision: Decision, run: UpdateRow | None, length: timedelta, now: datetime, delay: timedelta
) -> Score | None:
    since = run.ended_at if run is not None and run.ended_at is not None else decision.at
    if run is not None and run.outcome == "running":
        return None
    if run is not None and run.outcome == "refused" and run.evidence.promising:
        kept = run.evidence.candidate
        text = "cannot be told: the gate could neither prove nor refute what came of it"
        text += f" (v{kept}, from which the next update goes on)" if kept else ""
        return Score(decision=decision.id, at=now, verdict="even", text=text)
    if run is not None and run.outcome not in ("registered", "nothing_new"):
        text = f"acting was wrong: the run ended {run.outcome}, after {run.cpu_seconds:.2g} CPU seconds of learning"
        return Score(decision=decision.id, at=now, verdict="wrong", text=text)
    span = Span(start=since, end=since + length)
    view = context.source.as_of(now)
    if decision.champion is None:
        return Score(decision=decision.id, at=now, verdict="even", text="cannot be told: there was no champion")
    late = now >= span.end + _PATIENCE * length
    if now < span.end + delay and not late:
        return None  # its last labels are still on their way
    rows, labelled = view.counts(span)
    if labelled < context.spec.gate.min_rows or labelled < _mature(context.spec) * rows:
        few = f"only {labelled} of {rows} rows have labels"
        return Score(decision=decision.id, at=now, verdict="even", text=f"cannot be told: {few}") if late else None
    window = view.window(span)
    try:
        if run is not None and run.version is not None:
            return _act(context, decision, run.version, window, now)
        if decision.action == "roll_back":
            moves = context.ledger.promotions.of(context.spec.model)
            back = next((p.version for p in moves if p.kind == "roll_back" and p.decision == decision.id), None)
            if back is not None:
                return _act(context, decision, back, window, now)
        if decision.fires or decision.action == "roll_back":
            return Score(decision=decision.id, at=now, verdict="even", text="cannot be told: nothing came of the act")
        return _wait(context, decision, window, now)
    except RatoonError as error:
        return Score(decision=decision.id, at=now, verdict="even", text=masked(f"cannot be told: {error}"))


def _act(context: ModelContext, decision: Decision, version: str, window: Window, now: datetime) -> Score:
    metric = metric_of(context.spec)
    rows = window.frame[window.frame[TARGET].notna()]
    served, came = (context.registry.load(each) for each in (decision.champion or "", version))
    if context.spec.task == "clustering" and (why := other_unit(served, came, rows)):
        return Score(decision=decision.id, at=now, verdict="even", text=f"cannot be told: {why}", rows=len(rows))
    before, after = served.predict(rows), came.predict(rows)
    gain = paired_gain(metric, after, before, resamples=300, seed=context.spec.seed)
    shown = f"v{version} against v{decision.champion} on the {len(rows)} rows after it: gain {gain.value:+.4g}"
    if gain.low > 0:
        verdict, text = "right", f"acting was right: {shown} ({gain.low:+.4g} to {gain.high:+.4g})"
    elif gain.high < 0:
        verdict, text = "wrong", f"acting was wrong: {shown} ({gain.low:+.4g} to {gain.high:+.4g})"
    else:
        verdict, text = "even", f"acting made no proven difference: {shown}"
    return Score.model_validate(
        {"decision": decision.id, "at": now, "verdict": verdict, "text": text, "rows": len(rows)}
        | {"gain": gain.value, "low": gain.low, "high": gain.high}
    )


def _wait(context: ModelContext, decision: Decision, window: Window, now: datetime) -> Score:
    champion = context.registry.load(decision.champion or "")
    rows = window.frame[window.frame[TARGET].notna()]
    drop = drop_of(context.spec, champion, champion.predict(rows), window.span)
    words = drop.note or "the champion held its level"
    verdict = {"fail": "wrong", "ok": "right"}.get(drop.status, "even")
    text = {"wrong": "waiting was wrong", "right": "waiting was right", "even": "cannot be told"}[verdict]
    loss = {"gain": drop.value, "low": drop.low, "high": drop.high} if drop.value is not None else {}
    return Score.model_validate(
        {"decision": decision.id, "at": now, "verdict": verdict, "rows": len(rows), **loss}
        | {"text": f"{text}: {words}, on the {len(rows)} rows after it"}
    )


def _mature(spec: Spec) -> float:
    return spec.monitors.performance.maturity if spec.monitors.performance else 1.0
