"""What nobody foresaw leaves a command as one sentence with a next step, and exit code 1."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratoon.cli import app as cli
from ratoon.spec.errors import BadInput
from ratoon.spec.private import private_folder
from ratoon.spec.unexpected import worded


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fails(**_: Any) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    monkeypatch.delenv("RATOON_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as left:
        cli.run()
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("column [red]x[/red] [/]"),
        ValueError("a [link=https://evil.example]b[/link]"),
        OSError(errno.ENOSPC, "No space left"),
    ],
)
def test_it_is_a_sentence_without_traceback_or_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    assert ended(monkeypatch, error) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error ") and "Traceback" not in said
    assert str(error.args[-1]) in said


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Failed to reach API at http://prefect.example/api/"),
        httpx.ConnectTimeout("timed out"),
        httpx.HTTPStatusError(
            "Server error '503 Service Unavailable'",
            request=httpx.Request("GET", "http://prefect.example"),
            response=httpx.Response(503),
        ),
    ],
)
def test_a_prefect_that_does_not_answer_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    assert "Prefect at http://prefect.example/api" in worded(error)
    assert "PREFECT_API_URL" in worded(error)


@pytest.mark.parametrize("error", [SystemExit(), SystemExit(0), SystemExit("no licence"), GeneratorExit("x")])
def test_code_that_ends_the_process_ends_no_command_as_if_it_were_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    """A metric, a source, a driver: 0 would tell a scheduler that all went well."""
    assert ended(monkeypatch, error) == 1
    assert type(error).__name__ in capsys.readouterr().err


def caused(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    "error",
    [
        caused(RuntimeError("cannot log"), OSError(errno.ENOSPC, "No space left on device")),
        caused(ValueError("no model"), caused(RuntimeError(""), OSError(errno.EDQUOT, "Disk quota exceeded"))),
        RuntimeError("(raised as a result of autoflush; …)\n(sqlite3.OperationalError) database or disk is full"),
        RuntimeError('could not extend file "base/1/2": No space left on device'),
        OSError(errno.EFBIG, "File too large"),
    ],
)
def test_a_full_disk_below_a_library_s_own_error_is_named_too(error: Exception) -> None:
    assert "disk is full" in worded(error)
    assert "raised as a result" not in worded(error)


def test_errors_that_name_each_other_as_their_cause_are_worded() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert "one" in worded(one)


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_file_where_a_folder_should_be_is_bad_input(tmp_path: Path, below: str) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(BadInput, match="home"):
        private_folder(tmp_path / "home" / below)
