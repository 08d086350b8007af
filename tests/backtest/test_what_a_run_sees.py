"""The rows and the demands that a fired decision hands to the ladder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_project import write_spec

from ratoon.backtest.arm import start
from ratoon.data.source import open_source
from ratoon.loop.champion import find_champion
from ratoon.loop.context import ModelContext, simulated
from ratoon.loop.learn import strategies as ladders
from ratoon.loop.learn.missed import told_of_missed
from ratoon.loop.learn.register import offered
from ratoon.loop.learn.strategies import ladder
from ratoon.models.families.choose import learner_for
from ratoon.models.gate import GateResult, Stratum
from ratoon.models.ladder.asked import LadderRows
from ratoon.models.ladder.attempt import Attempt
from ratoon.models.ladder.run import LadderResult
from ratoon.spec.values import Decision, Span, Triage, Verdict

START, LOOK, LATER = datetime(2026, 1, 31), datetime(2026, 2, 8), datetime(2026, 2, 20)

Seen = Callable[..., dict[str, Any]]


def fired(at: datetime, verdict: Verdict = "harm") -> Decision:
    window = Span(start=at - timedelta(days=4), end=at)
    triage = Triage(verdict=verdict)
    return Decision(id=f"d{at:%d}{verdict}", model="flights", at=at, action="warm_start", triage=triage, window=window)


@pytest.fixture
def context(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ModelContext]:
    """A first version serves since START; the test's parameter changes the spec."""
    changes = (request.param,) if hasattr(request, "param") else ()
    with simulated(write_spec(tmp_path / "p", *changes)) as opened:
        start(opened, START)
        yield opened


