"""Opening a source: what it may be, and the words for what it may not be."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from ratoon.data.source import open_source
from ratoon.data.sources.engine import Engine
from ratoon.spec.errors import DataError
from ratoon.spec.load import load_spec


def stream(rows=6, start=0):
    index = np.arange(start, start + rows)
    return pd.DataFrame(
        {
            "id": index,
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(index, unit="h"),
            "size": index * 0.5,
            "flag": index % 2 == 0,
            "colour": np.where(index % 3 == 0, "red", "blue"),
            "target": index * 1.0,
        }
    )


def test_every_other_column_is_a_feature(any_store, opened):
    source = opened(**any_store.keep(stream()))

    assert source.features == ("size", "flag", "colour")
    assert source.kinds == {"size": "number", "flag": "number", "colour": "category"}
    assert set(source.columns()) == {"id", "time", "size", "flag", "colour", "target"}


def test_features_come_as_plain_numpy_types(any_store, opened):
    source = opened(**any_store.keep(stream()))

    frame = source.as_of(source.extent().end).window(source.extent()).frame

    assert frame.dtypes.astype(str).to_dict() == {
        "_id": "object", "_time": "datetime64[us]", "_label_time": "datetime64[us]", "_target": "float64",
        "_holdout": "bool", "size": "float64", "flag": "float64", "colour": "object",
    }  # fmt: skip
    assert frame["flag"].tolist() == [1, 0, 1, 0, 1, 0]
    assert {type(each) for each in frame["colour"]} == {str}


def test_categories_of_pandas_come_as_text(parquet, opened):
    """Parquet's dictionary columns, with a null and an unused category."""
    frame = stream().assign(
        colour=pd.Categorical(["a", None, "b", "a", "b", "a"], categories=["b", "a", "never"]),
        target=pd.Categorical(list("xyxyxy")),
    )

    source = opened(task="binary", **parquet.keep(frame))
    window = source.as_of(source.extent().end).window(source.extent())

    assert source.kinds["colour"] == "category"
    assert window.frame["colour"].tolist() == ["a", None, "b", "a", "b", "a"]
    assert window.frame["_target"].tolist() == list("xyxyxy")


def test_a_glob_reads_all_its_files_as_one(parquet, opened):
    """Files that lack a column, or hold it in another type, join all the same."""
    parquet.keep(stream(3), "part-1")
    parquet.keep(stream(3, start=3).drop(columns="size").assign(flag=[1, 2, 3]), "part-2")

    source = opened(source="part-*.parquet")
    window = source.as_of(source.extent().end).window(source.extent())

    assert window.frame["_id"].tolist() == list("012345")
    assert window.frame["size"].isna().tolist() == [False] * 3 + [True] * 3
    assert window.frame["flag"].tolist() == [1, 0, 1, 1, 2, 3]
    assert window.missing_columns == ()


def test_a_glob_of_csv_files_keeps_ids_as_they_are_written(tmp_path, opened):
    (tmp_path / "a.csv").write_text("id,time,x,target\n007,2024-01-01,1,1\n008,2024-01-02,,2\n")
    (tmp_path / "b.csv").write_text("id,time,target\n9,2024-01-03,3\n")

    source = opened(source="*.csv")
    frame = source.as_of(source.extent().end).window(source.extent()).frame

    assert frame["_id"].tolist() == ["007", "008", "9"]
    assert frame["x"].tolist()[0] == 1.0 and frame["x"].isna().sum() == 2


def test_a_late_line_of_another_type_does_not_break_a_csv(tmp_path, opened):
    """Types are found over all lines: a word in line 30,000 makes the column text, not the read an error."""
    lines = [f"{i},2024-01-01,{i},1" for i in range(30_000)] + ["30000,2024-01-02,broken,1"]
    (tmp_path / "long.csv").write_text("id,time,x,target\n" + "\n".join(lines) + "\n")

    source = opened(source="long.csv")

    assert source.kinds == {"x": "category"}
    assert source.as_of(source.extent().end).window(source.extent()).rows == 30_001


def test_a_folder_with_odd_characters_is_a_path_and_no_glob(tmp_path, opened):
    odd = tmp_path / "it's [1] *odd*"
    odd.mkdir()
    stream().to_parquet(odd / "rows?.parquet")

    assert opened(source="it's [1] *odd*/rows?.parquet").extent() is not None


