"""Corruptions of single columns, and of several at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from corruption import (
    Change,
    Corruption,
    Make,
    Slots,
    days_of,
    like,
    of_column,
    partly,
    rolled,
    some,
    with_columns,
    with_rows,
)

from ratoon.data.window import Window


def of_columns() -> Iterator[Corruption]:
    for slot in ("a", "b"):
        for name, change in NUMBERS.items():
            yield Corruption(*name.split(": "), slot, of_column(slot, change))
        for share in (0.01, 0.05, 0.3):
            yield Corruption("text among numbers", f"{share:.0%}", slot, _unreadable(slot, share))
        yield Corruption("text among numbers", "decimal commas", slot, _commas(slot))
        yield Corruption("missing column", "a number", slot, _lost(slot))
        yield Corruption("misaligned", "shuffled inside each day", slot, _inside_days(slot))
        yield Corruption("misaligned", "the day before's", slot, _of_the_day_before(slot))
    for name, change in CATEGORIES.items():
        yield Corruption(*name.split(": "), "c", of_column("c", change))
    yield Corruption("missing column", "a category", "c", _lost("c"))
    yield from _of_several()


def _stuck(share: float, value: float | None = None) -> Change:
    """The sensor stands still from some row on, for *share* of the window."""

    def change(column: pd.Series, rng: np.random.Generator) -> pd.Series:
        rows = int(share * len(column))
        start = int(rng.integers(0, len(column) - rows + 1))
        known = column.iloc[start:].dropna()
        held = value if value is not None else known.iloc[0] if len(known) else 0.0
        stuck = column.copy()
        stuck.iloc[start : start + rows] = held
        return stuck

    return change


def _span(column: pd.Series) -> float:
    return float(column.max() - column.min())


def _levels(column: pd.Series, step: float) -> pd.Series:
    return (column / step).round() * step


def _high_ones_lost(column: pd.Series, rng: np.random.Generator) -> pd.Series:
    return column.mask(column > column.quantile(0.8))


def _every(rows: int) -> Change:
    """Each value is held for so many rows, as behind a cache."""
    return lambda c, _: like(c, c.to_numpy()[np.arange(len(c)) // rows * rows])


def _in_a_row(value: float | None, share: float) -> Change:
    """*value* in a stretch of the window that lies anywhere."""

    def change(column: pd.Series, rng: np.random.Generator) -> pd.Series:
        rows = int(share * len(column))
        start = int(rng.integers(0, len(column) - rows + 1))
        place = np.arange(len(column))
        return column.mask((place >= start) & (place < start + rows), value)

    return change


NUMBERS: dict[str, Change] = {
    "unit: x1000": lambda c, _: c * 1000,
    "unit: x100": lambda c, _: c * 100,
    "unit: /10": lambda c, _: c / 10,
    "unit: x2.54": lambda c, _: c * 2.54,
    "unit: x1.609": lambda c, _: c * 1.609344,
    "unit: /3600": lambda c, _: c / 3600,
    "unit: C to F": lambda c, _: c * 1.8 + 32,
    "unit: F to C": lambda c, _: (c - 32) / 1.8,
    "unit: C to K": lambda c, _: c + 273.15,
    "unit: 30 % x1000": partly(0.3, lambda c, _: c * 1000),
    "unit: half C to F": partly(0.5, lambda c, _: c * 1.8 + 32),
    "scale: to 0 … 1": lambda c, _: (c - c.min()) / max(_span(c), 1e-9),
    "scale: standardised": lambda c, _: (c - c.mean()) / max(float(c.std()), 1e-9),
    "scale: logarithm": lambda c, _: np.log1p(c.abs()),
    "scale: turned round": lambda c, _: c.max() + c.min() - c,
    "scale: moved by ten ranges": lambda c, _: c + 10 * _span(c),
    "sign: flipped": lambda c, _: -c,
    "sign: flipped in half": partly(0.5, lambda c, _: -c),
    "nulls: 2 %": some(0.02, None),
    "nulls: 5 %": some(0.05, None),
    "nulls: 30 %": some(0.3, None),
    "nulls: 100 %": some(1.0, None),
    "nulls: 50 % inf": some(0.5, float("inf")),
    "nulls: a quarter in a row": _in_a_row(None, 0.25),
    "nulls: the fifth that is highest": _high_ones_lost,
    "sentinel: -999 in 10 %": some(0.1, -999.0),
    "sentinel: -999 in 4 %": some(0.04, -999.0),
    "sentinel: -999 in 1 %": some(0.01, -999.0),
    "sentinel: 99999 in 0.5 %": some(0.005, 99999.0),
    "sentinel: 2^31-1 in 1 %": some(0.01, 2.0**31 - 1),
    "sentinel: 1e300 in 0.3 %": some(0.003, 1e300),
    "sentinel: 0 in 40 %": some(0.4, 0.0),
    "sentinel: the median in 40 %": lambda c, rng: some(0.4, float(c.median()))(c, rng),
    "sentinel: -999 in a row": _in_a_row(-999.0, 0.03),
    "spikes: x1e6 in 0.5 %": partly(0.005, lambda c, _: c * 1e6),
    "spikes: x1e6 in 0.2 %": partly(0.002, lambda c, _: c * 1e6),
    "spikes: x-1000 in 1 %": partly(0.01, lambda c, _: (c.abs() + 1) * -1000),
    "spikes: x100 in 2 %": partly(0.02, lambda c, _: c * 100),
    "frozen: all of the window": _stuck(1.0),
    "frozen: half": _stuck(0.5),
    "frozen: a quarter": _stuck(0.25),
    "frozen: half at zero": _stuck(0.5, 0.0),
    "frozen: each value for 20 rows": _every(20),
    "saturated: above the median": lambda c, _: c.clip(upper=c.median()),
    "saturated: below the upper quartile": lambda c, _: c.clip(lower=c.quantile(0.75)),
    "saturated: wraps at the median": lambda c, _: c.where(c <= c.median(), c - c.median() + c.min()),
    "rounded: to eight levels": lambda c, _: _levels(c, max(_span(c) / 8, 1e-9)),
    "rounded: to two levels": lambda c, _: _levels(c, max(_span(c) / 2, 1e-9)),
    "noise: three standard deviations": lambda c, rng: c + rng.normal(0, 3 * float(c.std()), len(c)),
    "misaligned: by 1 row": lambda c, _: rolled(c, 1),
    "misaligned: by a tenth of the window": lambda c, _: rolled(c, max(1, len(c) // 10)),
    "misaligned: shuffled": lambda c, rng: like(c, rng.permutation(c.to_numpy())),
    "misaligned: half shuffled": lambda c, rng: partly(0.5, lambda x, r: like(x, r.permutation(x.to_numpy())))(c, rng),
    "misaligned: sorted": lambda c, _: like(c, np.sort(c.to_numpy())),
    "misaligned: turned round in time": lambda c, _: like(c, c.to_numpy()[::-1]),
}


def _words(change: Change) -> Change:
    """*change* of the known categories alone."""
    return lambda c, rng: change(c.astype(str), rng).astype(object).where(c.notna(), None)


def _next_of(column: pd.Series) -> dict[str, str]:
    values = sorted(column.dropna().unique())
    return dict(zip(values, [*values[1:], values[0]], strict=True))


def _common(column: pd.Series, place: int = 0) -> str:
    counts = column.value_counts()
    return str(counts.index[min(place, len(counts) - 1)])


def _codes(column: pd.Series) -> dict[str, str]:
    return {value: str(n) for n, value in enumerate(sorted(column.dropna().unique()))}


CATEGORIES: dict[str, Change] = {
    "recoded: upper case and a mark": _words(lambda c, _: "X_" + c.str.upper()),
    "recoded: codes permuted": lambda c, _: c.map(_next_of(c)).astype(object),
    "recoded: numbers for names": lambda c, _: ("#" + c.map(_codes(c))).astype(object).where(c.notna(), None),
    "recoded: cut to one letter": _words(lambda c, _: c.str[:1] + "_"),
    "recoded: two made one": lambda c, _: c.replace(_common(c, 1), _common(c, 0)),
    "written otherwise: blanks behind all": _words(lambda c, _: c + " "),
    "written otherwise: blanks behind 2 %": _words(partly(0.02, lambda c, _: c + "  ")),
    "written otherwise: a tab before 2 %": _words(partly(0.02, lambda c, _: "\t" + c)),
    "written otherwise: case of 2 %": _words(partly(0.02, lambda c, _: c.str.swapcase())),
    "written otherwise: in quotes": _words(lambda c, _: '"' + c + '"'),
    "encoding: a byte order mark in 3 %": _words(partly(0.03, lambda c, _: "\ufeff" + c)),
    "encoding: UTF-8 read as Latin-1": _words(lambda c, _: c.str.replace("[aeiouAEIOU]", "Ã¤", regex=True) + "Â"),
    "null words: N/A in 5 %": some(0.05, "N/A"),
    "null words: unknown in 30 %": some(0.3, "unknown"),
    "nulls: 5 % of a category": some(0.05, None),
    "nulls: 30 % of a category": some(0.3, None),
    "nulls: all of a category": lambda c, _: pd.Series([None] * len(c), c.index, dtype=object),
    "frozen: a category": lambda c, _: like(c, [c.mode().iloc[0]] * len(c)),
    "default: the commonest category in 50 %": lambda c, rng: some(0.5, _common(c))(c, rng),
    "misaligned: a category shuffled": lambda c, rng: like(c, rng.permutation(c.to_numpy())),
    "misaligned: a category by 1 row": lambda c, _: rolled(c, 1),
}


def _unreadable(slot: str, share: float) -> Make:
    """Words in a share of the rows: such rows are in no window, which says how many there are."""

    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        name = slots[slot]
        hit = rng.uniform(size=len(window.frame)) < share
        told = {**window.unreadable, name: round(hit.mean() * window.rows)}
        return replace(with_rows(window, window.frame[~hit]), unreadable=told)

    return make


def _commas(slot: str) -> Make:
    """Decimal commas: whole numbers alone can be read."""

    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        name = slots[slot]
        read = (window.frame[name].isna() | (window.frame[name] % 1 == 0)).to_numpy()
        told = {**window.unreadable, name: round((~read).mean() * window.rows)}
        found = replace(with_rows(window, window.frame[read]), unreadable=told)
        return replace(found, schema={**window.schema, name: "string"})

    return make


def _lost(slot: str) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        name = slots[slot]
        empty = np.nan if window.frame[name].dtype.kind == "f" else None
        schema = {k: v for k, v in window.schema.items() if k != name}
        lost = pd.Series([empty] * len(window.frame), window.frame.index, dtype=window.frame[name].dtype)
        return replace(with_columns(window, {name: lost}), schema=schema, missing_columns=(name,))

    return make


def _inside_days(slot: str) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        column = window.frame[slots[slot]]
        mixed = column.groupby(days_of(window.frame)).transform(lambda part: rng.permutation(part.to_numpy()))
        return with_columns(window, {slots[slot]: mixed})

    return make


def _of_the_day_before(slot: str) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        days = window.span.length / pd.Timedelta(days=1)
        return with_columns(
            window, {slots[slot]: rolled(window.frame[slots[slot]], max(1, round(len(window.frame) / max(days, 1))))}
        )

    return make


def _numbers(slots: Slots) -> list[str]:
    return slots["numbers"].split(",")


def _of_several() -> Iterator[Corruption]:
    def swap(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        frame = window.frame
        return with_columns(window, {slots["a"]: frame[slots["b"]], slots["b"]: frame[slots["a"]]})

    def over(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        return with_columns(window, {slots["b"]: window.frame[slots["a"]]})

    def cycle(count: int) -> Make:
        def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
            names = _numbers(slots)[:count]
            return with_columns(window, {n: window.frame[names[i - 1]] for i, n in enumerate(names)})

        return make

    def each(change: Change, count: int = 99) -> Make:
        return lambda window, slots, rng: with_columns(
            window, {n: change(window.frame[n], rng) for n in _numbers(slots)[:count]}
        )

    def together(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        order = rng.permutation(len(window.frame))
        return with_columns(
            window, {n: like(window.frame[n], window.frame[n].to_numpy()[order]) for n in _numbers(slots)[:2]}
        )

    two, more = ("numbers", "b"), ("numbers",)
    yield Corruption("swapped columns", "two", "b", swap)
    yield Corruption("swapped columns", "one written over another", "b", over)
    yield Corruption("shifted columns", "three in a cycle", "", cycle(3), needs=more)
    yield Corruption("shifted columns", "every number", "", cycle(99), needs=more)
    yield Corruption("misaligned", "two columns shuffled together", "", together, needs=two)
    shuffled: Change = lambda c, rng: like(c, rng.permutation(c.to_numpy()))  # noqa: E731
    yield Corruption("misaligned", "every number shuffled by itself", "", each(shuffled), needs=more)
    yield Corruption("misaligned", "every number by 1 row", "", each(lambda c, _: rolled(c, 1)), needs=more)
    yield Corruption("nulls", "30 % of every number", "", each(some(0.3, None)), needs=more)
    yield Corruption("frozen", "every number for half of the window", "", each(_stuck(0.5)), needs=more)
    yield Corruption("sentinel", "-1 in every number of 3 %", "", each(some(0.03, -1.0)), needs=more)