@pytest.fixture
def seen(context: ModelContext, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """A function from a decision to what the ladder was given."""
    given: dict[str, Any] = {}

    def run_ladder(champion: Any, spec: Any, *, rows: LadderRows, **beside: Any) -> LadderResult:
        given.update(vars(rows) | beside, spec=spec)
        return LadderResult((Attempt(strategy="warm"),))

    monkeypatch.setattr(ladders, "run_ladder", run_ladder)

    def look(decision: Decision) -> dict[str, Any]:
        given.clear()
        given["result"] = ladder(context, find_champion(context), decision)
        return given

    return look


IN_HARM = (r"in_harm: not_worse", "in_harm: {margin: 0.2}")


@pytest.mark.parametrize("context", [IN_HARM], indirect=True)
@pytest.mark.parametrize(("verdict", "needed"), [("harm", 0.2), ("harmless_shift", None), ("healthy", None)])
def test_in_harm_the_gate_asks_what_the_spec_says_for_it(
    context: ModelContext, seen: Seen, verdict: Verdict, needed: float | None
) -> None:
    recent = seen(fired(LOOK, verdict))["spec"].gate.recent
    assert recent == context.spec.gate.recent if needed is None else recent.margin == needed


WITHIN = (r"anchor: \{margin: ([\d.]+)\}", r"anchor: {margin: \1, within: 10d}")


@pytest.mark.parametrize("context", [WITHIN], indirect=True)
def test_the_anchor_reaches_back_from_the_decision(context: ModelContext, seen: Seen) -> None:
    watermark = find_champion(context).trained.state.watermark
    soon = START + timedelta(days=4)
    given = seen(fired(soon))
    times = given["anchor"]["_label_time"]
    assert len(times) and times.min() > pd.Timestamp(soon - timedelta(days=10)) and times.max() <= watermark
    assert given["older_rows"] > 0
    assert given["outdated"] is None


@pytest.mark.parametrize("context", [WITHIN], indirect=True)
@pytest.mark.parametrize("after", [timedelta(days=9, hours=23), timedelta(days=20)])
def test_an_old_champion_has_no_anchor_and_everything_within_it_is_recent(
    context: ModelContext, seen: Seen, after: timedelta
) -> None:
    """Else rows that are older than the spec wants to remember would hold every candidate back for ever; and so would,
    for a while, the last few of them that are not."""
    watermark = find_champion(context).trained.state.watermark
    given = seen(fired(watermark + after))
    assert (len(given["anchor"]), given["older_rows"]) == (0, 1)
    assert given["recent"]["_label_time"].min() > watermark
    assert "gate.anchor.within" in given["outdated"]


RARELY = (r"anchor: \{margin: ([\d.]+)\}", r"anchor: {margin: \1, within: 1h}")


@pytest.mark.parametrize("context", [RARELY], indirect=True)
def test_a_stretch_that_never_holds_enough_rows_is_no_reason_to_forget_the_anchor(
    context: ModelContext, seen: Seen
) -> None:
    """The gate then says `unsure`, and the reader widens `within`."""
    given = seen(fired(find_champion(context).trained.state.watermark + timedelta(minutes=30)))
    assert given["outdated"] is None


def test_rows_whose_labels_landed_behind_the_watermark_are_counted_and_told(context: ModelContext, seen: Seen) -> None:
    """No update will learn them; nobody would notice."""
    assert seen(fired(LOOK))["result"].missed == 0
    (file,) = (context.spec.folder / "data").glob("*.parquet")
    rows = pd.read_parquet(file)
    early = rows[rows["label_time"] < pd.Timestamp(START)].head(40)
    pd.concat([rows, early.assign(row_id=[f"late{n}" for n in range(40)])]).to_parquet(file, index=False)
    with open_source(context.spec) as changed:
        outside = changed.as_of(LOOK).learned(START)["_id"].str.startswith("late").sum()
        result = ladder(replace(context, source=changed), find_champion(context), fired(LOOK))
    assert 20 < result.missed == outside < 40
    assert f"{outside} labelled rows up to the watermark were never learned" in told_of_missed(result)[0]


@pytest.mark.parametrize("share", [0.4, 0.05, 0.0])
def test_learned_labels_that_were_corrected_since_are_counted_and_told(
    context: ModelContext, seen: Seen, share: float
) -> None:
    """An update keeps what it learned first; only a fit from scratch learns the labels as they are now."""
    (file,) = (context.spec.folder / "data").glob("*.parquet")
    rows = pd.read_parquet(file)
    target = context.spec.data.target
    assert target is not None
    old = rows.index[rows["label_time"] <= pd.Timestamp(START)]
    picked = np.random.default_rng(0).choice(old, int(share * len(old)), replace=False)
    rows.loc[picked, target] = 1 - rows.loc[picked, target]
    rows.to_parquet(file, index=False)

    with open_source(context.spec) as changed:
        result = ladder(replace(context, source=changed), find_champion(context), fired(LOOK))

    told = [each for each in told_of_missed(result) if "labels have changed" in each]
    if not share:
        assert (result.revised, told) == (None, [])
        return
    assert result.revised is not None
    assert result.revised.learned == find_champion(context).trained.state.learned_rows
    assert 0.5 * share < result.revised.estimate / result.revised.learned < 1.7 * share
    assert f"{result.revised.estimate:,}" in told[0]


def test_a_strategy_goes_on_from_its_own_line_and_the_champion_is_judged_on_rows_since_its_own(
    context: ModelContext, seen: Seen
) -> None:
    champion = find_champion(context)
    view = context.source.as_of(LOOK)
    rows = view.unlearned(champion.trained.state.watermark)
    made = learner_for(champion.trained.estimator, context.spec).update(champion.trained, rows, context.spec)
    unsure = Stratum(name="recent", rows=9, needed="better", verdict="unsure", reason="few", refuted=False)
    gate = GateResult(metric="brier", confidence=0.95, strata=(unsure,))
    result = LadderResult((Attempt(strategy="warm", gate=gate, rows=len(rows)),), made)
    version = offered(context, champion, fired(LOOK), result, made)
    assert version.aliases == ("candidate", "candidate-warm")
    given = seen(fired(LATER))
    assert given["lines"]["warm"].version == version.number
    assert given["lines"]["warm"].state.watermark == made.state.watermark
    behind = context.source.as_of(LATER).unlearned(champion.trained.state.watermark)
    assert len(given["unlearned"]) == len(behind), "another strategy may begin at the champion"
    own = given["unlearned"]["_label_time"] > pd.Timestamp(made.state.watermark)
    assert own.sum() == len(behind) - len(rows)
    assert given["recent"]["_label_time"].min() < pd.Timestamp(LOOK), "also those that the candidate is past"
