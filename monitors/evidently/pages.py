"""Snapshots as small HTML files, for those who judge a version without opening the workspace.

Evidently's own page brings its whole application with it, 3.7 MB each time. Ours shows the same figures, tables and
graphs without any script, so that it needs no network and opens in MLflow's artifact viewer; the snapshot itself,
which `evidently ui` draws in full, lies in it to be taken out.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypedDict

from markupsafe import Markup

from ...pages.html import own
from .plotted import graph
from .workspace import project_id

MOST = 1_000_000  # bytes of all pages of one version
_SNAPSHOTS = "snapshots"  # Evidently's SNAPSHOTS_DIR_NAME, whose import takes seconds
_ROWS, _TEXT = 500, 600  # of a table; characters of a cell
_LEAST = 3_000  # bytes left, below which nothing more is drawn
_CSS = """
.drawn { width: 100%; max-width: 720px; height: auto; display: block; }
.drawn text { font-size: 11px; fill: var(--quiet); }
td, th { white-space: normal; text-align: left; } td:first-child { overflow-wrap: normal; }
.counters { display: flex; flex-wrap: wrap; gap: 4px 32px; }
"""
_PAGE = Markup("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>{css}</style></head><body><main>
<h1>{title}</h1><p class="quiet">{facts}</p>
{body}
</main></body></html>
""")


class Counter(TypedDict, total=False):
    """A figure and what it counts."""

    value: object
    label: object


class Test(TypedDict, total=False):
    """What a test found."""

    status: str
    state: str
    title: str
    description: str


class Params(TypedDict, total=False):
    """What a widget shows, each kind its own part of these."""

    counters: Sequence[Counter]
    header: Sequence[object]
    data: Sequence[Sequence[object]]
    tests: Sequence[Test]


class Tab(TypedDict, total=False):
    """A widget within another, under a title."""

    title: str
    widget: Widget


class Widget(TypedDict, total=False):
    """A part of Evidently's page, and the parts within it."""

    type: str
    title: str
    params: Params | None
    linked_metrics: Sequence[str]
    tabs: Sequence[Tab]
    widgets: Sequence[Widget]


class MetricResult(TypedDict, total=False):
    """What one metric came to."""

    tests: Sequence[object]


class Content(TypedDict, total=False):
    """What is read of a snapshot's file, with the snapshot's *id*."""

    id: str
    name: str
    metadata: Mapping[str, object]
    metric_results: Mapping[str, MetricResult]
    tests_widgets: Sequence[Widget]
    widgets: Sequence[Widget]


