"""A process that was suspended while it held a lock (Ctrl-Z, SIGSTOP) lets no other wait for ever."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ratoon.flows import holding
from ratoon.flows.holding import holding as held_by
from ratoon.flows.holding import one_after_another
from ratoon.models.registry import store
from ratoon.spec.errors import Unavailable


@contextmanager
def suspended(lock: Path) -> Iterator[None]:
    """As another process that holds *lock* and does nothing; locks are of open files, not of processes."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def kept(home: Path) -> Any:
    return SimpleNamespace(stores=SimpleNamespace(home=home), spec=SimpleNamespace(model="m"))


def test_a_sweep_goes_on_beside_one_that_is_suspended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(holding, "SWEEP_SECONDS", 0.2)
    monkeypatch.setattr(holding, "get_run_logger", lambda: logging.getLogger("ratoon.flows"))
    gone_on = []
    with suspended(tmp_path / "sweep-m.lock"), one_after_another(kept(tmp_path)):
        gone_on.append(True)
    assert gone_on and "sweep-m.lock" in caplog.text


def test_a_registry_that_somebody_opens_for_ever_is_named_with_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LONGEST_MS", 200)
    spec, uri = SimpleNamespace(), f"sqlite:///{tmp_path / 'mlflow.db'}"
    with (
        suspended(tmp_path / "mlflow.lock"),
        pytest.raises(Unavailable, match=r"mlflow\.lock.*suspended"),
        store.only_one(spec, uri),  # type: ignore[arg-type]
    ):
        pytest.fail("it was opened")
    with store.only_one(spec, uri):  # type: ignore[arg-type]
        pass


def test_a_lock_file_that_holds_anything_at_all_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "retrain-m.lock").write_bytes(bytes(range(256)) * 20)
    with held_by(kept(tmp_path)) as first:
        assert first.name not in first.dead
    with held_by(kept(tmp_path)) as second:
        assert first.name in second.dead
