"""The page that a backtest writes: whole in itself, safe with any text, and honest about what is not known."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from arms import WEEK, arm, backtest, step

from ratoon.backtest.findings import findings
from ratoon.backtest.page import headline, page, rivals, write_page
from ratoon.backtest.page_charts import against_cost, over_time
from ratoon.backtest.page_marks import mark_of
from ratoon.backtest.page_styles import styled
from ratoon.backtest.results import Backtest, Quality
from ratoon.pages.charts.chart import Chart, Series, Sign
from ratoon.pages.charts.marks import MARKS

NAN = float("nan")
EVIL = "a <b>\"x\"</b> & 'y' </script><script>alert(1)</script>"


def time(found: Backtest) -> Chart:
    return over_time(found, styled(found))


def cost(found: Backtest) -> Chart:
    return against_cost(found, styled(found))


def series(chart: Chart, name: str) -> Series:
    return next(each for each in chart.series if each.name == name)


def sign(chart: Chart, name: str) -> Sign:
    return series(chart, name).signs[0]


class Reader(HTMLParser):
    """What a browser would see: tags with their attributes, and the text outside of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.cells: list[list[str]] = []
        self.items: list[tuple[str, str]] = []
        self._in = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag
        if tag == "tr":
            self.cells.append([])
        if tag in ("th", "td"):
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in in ("script", "style"):
            return
        self.text += data
        self.items.append((self._in, data.strip()))
        if self._in in ("th", "td", "span") and self.cells and self.cells[-1] and "(best)" not in self.cells[-1][-1]:
            self.cells[-1][-1] += data if self._in != "span" or "best" in data else ""

    def row(self, name: str) -> dict[str, str]:
        return dict(zip(self.cells[0], next(row for row in self.cells if row[0] == name), strict=True))


def test_the_page_loads_nothing():
    """No tag and no style points outside, and the page's own policy forbids the browser to fetch anything."""
    html = page(backtest())
    reader = Reader(html)

    assert not [tag for tag, _ in reader.tags if tag in ("link", "img", "iframe", "object", "embed")]
    pointing = [value for _, given in reader.tags for key, value in given.items() if key in ("src", "href", "action")]
    assert pointing == ["#decisions"]
    assert not any(word in html for word in ("http://", "https://", "url(", "@import"))
    assert any("default-src 'none'" in (given.get("content") or "") for _, given in reader.tags)


def test_equal_backtests_give_equal_pages():
    assert page(backtest()) == page(backtest())


def test_a_page_can_be_passed_on() -> None:
    """It holds no library: a page of seven arms weighs less than a photograph."""
    assert len(page(backtest())) < 100_000


def test_every_point_of_a_chart_tells_what_it_is() -> None:
    """Without a script the browser shows it as a title; each arm can be ticked in the legend once the script runs."""
    reader = Reader(page(backtest()))
    boxes = [given["data-of"] for tag, given in reader.tags if tag == "input"]
    drawn = {given["data-series"] for tag, given in reader.tags if "data-series" in given}
    charts = time(backtest()), cost(backtest())
    points = [point for chart in charts for each in chart.series for point in (*each.dots, *each.signs)]

    assert boxes == [each.name for each in backtest().arms] and set(boxes) == drawn
    assert sum(tag == "title" for tag, _ in reader.tags) == len(points) + 1  # the page's own
    assert all(point.text for point in points)


def test_texts_from_outside_stay_texts():
    """Names and reasons with markup are shown as they are: in the page, its attributes and its charts' texts."""
    steps = tuple(step(n, reason=EVIL, version=EVIL, outcome=EVIL, action="warm_start") for n in range(4))
    found = backtest(
        arm(EVIL, "policy", steps=steps), arm("never", "never"), model=EVIL, spec=EVIL, metric=EVIL, currency=EVIL
    )
    html = page(found)
    reader = Reader(html)

    assert "alert(1)</script>" not in html
    assert sum(tag == "script" for tag, _ in reader.tags) == 1
    assert not [given for tag, given in reader.tags if tag in ("b", "i") and given]
    assert '<b>"x"' not in html
    assert EVIL in reader.text
    assert {given["data-series"] for _, given in reader.tags if "data-series" in given} == {EVIL, "never"}
    assert any(EVIL in text for tag, text in reader.items if tag == "title")