def reports_of(workspace: Path, project: str, snapshots: Sequence[str]) -> dict[str, str]:
    """File name to HTML of the kept *snapshots*, at most 1 MB together; those not found are left out.

    A workspace on another machine, one that was tidied up, or a torn file there must not stop a registration.
    """
    found: dict[str, Content] = {}
    for snapshot in snapshots:
        file = Path(workspace) / project_id(project) / _SNAPSHOTS / f"{snapshot}.json"
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            title = re.sub(r"[^a-z0-9]+", "-", str(content["tags"][0]).lower())
            found[f"{title}.html"] = content | {"id": snapshot}
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return {name: page(content, MOST // len(found)) for name, content in found.items()}


def page(snapshot: Content, most: int) -> str:
    """The snapshot's content (as its file holds it) as one HTML page of at most *most* bytes; failed tests first."""
    facts = {**(snapshot.get("metadata") or {}), "snapshot": snapshot.get("id", "")}
    told = Markup("").join(Markup("{}: {}. ").format(name, _text(value)) for name, value in facts.items())
    head = {"title": _text(snapshot.get("name") or "Evidently"), "css": own("page.css") + Markup(_CSS), "facts": told}  # noqa: S704 - our own file
    left = most - len(_PAGE.format(**head, body="").encode()) - 400  # for what is said of the rest
    body: list[Markup] = []
    out = 0
    parts: list[Callable[[], Markup]] = [*_parts(snapshot), partial(_taken_along, snapshot)]
    for draw in parts:
        part = draw() if left > _LEAST else Markup("")
        if left > _LEAST and len(part.encode()) <= left:
            body.append(part)
            left -= len(part.encode()) + 1
        else:
            out += 1
    if out:
        body.append(Markup("<p>{} more parts did not fit: open the snapshot in the workspace.</p>").format(out))
    return str(_PAGE.format(**head, body=Markup("\n").join(body)))


def _parts(snapshot: Content) -> Iterator[Callable[[], Markup]]:
    """Figures and tables, then graphs, each drawn when it is called; those of failed tests first."""
    results = snapshot.get("metric_results") or {}
    failed = {key for key, each in results.items() if any(_failed(test) for test in each.get("tests") or ())}
    widgets = [*(snapshot.get("tests_widgets") or ()), *(snapshot.get("widgets") or ())]
    order = sorted(widgets, key=lambda each: not (failed & set(each.get("linked_metrics") or ())))
    about = {key: _figures(each) for each in widgets for key in each.get("linked_metrics") or () if _figures(each)}
    drawn = [part for each in order for part in _drawn(each, next(iter(_about(each, about)), ""))]
    yield from (part for is_graph, part in drawn if not is_graph)
    yield from (part for is_graph, part in drawn if is_graph)


def _failed(test: object) -> bool:
    return isinstance(test, Mapping) and str(test.get("status", "")).upper().endswith("FAIL")


def _figures(widget: Widget) -> str:
    """What a widget of figures is about: the first of them, or its title."""
    if widget.get("type") != "counter":
        return ""
    counters = (widget.get("params") or {}).get("counters") or ({},)
    return str(widget.get("title") or counters[0].get("value", ""))


def _about(widget: Widget, about: Mapping[str, str]) -> Iterator[str]:
    return (about[key] for key in widget.get("linked_metrics") or () if key in about)


def _drawn(widget: Widget, under: str = "") -> Iterator[tuple[bool, Callable[[], Markup]]]:
    """Whether it is a graph, and what makes its HTML, for the widget and all in it; *under*: what it is about."""
    params, title = widget.get("params") or {}, _text(widget.get("title") or "")
    kind = widget.get("type")
    about = title if kind in ("counter", "table") else ": ".join(each for each in (_text(under), title) if each)
    heading = Markup("<h2>{}</h2>").format(about) if about else Markup("")
    if kind == "counter":
        cells = [
            Markup("<p><strong>{}</strong> {}</p>").format(_text(each.get("value", "")), _text(each.get("label", "")))
            for each in params.get("counters") or ()
        ]
        figures = heading + Markup('<div class="counters">{}</div>').format(Markup("").join(cells))
        yield False, lambda: figures
    elif kind == "table":
        yield False, lambda: heading + _table(params.get("header") or (), params.get("data") or ())
    elif kind == "test_suite":
        tests = params.get("tests") or ()
        rows = [[t.get("status") or t.get("state", ""), t.get("title", ""), t.get("description", "")] for t in tests]
        yield False, lambda: Markup("<h2>Tests</h2>") + _table(("status", "test", "what it found"), rows)
    elif kind == "big_graph":
        yield True, lambda: heading + graph(params)
    for tab in widget.get("tabs") or ():
        yield from _drawn(tab.get("widget") or {}, f"{under}: {str(tab.get('title') or '').lower()}".strip(": "))
    for each in widget.get("widgets") or ():
        yield from _drawn(each, under)


def _table(header: Sequence[object], rows: Sequence[Sequence[object]]) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(_text(each)) for each in header)
    lines = [Markup("").join(Markup("<td>{}</td>").format(_text(each)) for each in row) for row in rows[:_ROWS]]
    more = Markup("<p>{} more rows.</p>").format(len(rows) - _ROWS) if len(rows) > _ROWS else Markup("")
    body = Markup("").join(Markup("<tr>{}</tr>\n").format(line) for line in lines)
    return Markup('<div class="sideways"><table><thead><tr>{}</tr></thead>{}</table></div>{}').format(head, body, more)


def _taken_along(snapshot: Content) -> Markup:
    """The snapshot as a file inside the page."""
    plain = json.dumps({key: value for key, value in snapshot.items() if key != "id"}).encode()
    text = base64.b64encode(gzip.compress(plain, mtime=0)).decode()
    return Markup(
        '<p class="quiet"><a download="{}.json.gz" href="data:application/gzip;base64,{}">The snapshot</a>, as '
        "Evidently reads it, unpacked into a workspace's folder <code>snapshots</code>.</p>"
    ).format(_text(snapshot.get("id", "snapshot")), text)


def _text(value: object) -> str:
    text = str(value)
    return text if len(text) <= _TEXT else text[:_TEXT] + "…"