def test_a_duckdb_file_is_read_by_its_table(tmp_path, opened):
    with duckdb.connect(tmp_path / "store.duckdb") as connection:
        frame = stream()  # noqa: F841  # DuckDB reads it by name
        connection.execute("CREATE TYPE colours AS ENUM ('red', 'blue'); CREATE SCHEMA deep")
        connection.execute("CREATE TABLE deep.rows AS SELECT * REPLACE (colour::colours AS colour) FROM frame")
        connection.execute("CREATE TABLE labels AS SELECT id, target, time AS told FROM frame")

    place = {"source": "store.duckdb", "table": "deep.rows", "drop": ["target"], "label_time": "told"}
    first = opened(labels={"source": "store.duckdb", "table": "labels"}, **place)
    second = opened(source="store.duckdb", table="deep.rows")
    window = first.as_of(first.extent().end).window(first.extent())

    assert window.labelled == 6
    assert window.frame["colour"].tolist() == ["red", "blue", "blue"] * 2
    assert second.extent() == first.extent()
    with pytest.raises(DataError, match=r"holds \['deep.rows', 'labels'\]; name one of them"):
        opened(source="store.duckdb")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"source": "nothing.parquet"}, r"no file matches 'nothing.parquet', looked for as /"),
        ({"source": "nothing-*.csv"}, r"no file matches"),
        ({"source": "."}, r"is a folder; expected files"),
        ({"source": "s3://bucket/rows.parquet"}, r"is remote"),
        ({"source": "rows.*"}, r"several kinds \['csv', 'parquet'\]"),
        ({"source": "notes.xlsx"}, r"of no known kind; expected .parquet"),
        ({"source": "empty.parquet"}, r"empty.parquet cannot be read"),
        ({"source": "rows.parquet", "table": "rows"}, r"data.table: 'rows' has a meaning only for a database"),
        (
            {"source": "rows.parquet", "time": "tine"},
            r"data.time: no column 'tine' in rows.parquet; did you mean 'time'",
        ),
        ({"source": "rows.parquet", "target": "label"}, r"data.target: no column 'label'"),
        ({"source": "rows.parquet", "id": "row"}, r"data.id: no column 'row'"),
        ({"source": "rows.parquet", "label_time": "told"}, r"data.label_time: no column 'told'"),
        ({"source": "rows.parquet", "labels": {"source": "told.parquet"}}, r"data.target: .* \(the labels\)"),
        (
            {"source": "rows.parquet", "time": "size", "drop": ["time"]},
            r"holds numbers \(float64\); say what one step stands for",
        ),
        ({"source": "rows.parquet", "time_unit": "1d"}, r"`data.time_unit` has no meaning; remove it"),
        (
            {"source": "rows.parquet", "time": "colour", "drop": ["time"]},
            r"values that are no times, such as 'blue'; expected ISO 8601",
        ),
        ({"source": "rows.parquet", "time": "flag", "drop": ["time"]}, r"is of type boolean; expected a timestamp"),
        ({"source": "rows.parquet", "time": "id", "time_unit": "0s", "drop": ["time"]}, r"at least a microsecond"),
        ({"source": "rows.parquet", "target": "colour"}, r"is text, such as 'blue'; a regression needs numbers"),
        ({"source": "rows.parquet", "target": "time", "time": "id", "time_unit": "1s"}, r"cannot be the label"),
        ({"source": "rows.parquet", "id": "size"}, r"data.id: column 'size' holds 3 fractions, such as 0.5"),
        ({"source": "rows.parquet", "id": "flag"}, r"data.id: column 'flag' is of type boolean"),
        ({"source": "rows.parquet", "time": "id", "time_unit": "1s"}, r"column 'time' is of type timestamp.*data.drop"),
        ({"source": "named.parquet"}, r"column '_Time' cannot be a feature"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_next_step(keys, message, parquet, tmp_path, spec_of):
    parquet.keep(stream())
    stream().to_csv(tmp_path / "rows.csv")
    (tmp_path / "notes.xlsx").touch()
    (tmp_path / "empty.parquet").touch()
    parquet.keep(stream().assign(_Time=1), "named")
    parquet.keep(stream()[["id"]], "told")

    with pytest.raises(DataError, match=message):
        open_source(spec_of(**keys))


def test_a_missing_feature_is_reported_and_filled(any_store, opened):
    """Monitors must see it, so it is no exception."""
    source = opened(features=["size", "weight"], prediction="said", **any_store.keep(stream()))

    window = source.as_of(source.extent().end).window(source.extent())

    assert window.missing_columns == ("weight", "said")
    assert window.frame["weight"].isna().all() and window.frame["_prediction"].isna().all()
    assert source.missing == window.missing_columns


def test_a_feature_that_the_model_expects_is_missed_too(any_store, opened):
    """Where `features` is left out, only the champion knows what should be there."""
    source = opened(expected={"size": "number", "shape": "category"}, **any_store.keep(stream()))

    window = source.as_of(source.extent().end).window(source.extent())

    assert source.features == ("size", "flag", "colour", "shape")
    assert window.missing_columns == ("shape",)
    assert window.frame["shape"].tolist() == [None] * 6
    assert window.frame["shape"].dtype == object


@pytest.mark.parametrize("name", ["SIZE", "Size"])
def test_a_feature_that_is_written_otherwise_now_is_missing(any_store, opened, name):
    """Engines tell no case apart: both names in one question would be one column twice."""
    source = opened(expected={"size": "number"}, **any_store.keep(stream().rename(columns={"size": name})))

    span = source.extent()
    view = source.as_of(span.end)
    window = view.window(span)
    view.hold(span.start)

    assert window.missing_columns == ("size",)
    assert name not in window.frame
    assert window.frame["size"].isna().all()
    assert view.window(span).frame["size"].isna().all()


def test_dropped_columns_are_no_features_but_stay_in_the_schema(any_store, opened):
    source = opened(drop=["colour", "never there"], **any_store.keep(stream()))

    assert source.features == ("size", "flag")
    assert "colour" in source.columns()


def test_a_source_without_rows_has_no_extent_and_empty_windows(any_store, opened, day):
    source = opened(**any_store.keep(stream(0)))
    view = source.as_of(day(9))

    window = view.window(view.span_of(500, day(9)))

    assert source.extent() is None
    assert (window.rows, window.labelled, window.duplicates, len(window.frame)) == (0, 0, 0, 0)
    assert list(window.frame) == ["_id", "_time", "_label_time", "_target", "_holdout", "size", "flag", "colour"]
    assert len(view.unlearned(None)) == view.unlearned_count(None) == len(view.holdout(None)) == 0
    assert view.ledger_of_rows(day(9)).rows == 0
    assert view.label_delay(window.span, 0.9).total_seconds() == 0


def test_a_file_of_a_broken_kind_leaves_as_a_data_error(tmp_path, spec_of):
    """Also when it breaks after it was opened."""
    stream().to_parquet(tmp_path / "rows.parquet")
    with open_source(spec_of(source="rows.parquet")) as source:
        (tmp_path / "rows.parquet").write_bytes(b"torn")
        with pytest.raises(DataError, match=r"rows.parquet cannot be read.*Nothing was changed"):
            source.extent()


def test_questions_are_compiled_once_for_sources_laid_out_alike(tmp_path, monkeypatch):
    """A look of a model opens its source anew; what is asked of it is the same SQL until the rows are others."""
    at = pd.date_range("2026-01-01", periods=50, freq="h")
    rows = pd.DataFrame({"id": range(50), "time": at, "y": 0.5, "x": 1.0})
    file = tmp_path / "rows.parquet"
    (tmp_path / "spec.yaml").write_text(
        "model: m\ntask: regression\ndata: {source: rows.parquet, id: id, time: time, target: y, label_delay: 0d}\n"
        'learner: {build: "training.py:build"}\n'
    )
    spec = load_spec(tmp_path / "spec.yaml")
    compiled = []
    plain = Engine.compile
    monkeypatch.setattr(Engine, "compile", lambda self, each: compiled.append(each) or plain(self, each))

    def seen(frame):
        frame.to_parquet(file, index=False)
        compiled.clear()
        with open_source(spec) as source:
            extent = source.extent()
            compiled.clear()
            window = source.as_of(extent.end).window(extent)
            return window.rows, window.duplicates, float(window.frame["x"].sum()), len(compiled)

    first = seen(rows)
    assert first[:3] == (50, 0, 50.0)
    assert first[3] > 0
    assert seen(rows.assign(x=2.0)) == (50, 0, 100.0, 0)
    again = seen(pd.concat([rows, rows.head(5).assign(x=9.0)]))
    assert again[:3] == (50, 5, 50.0)
    assert again[3] > 0
    wider = seen(rows.assign(z=1.0, x=3))
    assert wider[:3] == (50, 0, 150.0)
    assert wider[3] > 0
