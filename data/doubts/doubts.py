"""What each feature was taken for, and what in its values speaks against it.

Types are inferred once, and a wrong one stays silent: a number with a decimal comma becomes a category of as many
values as rows, a code such as `007` a number. Nothing is changed here: a doubt names the key that settles it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ...spec.keys.data import CsvSpec
from ...spec.model import Spec
from ..columns import TARGET
from ..sources.layout import Kind
from ..sources.place import is_csv, raw_text
from .stand_ins import stand_ins
from .telltale import tells_exactly
from .written import grouped_number, of_one_unit, written_number

NULL_WORDS: tuple[str, ...] = (
    *("NULL", "null", "NA", "N/A", "n/a", "#N/A", "#NUM!", "#VALUE!", "None", "none", "nan", "NaN", "NaT", "<NA>"),
    *("\\N", "-", "--", "?", ".", "missing", "unknown", "inf", "-inf"),
)
ROWS = 20_000
_MOSTLY = 0.8  # of a text column's values, from which on it looks like numbers
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_ZEROS = re.compile(r"[+-]?0\d+")
_POWER = re.compile(r"\d+[eE]\d+")
_OWN = 0.9  # share of values of their own, from which on a category names rows
_RARE = 0.3  # the same, from which on most of its values are too rare to learn from
_FEW = 20  # values, below which a column tells nothing
_WRITE = "write them in the source with"


@dataclass(frozen=True)
class Doubt:
    """Why *column* may not be what it was taken for, and the key that settles it."""

    column: str
    text: str


def doubts(spec: Spec, kinds: Mapping[str, Kind], frame: pd.DataFrame) -> list[Doubt]:
    """The doubts about each feature (and kind) in *frame*, canonical rows of all times; those that `data.columns` or
    `data.csv.dtypes` settle are none."""
    settled = {*spec.data.columns, *spec.data.csv.dtypes}
    csv = is_csv(spec)
    found: list[Doubt] = []
    for name, kind in kinds.items():
        values = frame[name].dropna() if name in frame else pd.Series(dtype=object)
        if len(values) < _FEW:
            continue
        if values.nunique() == 1:
            found.append(Doubt(name, f"it is {values.iloc[0]!r} in all rows; no model learns from it: `data.drop`"))
        elif name not in settled:
            texts = _as_text(name, values, csv=csv) if kind == "category" else _as_number(name, values)
            found += [Doubt(name, text) for text in texts]
        if TARGET in frame and name in frame and name not in (spec.data.features or settled):
            found += _telling(spec, name, frame)
    found += _lost(spec, [n for n, kind in kinds.items() if kind == "number" and n not in settled])
    return found + list(_by_case(list(kinds)))


def csv_settings(kinds: Mapping[str, Kind], frame: pd.DataFrame) -> CsvSpec:
    """How the CSV files that *frame* was read from by default seem to be written: the mark before decimals, and words
    for missing values among numbers."""
    decimal, words = False, dict[str, None]()
    texts = [name for name, kind in kinds.items() if kind == "category"]
    for name in [*texts, TARGET] if frame[TARGET].dtype == object else texts:
        values = frame[name].dropna().astype(str).str.strip()
        if len(values) < _FEW:
            continue
        named = null_words(values)
        told = values[~values.isin([*named, ""])]
        comma = numbers_with_comma(told)
        if comma or (len(told) and told.map(lambda text: _PLAIN.fullmatch(text) is not None).all()):
            words |= dict.fromkeys(named)
            decimal |= comma
    return CsvSpec(decimal="," if decimal else ".", null=tuple(words))


def null_words(values: pd.Series) -> list[str]:
    """The words for nothing among text *values*, the most frequent first."""
    counts = Counter(str(each).strip() for each in values)
    return [word for word, _ in counts.most_common() if word in NULL_WORDS]


def written_alike(names: Sequence[object]) -> list[list[object]]:
    """Groups of class *names* that are the same but for case, blanks around them, or decimals such as `1.0`."""
    groups: dict[str, list[object]] = {}
    for name in names:
        text = str(name).strip().casefold()
        groups.setdefault(f"{float(text):g}" if is_number(text) else text, []).append(name)
    return [sorted(group, key=str) for group in groups.values() if len(group) > 1]


def numbers_with_comma(values: pd.Series) -> bool:
    """Whether text *values* are numbers with decimal commas, but for words for nothing."""
    texts = [text for text in (str(each).strip() for each in values) if text and text not in NULL_WORDS]
    commas = sum(bool(_COMMA.fullmatch(text)) for text in texts)
    return commas > 0 and all(_COMMA.fullmatch(text) or _PLAIN.fullmatch(text) for text in texts)


def _as_text(name: str, values: pd.Series, *, csv: bool) -> Iterator[str]:
    texts = values.astype(str).str.strip()
    words = null_words(texts)
    told = texts[~texts.isin([*words, ""])]
    if len(told) == 0:
        yield f"it holds nothing but {', '.join(map(repr, words))}; no model learns from it: `data.drop`"
        return
    for fitting, what, how in (
        (_like(_PLAIN), "numbers", f"set `data.columns: {{{name}: number}}`"),
        (_like(_COMMA), "numbers with a decimal comma", "set `data.csv.decimal: ','`" if csv else f"{_WRITE} a point"),
        (grouped_number, "numbers with marks between thousands", f"{_WRITE} no such marks"),
        (_like(_DATE), "dates", "derive numbers from them in the source, or set `data.drop`"),
        (written_number, "numbers with a unit or a sign of their own", f"{_WRITE} digits, a point and a minus alone"),
    ):
        fits = told.map(fitting if what in ("numbers", "dates") else lambda text: fitting(text) or is_number(text))  # noqa: B023
        share = float(fits.mean())
        if share < _MOSTLY or not told[fits].map(fitting).any():
            continue
        if what == "numbers" and told.map(lambda text: _ZEROS.fullmatch(text) is not None).any():
            return  # codes such as 007, which are no numbers
        if fitting is written_number and not of_one_unit(told[fits]):
            continue
        if what == "numbers" and words and csv:
            how = f"set `data.csv.null: [{', '.join(map(repr, words))}]` or `data.columns: {{{name}: number}}`"
        others = sorted({repr(text) for text in told[~fits]} | {repr(word) for word in words})[:3]
        beside = f", the others are {', '.join(others)}" if others else ""
        yield (
            f"it is taken for a category, but {share:.0%} of its values are {what}, such as "
            f"{_example(told[told.map(fitting)])!r}{beside}; {how}, or settle it: `data.columns: {{{name}: category}}`"
        )
        return
    if words:
        listed = ", ".join(map(repr, words[:3]))
        yield (
            f"{listed} stand among its values and look like missing ones; "
            f"{'set `data.csv.null`' if csv else 'write them as null in the source'}, or settle it: "
            f"`data.columns: {{{name}: category}}`"
        )
    spelt = texts.nunique() - texts.str.casefold().nunique()
    if spelt or len(set(values.astype(str))) > texts.nunique():
        yield "some of its values differ only by case or blanks; write them alike in the source"
    if texts.nunique() >= _RARE * len(texts) and texts.nunique() > _FEW:
        count = f"{texts.nunique():,} values in {len(texts):,} rows"
        if texts.nunique() >= _OWN * len(texts):
            yield f"{count}: it names rows, and tells nothing of new ones: `data.drop`"
        else:
            settle = f"`data.columns: {{{name}: category}}`"
            yield f"{count}: most are too rare to learn from: `data.drop`, or settle it: {settle}"


def _example(texts: pd.Series) -> str:
    """One of *texts* that shows what is odd about them, if any does."""
    odd = texts[~texts.map(is_number)]
    return str(odd.iloc[0] if len(odd) else texts.iloc[0])


def _like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


is_number = _like(_PLAIN)


def _telling(spec: Spec, name: str, frame: pd.DataFrame) -> list[Doubt]:
    """Of a feature that nobody asked for by name: whether it tells the label."""
    if not tells_exactly(frame[name], frame[TARGET], regression=spec.task == "regression"):
        return []
    text = (
        f"it tells {spec.data.target!r} exactly, in every row. If it becomes known with the label, or is made of it, "
    )
    return [Doubt(name, f"{text}no model needs it and none will have it: `data.drop`, or name it in `data.features`")]


def _as_number(name: str, values: pd.Series) -> Iterator[str]:
    yield from _counted(values)
    odd = stand_ins(values.to_numpy(dtype=float))
    if odd:
        yield (
            f"{'; '.join(odd)}. If such numbers stand for missing ones, make them null in the source, or settle it: "
            f"`data.columns: {{{name}: number}}`"
        )


def _counted(values: pd.Series) -> Iterator[str]:
    """Of numbers in order of time: those of a row number, whose like no model has seen."""
    if len(values) >= _FEW and bool((values % 1 == 0).all()) and bool((values.diff().dropna() > 0).all()):
        yield "it grows with every row, as a row's number does; what is learned of it never comes again: `data.drop`"


def _lost(spec: Spec, names: Sequence[str]) -> Iterator[Doubt]:
    """Number columns of CSV files whose text says more than the number: codes such as 12E4."""
    written = raw_text(spec, names, ROWS)
    for name in written:
        texts = written[name].dropna().astype(str).str.strip()
        odd = texts[texts.map(lambda text: _POWER.fullmatch(text) is not None)]
        if len(odd):
            yield Doubt(
                str(name),
                f"it is taken for a number, but {len(odd):,} of {len(texts):,} values are codes that read as powers of "
                f"ten, such as {odd.iloc[0]!r}; if they are set `data.csv.dtypes: {{{name}: VARCHAR}}`, or settle it: "
                f"`data.columns: {{{name}: number}}`",
            )


def _by_case(names: Sequence[str]) -> Iterator[Doubt]:
    """Columns that differ by case only; DuckDB tells them apart by a number behind the later one."""
    known: dict[str, str] = {}
    for name in names:
        base = re.sub(r"_\d+$", "", name)
        near = known.get(name.casefold()) or known.get(base.casefold())
        if near is not None and base != near != name:
            yield Doubt(name, f"it differs from {near!r} only by case; name them apart in the source")
        known.setdefault(name.casefold(), name)
