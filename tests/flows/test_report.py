"""The report says what `status` and `history` say."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import unescape

import pytest
from project import Project

from ratoon.cli.commands.report import report
from ratoon.cli.reading import read_facts
from ratoon.cli.views.json_output import print_data, print_history
from ratoon.pages.words import rounded


def test_the_report_agrees_with_status_and_history(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Champion, versions, decisions, runs and cost on the page are those of the commands."""
    file = report(finished.spec, file=finished.folder / "report.html", start=None, end=None, now=datetime(2026, 12, 24))
    html = file.read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", html)))
    capsys.readouterr()
    facts = read_facts(finished.spec)
    print_data(facts.as_json())
    status = json.loads(capsys.readouterr().out)
    print_history(facts, 20)
    history = json.loads(capsys.readouterr().out)

    (champion,) = (each for each in status["versions"] if each["alias"] == "champion")
    (run,) = status["updates"]
    assert f"Serves v{champion['version']} since" in text
    for each in status["versions"]:
        assert f"v{each['version']} {each['alias']}".strip() in text
        assert each["decision"] in text and f"{int(each['learned_rows']):,}" in text
    assert f"Spent 1 run, {rounded(run['cpu_seconds'])} CPU s 1 registered" in text
    assert f"{run['rows']:,} {rounded(run['cpu_seconds'])} {run['decision']}" in text
    assert f"Last decision {status['last_decision']['action']}" in text
    for each in history:
        assert f"decision {each['id']}" in text
        for reason in each["reasons"]:
            assert re.sub(r"\s+", " ", reason) in text
    for each in status["promotions"]:
        assert each["actor"] in text and each["reason"] in text
