"""A provisional label first, the final one later: judged and fitted by the newest known, learned once."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.cli.checks.rows import rows_in_doubt
from ratoon.data import view as view_module
from ratoon.data.sources.revisions import Revisions
from ratoon.spec.values import Span

DAYS, A_DAY = 10, 20


def tables(day, *, seed: int = 0, text: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of ten days; each gets a label after half a day, and a quarter of them another one three days later."""
    rng = np.random.default_rng(seed)
    n = DAYS * A_DAY
    at = pd.Series(pd.date_range(day(1), periods=n, freq=timedelta(days=1) / A_DAY)).astype("datetime64[us]")
    rows = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "time": at, "x": rng.normal(size=n)})
    first = pd.DataFrame({"id": rows["id"], "target": 0.0, "told": at + timedelta(hours=12)})
    final = first[np.arange(n) % 4 == 0].assign(target=1.0, told=at + timedelta(days=3))
    labels = pd.concat([first, final], ignore_index=True).sample(frac=1, random_state=seed)
    if text:
        labels["target"] = np.where(labels["target"] > 0, "fraud", "open").astype(object)
    return rows, labels


@pytest.fixture(params=["held in memory", "asked of the engine"])
def held(request, monkeypatch):
    if "engine" in request.param:
        monkeypatch.setattr(view_module, "MOST_CELLS", 0)


def test_windows_holdout_and_scratch_see_the_newest_label_known_then(store, opened, day, held):
    rows, labels = tables(day)
    source = opened(label_time="told", labels=store.keep(labels, "labels"), **store.keep(rows))
    span = Span(start=day(1) - timedelta(1), end=day(9))
    now = day(9)
    final = rows["time"] + timedelta(days=3) <= now
    expected = {i: float(n % 4 == 0 and final[n]) for n, i in enumerate(rows["id"])}

    view = source.as_of(now)
    view.hold(day(1))
    for frame in (view.window(span).frame, view.learned(now), view.holdout(None)):
        known = frame[frame["_target"].notna()].set_index("_id")["_target"]
        assert len(known) and known.to_dict() == {i: expected[i] for i in known.index}
    assert view.labels_of(["r0", "r1"]).to_dict() == {"r0": 1.0, "r1": 0.0}
    assert view.window(span).revised == sum(expected[i] for i in view.window(span).frame["_id"])


def test_an_update_never_learns_a_row_twice(store, opened, day, held):
    """Looks every day: each row outside the holdout comes once, however its label changes later."""
    rows, labels = tables(day)
    source = opened(label_time="told", labels=store.keep(labels, "labels"), **store.keep(rows))
    learned: list[str] = []
    for n in range(2, 20):
        view = source.as_of(day(n))
        view.hold(day(n - 1))
        learned += view.unlearned(day(n - 1))["_id"].tolist()
        assert view.unlearned_count(day(n - 1)) == len(view.unlearned(day(n - 1)))
    whole = source.as_of(day(20)).learned(day(20))

    assert len(learned) == len(set(learned))
    assert set(learned) | set(source.as_of(day(1)).unlearned(None)["_id"]) == set(whole["_id"])


def test_the_first_counts_where_the_spec_says_so(store, opened, day):
    rows, labels = tables(day)
    place = store.keep(labels, "labels")
    source = opened(label_time="told", labels={**place, "revisions": "first"}, **store.keep(rows))

    found = source.as_of(day(20)).window(Span(start=day(1) - timedelta(1), end=day(20)))

    assert found.frame["_target"].eq(0.0).all() and found.revised == 0


def test_with_an_age_a_row_is_learned_once_with_its_final_label(store, opened, day):
    rows, labels = tables(day, text=True)
    place = store.keep(labels, "labels")
    source = opened(task="binary", label_time="told", mature_after="4d", labels=place, **store.keep(rows))

    learned = pd.concat([source.as_of(day(n)).unlearned(day(n - 1)) for n in range(2, 20)])

    assert learned["_id"].is_unique
    assert (learned["_target"] == "fraud").mean() == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("text", [False, True])
def test_they_are_counted_with_the_age_at_which_they_are_final(any_store, opened, day, text):
    rows, labels = tables(day, text=text)
    task = "binary" if text else "regression"
    source = opened(task=task, label_time="told", labels=any_store.keep(labels, "labels"), **any_store.keep(rows))

    assert source.revisions() == Revisions(200, 50, 50, True, timedelta(days=3))


@pytest.mark.parametrize(
    "keys, revisions, status, key",
    [
        ({"label_time": "told"}, "newest", "warn", "data.mature_after: 3d"),
        ({"label_time": "told", "mature_after": "3d"}, "newest", "ok", "newest"),
        ({"label_time": "told"}, "first", "warn", "data.labels.revisions: newest"),
        ({}, "newest", "fail", "data.label_time"),
    ],
)
def test_check_says_which_label_counts(parquet, opened, spec_of, day, keys, revisions, status, key):
    rows, labels = tables(day)
    place = {**parquet.keep(labels, "labels"), "revisions": revisions}
    keys = {**keys, "labels": place, **parquet.keep(rows)}
    source, span = opened(**keys), Span(start=day(1) - timedelta(1), end=day(20))
    whole = source.as_of(day(20)).window(span)
    found = {f.what: f for f in rows_in_doubt(spec_of(**keys), source, span, whole)}

    assert found["data.labels.revisions"].status == status
    assert key in found["data.labels.revisions"].text


def test_one_label_each_is_no_revision(parquet, opened, spec_of, day):
    rows, labels = tables(day)
    once = pd.concat([labels.drop_duplicates("id"), labels.drop_duplicates("id")])  # the same label twice is none
    keys = {"label_time": "told", "labels": parquet.keep(once, "labels"), **parquet.keep(rows)}
    source, span = opened(**keys), Span(start=day(1) - timedelta(1), end=day(20))
    found = {f.what for f in rows_in_doubt(spec_of(**keys), source, span, source.as_of(day(20)).window(span))}

    assert "data.labels.revisions" not in found
    assert source.as_of(day(20)).window(span).revised == 0
