"""Code of the user's that ends itself, by `sys.exit()` or the like, is one error among others: named, and survived."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDRegressor

from ratoon.models.families.choose import build
from ratoon.spec.errors import Refused, SpecError
from ratoon.spec.unexpected import Left, users_code, worded

from .ladders import run_ladder


class Odd(BaseException):
    """What a library may define for itself."""


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


ENDS = [SystemExit(0), SystemExit("no licence"), Odd("odd"), BaseExceptionGroup("many", [SystemExit(3)]), Mute()]
NAMES = [f"{type(each).__name__}{i}" for i, each in enumerate(ENDS)]


def raising(error: BaseException) -> Any:
    def method(*_: Any, **__: Any) -> Any:
        raise error

    return method


@pytest.mark.parametrize("error", ENDS, ids=NAMES)
def test_a_strategy_whose_code_ends_itself_is_recorded_and_the_next_is_tried(
    world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(SGDRegressor, "partial_fit", raising(error))
    result = run_ladder(**world)
    failed, *_, last = result.attempts
    assert failed.strategy == "warm" and failed.error is not None and type(error).__name__ in failed.error
    assert last.strategy == "scratch"


@pytest.mark.parametrize("error", ENDS, ids=NAMES)
def test_a_model_that_ends_itself_when_it_predicts_is_refused(
    world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(SGDRegressor, "predict", raising(error))
    with pytest.raises(Refused, match="could not predict"):
        world["champion"].predict(world["recent"])


@pytest.mark.parametrize("where", ["import sys\nsys.exit()\n", "def build():\n    raise SystemExit(0)\n"])
def test_a_build_file_that_ends_itself_is_bad_input(make_spec: Any, tmp_path: Path, where: str) -> None:
    (tmp_path / "training.py").write_text(where)
    with pytest.raises(SpecError, match=r"SystemExit.*training\.py:2"):
        build(make_spec(folder=tmp_path, learner={"build": "training.py:build"}))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError(), ValueError("x")])
def test_what_is_about_this_process_goes_through(error: BaseException) -> None:
    with pytest.raises(type(error)), users_code():
        raise error


def test_an_error_of_a_thousand_lines_is_worded_in_one() -> None:
    words = worded(RuntimeError("\n" + "x" * 5_000_000))
    assert "\n" not in words and len(words) < 500
    assert "SystemExit" in worded(_left())


def _left() -> Left:
    with pytest.raises(Left) as found, users_code():
        raise SystemExit(np.int64(0))
    return found.value
