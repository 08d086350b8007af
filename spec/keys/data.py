"""The data's part of the spec: where rows and labels are, and what their columns mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from ..duration import Duration
from .logged import log_schema, of_log
from .part import Part
from .relative import LOG, RowsPath


def _null_words(value: object) -> object:
    """YAML reads `NULL`, `null` and `~` as no value, also where words are listed."""
    if not isinstance(value, list | tuple):
        return value
    return tuple(word for each in value for word in (("NULL", "null", "Null", "~") if each is None else (each,)))


NullWords = Annotated[tuple[str, ...], BeforeValidator(_null_words)]


class CsvSpec(Part):
    """How CSV files are written, where it is not as DuckDB finds out by itself."""

    decimal: Literal[".", ","] = Field(".", description="The mark before a number's decimals")
    null: NullWords = Field((), description="Words that stand for a missing value, beside the empty field")
    delimiter: str | None = Field(
        None, min_length=1, max_length=4, description="What stands between fields; left out: found out"
    )
    dtypes: dict[str, str] = Field(
        {}, description="Columns by name with DuckDB's name of their type, such as VARCHAR; left out: found out"
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_a_word(cls, value: object) -> object:
        """YAML reads the key `null` as no value."""
        if isinstance(value, Mapping) and None in value:
            return {"null" if key is None else key: each for key, each in value.items()}
        return value

    @field_validator("dtypes")
    @classmethod
    def _named(cls, value: dict[str, str]) -> dict[str, str]:
        for column, name in value.items():
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_ ]*(\(\d+(, ?\d+)?\))?", name):
                raise ValueError(f"{column}: expected the name of a type, such as DOUBLE or VARCHAR, found {name!r}")
        return value


IdColumns = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    PlainSerializer(lambda value: value[0] if len(value) == 1 else list(value)),
    Field(min_length=1, max_length=16),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


class LabelTable(Part):
    """Labels that live in a table of their own and are joined by the row's id."""

    source: RowsPath | None = Field(None, description="Path or glob of Parquet or CSV files, or a DuckDB file")
    url: str | None = Field(None, description="postgresql://… of the database; needs `table`")
    table: str | None = Field(None, description="Table in the database or DuckDB file")
    id: IdColumns | None = Field(None, description="The id column there, or columns; left out: the same as data.id")
    csv: CsvSpec | None = Field(None, description="How CSV files of labels are written; left out: as data.csv")
    revisions: Literal["newest", "first"] = Field(
        "newest",
        description="Of several labels of one row, provisional and final ones: the newest that is known, or the first. "
        "An update learns a row once, whatever its label becomes; needs data.label_time",
    )

    @model_validator(mode="after")
    def _one_place(self) -> LabelTable:
        _check_place(self.source, self.url, self.table)
        return self


class DataSpec(Part):
    """Where rows come from, and what their columns mean."""

    model_config = ConfigDict(json_schema_extra=log_schema)

    source: RowsPath | None = Field(
        None,
        description="Path or glob of Parquet or CSV files, or a DuckDB file; or `log`: what was served and labelled, "
        "as Ratoon's own log holds it. Then `id`, `time` and `label_time` may be left out",
    )
    url: str | None = Field(None, description="postgresql://… of the database; needs `table`")
    table: str | None = Field(None, description="Table in the database or DuckDB file")
    id: IdColumns = Field(
        description="Column that names a row, unique and stable: the holdout is chosen by its hash. Several columns, "
        "such as [customer, week], where only together they are unique"
    )
    time: str = Field(description="Column with the time of prediction; naive times are read as UTC")
    time_unit: Duration | None = Field(
        None,
        description="For an integer time column: what one step stands for, counted from 1970-01-01",
    )
    target: str | None = Field(
        None, description="Column with the label; a clustering has none, every other task needs it"
    )
    label_time: str | None = Field(
        None, description="Column with the time at which the label arrived; a date counts from the end of that day"
    )
    label_delay: Duration | None = Field(None, description="Fixed label delay where no label_time is recorded")
    mature_after: Duration | None = Field(
        None,
        description="A label counts as arrived only at this age of its row, however early it came. Left out: as it "
        "comes, unless the first version finds that labels which come early are not like the others; then from the "
        "age by which 99 % have come. 0s: as it comes, whatever they are like",
    )
    labels: LabelTable | None = Field(None, description="Labels in a table of their own")
    no_label: NullWords | None = Field(
        None,
        description="Words in a text target that mean: no label yet. `nan`, `NaN`, `NaT`, `<NA>`, `\\N` and the empty "
        "text always do; of `NA`, `None`, `NULL` and the like this says whether they do ([] : they are classes)",
    )
    prediction: str | None = Field(
        None,
        description="Column with what was served: a number, a class, or the positive class's probability. "
        "Left out: the champion as of that moment predicts",
    )
    positive: bool | int | float | str | None = Field(
        None,
        description="The class of a binary task whose probability `prediction` holds; left out: the one that comes "
        "last in order, such as 1 of 0 and 1, `stay` of `churn` and `stay`",
    )
    features: tuple[str, ...] | None = Field(None, description="Left out: every other column")
    drop: tuple[str, ...] = Field((), description="Columns that are no features, where `features` is left out")
    columns: dict[str, Literal["number", "category"]] = Field(
        {},
        description="What features are, where their type tells it wrongly: text that holds numbers, numbers that are "
        "codes. Text that is no number is missing then",
    )
    csv: CsvSpec = Field(CsvSpec(), description="How CSV files are written")
    holdout: float = Field(0.15, gt=0.0, lt=0.5, description="Share of rows that no version ever learns")

    @property
    def logged(self) -> bool:
        """Whether rows and labels are those of Ratoon's own log."""
        return self.source == LOG

    @property
    def matured(self) -> timedelta:
        """The age that a row must have for its label to count."""
        return self.mature_after or timedelta(0)

    @property
    def newest_label(self) -> bool:
        """Whether of several labels of one row the newest counts."""
        return self.labels is not None and self.labels.revisions == "newest" and self.label_time is not None

    @property
    def label_id(self) -> tuple[str, ...]:
        """The columns that name a row in the table of labels."""
        return (self.labels and self.labels.id) or self.id

    @model_validator(mode="before")
    @classmethod
    def _of_log(cls, value: object) -> object:
        return of_log(value)

    @model_validator(mode="after")
    def _consistent(self) -> DataSpec:
        _check_place(self.source, self.url, self.table)
        if self.label_time is not None and self.label_delay is not None:
            raise ValueError("give `label_time` or `label_delay`, not both")
        if self.features is not None:
            if not self.features:
                raise ValueError("`features` is empty; leave it out to use every other column")
            taken = {*self.id, self.time, self.target, self.label_time, self.prediction} & set(self.features)
            if taken:
                raise ValueError(f"{sorted(t for t in taken if t)} cannot be features: they have another role")
            if self.drop:
                raise ValueError("`drop` has a meaning only where `features` is left out")
        if self.labels is not None and len(self.label_id) != len(self.id):
            raise ValueError(
                f"`labels.id` has {len(self.label_id)} columns, `id` has {len(self.id)}; expected as many, in one order"
            )
        return self


def _check_place(source: str | None, url: str | None, table: str | None) -> None:
    if (source is None) == (url is None):
        raise ValueError("give either `source` (a path) or `url` (a database), exactly one of them")
    if url is not None and table is None:
        raise ValueError("`url` needs `table`")
