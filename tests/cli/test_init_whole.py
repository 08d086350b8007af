"""`ratoon init` leaves all of its files or none of them, so that it can be given again when there is room."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratoon.cli.commands.init import example_flights, write_starter
from ratoon.cli.commands.init_own_data import OwnData, write_own


def full_after(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, times: int) -> None:
    """Let a method that writes files do so *times* times, and then half."""
    real, calls = getattr(kind, name), [0]

    def method(self: Any, *args: Any, **more: Any) -> Any:
        calls[0] += 1
        found = real(self, *args, **more)
        if calls[0] > times:
            raise OSError(errno.ENOSPC, "No space left on device")
        return found

    monkeypatch.setattr(kind, name, method)


@pytest.mark.parametrize(
    ("kind", "name", "times"), [(Path, "write_text", 0), (Path, "write_text", 2), (pd.DataFrame, "to_parquet", 0)]
)
def test_a_full_disk_leaves_no_half_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type, name: str, times: int
) -> None:
    with monkeypatch.context() as patched:
        full_after(patched, kind, name, times)
        with pytest.raises(OSError, match="No space"):
            write_starter(tmp_path, "flights")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert len(write_starter(tmp_path, "flights")) == 4


def test_nor_over_data_of_one_s_own_which_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "mine.parquet"
    example_flights(2_000).to_parquet(data)
    own = OwnData(file=data, id="row_id", time="event_time", target="late", label_time="label_time")
    full_after(monkeypatch, Path, "write_text", 1)
    with pytest.raises(OSError, match="No space"):
        write_own(tmp_path, "flights", own)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine.parquet"]