def test_what_is_not_known_is_a_dash():
    """NaN breaks neither a chart nor the table, and an arm without quality is left out of the cost chart."""
    nothing = Quality(value=NAN, low=NAN, high=NAN, rows=0)
    steps = (step(0), step(1, quality=nothing, rows=0), step(2, action="alert"), step(3))
    blind = arm("blind", "other", quality=nothing, money=None, harm_days=NAN, cpu=NAN, steps=())
    found = backtest(arm("policy", "policy", steps=steps), blind, currency="EUR")
    html = page(found)
    policy = series(time(found), "policy")

    assert policy.path.count("M") == 2  # the line breaks
    assert len(policy.signs) == 3 and len({each.y for each in policy.signs}) == 1  # at the last quality known
    assert [each.name for each in cost(found).series] == ["policy"]
    row = Reader(html).row("blind")
    assert [row[c] for c in ("roc_auc", "CPU seconds", "money, EUR", "time in harm", "false runs")] == ["–"] * 5
    assert "nan" not in Reader(html).text.lower()


def test_a_page_may_hold_one_arm():
    """Nothing is best where there is no choice, and an arm that cost nothing has a place."""
    for kind in ("policy", "never", "scratch_all"):
        found = backtest(arm("alone", kind, runs=0, cpu=0.0))
        html = page(found)

        assert "(best)" not in Reader(html).text
        assert [text for _, text in cost(found).across] == ["0"]
        assert 0 < sign(cost(found), "alone").x < 100
        assert ("decisions of alone" in Reader(html).text) == (kind == "policy")


def test_what_cost_nothing_stands_left_of_all():
    """The logarithmic axis has a place marked 0, cut off from the rest."""
    chart = cost(backtest())
    never = sign(chart, "never").x
    others = [sign(chart, each.name).x for each in chart.series if each.name != "never"]

    assert chart.cut is not None and never < chart.cut < min(others)
    assert chart.across[0] == (never, "0")


def test_up_is_better_for_errors_too():
    """Where less is better both axes are turned and say so, and the best is the least."""
    found = backtest(metric="log_loss", greater_is_better=False)
    html = page(found)

    for chart in (time(found), cost(found)):
        places, values = zip(*((place, float(text)) for place, text in chart.up), strict=True)
        assert list(places) == sorted(places) and list(values) == sorted(values)
        assert "lower is better" in chart.title
    assert sign(cost(found), "never").y < sign(cost(found), "policy").y
    assert "(best)" in Reader(html).row("never")["log_loss"]
    assert findings(found).best_fixed == "never"


def test_the_headline_holds_the_policy_against_every_fixed_strategy():
    """Warm, both from scratch and never, the one that was best in hindsight named as such; and the uniform schedule."""
    found = backtest()
    lines = [text for tag, text in Reader(page(found)).items if tag == "li"]
    told = {each.name: next(line for line in lines if line.startswith(each.name)) for each in rivals(found)}

    assert [each.kind for each in rivals(found)] == ["never", "warm", "scratch_sliding", "scratch_all", "uniform"]
    assert [name for name, line in told.items() if "in hindsight" in line] == ["schedule, warm"]
    assert all("beats it" in line for line in told.values())
    assert "5.1 CPU seconds, 3.1 of them learning" in headline(found)


def test_where_the_policy_loses_or_cannot_be_told_apart_the_page_says_so():
    """By the interval of the difference, stretch by stretch."""
    found = backtest(
        arm("policy", "policy", 0.7), arm("schedule, warm", "warm", 0.8, cpu=1.0), arm("never", "never", 0.7, 0, 0.0)
    )
    reader = Reader(page(found))

    assert reader.row("schedule, warm")["policy against it"].startswith("loses to: -0.1")
    assert reader.row("never")["policy against it"].startswith("cannot tell: +0")
    advice = findings(found).advice
    assert [each.code for each in advice] == ["never_as_good"]
    assert advice[0].text in reader.text


