"""Adopt a foreign model in a bounded process: loading it may run its own code, which stays there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from ...spec.model import Spec
from ..estimators import Predictor
from ..families.foreign import Foreign
from ..learning.trained import Trained
from ..subprocesses.bounded import carried_out
from ..subprocesses.limits import Limits
from .recovered import Found, recover


@dataclass(frozen=True)
class _Adopt:
    foreign: Foreign
    spec: Spec
    rows: pd.DataFrame
    holdout: pd.DataFrame
    upto: datetime

    def __call__(self, ask: object) -> tuple[tuple[Trained, Found], Predictor]:
        trained, found = recover(self.foreign, self.spec, rows=self.rows, holdout=self.holdout, upto=self.upto)
        return (trained.without_estimator(), found), trained.estimator


def adopt_apart(
    foreign: Foreign, spec: Spec, *, rows: pd.DataFrame, holdout: pd.DataFrame, upto: datetime
) -> tuple[Trained, Found]:
    """As recovered.recover. A model that carries code is never imported here: what comes back stands for it.

    Then `foreign.folder` must stay until the version is registered.
    """
    job = _Adopt(foreign, spec, rows, holdout, upto)
    with carried_out(job, spec, Limits.of(spec)) as done:
        trained, found = done.result
        return replace(trained, estimator=done.estimator(foreign.code)), found
