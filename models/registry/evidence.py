"""What a version carries for its reviewer (invariant 8): one value, filled by the flow that trained it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from ...spec.values import Span
from ..gate import GateResult
from ..ladder.attempt import Attempt
from ..subprocesses.used import Used


@dataclass(frozen=True)
class Evidence:
    """Why and how a version came about.

    *decision* is the idempotency key: one version is registered for it, however often it is tried.
    *against* is the champion that the gate compared it with. *example* holds a few canonical rows, from which
    signature and input example are made. *reports* are whole files by name (Evidently HTML or JSON) that become
    artifacts of the training run.
    """

    decision: str
    at: datetime
    example: pd.DataFrame
    reasons: tuple[str, ...] = ()
    action: str = "first training"
    verdict: str = ""
    window: Span | None = None
    against: str | None = None
    gate: GateResult | None = None
    attempts: tuple[Attempt, ...] = ()
    rows: int = 0  # learned by this training
    cpu_seconds: float = 0.0  # of learning
    used: Used | None = None  # by the whole training process, where it had one of its own
    snapshots: tuple[str, ...] = ()
    reports: Mapping[str, str] = field(default_factory=dict)
    flow_run: str | None = None
    spec_path: str = "spec.yaml"
    links: tuple[tuple[str, str], ...] = ()  # words and address
    background: bool = False  # it learned at a look that offered nothing of it: no gate judged it
    adopted_from: str = ""  # the address of the foreign model that this version was made of

    @property
    def unproven(self) -> bool:
        """Whether no gate passed the version: it is kept to go on from."""
        return self.background or (self.gate is not None and not self.gate.passed)

    @property
    def judged(self) -> str:
        """What the gate said, in a word: `none` (a beginning), `background` (not asked), `unproven` or `passed`."""
        if self.background:
            return "background"
        return "none" if self.gate is None else "unproven" if self.unproven else "passed"
