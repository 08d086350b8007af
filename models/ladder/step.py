"""One strategy of a run: whether it is tried, what it goes on from, and what it learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from ...spec.errors import ContractBroken, DataError, RatoonError
from ...spec.model import Spec
from ...spec.unexpected import users_code, worded
from ...spec.values import Strategy
from ..families.choose import learner_for
from ..gate import PrequentialPredictions
from ..learning.how import How, Origin
from ..learning.learner import Learner
from ..learning.reservoir import replayed
from ..learning.trained import Trained
from .asked import LadderRows
from .attempt import SCRATCH, Attempt
from .fit import Stopwatch, first
from .skipped import not_learned_by


@dataclass(frozen=True)
class Step:
    """One strategy after the other; those that continue do so from the newest of their *lines*, else from the
    champion."""

    champion: Trained
    spec: Spec
    given: LadderRows
    lines: Mapping[Strategy, Trained]

    @cached_property
    def learner(self) -> Learner:
        """The family's: a user's own is loaded from its file."""
        return learner_for(self.champion.estimator, self.spec)

    def base(self, strategy: Strategy) -> Trained:
        """What *strategy* goes on from."""
        return self.lines.get(strategy, self.champion)

    def rows(self, strategy: Strategy) -> pd.DataFrame:
        """The rows that its base has not learned."""
        return not_learned_by(self.base(strategy), self.given.unlearned)

    def prequential(self, strategy: Strategy) -> PrequentialPredictions | None:
        """What the line of *strategy* said of the rows before it learned them; None where it has no line of its own."""
        line = self.lines.get(strategy)
        return (
            PrequentialPredictions(line, self.champion, self.rows(strategy).tail(self.spec.gate.sample))
            if line is not None
            else None
        )

    def over(self, strategy: Strategy, reason: str | None) -> tuple[Attempt, None] | None:
        """That *strategy* is not tried at all, for *reason* or because it has no meaning here; None where it is
        tried."""
        unable: str | None = None
        if reason is None and strategy == "scratch_recent" and self.since(strategy) is None:
            reason = "no recent stretch is given"
        if reason is None and strategy not in SCRATCH:
            if strategy != "warm" and strategy not in self.learner.strategies:  # `warm` says itself why it cannot
                reason = unable = f"the family {self.learner.family} does not have this strategy"
            elif strategy in ("warm_replay", "warm_blocks") and _keeps_nothing(self.base(strategy)):
                reason = unable = "the version to continue keeps no rows to replay"
        if reason is None:
            return None
        return Attempt(strategy=strategy, skipped=True, error=reason, unable=reason == unable), None

    def since(self, strategy: Strategy) -> datetime | None:
        """The moment after which a strategy from scratch learns; None for all that there is."""
        return {"scratch": self.given.since, "scratch_recent": self.given.recent_since}.get(strategy)

    def up(self, strategy: Strategy) -> tuple[Attempt, Trained | None]:
        """Learn on *strategy*; the candidate, or why there is none."""
        fresh = strategy in SCRATCH
        rows = self.given.scratch(self.since(strategy)) if fresh else self.rows(strategy)
        if rows.empty and not fresh and strategy in self.lines:
            return Attempt(strategy=strategy), self.lines[
                strategy
            ]  # it has learned all that there is, and can be offered
        if rows.empty:
            which = "in the history to learn" if fresh else "that the version to continue has not learned"
            return Attempt(strategy=strategy, error=f"no labelled rows {which}"), None
        watch = Stopwatch(self.spec.learner.threads)
        how = How()
        candidate: Trained | None = None
        error: str | None = None
        try:
            if fresh:
                candidate = self._from_scratch(strategy, rows, watch)
            else:
                how, learner = self._how(strategy, len(rows)), self.learner
                with users_code(), watch.running():
                    candidate = learner.update(self.base(strategy), rows, self.spec, how)
        except (ContractBroken, DataError) as broken:
            error = str(broken)
        except (RatoonError, MemoryError):
            raise
        except Exception as broken:  # users' code and libraries raise anything; it is this strategy's fault alone
            error = worded(broken)
        unable = error is not None and not fresh
        learned = len(rows) + len(how.replay)
        return Attempt(
            strategy=strategy, rows=learned, cpu_seconds=watch.seconds, error=error, unable=unable
        ), candidate

    def _from_scratch(self, strategy: Strategy, rows: pd.DataFrame, watch: Stopwatch) -> Trained:
        origin = Origin(strategy, self.champion.version, self.since(strategy), self.champion)
        with users_code():
            candidate, watch.seconds = first(self.spec, rows, origin=origin)
        return candidate

    def _how(self, strategy: Strategy, new: int) -> How:
        """What *strategy* adds to so many *new* rows; ContractBroken if this spec cannot continue its base."""
        base = self.base(strategy)
        base.state.check_holdout(self.spec.data.holdout)
        base.state.check_mature_after(self.spec.data.matured)
        if strategy == "warm":
            return How()
        return How(strategy, replayed(strategy, base.reservoir, new, self.spec.learner, turn=base.state.updates))


def _keeps_nothing(base: Trained) -> bool:
    return base.reservoir is None or base.reservoir.empty
