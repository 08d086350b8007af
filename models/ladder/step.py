"""One strategy of a climb: whether it is tried, what it goes on from, and what it learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from ...spec.errors import ContractBroken, DataError, RatoonError
from ...spec.model import Spec
from ...spec.unexpected import users_code, worded
from ...spec.values import LadderRung
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
    """One rung after the other; those that continue do so from the newest of their *lines*, else from the champion."""

    champion: Trained
    spec: Spec
    given: LadderRows
    lines: Mapping[LadderRung, Trained]

    @cached_property
    def learner(self) -> Learner:
        """The family's: a user's own is loaded from its file."""
        return learner_for(self.champion.estimator, self.spec)

    def base(self, rung: LadderRung) -> Trained:
        """What *rung* goes on from."""
        return self.lines.get(rung, self.champion)

    def rows(self, rung: LadderRung) -> pd.DataFrame:
        """The rows that its base has not learned."""
        return not_learned_by(self.base(rung), self.given.unlearned)

    def foretold(self, rung: LadderRung) -> PrequentialPredictions | None:
        """What the line of *rung* said of the rows before it learned them; None where it has no line of its own."""
        line = self.lines.get(rung)
        return (
            PrequentialPredictions(line, self.champion, self.rows(rung).tail(self.spec.gate.sample))
            if line is not None
            else None
        )

    def over(self, rung: LadderRung, reason: str | None) -> tuple[Attempt, None] | None:
        """That *rung* is not tried at all, for *reason* or because it has no meaning here; None where it is tried."""
        unable: str | None = None
        if reason is None and rung == "scratch_recent" and self.since(rung) is None:
            reason = "no recent stretch is given"
        if reason is None and rung not in SCRATCH:
            if rung != "warm" and rung not in self.learner.rungs:  # `warm` says itself why it cannot
                reason = unable = f"the family {self.learner.family} does not have this rung"
            elif rung in ("warm_replay", "warm_blocks") and _keeps_nothing(self.base(rung)):
                reason = unable = "the version to continue keeps no rows to replay"
        if reason is None:
            return None
        return Attempt(rung=rung, skipped=True, error=reason, unable=reason == unable), None

    def since(self, rung: LadderRung) -> datetime | None:
        """The moment after which a strategy from scratch learns; None for all that there is."""
        return {"scratch": self.given.since, "scratch_recent": self.given.recent_since}.get(rung)

    def up(self, rung: LadderRung) -> tuple[Attempt, Trained | None]:
        """Learn on *rung*; the candidate, or why there is none."""
        fresh = rung in SCRATCH
        rows = self.given.scratch(self.since(rung)) if fresh else self.rows(rung)
        if rows.empty and not fresh and rung in self.lines:
            return Attempt(rung=rung), self.lines[rung]  # it has learned all that there is, and can be offered
        if rows.empty:
            which = "in the history to learn" if fresh else "that the version to continue has not learned"
            return Attempt(rung=rung, error=f"no labelled rows {which}"), None
        watch = Stopwatch(self.spec.learner.threads)
        how = How()
        candidate: Trained | None = None
        error: str | None = None
        try:
            if fresh:
                candidate = self._from_scratch(rung, rows, watch)
            else:
                how, learner = self._how(rung, len(rows)), self.learner
                with users_code(), watch.running():
                    candidate = learner.update(self.base(rung), rows, self.spec, how)
        except (ContractBroken, DataError) as broken:
            error = str(broken)
        except (RatoonError, MemoryError):
            raise
        except Exception as broken:  # users' code and libraries raise anything; it is this strategy's fault alone
            error = worded(broken)
        unable = error is not None and not fresh
        learned = len(rows) + len(how.replay)
        return Attempt(rung=rung, rows=learned, cpu_seconds=watch.seconds, error=error, unable=unable), candidate

    def _from_scratch(self, rung: LadderRung, rows: pd.DataFrame, watch: Stopwatch) -> Trained:
        origin = Origin(rung, self.champion.version, self.since(rung), self.champion)
        with users_code():
            candidate, watch.seconds = first(self.spec, rows, origin=origin)
        return candidate

    def _how(self, rung: LadderRung, new: int) -> How:
        """What *rung* adds to so many *new* rows; ContractBroken if this spec cannot continue its base."""
        base = self.base(rung)
        base.state.check_holdout(self.spec.data.holdout)
        base.state.check_mature_after(self.spec.data.matured)
        if rung == "warm":
            return How()
        return How(rung, replayed(rung, base.reservoir, new, self.spec.learner, turn=base.state.updates))


def _keeps_nothing(base: Trained) -> bool:
    return base.reservoir is None or base.reservoir.empty
