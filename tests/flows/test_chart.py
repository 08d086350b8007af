"""The small charts beside a decision."""

from __future__ import annotations

from base64 import b64decode
from xml.etree import ElementTree

from project import Project

from ratoon.flows.prefect.chart import Point, chart
from ratoon.flows.prefect.lately import lately


def drawn(markdown: str) -> ElementTree.Element:
    return ElementTree.fromstring(b64decode(markdown.split("base64,")[1].rstrip(")")))


def test_a_chart_is_an_image_that_needs_no_network() -> None:
    points = [Point("1 May", 0.7, 0.6, 0.8), Point("2 May", None), Point("3 May", 0.9)]
    markdown = chart("auc <by> window", points, limit=0.65, limit_name="harm beyond")
    assert markdown.startswith("![auc <by> window](data:image/svg+xml;base64,")
    words = [each.text for each in drawn(markdown).iter() if each.text]
    assert "auc <by> window" in words and "- - harm beyond 0.65" in words and "1 May" in words


def test_equal_values_and_negative_ones_can_be_drawn() -> None:
    for value in (0.0, -3.5, 1e9):
        points = [Point("a", value), Point("b", value)]
        assert "NaN" not in ElementTree.tostring(drawn(chart("m", points, limit=None, limit_name=""))).decode()


def test_one_window_is_no_chart() -> None:
    assert chart("m", [Point("a", 1.0), Point("b", None)], limit=1.0, limit_name="x") == ""


def test_a_decision_is_shown_after_the_windows_before_it(decided: Project) -> None:
    with decided.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
        assert lately(context, decision) == ""  # the first look
