"""A process in which one version answers that runs code of its own; started by apart.py as

    python -P -m ratoon.serving.versions.worker SPEC VERSION

It loads and verifies the version, says so with its training state, and answers tables until its input ends. What it
sends is JSON, so that the replica runs nothing of the version's.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import orjson

from ...loop.context import open_stores
from ...models.learning.trained import Trained
from ...models.registry.mlflow_registry import Registry
from ...models.subprocesses.worker import here, tidy_path
from ...spec.errors import RatoonError
from ...spec.load import load_spec
from ...spec.unexpected import said
from .frames import from_answer, receive, send, to_table
from .prepared import Here


def main(path: str, number: str) -> int:
    """Load, say hello, answer."""
    asked, answers = _channel()
    tidy_path()
    try:
        trained = _load(Path(path), number)
        answering = Here(trained)
    except Exception as error:
        send(answers, orjson.dumps({"error": said(error), "kind": type(error).__name__}))
        return 1
    state = trained.state.model_copy(update={"profile": None})
    hello = {"state": state.model_dump_json(), "probabilistic": trained.probabilistic}
    send(answers, orjson.dumps(hello))
    while (content := receive(asked)) is not None:
        try:
            answer = from_answer(answering(to_table(content)))
        except RatoonError as error:
            answer = orjson.dumps({"error": str(error)})
        send(answers, answer)
    return 0


def _load(path: Path, number: str) -> Trained:
    with open_stores(load_spec(path)) as stores:
        if not isinstance(stores.registry, Registry):
            raise TypeError(type(stores.registry).__name__)
        trained = stores.registry.load_verified(number)
        return replace(trained, estimator=here(trained.estimator))


def _channel() -> tuple[BinaryIO, BinaryIO]:
    """The line to the replica; what the version's code reads and prints is kept off it."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull) as nothing:  # noqa: PTH123 - no path
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return asked, answers


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