def test_the_best_of_a_column_is_marked_but_for_the_oracle():
    """Arms that never trained do not win at effort, and the oracle wins nowhere."""
    reader = Reader(page(backtest()))

    assert "(best)" in reader.row("policy")["roc_auc"]
    assert "(best)" in reader.row("policy")["CPU seconds"]
    assert not [text for name in ("never", "oracle") for text in reader.row(name).values() if "(best)" in text]
    assert not [title for title in reader.row("policy") if title.startswith("money")]


def test_arms_without_hindsight_have_no_false_runs_to_show():
    blind = tuple(step(n, helps=None) for n in range(6))
    row = Reader(page(backtest(arm("policy", "policy"), arm("scratch", "scratch_all", steps=blind)))).row("scratch")

    assert (row["false runs"], row["missed runs"]) == ("–", "–")


def test_every_kind_of_decision_has_its_own_mark():
    """Shape and colour both differ between kinds, and broken data is not an alert like others."""
    steps = [
        step(1),
        step(1, action="alert"),
        step(1, action="alert", verdict="broken_data"),
        step(1, action="warm_start", outcome="registered"),
        step(1, action="warm_start", outcome="refused"),
        step(1, action="full_retrain", outcome="registered"),
        step(1, action="full_retrain", outcome="failed"),
        step(1, action="roll_back"),
    ]

    assert [mark_of(each) for each in steps] == list(MARKS)
    assert len({mark.symbol for mark in MARKS.values()}) == len(MARKS)


def test_a_decision_tells_its_reasons_on_its_line():
    """The mark stands at the end of the stretch before; its text has the moment, the verdict and both stretches."""
    long = "harm lasted 3 of 4 windows, " * 6
    steps = (step(0, 0.71), step(1, 0.72, action="warm_start", outcome="refused", verdict="harm", reason=long))
    mark = sign(time(backtest(arm("policy", "policy", steps=steps), arm("never", "never", steps=steps))), "policy")
    line = series(time(backtest(arm("policy", "policy", steps=steps), arm("never", "never", steps=steps))), "never")

    assert (mark.x, mark.y) == (line.dots[0].x, line.dots[0].y)
    for part in ("warm_start: refused", "2024-01-15 00:00", "verdict: harm", "before: 0.7100", "after: 0.7200"):
        assert part in mark.text
    assert all(len(part) < 60 for part in mark.text.splitlines())


def test_touching_stretches_in_harm_are_one_shade():
    harmed = tuple(step(n, harm=n in (1, 2, 4)) for n in range(6))
    shades = time(backtest(arm("policy", "policy", steps=harmed))).shades

    assert [(round(start * 6 / 100), round(width * 6 / 100)) for start, width in shades] == [(1, 2), (4, 1)]


def test_a_long_backtest_is_drawn_small_and_holds_lie_below_what_acted() -> None:
    steps = tuple(step(n, action="alert" if n == 5 else "hold") for n in range(300))
    found = backtest(arm("policy", "policy", steps=steps), arm("never", "never"), end=steps[-1].end)
    signs = series(time(found), "policy").signs

    assert time(found).dense and not time(backtest()).dense
    assert len(signs) == 299 and signs[-1].mark is MARKS["alert"]
    assert 2 <= len(time(found).across) <= 7 and steps[-1].end - steps[0].at == 300 * WEEK


def test_all_that_a_policy_must_beat_is_drawn_at_first():
    """The policy, its uniform schedule and every fixed strategy; the oracle can be ticked."""
    reader = Reader(page(backtest()))
    boxes = [given for tag, given in reader.tags if tag == "input"]

    assert [("checked" in box) for box in boxes] == [True, True, True, True, True, True, False]
    lines = {given["data-series"]: "hidden" not in given for tag, given in reader.tags if tag == "path" and "d" in given
             and "data-series" in given}  # fmt: skip
    assert lines == {str(box["data-of"]): "checked" in box for box in boxes}


def test_write_page_makes_its_folder(tmp_path: Path):
    file = tmp_path / "new" / "backtest.html"
    write_page(backtest(), file)

    assert file.read_text(encoding="utf-8") == page(backtest())
    assert [each.name for each in file.parent.iterdir()] == ["backtest.html"]
