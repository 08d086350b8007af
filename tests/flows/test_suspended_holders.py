"""A process that was suspended while it held a lock (Ctrl-Z, SIGSTOP) lets no other wait for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ratoon.loop.holding import holding
from ratoon.models.registry import store
from ratoon.spec.errors import Unavailable
from ratoon.system.locks import file_lock


@contextmanager
def suspended(lock: Path) -> Iterator[None]:
    """As another process that holds *lock* and does nothing; locks are of open files, not of processes."""
    with file_lock(lock) as held:
        assert held
        yield


def kept(home: Path) -> Any:
    return SimpleNamespace(stores=SimpleNamespace(home=home), spec=SimpleNamespace(model="m"))


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
    with holding(kept(tmp_path)) as first:
        assert first.name not in first.dead
    with holding(kept(tmp_path)) as second:
        assert first.name in second.dead
