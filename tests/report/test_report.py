"""The report: one page that needs nothing, tells all that the ledger holds, and lets no text be more than text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ratoon.cli.commands.init import write_starter
from ratoon.cli.commands.report import report
from ratoon.ledger.ledger import Ledger, Promotion, Review
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.models.registry.versions import Version
from ratoon.pages.charts.axes import Level, Time
from ratoon.report.life import Life, read_life
from ratoon.report.page import page
from ratoon.report.tables import MOST
from ratoon.spec.errors import BadInput
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.run_record import RunRecord
from ratoon.spec.stores import stores_of
from ratoon.spec.values import Decision, GuardAnswer, Score, Signal, Span, Triage

START = datetime(2026, 3, 1)
DAY = timedelta(days=1)
NOW = datetime(2026, 12, 24, 18, 0)
EVIL = "a <b>\"x\"</b> & 'y' </style></script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Reader(HTMLParser):
    """What a browser would see: tags with their attributes, and the text outside of styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_data(self, data: str) -> None:
        if self._in not in ("style", "script"):
            self.text += f" {data}"


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]) -> Path:
    """A project whose registry exists and is empty."""
    folder = tmp_path_factory.mktemp("starter") / "project"
    write_starter(folder, "flights")
    empty_mlflow(folder / ".ratoon")
    return folder


@pytest.fixture
def spec(starter: Path, tmp_path: Path) -> Spec:
    """The starter, whose training has a budget of runs."""
    path = shutil.copytree(starter, tmp_path / "project") / "spec.yaml"
    text = path.read_text()
    assert text.count("do: warm_start") == 1
    path.write_text(text.replace("do: warm_start", "do: warm_start\n    budget: {runs: 10, per: 30d}"))
    return load_spec(path)


@pytest.fixture
def ledger(spec: Spec) -> Any:
    with Ledger.open(stores_of(spec).ledger) as opened:
        yield opened


def decided(day: int, action: str = "hold", verdict: str = "healthy", **more: Any) -> Decision:
    """A decision *day* days after START over the day before it."""
    at = START + day * DAY
    facts = {
        "triage": verdict,
        "performance": {"value": 0.7 + day % 10 / 100, "low": 0.65, "high": 0.85, "reference": 0.8,
                        "drop": 0.1 - day % 10 / 100, "tolerance": 0.03, "failing": verdict == "harm"},
        "drift": {"share": 0.25, "threshold": 0.3, "columns": ["hour"]},
        "quality": {"failed": [], "columns": []},
    }  # fmt: skip
    known = {
        "id": f"d{day}", "model": "flights", "at": at, "action": action, "triage": Triage(verdict=verdict),
        "reasons": (f"reason of day {day}.",), "facts": facts, "policy": "abc", "champion": "1",
        "window": Span(start=at - DAY, end=at),
    }  # fmt: skip
    return Decision.model_validate(known | more)


def record(ledger: Ledger, *decisions: Decision) -> None:
    for each in decisions:
        seen = Signal(monitor="drift", metric="drift_share", status="ok", window=each.window, rows=100)
        ledger.decisions.record(each, [seen], live=True)


def trained(ledger: Ledger, decision: Decision, outcome: str, cpu: float, version: str | None = None) -> None:
    run = ledger.runs.claim(
        model="flights", decision=decision.id, at=decision.at, run=None, now_wall=decision.at, abandon_after=DAY
    )
    assert run is not None
    stratum = {"name": "recent", "reason": "gain +0.05 lies above zero"}
    ledger.runs.finish(
        run, outcome=outcome, version=version, cpu_seconds=cpu, rows=1234, ended_at=decision.at,  # type: ignore[arg-type]
        evidence=RunRecord.model_validate({"attempts": [{"strategy": "warm", "gate": {"strata": [stratum]}}]}),
    )  # fmt: skip


def moved(ledger: Ledger, version: str, day: float, **more: Any) -> None:
    known = {"previous": None, "kind": "promotion", "actor": "ann", "reason": "it looks right", "decision": None}
    ledger.promotions.record(Promotion(model="flights", version=version, at=START + day * DAY, **(known | more)))


def version(number: str, *aliases: str, **tags: str) -> Version:
    return Version(model="flights", number=number, aliases=aliases, created=START,
                   tags={f"ratoon.{name}": value for name, value in tags.items()})  # fmt: skip


def life(spec: Spec, ledger: Ledger, *versions: Version, end: datetime | None = None) -> Life:
    """What the ledger holds, beside *versions* as the registry would give them."""
    read = read_life(spec, ledger, Registry.open(spec), end=end)
    serving = next((each.number for each in versions if "champion" in each.aliases), read.champion)
    waiting = next((each.number for each in versions if "challenger" in each.aliases), None)
    return Life(**{**vars(read), "versions": versions, "champion": serving, "challenger": waiting})


def told(html: str) -> str:
    return re.sub(r"\s+", " ", Reader(html).text)


