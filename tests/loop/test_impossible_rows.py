"""Rows that are impossible, each by itself, stay out of learning and judging, and their window lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ratoon.data.source import open_source
from ratoon.ledger.ledger import Ledger
from ratoon.loop.champion import find_champion
from ratoon.loop.champion_lock import UNCONTESTED
from ratoon.loop.context import ModelContext
from ratoon.loop.decide import decided
from ratoon.loop.learn.first import first_version
from ratoon.loop.learn.missed import told_of_missed
from ratoon.loop.learn.register import offered
from ratoon.loop.learn.strategies import ladder
from ratoon.loop.observe.watch import watch
from ratoon.loop.observe.windows import read_windows
from ratoon.loop.review.accept import accept
from ratoon.loop.review.promote import Move, move_champion
from ratoon.models.ladder.run import LadderResult
from ratoon.models.registry.in_memory import InMemoryRegistry
from ratoon.spec.load import load_spec
from ratoon.spec.stores import stores_of
from ratoon.spec.values import Decision, Signal

START, DAY = datetime(2026, 1, 1), timedelta(days=1)
TRAINED, NEXT, LATER = START + 40 * DAY, START + 47 * DAY, START + 54 * DAY
BUILD = """
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build():
    numbers = ColumnTransformer([("numbers", StandardScaler(), ["x", "z"])])
    return make_pipeline(numbers, SGDClassifier(loss="log_loss", random_state=0))
"""


def rows(days: int = 60, each: int = 200) -> pd.DataFrame:
    rng, count = np.random.default_rng(0), days * each
    times = pd.Timestamp(START) + pd.to_timedelta(np.sort(rng.uniform(0, days, count)), unit="D").round("s")
    x, z = rng.normal(30, 8, count), rng.normal(0, 1, count)
    target = (x - 30 + 4 * z + rng.normal(0, 6, count) > 0).astype(int)
    return pd.DataFrame({"id": np.arange(count), "time": times, "x": x, "z": z, "target": target})


class Life:
    """A model's life in memory: its rows may change between two looks."""

    def __init__(self, folder: Path, frame: pd.DataFrame, *, csv: bool = False, **quality: Any) -> None:
        self.frame = frame
        self.file = folder / ("rows.csv" if csv else "rows.parquet")
        (folder / "training.py").write_text(BUILD)
        written = {
            "model": "impossible",
            "task": "binary",
            "data": {"source": self.file.name, "id": "id", "time": "time", "target": "target", "label_delay": "1h"},
            "learner": {"build": "training.py:build", "strategies": ["warm"]},
            "monitors": {"window": "7d", "every": "7d", "quality": quality},
        }
        (folder / "spec.yaml").write_text(yaml.safe_dump(written))
        self.spec = load_spec(folder / "spec.yaml")
        self.shelf, self.ledger = InMemoryRegistry(self.spec), Ledger.open("sqlite://")

    @contextmanager
    def context(self) -> Iterator[ModelContext]:
        if self.file.suffix == ".csv":
            self.frame.to_csv(self.file, index=False)
        else:
            self.frame.to_parquet(self.file, index=False)
        champion = self.shelf.champion()
        features = {} if champion is None else self.shelf.load(champion.number).state.features
        with open_source(self.spec, expected={f.name: f.kind for f in features} or None) as source:
            yield ModelContext(self.spec, stores_of(self.spec), self.ledger, self.shelf, source)

    def train(self) -> None:
        with self.context() as context:
            made = first_version(context, TRAINED)
            move_champion(context, made.number, Move("first", "the first version", "test", TRAINED), UNCONTESTED)

    def look(self, at: datetime) -> tuple[Decision, tuple[Signal, ...]]:
        with self.context() as context:
            champion = find_champion(context)
            windows = read_windows(context.source.as_of(at), self.spec, champion)
            signals = watch(context, champion, windows, pages=False).signals
            decision = decided(context, champion, signals, windows.current.span, at)
            self.ledger.decisions.record(decision, signals, policy=self.spec.deciding, live=True)
        return decision, signals

    def run_ladder(self, decision: Decision) -> LadderResult:
        with self.context() as context:
            return ladder(context, find_champion(context), fire(decision))

    def learnable(self, at: datetime) -> int:
        """The rows behind the watermark that are labelled and not held out, as the source holds them."""
        with self.context() as context:
            return context.source.as_of(at).unlearned_count(find_champion(context).trained.state.watermark)


def fire(decision: Decision) -> Decision:
    return decision.model_copy(update={"action": "warm_start"})


def hit(life: Life, share: float, value: float | str, *, start: datetime = TRAINED, column: str = "x") -> pd.Series:
    """Put *value* into a share of the rows of the week after *start*; the mask of the rows."""
    times = life.frame["time"]
    week = (times > pd.Timestamp(start)) & (times <= pd.Timestamp(start + 7 * DAY))
    mask = week & (np.random.default_rng(1).random(len(times)) < share)
    life.frame = life.frame.assign(**{column: life.frame[column].astype(object).mask(mask, value).infer_objects()})
    return mask


@pytest.fixture
def life(tmp_path: Path) -> Life:
    made = Life(tmp_path, rows())
    made.train()
    return made


