"""Boosted trees as the average of blocks: each update trains one block afresh and drops the oldest (`warm_blocks`).

A block is a model of its own, fitted to the newest rows and to others from all history; what is served is the mean of
the blocks' raw scores. A mean of boosters is one booster whose leaves are divided by their number, so that the model
stays a plain one of its library. Training on chunks of a stream and voting among the newest models is Street & Kim,
"A streaming ensemble algorithm (SEA) for large-scale classification", KDD 2001; that a chunk gains from chosen older
rows is Fan, "Systematic data selection to mine concept-drifting data streams", KDD 2004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...spec.errors import ContractBroken
from ...spec.model import Spec
from ..features import could_not, table
from ..how import How
from ..lineage import carry_on, taken_in
from ..steps import innermost
from ..trained import Trained
from .through import through, with_innermost

if TYPE_CHECKING:
    from .boosting import Engine


def with_new_block(engine: Engine, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How) -> Trained:
    """*champion* with a block more, trained on *rows* (at least one) and those that *how* replays.

    A champion that holds no blocks is one block. Raises ContractBroken where its trees cannot be averaged.
    """
    rows, mixed, y = taken_in(champion, rows, how)
    X = table(mixed, champion.state.features)
    last = innermost(champion.estimator)
    forest = engine.opened(last, spec)
    forest.averaged()
    before = len(forest.values) // forest.width
    blocks = list(champion.state.blocks or (before,))
    keep = max(1, spec.learner.blocks.count) - 1
    gone = blocks[: max(0, len(blocks) - keep)]
    kept = blocks[len(gone) :]
    frozen: list[str] = []
    try:
        Xt, yt = through(champion.estimator, X, y, frozen)
        batch = engine.batch(last, Xt, yt)
        forest.drop(0, sum(gone) * forest.width)
        if len(blocks) != len(kept) + 1:  # exactly nothing is changed where as many blocks stay
            forest.scale(len(blocks) / (len(kept) + 1))
        # Row and column sampling must not repeat itself update by update.
        forest.plant(batch, rounds_of_block(last, spec), 1 / (len(kept) + 1), spec.seed + champion.state.updates + 1)
    except engine.errors() as error:
        raise ContractBroken(could_not("train a block on", X, error)) from error
    new = len(forest.values) // forest.width - sum(kept)
    after = (*kept, new)
    return carry_on(
        champion,
        with_innermost(champion.estimator, engine.renewed(last, forest.closed())),
        rows,
        spec,
        how,
        rounds=new,
        base_rounds=sum(after),
        blocks=after,
        updated_steps=(f"{type(last).__name__} (block {len(after)} of {len(after)})",),
        frozen_steps=tuple(frozen),
        frozen_because=dict.fromkeys(frozen, "the splits of the blocks that stay are numbers on its scale"),
        notes=(
            f"a block of {new} rounds of trees was trained afresh on {len(mixed)} rows, {len(mixed) - len(rows)} of "
            f"them learned before; {len(after)} blocks are averaged, {len(gone)} were dropped",
        ),
    )


def rounds_of_block(last: Any, spec: Spec) -> int:
    """The boosting rounds of a block: `learner.blocks.rounds`, else by the rounds of a fit from scratch."""
    if spec.learner.blocks.rounds is not None:
        return spec.learner.blocks.rounds
    whole = int(last.get_params().get("n_estimators") or 100)
    return whole if len(getattr(last, "classes_", ())) > 2 else max(1, whole // 2)


def grown(blocks: tuple[int, ...], rounds: int) -> tuple[int, ...]:
    """*blocks* after another rung added *rounds* at the end: they are the newest block's, which is averaged as a sum."""
    return (*blocks[:-1], blocks[-1] + rounds) if blocks else ()


def least_level(rows: int) -> float:
    """How far from nought the level of a class may start that *rows* rows lack, as a log-odds: not at log(0)."""
    return float(np.log(2 * max(rows, 1)))
