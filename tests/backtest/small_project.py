"""A small project on made-up flights whose evenings turn from punctual to late on 2026-02-10."""

from __future__ import annotations

import re
from pathlib import Path

from ratoon.cli.commands.init import example_flights, write_starter
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec

POLICY = """\
policy:
  - when: triage == "broken_data"
    do: alert
  - when: triage == "harm"
    do: warm_start
    min_rows: 50
    budget: {runs: 10, per: 30d}
"""


def write_spec(folder: Path, *changes: tuple[str, str]) -> Spec:
    """The starter's spec with a quick metric, looked at every four days, trained on harm, the warm strategy alone."""
    if not (folder / "spec.yaml").exists():
        write_starter(folder, "flights")
        example_flights(4000).to_parquet(folder / "data" / "flights.parquet", index=False)
    text = (folder / "spec.yaml").read_text()
    ordinary = (
        (r"(build: training.py:build)[^\n]*", r"\1\n  strategies: [warm]"),
        (r"metric: roc_auc, min_labels: 200", "metric: brier, min_labels: 100, tolerance: 0.01"),
        (r"window: 7d", "window: 4d"),
        (r"every: 1d", "every: 4d"),
        (r"review: required", "review: automatic"),
        (r"(?s)policy:.*?(?=\ngate:)", POLICY),
        (r"recent: better", "recent: not_worse"),
    )
    for pattern, new in (*ordinary, *changes):
        text, found = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert found, f"{pattern} is not in the spec"
    (folder / "changed.yaml").write_text(text)
    return load_spec(folder / "changed.yaml")