@pytest.mark.parametrize(("share", "value"), [(0.002, -999.0), (0.007, 3e7), (0.007, -1e300)])
def test_a_few_impossible_rows_stay_out_and_the_window_lives(life: Life, value: float, share: float) -> None:
    mask = hit(life, share, value)
    decision, signals = life.look(NEXT)
    result = life.run_ladder(decision)

    (told,) = [s for s in signals if s.within is not None]
    assert (told.column, decision.triage.verdict) == ("x", "healthy")
    assert any("out_of_range" in each for each in decision.triage.evidence)
    learned = result.attempts[0].rows
    assert result.kept_out > 0
    assert learned == life.learnable(NEXT) - result.kept_out
    assert result.kept_out <= mask.sum() < 14


def test_of_more_the_window_is_broken(life: Life) -> None:
    hit(life, 0.04, -999.0)

    assert life.look(NEXT)[0].triage.verdict == "broken_data"


def test_without_a_quarantine_a_handful_breaks_the_window(tmp_path: Path) -> None:
    life = Life(tmp_path, rows(), quarantine=False)
    life.train()
    hit(life, 0.008, -999.0)

    assert life.look(NEXT)[0].triage.verdict == "broken_data"


def test_they_are_judged_by_nobody_and_stay_out_at_later_looks(life: Life) -> None:
    """Neither the champion's performance nor later windows, references and gates know them."""
    mask = hit(life, 0.007, -1e6)
    turned = life.frame.copy()
    turned.loc[mask, "target"] = 1 - turned.loc[mask, "target"]
    _, before = life.look(NEXT)
    life.frame = turned
    with life.context() as context:
        champion = find_champion(context)
        windows = read_windows(context.source.as_of(NEXT), life.spec, champion)
        again = watch(context, champion, windows, pages=False).signals

    def performance(signals: tuple[Signal, ...]) -> list[float | None]:
        return [s.value for s in signals if s.monitor == "performance"]

    assert performance(before) == performance(again)
    later, signals = life.look(LATER)
    assert not [s for s in signals if s.within is not None]
    result = life.run_ladder(later)
    assert result.attempts[0].rows == life.learnable(LATER) - result.kept_out < life.learnable(LATER)
    assert result.missed == 0


def test_the_same_fault_in_the_next_window_is_found_again(life: Life) -> None:
    hit(life, 0.007, -999.0)
    life.look(NEXT)
    hit(life, 0.007, -999.0, start=NEXT)
    decision, signals = life.look(LATER)

    assert [s.column for s in signals if s.within is not None] == ["x"]
    assert decision.triage.verdict != "broken_data"


def test_once_accepted_they_count_again(life: Life) -> None:
    hit(life, 0.007, 400.0)
    decision, _ = life.look(NEXT)
    assert life.run_ladder(decision).kept_out > 0
    accept(life.ledger, life.spec, until=NEXT, now=NEXT + DAY, actor="t", reason="a heat wave")
    result = life.run_ladder(life.look(LATER)[0])

    assert result.kept_out == 0
    assert result.attempts[0].rows == life.learnable(LATER)


def test_a_version_made_beside_them_says_so_and_its_tally_holds(life: Life) -> None:
    """What it learned, what was kept out, and what nobody missed add up."""
    hit(life, 0.007, -999.0)
    decision = fire(life.look(NEXT)[0])
    result = life.run_ladder(decision)
    with life.context() as context:
        candidate = result.candidate or next(iter(result.learned.values()))
        made = offered(context, find_champion(context), decision, result, candidate)
        move_champion(context, made.number, Move("promotion", "better", "test", NEXT, decision.id), UNCONTESTED)
        state = find_champion(context).trained.state
    later = life.run_ladder(life.look(LATER)[0])

    assert any("impossible" in reason for reason in told_of_missed(result))
    assert later.missed == 0
    assert state.profile is not None
    assert state.profile["columns"]["x"]["low"] > -100


@pytest.mark.parametrize("word", ["error", "12,5"])
def test_words_among_numbers_stay_out_and_the_column_stays_a_number(tmp_path: Path, word: str) -> None:
    life = Life(tmp_path, rows(), csv=True)
    life.train()
    hit(life, 0.007, word)
    decision, signals = life.look(NEXT)
    result = life.run_ladder(decision)

    (told,) = [s for s in signals if s.metric == "unreadable"]
    assert (told.column, told.status, decision.triage.verdict) == ("x", "warn", "healthy")
    assert result.attempts[0].rows == life.learnable(NEXT) > 500


def test_a_word_among_booleans_hides_its_own_row_alone(tmp_path: Path) -> None:
    """One other word makes text of a CSV column; `true` and `false` are read as they were."""
    frame = rows()
    frame["flag"] = np.random.default_rng(5).uniform(size=len(frame)) < 0.4
    life = Life(tmp_path, frame, csv=True)
    life.train()
    before = life.learnable(NEXT)
    hit(life, 0.005, "maybe", column="flag")

    assert life.look(NEXT)[0].triage.verdict == "healthy"
    assert before - 20 < life.learnable(NEXT) < before


def test_many_words_among_numbers_break_the_window_alone(tmp_path: Path) -> None:
    life = Life(tmp_path, rows(), csv=True)
    life.train()
    hit(life, 0.05, "broken")

    assert life.look(NEXT)[0].triage.verdict == "broken_data"
    assert life.look(LATER)[0].triage.verdict != "broken_data"
