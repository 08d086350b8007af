"""How an update is to learn: which rung of the ladder it stands on, and what that rung adds."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from ..spec.model import LadderRung


@dataclass(frozen=True)
class How:
    """*replay*: canonical rows learned before, to be mixed with the new ones; empty on other rungs."""

    rung: LadderRung = "warm"
    replay: pd.DataFrame = field(default_factory=pd.DataFrame)


WARM = How()
