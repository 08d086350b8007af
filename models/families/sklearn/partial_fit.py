"""Learner of scikit-learn estimators with `partial_fit`, alone or behind preprocessing in a Pipeline.

The optimiser's state (Adam moments, step counts) lives in the estimator and goes on, which is what sets
this apart from scikit-learn's `warm_start=True`, which begins it anew.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ....spec.errors import ContractBroken, SpecError
from ....spec.model import Spec
from ....spec.values import Strategy
from ...estimators import Estimator
from ...learning.features import could_not, table, target
from ...learning.how import FIRST, WARM, How, Origin
from ...learning.lineage import advance_state, continued_error, prepare_update, refuse_blocks, start_state
from ...learning.order_sensitivity import Splits
from ...learning.passes import continued, counts, passes_over
from ...learning.rates import why_no_rate
from ...learning.shrink import can_shrink, shrink
from ...learning.steps import Passage, innermost, remember_counts
from ...learning.trained import Trained
from ...learning.weighting import everything
from .libraries import LIBRARIES


@dataclass(frozen=True)
class SklearnPartial:
    """Continues by `partial_fit` in shuffled mini-batches; see `steps.py` on *moving* the preprocessing.

    *weights*: the estimator learns weights, so that it can be shrunk and disturbed. *counting*: it keeps counts,
    which forget nothing, so that replayed rows would only be counted twice.
    """

    moving: bool = True
    weights: bool = False
    counting: bool = False
    family: str = "sklearn-partial"

    @classmethod
    def of(cls, last: object, spec: Spec) -> SklearnPartial:
        """The learner with the abilities of the predicting estimator *last*; SpecError where `rate` has no meaning."""
        no_rate = why_no_rate(last) if spec.learner.rate != 1.0 else None
        if no_rate is not None:
            raise SpecError(
                f"{spec.path}: learner.rate: {spec.learner.rate:g} has no meaning: {no_rate}; leave the key out. "
                "Nothing was changed"
            )
        return cls(weights=can_shrink(last), counting=counts(last))

    @property
    def strategies(self) -> frozenset[Strategy]:
        """The strategies, beside those from scratch, that this estimator has."""
        if self.counting:
            return frozenset({"warm"})
        return frozenset({"warm", "warm_replay", "shrink_perturb"} if self.weights else {"warm", "warm_replay"})

    @property
    def splits(self) -> Splits:
        """Counts add up however they were cut; gradient steps depend on the order of the rows."""
        return "close" if self.counting else "free"

    def first(self, estimator: Estimator, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Fit *estimator* on all *rows*."""
        trained = start_state(self.family, estimator, rows, spec, origin, libraries=LIBRARIES)
        remember_counts(trained.estimator, table(rows, trained.state.features))
        return trained

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* on a deep copy of *champion*; the same rows and state always give the same result."""
        if rows.empty:
            return champion
        _refuse(innermost(champion.estimator), how)
        rows, mixed, y = prepare_update(champion, rows, how, LIBRARIES)
        estimator = copy.deepcopy(champion.estimator)
        last = innermost(estimator)
        new = table(rows, champion.state.features)
        X = new if mixed is rows else table(mixed, champion.state.features)
        learned = target(everything(champion.reservoir, rows, spec.replayed), champion.state.task)
        passage = Passage(self.moving)
        rng = np.random.default_rng([spec.seed, champion.state.updates])
        try:
            Xt, yt = passage.through(estimator, new, X, y)
            if how.strategy == "shrink_perturb":
                shrink(last, spec.learner.shrink, rng)
            notes = continued(last, Xt, yt, learned, spec.learner, rng)
        except (ValueError, TypeError, IndexError) as error:
            raise ContractBroken(could_not("continue on", X, error)) from error
        if len(mixed) > len(rows):
            notes.append(f"{len(mixed) - len(rows)} rows learned before were mixed in")
        return advance_state(
            champion,
            estimator,
            rows,
            spec,
            how,
            epochs=1 if counts(last) else passes_over(len(mixed), spec.learner),
            batch=spec.learner.batch,
            updated_steps=(*passage.updated, type(last).__name__),
            frozen_steps=tuple(passage.frozen),
            frozen_because=passage.frozen,
            notes=(*passage.notes, *notes),
        )


def _refuse(last: object, how: How) -> None:
    """ContractBroken where *last* does not have the strategy."""
    if counts(last) and how.strategy != "warm":
        raise continued_error(f"{type(last).__name__} keeps counts and forgets nothing: replay would count rows twice")
    refuse_blocks(type(last).__name__, how)
    if how.strategy == "shrink_perturb" and not can_shrink(last):
        raise continued_error(f"{type(last).__name__} has no weights to shrink")
