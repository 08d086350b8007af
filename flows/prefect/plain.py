"""Stand-ins for what the flows use of Prefect, for commands that run without it.

A flow is a call with a run of its own (id, name, parameters), whose parameters are validated as Prefect validates
them; a task is a call that is retried. Artifacts, events and names of runs are Prefect's pages: here nobody reads
them, and they go nowhere. Warnings are printed on the error stream.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Generic, NoReturn, ParamSpec, TypeVar
from uuid import uuid4

from pydantic import ValidationError, validate_call

from ...spec.errors import BadInput
from ...spec.wording import cut, dotted

P = ParamSpec("P")
R = TypeVar("R")

NO_CACHE = None


@dataclass(frozen=True)
class State(Generic[R]):
    """How a task's try ended: what a `retry_condition_fn` asks."""

    error: Exception

    def result(self, raise_on_failure: bool = True) -> Exception:
        """The error; raised, unless told not to."""
        if raise_on_failure:
            raise self.error
        return self.error


MayRetry = Callable[[object, None, State[object]], bool]  # task, run and state, as Prefect hands them over


@dataclass
class _Run:
    parameters: dict[str, object]
    id: str = field(default_factory=lambda: str(uuid4()))
    name: str = ""


_present: ContextVar[_Run | None] = ContextVar("ratoon_plain_run", default=None)


class _FlowRun:
    """As `prefect.runtime.flow_run`: the run that this is within."""

    tags: tuple[str, ...] = ()
    scheduled_start_time = None

    @property
    def id(self) -> str | None:
        run = _present.get()
        return run.id if run else None

    @property
    def name(self) -> str | None:
        run = _present.get()
        return run.name if run else None

    @property
    def parameters(self) -> dict[str, object]:
        run = _present.get()
        return run.parameters if run else {}


class _Deployment:
    id = None


flow_run = _FlowRun()
deployment = _Deployment()


def get_run_logger() -> logging.Logger:
    """The flows' logger; what is worth a warning reaches the error stream."""
    return logging.getLogger("ratoon.flows")


class Flow(Generic[P, R]):
    """A function that is a run of its own."""

    def __init__(self, fn: Callable[P, R], flow_run_name: Callable[[], str] | None) -> None:
        self.fn = fn
        self._validated = validate_call(fn)
        self._named = flow_run_name
        update_wrapper(self, fn)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        bound = inspect.signature(self.fn).bind(*args, **kwargs)
        bound.apply_defaults()
        with _within(_Run(dict(bound.arguments))) as run:
            run.name = self._named() if self._named else self.fn.__name__
            try:
                return self._validated(*args, **kwargs)
            except ValidationError as error:
                if error.title != self.fn.__name__:  # what the run itself raised
                    raise
                raise BadInput(_worded(error)) from None


def _worded(error: ValidationError) -> str:
    """The parameters that a run cannot have, with what was found and expected."""
    said = (
        f"{dotted(fault['loc'])}: found {cut(ascii(fault['input']))}; {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False)
    )
    return f"{'; '.join(said)}. Nothing was changed."


@contextmanager
def _within(run: _Run) -> Iterator[_Run]:
    token = _present.set(run)
    try:
        yield run
    finally:
        _present.reset(token)


class Task(Generic[P, R]):
    """A function that is tried again where it fails."""

    def __init__(
        self,
        fn: Callable[P, R],
        retries: int,
        retry_delay_seconds: float,
        retry_condition_fn: MayRetry | None,
    ) -> None:
        self.fn = fn
        self._retries, self._pause, self._may = retries, retry_delay_seconds, retry_condition_fn
        update_wrapper(self, fn)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        for left in range(self._retries, -1, -1):
            try:
                return self.fn(*args, **kwargs)
            except Exception as error:
                if not left or (self._may is not None and not self._may(self, None, State(error))):
                    raise
                get_run_logger().warning("%s: %s; tried again in %g s.", self.fn.__name__, error, self._pause)
                time.sleep(self._pause)
        raise AssertionError("a try returns or raises")


def flow(
    *, name: str, flow_run_name: Callable[[], str] | None = None, **_of_prefect: object
) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Make a function a flow; hooks and the like are Prefect's, and left out."""
    return lambda fn: Flow(fn, flow_run_name)


def task(
    *,
    retries: int = 0,
    retry_delay_seconds: float = 0,
    retry_condition_fn: MayRetry | None = None,
    **_of_prefect: object,
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a task."""
    return lambda fn: Task(fn, retries, retry_delay_seconds, retry_condition_fn)


def _nowhere(*_args: object, **_kwargs: object) -> None:
    """What Prefect's pages would show."""


create_link_artifact = create_markdown_artifact = create_table_artifact = _nowhere
create_progress_artifact = update_progress_artifact = emit_event = _nowhere


def get_client(*_args: object, **_kwargs: object) -> NoReturn:
    """There is no server to ask."""
    raise RuntimeError("this command runs without a Prefect server")
