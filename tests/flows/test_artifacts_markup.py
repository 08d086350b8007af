"""What runs leave on Prefect's pages draws nothing that data, names, reasons or people wrote into it.

Prefect's page draws the cells of tables as Markdown, as it does descriptions.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from ratoon.flows.prefect import artifacts, artifacts_version
from ratoon.loop.events import Promoted
from ratoon.spec.values import Decision, GuardAnswer, Signal, Span, Triage

GFM = MarkdownIt("gfm-like", {"linkify": False, "html": True})
NOW = datetime(2026, 1, 8)
WINDOW = Span(start=NOW - timedelta(days=7), end=NOW)
EVIL = (
    "[evil](http://evil.example)", "![evil](http://evil.example)", "<script>evil()</script>", "a\n\n# evil", "| evil |",
    "http://evil.example", "<img src=evil>",
)  # fmt: skip


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that was handed to Prefect."""
    found: list[str] = []

    def keep(**given: Any) -> None:
        found.extend(str(given[name]) for name in ("markdown", "description") if given.get(name))
        found.extend(text for row in given.get("table", ()) for text in row.values())

    for module in (artifacts, artifacts_version):
        for name in ("create_table_artifact", "create_markdown_artifact", "create_link_artifact"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, keep)
        monkeypatch.setattr(module, "PREFECT", True)
    return found


def context(evil: str) -> Any:
    nothing = SimpleNamespace(decisions=SimpleNamespace(of=lambda *_: [], signals=lambda *_: []))
    registry = SimpleNamespace(page=lambda _: "http://mlflow/#/models")
    return SimpleNamespace(
        spec=SimpleNamespace(model="flights", metric="roc_auc", own_metric=None), ledger=nothing, registry=registry,
        stores=SimpleNamespace(workspace=Path(f"/srv/{evil}")),
    )  # fmt: skip


def decision(evil: str) -> Decision:
    guard = GuardAnswer(rule=evil, guard=evil, held=True, text=evil)
    return Decision(
        id="d1", model="flights", at=NOW, window=WINDOW, triage=Triage(verdict="harm", evidence=(evil,)), rule=evil,
        action="warm_start", guards=(guard,), reasons=(evil, f"rule `gain.pays` does not hold: {evil}"), champion="1",
        policy=evil,
    )  # fmt: skip


def signal(evil: str) -> Signal:
    return Signal(
        monitor=evil, metric=evil, column=evil, status="fail", note=evil, window=WINDOW, rows=10, snapshot="s1"
    )


@pytest.mark.parametrize("evil", EVIL)
def test_a_look_draws_its_own_markup_only(left: list[str], evil: str) -> None:
    artifacts.publish_decision(context(evil), decision(evil), [signal(evil)])
    _drawn(left)


@pytest.mark.parametrize("evil", EVIL)
def test_a_promotion_draws_its_own_markup_only(left: list[str], evil: str) -> None:
    """The reason and the name are what somebody typed."""
    promoted = {"model": "flights", "spec": "s", "at": NOW, "version": "2", "previous": "1", "kind": "promotion"}
    artifacts_version.publish_promotion(Promoted(**promoted, actor=evil, reason=evil))
    _drawn(left)


def _drawn(left: list[str]) -> None:
    assert any("evil" in text for text in left)
    for text in left:
        page = GFM.render(text)
        assert not re.search(r"<(script|img|h1|table)", page), text
        assert not re.search(r'(href|src)="[^"]*evil\.example', page), text
        assert not re.search(r"https?://evil", re.sub(r"`[^`\n]*`", "", text)), text
        assert "\n\n# " not in text
