"""What each feature was taken for, and what in its values speaks against it.

Types are inferred once, and a wrong one stays silent: a number with a decimal comma becomes a category of as many
values as rows, a code such as `007` a number. Nothing is changed here: a doubt names the key that settles it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ..spec.model import CsvSpec, Spec
from .layout import Kind
from .place import is_csv, raw_text

NULL_WORDS: tuple[str, ...] = (
    *("NULL", "null", "NA", "N/A", "n/a", "#N/A", "#NUM!", "#VALUE!", "None", "none", "nan", "NaN", "NaT", "<NA>"),
    *("\\N", "-", "--", "?", ".", "missing", "unknown", "inf", "-inf"),
)
ROWS = 20_000
_MOSTLY = 0.8  # of a text column's values, from which on it looks like numbers
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?,\d+([eE][+-]?\d{1,3})?|[+-]?\d{1,3}(\.\d{3})+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_UNIT = re.compile(r"[^\w\s.,+-]?\s*[+-]?\d+([.,]\d+)?\s*(%|€|\$|£|[A-Za-z]{1,4})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_ZEROS = re.compile(r"[+-]?0\d+")
_POWER = re.compile(r"\d+[eE]\d+")
_OWN = 0.9  # share of values of their own, from which on a category names rows
_FEW = 20  # values, below which a column tells nothing


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
            texts = _as_text(name, values, csv=csv) if kind == "category" else _counted(values)
            found += [Doubt(name, text) for text in texts]
    found += _lost(spec, [n for n, kind in kinds.items() if kind == "number" and n not in settled])
    return found + list(_by_case(list(kinds)))


def csv_settings(kinds: Mapping[str, Kind], frame: pd.DataFrame) -> CsvSpec:
    """How the CSV files that *frame* was read from by default seem to be written: the mark before decimals, and words
    for missing values among numbers."""
    decimal, words = False, dict[str, None]()
    texts = [name for name, kind in kinds.items() if kind == "category"]
    for name in [*texts, "_target"] if frame["_target"].dtype == object else texts:
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
    for pattern, what, key in (
        (_PLAIN, "numbers", f"data.columns: {{{name}: number}}"),
        (_COMMA, "numbers with a decimal comma", "data.csv.decimal: ','" if csv else "write them with a point"),
        (_THOUSANDS, "numbers with commas between thousands", "write them without in the source"),
        (_DATE, "dates", "derive numbers from them in the source, or `data.drop`"),
        (_UNIT, "numbers with a unit", "write them without in the source"),
    ):
        fits = told.map(lambda text, pattern=pattern: pattern.fullmatch(text) is not None)
        share = float(fits.mean())
        if share < _MOSTLY:
            continue
        if what == "numbers" and told.map(lambda text: _ZEROS.fullmatch(text) is not None).any():
            return  # codes such as 007, which are no numbers
        if what == "numbers" and words and csv:
            key = f"data.csv.null: [{', '.join(map(repr, words))}]` or `data.columns: {{{name}: number}}"
        others = sorted({repr(text) for text in told[~fits]} | {repr(word) for word in words})[:3]
        beside = f", the others are {', '.join(others)}" if others else ""
        yield (
            f"it is taken for a category, but {share:.0%} of its values are {what}, such as {told[fits].iloc[0]!r}"
            f"{beside}; set `{key}`, or settle it: `data.columns: {{{name}: category}}`"
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
    if texts.nunique() >= _OWN * len(texts) and texts.nunique() > _FEW:
        count = f"{texts.nunique():,} values in {len(texts):,} rows"
        yield f"{count}: it names rows, and tells nothing of new ones: `data.drop`"


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
