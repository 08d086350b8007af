"""What a reviewer reads of a version draws nothing that data, names or errors wrote into it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from ratoon.models.gate import Check, GateResult, Stratum
from ratoon.models.gate.plot import drawn
from ratoon.models.gate.table import gate_table
from ratoon.models.ladder.attempt import Attempt
from ratoon.models.learning.state import TrainingState
from ratoon.models.registry.card import about, caught, description
from ratoon.models.registry.evidence import Evidence

MARKS = {
    "a link": "[evil](http://evil.example)",
    "an image": "![evil](http://evil.example/x.png)",
    "HTML": "</td></svg><script>evil()</script><img src=evil>",
    "a table's border": "evil | passed | 1",
    "a heading": "evil\n\n# evil\n\n| evil | b |\n|---|---|",
    "an address": "http://evil.example",
    "code": "` [evil](http://evil.example) `",
}
GFM = MarkdownIt("gfm-like", {"linkify": False, "html": True})
NOW = datetime(2026, 1, 1)
OWN = {
    "p",
    "strong",
    "em",
    "code",
    "ul",
    "li",
    "h3",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "a",
    "hr",
    "blockquote",
}


def gate(evil: str) -> GateResult:
    stratum = Stratum(name=f"recent/{evil}", rows=10, needed=evil, verdict="refused", reason=evil)
    check = Check(name="flips", of=evil, rows=10, needed=evil, verdict="refused", reason=evil)
    return GateResult(metric="auc", confidence=0.95, strata=(stratum,), checks=(check,))


def version(evil: str) -> str:
    """The description of a version in which every text is *evil*."""
    state = TrainingState(
        family="sklearn", task="binary", features=(), watermark=NOW, learned_rows=10, fingerprint=1, seed=1,
        strategy="warm", parent=evil, updated_steps=(evil,), frozen_steps=(evil,), notes=(evil,),
    )  # fmt: skip
    evidence = Evidence(
        decision=evil, at=NOW, example=pd.DataFrame(), reasons=(evil, f"rule `gain.pays`: {evil}"), action="warm_start",
        verdict="harm", against=evil, gate=gate(evil), snapshots=(evil,), spec_path=evil, links=((evil, "http://mlflow/#/page"),),
        attempts=(Attempt(strategy="warm", error=evil), Attempt(strategy="scratch", error=evil, skipped=True)),
    )  # fmt: skip
    return description("flights", state, evidence, "http://mlflow/#/runs/1")


def elements(markdown: str) -> list[Any]:
    return GFM.parse(markdown)


def tags(markdown: str) -> set[str]:
    return set(re.findall(r"<([a-z0-9]+)", GFM.render(markdown)))


@pytest.mark.parametrize("evil", MARKS.values(), ids=MARKS)
def test_a_versions_description_draws_its_own_markup_only(evil: str) -> None:
    harmless = version("fine")
    said = version(evil)
    assert tags(said) <= OWN
    kinds = [[each.type for each in elements(text) if each.type != "inline"] for text in (said, harmless)]
    assert kinds[0] == kinds[1], "no row, cell, item or heading more"
    links = re.findall(r'href="([^"]*)"', GFM.render(said))
    assert links == ["http://mlflow/#/page", "http://mlflow/#/runs/1"]
    assert not re.search(r"https?://evil", re.sub(r"`[^`\n]*`", "", said)), "MLflow's page makes links of addresses"


@pytest.mark.parametrize("evil", MARKS.values(), ids=MARKS)
def test_the_gates_table_and_plot_keep_their_form(evil: str) -> None:
    for width in (None, 80):
        kinds = [
            [each.type for each in elements(gate_table(gate(text), width=width)) if each.type != "inline"]
            for text in (evil, "fine")
        ]
        assert kinds[0] == kinds[1]
    assert "<script" not in drawn(gate(evil))


@pytest.mark.parametrize("evil", MARKS.values(), ids=MARKS)
def test_a_catch_and_a_models_description_draw_nothing_of_theirs(evil: str) -> None:
    for text in (caught(evil, "what it said"), about("flights", evil)):
        assert tags(text) <= OWN
        assert not re.search(r'href="[^"]*evil', GFM.render(text))
        assert "<img" not in GFM.render(text)
