"""`ratoon fleet DIR` and `ratoon status DIR`: every model is looked at, whatever is wrong with another."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import ratoon

from ratoon.ledger.ledger import Ledger
from ratoon.spec.load import load_spec
from ratoon.spec.stores import stores_of

pytestmark = pytest.mark.slow

CALM = "2026-02-08"


def test_a_broken_spec_stops_no_other_and_is_listed_with_its_reason(models: Path) -> None:
    (models / "broken.yaml").write_text("model: broken\ndata: {source: x}\nlearner: {build: no.py:build}\n")
    (models / "other" / "data" / "flights.parquet").unlink()
    said = ratoon("fleet", models, "--at", CALM, "--json")
    assert said.code == 1
    looks = {Path(each["spec"]).parent.name: each for each in said.json["looks"]}
    assert looks["calm"]["action"] == "hold"
    assert "data.id" in looks["models"]["fault"]
    assert looks["other"]["decision"] is None and looks["other"]["fault"]
    listed = ratoon("status", models, "--json")
    assert listed.code == 1
    assert {each["model"]: bool(each["fault"]) for each in listed.json} == {
        "calm": False,
        "broken": True,
        "other": False,
    }


def test_one_round_judges_every_model_beside_the_others_and_the_ledger_alone_says_so_again(models: Path) -> None:
    said = ratoon("fleet", models, "--at", CALM, "--json")
    assert said.code == 0, said.err
    assert [each["model"] for each in said.json["looks"]] == ["calm", "other"]
    assert said.json["alarms"] == []
    sizes = []
    for model in ("calm", "other"):
        spec = load_spec(models / model / "spec.yaml")
        with Ledger.open(stores_of(spec).ledger) as ledger:
            (decision,) = ledger.decisions.of(model)
        assert decision.facts["fleet"]["alarm"] is False
        sizes.append(decision.facts["fleet"]["models"])
        (again,) = ratoon("history", spec.path, "--recompute", "--json").json
        assert again["differs"] == []
    assert sizes == [1, 2]  # the second knew where the first stood


def test_the_table_has_a_line_for_each_model(models: Path) -> None:
    ratoon("fleet", models, "--at", CALM)
    listed = {each["model"]: each for each in ratoon("status", models, "--json").json}
    assert set(listed) == {"calm", "other"}
    for each in listed.values():
        assert (each["champion"], each["looked"], each["verdict"]) == ("1", "2026-02-08 00:00", "healthy")
        assert each["alarm"] is False and each["e_value"] > 0


def test_a_folder_without_a_spec_is_bad_input(tmp_path: Path) -> None:
    assert ratoon("fleet", tmp_path).code == 2
    assert ratoon("status", tmp_path).code == 2
    assert ratoon("fleet", tmp_path / "none").code == 2


def test_a_moment_and_an_endless_round_do_not_go_together(tmp_path: Path) -> None:
    assert ratoon("fleet", tmp_path, "--at", CALM, "--every", "1h").code == 2
