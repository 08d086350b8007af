"""Boosted trees as a weighted mean of blocks: each update trains new blocks afresh and drops old ones (`warm_blocks`).

A block is a model of its own. An update trains two, one on the newest rows alone and one on these and a uniform sample
of all history: the first is right where the relation has just moved, the second where it has not. What is served is the
mean of the blocks' raw scores, weighted by what they say of a fifth of the new rows that no block was fitted to
(block_shares.py). A mean of boosters is one booster whose leaves are multiplied by their weights, so that the model
stays a plain one of its library. Training on chunks of a stream is Street & Kim, "A streaming ensemble algorithm (SEA)
for large-scale classification", KDD 2001; weighing by the newest rows Wang et al., "Mining concept-drifting data
streams using ensemble classifiers", KDD 2003; letting the data say whether older rows help Fan, "Systematic data
selection to mine concept-drifting data streams", KDD 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import SupportsInt

import numpy as np
import pandas as pd

from ....spec.errors import ContractBroken
from ....spec.model import Spec
from ...estimators import Array, Features, Parametrized, rows_at
from ...learning.features import could_not, table
from ...learning.how import How
from ...learning.lineage import advance_state, prepare_update
from ...learning.passes import LEAST
from ...learning.steps import innermost
from ...learning.trained import Trained
from .block_shares import shares_of
from .engine import Batch, Booster, Engine, Forest, Model
from .leaf_steps import added
from .through import through, with_innermost

HELD = 5  # one new row in so many says how much each block counts
MOST_HELD = 1_000
LEAST_SHARE = 0.01  # a block that counts for less goes


@dataclass(frozen=True)
class Parts:
    """Of an update's rows: those of each new block, and those by which all blocks are weighed (None: too few)."""

    blocks: tuple[Batch, ...]
    held: Batch | None


def with_new_blocks(
    engine: Engine[Model, Booster], champion: Trained, rows: pd.DataFrame, spec: Spec, how: How
) -> Trained:
    """*champion* with blocks trained on *rows* (at least one) and those that *how* replays.

    A champion that holds no blocks is one block, also where it held some before another strategy changed the whole.
    Raises ContractBroken where its trees cannot be averaged.
    """
    rows, mixed, y = prepare_update(champion, rows, how, engine.libraries)
    X = table(mixed, champion.state.features)
    last: Model = innermost(champion.estimator)
    state = champion.state
    forest = engine.opened(last, spec)
    forest.averaged()
    rounds = [*(state.blocks or (_rounds(forest),))]
    old, before = len(rounds), sum(rounds)
    frozen: list[str] = []
    try:
        Xt, yt = through(champion.estimator, X, y, frozen)
        parts = _parts(engine, last, Xt, yt, len(rows), spec, state.updates)
        shares = np.array(state.shares or (1.0,))
        said = _said(forest, rounds, shares, parts.held)
        for number, batch in enumerate(parts.blocks):
            # Row and column sampling must not repeat itself update by update.
            seed = spec.seed + 2 * state.updates + number + 1
            said.append(forest.plant(batch, rounds_of_block(last, spec), seed, parts.held))
            rounds.append(_rounds(forest) - sum(rounds))
    except engine.errors() as error:
        raise ContractBroken(could_not("train a block on", X, error)) from error
    shares = np.r_[shares, np.ones(len(parts.blocks))]
    found = _weighed(forest, said, parts.held, len(rounds))
    bound = max(2 * spec.learner.blocks.count * rounds_of_block(last, spec), _whole(last) + rounds[-1])
    stay = _that_stay(found, rounds, old, spec.learner.blocks.count, bound)
    wanted = found * np.isin(np.arange(len(found)), stay)
    wanted = wanted / wanted.sum()
    _become(forest, rounds, wanted / shares, stay)
    kept = tuple(rounds[block] for block in stay)
    return advance_state(
        champion,
        with_innermost(champion.estimator, engine.renewed(last, forest.closed())),
        rows,
        spec,
        how,
        rounds=sum(rounds) - before,
        base_rounds=sum(kept),
        blocks=kept,
        shares=tuple(wanted[stay].tolist()),
        updated_steps=(f"{type(last).__name__} (blocks)",),
        frozen_steps=tuple(frozen),
        frozen_because=dict.fromkeys(frozen, "the splits of the blocks that stay are numbers on its scale"),
        notes=(_told(parts, kept, wanted[stay], len(mixed), len(rows)),),
    )


