"""How a version comes about: from what beginning, or by which strategy it goes on, and what that adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from ...spec.former_keys import former_attribute
from ...spec.values import Strategy, TrainedBy

if TYPE_CHECKING:
    from .trained import Trained


@dataclass(frozen=True)
class Origin:
    """A fit from the beginning: its *strategy*, the *parent* that it is to follow, and the open start of its history.

    *champion* is what it is to follow, also where that is no registered version; left out where there is none.
    """

    rung: ClassVar[property] = former_attribute("rung", "strategy")
    strategy: TrainedBy = "first"
    parent: str | None = None
    since: datetime | None = None
    champion: Trained | None = None  # whose unit of distance a clustering keeps, also from scratch


@dataclass(frozen=True)
class How:
    """*replay*: canonical rows learned before, to be mixed with the new ones; empty on other strategies."""

    rung: ClassVar[property] = former_attribute("rung", "strategy")
    strategy: Strategy = "warm"
    replay: pd.DataFrame = field(default_factory=pd.DataFrame)


FIRST, WARM = Origin(), How()
