"""What the gate says on a real stream in which old regimes come back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from processes import Processes

from ratoon.loop.context import open_context
from ratoon.loop.rehearsal import write_rehearsal
from ratoon.spec.load import load_spec

ROOT = Path(__file__).parents[2]
NOAA = ROOT / "examples" / "noaa_bellevue.yaml"


@pytest.mark.skipif(
    not (ROOT / "../shared/datasets/main/noaa_bellevue.parquet").exists(),
    reason="the stream is not shipped; see examples/README.md",
)
@pytest.mark.slow
def test_an_update_that_gains_nothing_is_refused_and_offered_to_nobody(processes: Processes, tmp_path: Path):
    """Rain in Bellevue: updates on six recent years forget the older ones or gain nothing, from scratch likewise."""
    path = str(write_rehearsal(load_spec(NOAA), tmp_path / "noaa"))
    processes.run("train", spec=path, at=datetime(2006, 7, 24))

    ended = processes.run("retrain", spec=path, at=datetime(2012, 7, 22), reason="a look by hand")

    with open_context(load_spec(path)) as context:
        assert ended.result["outcome"] == "refused", ended.trace
        assert all(version.unproven for version in context.registry.versions() if version.number != "1")
        assert context.registry.champion().number == "1"
        assert context.registry.challenger() is None
        (run,) = context.ledger.runs.of(context.spec.model)
        attempts = run.evidence.model_dump()["attempts"]
        assert [attempt["strategy"] for attempt in attempts] == list(context.spec.learner.strategies)[: len(attempts)]
        judged = [attempt["gate"] for attempt in attempts if attempt["gate"]]
        assert judged and not any(stratum["verdict"] == "unsure" for gate in judged for stratum in gate["strata"])
