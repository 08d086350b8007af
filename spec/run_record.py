"""What a training run leaves in the ledger beside outcome, version and rows: one type for all who write or read it.

Rows of other releases are read too: what they hold beside is kept, and what has another shape counts as not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from .former_keys import accepts_former, former_attribute


def _mapping(value: object) -> object:
    return value if isinstance(value, Mapping | BaseModel) else None


def _mappings(value: object) -> object:
    return [each for each in value if _mapping(each) is not None] if isinstance(value, list | tuple) else ()


def _number(value: object) -> object:
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else None


def _count(value: object) -> object:
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else 0


def _bytes(value: object) -> object:
    return _count(value) or None


def _text(value: object) -> object:
    return None if value is None else str(value)


def _texts(value: object) -> object:
    return {str(key): str(each) for key, each in value.items()} if isinstance(value, Mapping) else {}


def _yes(value: object) -> object:
    return value is True


Number = Annotated[float | None, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(_count)]
Text = Annotated[str | None, BeforeValidator(_text)]
Yes = Annotated[bool, BeforeValidator(_yes)]


class Record(BaseModel):
    """A part of the record: written as it was made, without what nobody set."""

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="constants")

    @model_serializer(mode="wrap")
    def _what_was_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}


class GainRecord(Record):
    """A gain in the metric's unit, with its interval."""

    value: Number = None
    low: Number = None
    high: Number = None


class RulingRecord(Record):
    """One stratum or check of the gate; *of* is the stratum that a check judges, *gain* only a stratum's."""

    name: Text = None
    verdict: Text = None
    reason: Text = None
    of: Text = None
    rows: Count = 0
    gain: Annotated[GainRecord | None, BeforeValidator(_mapping)] = None

    @property
    def passed(self) -> bool:
        """Whether it let the candidate through."""
        return self.verdict in ("passed", "absent", "reported")


Rulings = Annotated[tuple[RulingRecord, ...], BeforeValidator(_mappings)]


class GateRecord(Record):
    """What the gate said of one candidate."""

    strata: Rulings = ()
    checks: Rulings = ()

    @property
    def passed(self) -> bool:
        """Whether every stratum and check let it through; older ledgers hold no checks."""
        return all(each.passed for each in (*self.strata, *self.checks))

    @property
    def recent_gain(self) -> float | None:
        """The gain on recent holdout rows; None if it was not measured."""
        recent = next((each for each in self.strata if each.name == "recent"), None)
        value = recent.gain.value if recent is not None and recent.gain is not None else None
        return None if value is None or not math.isfinite(value) else value


class AttemptRecord(Record):
    """One strategy of the run: rows and CPU seconds of its learning, what the gate said, or why there is no candidate.

    *skipped*: it was not tried; *unable*: it cannot continue that version, whatever the rows.
    """

    _former = accepts_former(rung="strategy")
    rung: ClassVar[property] = former_attribute("rung", "strategy")
    strategy: Text = None
    rows: Count = 0
    cpu_seconds: Number = 0.0
    gate: Annotated[GateRecord | None, BeforeValidator(_mapping)] = None
    error: Text = None
    skipped: Yes = False
    unable: Yes = False


class CpuSeconds(Record):
    """What a run took; *total* also counts reading the rows and, if it had one of its own, the process's start."""

    learning: Number = None
    judging: Number = None
    total: Number = None


class ProcessUse(Record):
    """What the training process took as a whole, its imports included."""

    cpu_seconds: Number = None
    peak_memory_bytes: Annotated[int | None, BeforeValidator(_bytes)] = None


class RevisedLabels(Record):
    """Labels that the source gives otherwise now: *changed* of a sample *looked_at*, of all *learned*."""

    changed: Count = 0
    looked_at: Count = 0
    learned: Count = 0
    estimate: Count = 0


class RunRecord(Record):
    """What a training run leaves.

    *promising*: no candidate passed the gate, and one was not refuted either; *candidate* is its version, if it was
    kept. *behind*: the versions kept in the background, by strategy. *missed_rows*: rows older than the watermark that
    nobody learned; *kept_out_rows*: impossible ones. *reason*: why it failed or was given up. *background*: it failed
    while strategies learned in the background. *resumed*: it was ended by another process than began it.
    """

    attempts: Annotated[tuple[AttemptRecord, ...], BeforeValidator(_mappings)] = ()
    promising: Yes = False
    candidate: Text = None
    behind: Annotated[dict[str, str], BeforeValidator(_texts)] = {}
    cpu_seconds: Annotated[CpuSeconds | None, BeforeValidator(_mapping)] = None
    missed_rows: Count = 0
    kept_out_rows: Count = 0
    revised_labels: Annotated[RevisedLabels | None, BeforeValidator(_mapping)] = None
    process: Annotated[ProcessUse | None, BeforeValidator(_mapping)] = None
    reason: Text = None
    background: Yes = False
    resumed: Text = None

    @property
    def gain(self) -> float | None:
        """The gain on recent holdout rows of the attempt that passed the gate, else of the last that was judged."""
        judged = [each.gate for each in self.attempts if each.gate is not None and each.gate.strata]
        if not judged:
            return None
        return next((gate for gate in judged if gate.passed), judged[-1]).recent_gain
