"""What nobody foresaw leaves a command as one sentence with a next step, and exit code 1."""

from __future__ import annotations

import errno
from typing import Any

import httpx
import pytest

from ratoon.cli import main
from ratoon.spec.unexpected import worded


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def app(**_: Any) -> None:
        raise error

    monkeypatch.setattr(main, "app", app)
    monkeypatch.delenv("RATOON_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as left:
        main.run()
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