def rounds_of_block(last: Parametrized, spec: Spec) -> int:
    """The boosting rounds of a block: `learner.blocks.rounds`, else by the rounds of a fit from scratch."""
    if spec.learner.blocks.rounds is not None:
        return spec.learner.blocks.rounds
    whole = _whole(last)
    return whole if len(getattr(last, "classes_", ())) > 2 else max(1, whole // 2)


def _whole(last: Parametrized) -> int:
    asked = last.get_params().get("n_estimators")
    return int(asked) if isinstance(asked, SupportsInt) and asked else 100


def _rounds(forest: Forest[Booster]) -> int:
    return len(forest.values) // forest.width


def _parts(
    engine: Engine[Model, Booster], last: Model, X: Features, y: Array, new: int, spec: Spec, updates: int
) -> Parts:
    """The last *new* rows of (X, y), n rows by arrival, are the new ones; a fifth of them is held out of the blocks."""
    n, asked = len(y), spec.learner.blocks
    held = np.empty(0, dtype=np.intp)
    if new >= LEAST:
        order = np.random.default_rng([spec.seed, updates]).permutation(np.arange(n - new, n))
        held = np.sort(order[: min(new // HELD, MOST_HELD)])
    left = np.setdiff1d(np.arange(n), held)
    newest = left[left >= n - max(new, round(asked.rows * asked.recent))]
    chosen = [left] if asked.count == 1 or len(newest) in (0, len(left)) else [left, newest]

    def batch(rows: Array) -> Batch:
        return engine.batch(last, rows_at(X, rows), y[rows])

    return Parts(tuple(map(batch, chosen)), batch(held) if len(held) else None)


def _said(forest: Forest[Booster], rounds: list[int], shares: Array, held: Batch | None) -> list[Array]:
    """The raw score, shape (n, k), that each block of *forest* gives to the *held* rows by itself."""
    if held is None or forest.loss is None:
        return []
    leaf, score = forest.leaves(held)
    each = []
    for first, last in pairwise(accumulate((forest.width * many for many in rounds), initial=0)):
        trees = slice(first, last)
        each.append(added(forest.values[trees], leaf[:, trees], forest.output[trees], score.shape[1]))
    base = score - np.sum(each, axis=0)  # what XGBoost says before any tree; all blocks share it
    return [np.asarray(base + one / share) for one, share in zip(each, shares, strict=True)]


def _weighed(forest: Forest[Booster], said: list[Array], held: Batch | None, blocks: int) -> Array:
    """The shares, shape (m,), that the *blocks* should have by what they *said* of the *held* rows, else equal ones."""
    if held is None or forest.loss is None:
        return np.full(blocks, 1 / blocks)
    weights = [one for one in (held.weight, held.tilt) if one is not None]
    return shares_of(forest.loss, np.stack(said), held.label, np.prod(weights, axis=0) if weights else None)


def _that_stay(shares: Array, rounds: list[int], old: int, most: int, bound: int) -> list[int]:
    """The blocks that stay, at most *most*, in order: of the first *old* those that count least go, the oldest first.

    What the new ones count is known from few rows; they go only where they count next to nothing. A whole model that
    counts as one block must not grow without end: together they hold at most *bound* rounds.
    """
    stay = [block for block, share in enumerate(shares) if share >= LEAST_SHARE]
    for block in sorted((each for each in stay if each < old), key=lambda each: (shares[each], each)):
        if len(stay) > most or sum(rounds[each] for each in stay) > bound:
            stay.remove(block)
    return stay[-most:]


def _become(forest: Forest[Booster], rounds: list[int], factors: Array, stay: list[int]) -> None:
    """Multiply the leaves of each block by its factor, and take out those that do not stay."""
    spans = list(pairwise(accumulate((forest.width * many for many in rounds), initial=0)))
    for block in reversed(range(len(rounds))):  # from the end, so that the places in front stay what they are
        first, last = spans[block]
        if block not in stay:
            forest.drop(first, last)
        elif factors[block] != 1.0:
            forest.values[first:last] = [values * factors[block] for values in forest.values[first:last]]


def _told(parts: Parts, kept: tuple[int, ...], shares: Array, mixed: int, new: int) -> str:
    sizes = " and ".join(f"{len(batch.label)}" for batch in parts.blocks)
    how = "alike" if parts.held is None else f"by {len(parts.held.label)} new rows left out of them"
    return (
        f"blocks were trained afresh on {sizes} of {mixed} rows, {new} of them new; the {len(kept)} blocks that stay, "
        f"of {', '.join(map(str, kept))} rounds, are weighed {how}: {', '.join(f'{each:.2f}' for each in shares)}"
    )
