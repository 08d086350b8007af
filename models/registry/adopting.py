"""Adopt a foreign model in a bounded process: loading it may run its own code, which stays there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from ...spec.model import Spec
from ..families.foreign import Foreign
from ..learning.trained import Trained
from ..subprocesses.bounded import Limits, carried_out
from ..subprocesses.worker import Ask
from .recovered import Found, recover


@dataclass(frozen=True)
class _Adopt:
    foreign: Foreign
    spec: Spec
    rows: dict[str, Any]

    def __call__(self, ask: Ask) -> tuple[tuple[Trained, Found], Any]:
        trained, found = recover(self.foreign, self.spec, **self.rows)
        return (replace(trained, estimator=None), found), trained.estimator


def adopt_apart(
    foreign: Foreign, spec: Spec, *, rows: pd.DataFrame, holdout: pd.DataFrame, upto: datetime
) -> tuple[Trained, Found]:
    """As recovered.recover. A model that carries code is never imported here: what comes back stands for it.

    Then `foreign.folder` must stay until the version is registered.
    """
    job = _Adopt(foreign, spec, {"rows": rows, "holdout": holdout, "upto": upto})
    with carried_out(job, spec, Limits.of(spec)) as done:
        trained, found = done.result
        return replace(trained, estimator=done.estimator(foreign.code)), found
