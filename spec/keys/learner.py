"""The learner's part of the spec: what is built, how it learns on, and within which limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import (
    Field,
    field_validator,
)

from ..duration import MOST_ROWS, Period
from ..family import ANY_TYPE
from ..former_keys import former_attribute
from ..size import Size
from ..values import Strategy
from .part import Part
from .relative import FileEntry


class ReplaySpec(Part):
    """The reservoir of rows learned before, and how much of it an update mixes in."""

    rows: int = Field(5_000, ge=0, le=MOST_ROWS, description="Most rows kept, a uniform sample of the lineage; 0: none")
    recent: int = Field(
        4_000, ge=0, le=MOST_ROWS, description="The newest rows, kept beside the sample, for `warm_blocks`"
    )
    ratio: float = Field(1.0, gt=0, le=100, description="Rows replayed for each new row, as far as the reservoir goes")
    stratify: Literal["none", "class", "time"] = Field(
        "none", description="Share the reservoir evenly among the classes, or among stretches of `every`"
    )
    every: Period = Field(timedelta(days=30), description="Length of a stretch for `stratify: time`")


class BlocksSpec(Part):
    """Boosted trees as a weighted mean of blocks: each update trains one on the newest rows alone and one on these and
    a sample of all history, and drops those that count least."""

    count: int = Field(6, ge=1, le=100, description="Most blocks that a model holds; 1: only the newest, on all rows")
    rounds: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Boosting rounds of a block; left out: those of a fit from scratch (several classes), else half",
    )
    rows: int = Field(8_000, ge=100, le=MOST_ROWS, description="Rows of an update, but that it takes all new ones")
    recent: float = Field(
        0.5, ge=0, le=1, description="Share of them that are the newest; the others are a uniform sample of all history"
    )


class ShrinkSpec(Part):
    """Shrink-and-perturb (Ash & Adams 2020): weights are scaled by *keep* and disturbed before they learn on."""

    keep: float = Field(0.6, gt=0, le=1, description="What the weights are multiplied by")
    noise: float = Field(
        0.01, ge=0, le=1_000, description="Standard deviation of the noise, as a share of a fresh model's"
    )


class LimitsSpec(Part):
    """What one training may take: it runs in a process of its own, which is ended where it takes more."""

    wall: Period = Field(timedelta(hours=1), description="Longest time by the clock on the wall")
    memory: Size | None = Field(None, description="Most memory, such as 2GB (Linux only); left out: no limit")
    apart: bool = Field(
        True, description="`false`: train inside the flow's own process, without limits, as a replay does"
    )


class LearnerSpec(Part):
    """How the model is built the first time, and how it continues."""

    former: ClassVar[Mapping[str, str]] = {"rungs": "strategies", "race": "ladder"}
    rungs: ClassVar[property] = former_attribute("rungs", "strategies")
    race: ClassVar[property] = former_attribute("race", "ladder")

    build: FileEntry = Field(description="file.py:function that returns an unfitted estimator")
    family: FileEntry = Field(
        "auto",
        description="Left out: chosen by the estimator; else a family (`ratoon check` names them), a learner of your "
        "own as file.py:Class, or the name of an entry point in the group ratoon.learners",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Passes over the new rows in a warm update (partial_fit, PyTorch); left out: as many as learn "
        "about 20,000 rows, each counted at every pass, from 1 to 50. PyTorch's fits from scratch: 10 where left out",
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="End an update early, after so many passes (partial_fit, PyTorch) or boosting rounds without gain "
        "on a tenth of its own rows",
    )
    batch: int = Field(
        10_000,
        ge=1,
        le=MOST_ROWS,
        description="Most rows per partial_fit call; networks cut their own mini-batches within it",
    )
    per: Literal["row", "batch"] = Field(
        "row", description="River: learn row by row, or `batch` rows in one step where every part of the model can"
    )
    boosting: Literal["adapt", "continue", "refit"] = Field(
        "adapt",
        description="Warm update of a boosted model. `adapt`: move the leaves and add trees; `continue`: only add "
        "trees; `refit`: only move the leaves",
    )
    rounds: int | None = Field(
        None, ge=1, le=10_000, description="Boosting rounds that a warm update adds; left out: 1 (adapt), 10 (continue)"
    )
    trees: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Most boosting rounds (trees, for each class) of a continued model; older added ones are dropped; "
        "left out: half as many again as the first fit",
    )
    strategies: tuple[Strategy, ...] = Field(
        ("warm", "warm_replay", "shrink_perturb", "warm_blocks", "scratch_recent", "scratch"),
        min_length=1,
        description="The ladder, cheapest first; a strategy that a family does not have is passed over",
    )
    ladder: Literal["first", "all"] = Field(
        "first",
        description="`first`: the first strategy that passes the gate stops the run; `all`: every strategy is run",
    )
    unproven: Literal["continue", "drop"] = Field(
        "continue",
        description="A candidate that the gate can neither pass nor refute. `continue`: it is registered with the "
        "alias `candidate`, and the next update goes on from it; `drop`: each update starts from the champion, also "
        "while a challenger waits",
    )
    scratch_after: int = Field(
        3,
        ge=1,
        le=1_000_000,
        description="Without effect, and gone with the next release: strategies from scratch are tried by what they "
        "have earned, at evaluations ever farther apart while they lose",
    )
    recent: Period | None = Field(
        None, description="How far back `scratch_recent` looks; left out: as far as the reference window"
    )
    history: Period | None = Field(None, description="How far back `scratch` looks; left out: all history")
    replay: ReplaySpec = ReplaySpec()
    blocks: BlocksSpec = BlocksSpec()
    weights: Literal["none", "balanced"] = Field(
        "none",
        description="`balanced`: in an update all classes weigh alike, counted over replay reservoir and new rows",
    )
    rate: float = Field(
        1.0, gt=0, le=100, description="Factor on the estimator's own learning rate in an update; its schedule goes on"
    )
    shrink: ShrinkSpec = ShrinkSpec()
    threads: int = Field(1, ge=1, le=4_096, description="Threads that training may use")
    limits: LimitsSpec = LimitsSpec()
    requirements: tuple[str, ...] = Field((), description="Extra pip requirements of the registered model")
    trusted: tuple[str, ...] = Field((), description="Types that may be loaded beside Ratoon's reviewed list")
    pickle: bool = Field(
        False,
        description="Whether pickles, models that name any type, and versions that carry code (MLflow's `code_paths`) "
        "may be loaded: they run what they hold. Code that Ratoon logged itself needs it only when it is adopted",
    )

    @property
    def types_allowed(self) -> tuple[str, ...]:
        """Types that a version may name beside the reviewed ones: `trusted`, and `*` for every one (`pickle`)."""
        return (*self.trusted, ANY_TYPE) if self.pickle else self.trusted

    @field_validator("build")
    @classmethod
    def _entry(cls, value: str) -> str:
        if not re.fullmatch(r".+\.py:[A-Za-z_]\w*", value):
            raise ValueError("expected file.py:function, such as training.py:build")
        return value