def test_the_page_loads_nothing_and_runs_nothing(spec: Spec, ledger: Ledger) -> None:
    """No script, no outside address, and the page's own policy forbids the browser both."""
    record(ledger, decided(1))
    html = page(life(spec, ledger), now=NOW)
    tags = Reader(html).tags

    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object", "embed", "form"}
    assert [value for _, given in tags for key, value in given.items() if key in ("src", "href", "action")] == [
        "#decisions"
    ]
    assert "http://" not in html and "https://" not in html and "url(" not in html and "@import" not in html
    policy = next(given["content"] for _, given in tags if given.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_an_empty_ledger_is_a_page_that_says_what_to_do(spec: Spec, ledger: Ledger) -> None:
    text = told(page(life(spec, ledger), now=NOW))

    for words in ("nothing yet", "ratoon train spec.yaml", "none yet", "ratoon monitor spec.yaml", "0 runs, 0 CPU s"):
        assert words in text
    assert "made at 2026-12-24 18:00 UTC" in text


def test_the_first_look_says_what_serves_how_it_does_and_what_it_cost(spec: Spec, ledger: Ledger) -> None:
    fired, held = decided(2, "warm_start", "harm"), decided(3, "hold", "harm")
    record(ledger, decided(1), fired, held)
    trained(ledger, fired, "registered", 2.5, "2")
    moved(ledger, "1", 0, kind="first", actor="ratoon", reason="the first version")
    text = told(page(life(spec, ledger, version("2", "challenger"), version("1", "champion")), now=NOW))

    assert "Serves v1 since 2026-03-01 00:00 UTC, the first version by ratoon" in text
    assert "roc_auc now 0.7300 (0.6500 to 0.8500)" in text
    assert "accepted at 0.8000 0.07 worse; harm begins at 0.03 worse" in text
    assert "Last decision hold at 2026-03-04 00:00 UTC, triage: harm reason of day 3. so far 2 hold" in text
    assert "Waits for review v2 offered 2026-03-03 00:00 UTC warm: recent: gain +0.05 lies above zero" in text
    assert "Spent 1 run, 2.5 CPU s 1 registered warm_start: 9 runs left of 10 per 30d, at 2026-03-04 00:00" in text


def test_a_champion_that_no_window_has_judged_says_so(spec: Spec, ledger: Ledger) -> None:
    """The figures are the former champion's, and nobody takes them for the new one's."""
    record(ledger, decided(1))
    moved(ledger, "2", 1.1, previous="1")
    text = told(page(life(spec, ledger, version("2", "champion"), version("1")), now=NOW))

    assert "of v1, window to 2026-03-02 00:00 UTC v2 has not been looked at yet" in text


def test_an_alias_moved_elsewhere_is_no_known_promotion(spec: Spec, ledger: Ledger) -> None:
    moved(ledger, "1", 0)

    assert "the alias was moved elsewhere" in told(page(life(spec, ledger, version("3", "champion")), now=NOW))


def test_every_hold_tells_its_reasons_and_the_guard_that_held(spec: Spec, ledger: Ledger) -> None:
    guard = GuardAnswer(rule="r", guard="cooldown", held=True, text="the champion is 2h old; the cooldown is 6h")
    record(ledger, decided(1, guards=(guard,)))
    score = Score(decision="d1", at=START + 5 * DAY, verdict="wrong", text="an update gains 0.04")
    ledger.scores.record(score, "flights")
    html = page(life(spec, ledger), now=NOW)

    assert "reason of day 1." in told(html)
    assert "guard cooldown held: the champion is 2h old; the cooldown is 6h" in told(html)
    assert "Judged by later labels: wrong: an update gains 0.04" in told(html)
    assert "<title>2026-03-02 00:00: hold (healthy)\nreason of day 1.</title>" in html


def test_who_promoted_rolled_back_and_rejected_and_why(spec: Spec, ledger: Ledger) -> None:
    moved(ledger, "2", 1, previous="1")
    moved(ledger, "1", 2, previous="2", kind="roll_back", actor="bo", reason="complaints since noon")
    ledger.reviews.record(
        Review(
            model="flights",
            version="3",
            verdict="rejected",
            at=START + 3 * DAY,
            actor="cy",
            reason="flips in the evening",
            decision=None,
        )
    )
    record(ledger, decided(4))
    text = told(page(life(spec, ledger), now=NOW))

    assert "2026-03-03 00:00 roll back v1 v2 bo complaints since noon" in text
    assert "2026-03-02 00:00 promotion v2 v1 ann it looks right" in text
    assert "2026-03-04 00:00 v3 rejected cy flips in the evening" in text


def test_texts_from_outside_stay_texts(spec: Spec, ledger: Ledger) -> None:
    """Reasons, names and tags with markup are shown as they are."""
    record(ledger, decided(1, reasons=(EVIL,), champion=EVIL))
    moved(ledger, EVIL, 0, actor=EVIL, reason=EVIL)
    found = life(spec, ledger, version("1", "champion", strategy=EVIL, gate=EVIL))
    html = page(Life(**{**vars(found), "model": EVIL, "spec": EVIL}), now=NOW)
    reader = Reader(html)

    assert not {tag for tag, _ in reader.tags} & {"script", "img"}
    assert html.count("</style>") == 1
    assert EVIL in reader.text
    assert not [key for _, given in reader.tags for key in given if key.startswith("on")]


def test_equal_ledgers_give_equal_pages(spec: Spec, ledger: Ledger) -> None:
    """But for the moment at which the page was made, which is given to it."""
    record(ledger, *(decided(day) for day in range(1, 20)))
    one, two = (page(life(spec, ledger), now=NOW) for _ in range(2))

    assert one == two
    assert one != page(life(spec, ledger), now=NOW + DAY)


def test_a_thousand_decisions_stay_readable(spec: Spec, ledger: Ledger) -> None:
    """All marks are drawn; the text keeps what acted and the newest holds, and says what it left out."""
    record(ledger, *(decided(day, "alert" if day % 100 == 0 else "hold") for day in range(1, 1001)))
    html = page(life(spec, ledger), now=NOW)
    text = told(html)

    assert html.count("<li><p><time>") == MOST
    assert f"{1000 - MOST} older ones are left out, holds first" in text
    listed = [int(day) for day in re.findall(r"<li>reason of day (\d+)\.</li>", html)]
    assert {100, 200, 999, 1000} < set(listed) and 101 not in listed and listed == sorted(listed, reverse=True)
    assert html.count("(healthy)\nreason") == 1000
    assert len(html) < 2_000_000


def test_a_page_of_a_stretch_knows_nothing_of_later(spec: Spec, ledger: Ledger) -> None:
    """`--end` shows the model as it was known then; `--start` where charts and decisions begin."""
    record(ledger, *(decided(day) for day in range(1, 10)))
    moved(ledger, "1", 0)
    moved(ledger, "2", 6, previous="1")
    then = read_life(spec, ledger, Registry.open(spec), end=START + 5 * DAY)
    text = told(page(then, now=NOW, start=START + 3 * DAY))

    assert "Serves v1" in text and "v2" not in text
    assert "reason of day 5." in text and "reason of day 6." not in text and "reason of day 2." not in text


def test_what_people_do_in_their_own_time_does_not_squeeze_the_windows(spec: Spec, ledger: Ledger) -> None:
    """Windows of the past, judged today, keep the axis; a promotion of today stands at its right edge."""
    record(ledger, decided(1), decided(2))
    moved(ledger, "1", 0)
    moved(ledger, "2", 250, previous="1")
    html = page(life(spec, ledger), now=NOW)

    assert "2026-02-28 00:00 to 2026-03-03 00:00 UTC" not in told(html)  # the first move is the first event
    assert "2026-03-01 00:00 to 2026-03-03 00:00 UTC" in told(html)
    assert "v2 became champion at 2026-11-06 00:00 UTC, later than this axis" in told(html)


def test_a_look_that_measured_nothing_breaks_the_line(spec: Spec, ledger: Ledger) -> None:
    blind = {"performance": {"failing": False}, "drift": {}, "quality": {"failed": ["volume"], "columns": []}}
    record(ledger, decided(1), decided(2, facts=blind), decided(3))
    html = page(life(spec, ledger), now=NOW)
    line = re.findall(r'style="stroke: var\(--blue\)" d="([^"]*)"', html)[-1]

    assert line.count("M") == 2 and "L" not in line
    assert "nan" not in told(html).lower() and "None" not in told(html)
    assert "2026-03-03 00:00: 1 failed (volume)" in html


def test_axes_have_few_round_ticks() -> None:
    ticks = Time(datetime(2026, 1, 30), datetime(2026, 3, 2)).ticks()
    assert [text for _, text in ticks] == ["2026-02-05", "2026-02-12", "2026-02-19", "2026-02-26"]
    assert len(Time(datetime(2001, 1, 1), datetime(2026, 1, 1)).ticks()) <= 7

    assert [text for _, text in Level.around([0.61, 0.79]).ticks()] == ["0.60", "0.65", "0.70", "0.75", "0.80"]
    assert [text for _, text in Level.around([0.0, 1.0], zero=True, whole=True).ticks()] == ["0", "1"]
    assert Level.around([]).ticks() and Level.around([5.0]).ticks()


def test_report_writes_where_asked_and_refuses_nonsense(spec: Spec, tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.html"
    assert report(spec, file=file, start=None, end=None, now=NOW) == file
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [each.name for each in file.parent.iterdir()] == ["report.html"]
    assert report(spec, file=None, start=None, end=None, now=NOW) == stores_of(spec).home / "report-flights.html"

    with pytest.raises(BadInput, match=r"--start .* is not before --end .* no page was written"):
        report(spec, file=file, start=START, end=START, now=NOW)
    with pytest.raises(BadInput, match="cannot be written"):
        report(spec, file=file / "below a file.html", start=None, end=None, now=NOW)
