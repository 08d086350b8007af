"""`ratoon init` writes the default policy, whatever that is."""

from __future__ import annotations

from pathlib import Path

from ratoon.cli.commands.init import example_flights, write_starter
from ratoon.cli.commands.init_own_data import OwnData, write_own
from ratoon.spec.keys.rules import DEFAULT_POLICY
from ratoon.spec.load import load_spec


def test_the_starter_has_the_default_policy(tmp_path: Path) -> None:
    write_starter(tmp_path / "p", "flights")
    assert load_spec(tmp_path / "p" / "spec.yaml").policy == DEFAULT_POLICY


def test_a_project_over_own_data_has_the_default_policy(tmp_path: Path) -> None:
    data = tmp_path / "flights.parquet"
    example_flights(1000).to_parquet(data, index=False)
    write_own(tmp_path / "p", "p", OwnData(data, "late", "event_time", "row_id", label_delay="6h"))
    assert load_spec(tmp_path / "p" / "spec.yaml").policy == DEFAULT_POLICY
