"""Which stretches stay out of training, and for how long."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from ratoon.cli.main import app
from ratoon.ledger.ledger import Evaluation, Ledger
from ratoon.loop.excluded import broken_spans
from ratoon.loop.learn.candidates import learned_broken
from ratoon.loop.review.accept import accept
from ratoon.models.learning.state import TrainingState
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.evidence import Evidence
from ratoon.models.registry.in_memory import InMemoryRegistry
from ratoon.spec.errors import BadInput
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.stores import stores_of
from ratoon.spec.values import Decision, Signal, Span, Status, Triage, Verdict

START = datetime(2026, 1, 1)
HOUR = timedelta(hours=1)


def look(hours: int, verdict: Verdict, *, failed: str = "", lasting: str = "") -> Evaluation:
    at = START + hours * HOUR
    told = {"failed": frozenset(failed.split()), "lasting": frozenset(lasting.split())}
    return Evaluation(at=at, start=at - 5 * HOUR, verdict=verdict, **told)


def span(start: int, end: int) -> Span:
    return Span(start=START + start * HOUR, end=START + end * HOUR)


def test_a_stretch_reaches_from_the_last_whole_look_to_the_last_broken_one() -> None:
    looks = [look(1, "healthy"), look(2, "broken_data"), look(3, "broken_data"), look(4, "unsure"), look(9, "harm")]
    assert broken_spans(looks) == (span(1, 3),)


def test_without_a_whole_look_before_it_the_whole_window_is_out() -> None:
    assert broken_spans([look(8, "broken_data"), look(9, "healthy")]) == (span(3, 8),)


def test_what_a_later_look_finds_to_last_is_given_back() -> None:
    """Only stretches directly before, and only where nothing else failed in them."""
    first, second = look(2, "broken_data", failed="scale"), look(3, "broken_data", failed="label_order label_rows")
    third = look(4, "broken_data", failed="label_rows")
    lasts = look(5, "harm", lasting="label_order label_rows volume")

    assert broken_spans([look(1, "healthy"), first, second, third, lasts]) == (span(1, 2),)
    assert broken_spans([look(1, "healthy"), second, third, look(5, "harm", lasting="label_rows")]) == (span(1, 3),)
    assert broken_spans([look(1, "healthy"), second, look(4, "healthy"), lasts]) == (span(1, 3),)
    assert broken_spans([look(1, "healthy"), look(2, "broken_data"), lasts]) == (span(1, 2),)  # nobody knows why


def test_rows_that_no_screen_saw_stay_out_and_those_that_only_lacked_a_judge_do_not() -> None:
    """Without a reference nobody knows what the rows are; a silent champion or label says nothing against them."""
    unseen, unjudged = (look(2, "broken_data", failed=name) for name in ("reference", "unpredicted"))

    assert broken_spans([look(1, "healthy"), unseen, look(3, "healthy")]) == (span(1, 2),)
    assert broken_spans([look(1, "healthy"), unjudged, look(3, "healthy")]) == ()
    assert broken_spans([look(1, "healthy"), look(2, "broken_data", failed="unpredicted copies")]) == (span(1, 2),)


def test_the_ledger_tells_what_failed_and_what_lasts() -> None:
    def decision(hours: int, verdict: Verdict) -> Decision:
        at = START + hours * HOUR
        return Decision(
            id=f"d{hours}", model="m", at=at, action="hold", triage=Triage(verdict=verdict),
            window=Span(start=at - HOUR, end=at),
        )  # fmt: skip

    def signal(hours: int, metric: str, status: Status, *, lasting: bool = False) -> Signal:
        window = Span(start=START + (hours - 1) * HOUR, end=START + hours * HOUR)
        return Signal(monitor="quality", metric=metric, status=status, window=window, rows=9, lasting=lasting)

    with Ledger.open("sqlite://") as ledger:
        ledger.decisions.record(decision(1, "healthy"), (), live=True)
        broken = (signal(2, "label_order", "fail"), signal(2, "volume", "warn"))
        ledger.decisions.record(decision(2, "broken_data"), broken, live=True)
        ledger.decisions.record(decision(3, "harm"), (signal(3, "label_order", "warn", lasting=True),), live=True)
        looks = ledger.decisions.evaluations("m", before=START + 9 * HOUR)
    assert [(each.failed, each.lasting) for each in looks] == [
        (frozenset(), frozenset()),
        ({"label_order"}, frozenset()),
        (frozenset(), {"label_order"}),
    ]
    assert broken_spans(looks) == ()


def test_a_broken_window_stays_out_however_many_looks_ago_it_was() -> None:
    """The policy looks back on 200 decisions; what must never be learned does not age out with them."""
    with Ledger.open("sqlite://") as ledger:
        for hours in range(1, 260):
            at = START + hours * HOUR
            verdict: Verdict = "broken_data" if hours == 3 else "healthy"
            decision = Decision(
                id=f"d{hours}", model="m", at=at, action="hold", triage=Triage(verdict=verdict),
                window=Span(start=at - 5 * HOUR, end=at),
            )  # fmt: skip
            ledger.decisions.record(decision, (), live=True)
        now = START + 260 * HOUR
        assert not any(past.verdict == "broken_data" for past in ledger.history("m", now).decisions)
        assert broken_spans(ledger.decisions.evaluations("m", before=now)) == (span(2, 3),)
        assert ledger.decisions.evaluations("m", before=START + 3 * HOUR)[-1].at == START + 2 * HOUR
        assert ledger.decisions.evaluations("another", before=now) == []


@pytest.mark.parametrize(
    ("looks", "spoiled"),
    [
        ([look(1, "healthy"), look(5, "harm")], False),
        ([look(1, "healthy"), look(5, "broken_data")], True),  # known only after the candidate was made at 3
        ([look(1, "healthy"), look(2, "broken_data"), look(5, "healthy")], False),  # left out when it learned
        ([look(1, "healthy"), look(4, "healthy"), look(5, "broken_data")], False),  # later rows, which it never saw
    ],
)
def test_a_candidate_that_learned_rows_found_broken_afterwards_is_known(looks: list[Evaluation], spoiled: bool) -> None:
    """A candidate made at hour 3 from rows of the hours 1 to 3: invariant 6 holds for the next update, too."""
    rows = pd.DataFrame({"_time": [START + hour * HOUR / 2 for hour in range(3, 7)]})
    made = START + 3 * HOUR
    data = {"source": "rows.parquet", "id": "id", "time": "at", "target": "y"}
    registry = InMemoryRegistry(
        Spec.model_validate({"model": "m", "task": "binary", "data": data, "learner": {"build": "b.py:b"}})
    )
    state = TrainingState(
        family="own", task="binary", features=(), watermark=made, learned_rows=4, fingerprint=0, strategy="warm", seed=0
    )
    registry.register(Trained("an estimator", state), Evidence("d1", made, pd.DataFrame()))
    context: Any = SimpleNamespace(registry=registry)
    view: Any = SimpleNamespace(learned=lambda upto, since: rows)
    assert learned_broken(context, view, looks, registry.load("1"), START + HOUR) is spoiled


MODEL: Any = SimpleNamespace(model="m")


def decided(ledger: Ledger, hours: int, verdict: Verdict) -> None:
    at = START + hours * HOUR
    made = Decision(
        id=f"d{hours}",
        model="m",
        at=at,
        action="hold",
        triage=Triage(verdict=verdict),
        window=Span(start=at - HOUR, end=at),
    )
    ledger.decisions.record(made, [], live=False)


def test_windows_that_a_person_accepts_count_again_from_then_on() -> None:
    spec = MODEL
    with Ledger.open("sqlite://") as ledger:
        for hours in range(1, 9):
            decided(ledger, hours, "broken_data" if hours in (2, 4, 5, 7) else "healthy")
        before = broken_spans(ledger.decisions.evaluations("m", before=START + 9 * HOUR))

        made = accept(ledger, spec, until=START + 6 * HOUR, now=START + 8 * HOUR, actor="eva", reason="we grew")

        assert (made.start, made.until) == (START + 4 * HOUR, START + 5 * HOUR)
        assert ledger.acceptances.of("m") == [made]
        assert before == (span(1, 2), span(3, 5), span(6, 7))
        assert broken_spans(ledger.decisions.evaluations("m", before=START + 9 * HOUR)) == (span(1, 2), span(6, 7))
        # a decision before it is taken again as it was
        assert broken_spans(ledger.decisions.evaluations("m", before=START + 8 * HOUR)) == before
        assert (
            accept(
                ledger,
                spec,
                until=START + 6 * HOUR,
                now=START + 9 * HOUR,
                actor="eva",
                reason="and that",
            ).until
            == START + 2 * HOUR
        )


@pytest.mark.parametrize(("until", "reason"), [(1, "we grew"), (9, "  "), (0, "we grew")])
def test_nothing_is_accepted_without_a_broken_window_and_a_reason(until: int, reason: str) -> None:
    with Ledger.open("sqlite://") as ledger:
        for hours, verdict in ((1, "healthy"), (2, "broken_data")):
            decided(ledger, hours, verdict)

        now = START + 9 * HOUR
        with pytest.raises(BadInput):
            accept(ledger, MODEL, until=START + until * HOUR, now=now, actor="eva", reason=reason)
        assert ledger.acceptances.of("m") == []


def test_the_command_accepts_a_day_and_keeps_who_and_why(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(
        "model: m\ntask: binary\ndata: {source: x.parquet, id: i, time: t, target: y}\n"
        'learner: {build: "training.py:build"}\n'
    )
    spec = load_spec(tmp_path / "spec.yaml")
    with Ledger.open(stores_of(spec).ledger) as ledger:
        decided(ledger, 2, "broken_data")
    asked = ["accept-window", str(spec.path), "--until", "2026-01-01", "--reason", "growth", "--actor", "eva", "--json"]

    first, again = (CliRunner().invoke(app, asked) for _ in range(2))

    assert first.exit_code == 0, first.output
    assert json.loads(first.output)["until"].startswith("2026-01-01T02:00")
    assert isinstance(again.exception, BadInput)
    with Ledger.open(stores_of(spec).ledger) as ledger:
        assert [(each.actor, each.reason) for each in ledger.acceptances.of("m")] == [("eva", "growth")]
