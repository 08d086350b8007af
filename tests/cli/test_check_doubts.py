"""What `ratoon check` says of data that are not what they were taken for: every kind in several instances.

Each of them was silent once: a number became a category, a word became a class, a row was never seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ratoon.cli.commands.check import check_spec
from ratoon.cli.commands.finding import Finding
from ratoon.cli.commands.init_own_data import OwnData, write_own
from ratoon.cli.main import app
from ratoon.data.doubts.doubts import Doubt, doubts
from ratoon.data.metrics.metrics import METRICS
from ratoon.data.served import served_outcomes
from ratoon.data.source import open_source
from ratoon.spec.load import load_spec

TRAINING = """\
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build():
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    columns = ColumnTransformer([
        ("n", numbers, make_column_selector(dtype_include="number")),
        ("c", OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="object"))])
    return Pipeline([("columns", columns), ("model", SGDClassifier(loss="log_loss", alpha=1e-3))])
"""


def rows(n: int = 2000, days: int = 20, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, days * 86400, n)).round(), unit="s")
    x, z, c = rng.normal(size=n), rng.normal(size=n), rng.choice(["a", "b", "c"], n)
    y = (1.5 * x + 0.5 * z + rng.normal(size=n) / 2 > 0).astype("int64")
    known = at + pd.Timedelta(hours=6)
    return pd.DataFrame({"row": np.arange(n), "at": at, "known": known, "x": x, "z": z, "c": c, "y": y})


def project(
    folder: Path,
    data: str = "",
    *,
    task: str = "binary",
    source: str = "rows.parquet",
    more: str = "",
    ids: str = "row",
) -> Path:
    (folder / "training.py").write_text(TRAINING)
    (folder / "spec.yaml").write_text(
        f"model: m\ntask: {task}\n"
        f"data: {{source: '{source}', id: {ids}, time: at, target: y, label_time: known{data}}}\n"
        f'learner: {{build: "training.py:build"}}\nmonitors: {{window: 7d, every: 1d}}\n{more}'
    )
    return folder / "spec.yaml"


def checked(spec: Path) -> list[Finding]:
    return check_spec(load_spec(spec))


def doubted(spec: Path) -> tuple[list[Doubt], dict[str, str]]:
    """The doubts about the columns of all rows, and the columns' kinds."""
    read = load_spec(spec)
    with open_source(read) as opened:
        extent = opened.extent()
        assert extent is not None
        frame = opened.as_of(extent.end).window(extent, sample=20_000).frame
        return doubts(read, opened.kinds, frame), dict(opened.kinds)


def told(found: list[Finding], status: str) -> list[Finding]:
    return [each for each in found if each.status == status]


def failed(found: list[Finding]) -> set[str]:
    return {each.what for each in told(found, "fail")}


def german(frame: pd.DataFrame, folder: Path) -> str:
    frame.to_csv(folder / "rows.csv", index=False, sep=";", decimal=",")
    return "rows.csv"


def words(word: str) -> Callable[[pd.DataFrame, Path], str]:
    def write(frame: pd.DataFrame, folder: Path) -> str:
        frame.assign(x=frame["x"].where(frame.index % 37 > 0)).to_csv(folder / "rows.csv", index=False, na_rep=word)
        return "rows.csv"

    return write


def changed(**columns: Callable[[pd.DataFrame], object]) -> Callable[[pd.DataFrame, Path], str]:
    def write(frame: pd.DataFrame, folder: Path) -> str:
        frame.assign(**columns).to_parquet(folder / "rows.parquet", index=False)
        return "rows.parquet"

    return write


def csv(**columns: Callable[[pd.DataFrame], object]) -> Callable[[pd.DataFrame, Path], str]:
    def write(frame: pd.DataFrame, folder: Path) -> str:
        frame.assign(**columns).to_csv(folder / "rows.csv", index=False)
        return "rows.csv"

    return write


# column, how it is written, words of the doubt, what settles it, the kind that it then has
DOUBTED = {
    "decimal commas": ("x", german, "decimal comma", "csv: {decimal: ','}", "number"),
    "NULL": ("x", words("NULL"), "NULL", "csv: {null: ['NULL']}", "number"),
    "NA": ("x", words("NA"), "NA", "csv: {null: [NA]}", "number"),
    "a dash": ("x", words("-"), "'-'", "csv: {null: ['-']}", "number"),
    "#N/A": ("x", words("#N/A"), "#N/A", "columns: {x: number}", "number"),
    "numbers as text": ("x", changed(x=lambda f: f["x"].astype(str)), "numbers", "columns: {x: number}", "number"),
    "1 and 0 as text": (
        "x", changed(x=lambda f: (f["x"] > 0).astype(int).astype(str)), "numbers", "columns: {x: category}", "category"
    ),
    "thousands": ("x", csv(x=lambda f: f["x"].map(lambda v: f"{v * 1e6:,.1f}")), "thousands", "columns: {x: category}",
                  "category"),
    "per cent": ("x", csv(x=lambda f: f["x"].map(lambda v: f"{v:.1f} %")), "unit", "columns: {x: category}",
                 "category"),
    "dates": ("c", changed(c=lambda f: f["at"].dt.strftime("%d.%m.%Y")), "dates", "columns: {c: category}", "category"),
    "codes like powers": ("z", csv(z=lambda f: (f.index % 90).map(lambda v: f"{v + 10}E4")), "powers",
                          "csv: {dtypes: {z: VARCHAR}}", "category"),
    "names of rows": ("c", changed(c=lambda f: [f"u{i}" for i in f.index]), "names rows", "drop: [c]", None),
    "a row number": ("z", changed(z=lambda f: np.arange(len(f)) + 7), "grows", "drop: [z]", None),
    "capitals": ("c", changed(c=lambda f: f["c"].where(f.index % 9 > 0, f["c"].str.upper())), "case",
                 "columns: {c: category}", "category"),
    "trailing blanks": ("c", changed(c=lambda f: f["c"].where(f.index % 9 > 0, f["c"] + " ")), "blanks",
                        "columns: {c: category}", "category"),
    "a word for nothing": ("c", changed(c=lambda f: f["c"].where(f.index % 9 > 0, "unknown")), "unknown",
                           "columns: {c: category}", "category"),
    "a constant": ("z", changed(z=1.0), "all rows", "drop: [z]", None),
    "by case": ("X_1", changed(X=lambda f: f["z"]), "case", "drop: [X_1]", None),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTED)
def test_a_column_is_doubted_and_a_key_settles_it(tmp_path: Path, name: str) -> None:
    column, write, word, key, kind = DOUBTED[name]
    source = write(rows(), tmp_path)

    found, _ = doubted(project(tmp_path, source=source))
    left, kinds = doubted(project(tmp_path, f", {key}", source=source))

    assert [each for each in found if each.column == column and word in each.text]
    assert not [each for each in left if each.column == column]
    assert kinds.get(column) == kind


def test_doubts_are_warnings_of_check_and_fail_if_asked(tmp_path: Path) -> None:
    spec = project(tmp_path, source=german(rows(), tmp_path))

    assert {"x", "z"} <= {
        each.text.split("'")[1] for each in told(checked(spec), "warn") if each.what == "data.columns"
    }
    assert CliRunner().invoke(app, ["check", str(spec)]).exit_code == 0
    assert CliRunner().invoke(app, ["check", "--strict", str(spec)]).exit_code == 2


def test_sound_data_are_not_doubted(tmp_path: Path) -> None:
    codes = csv(z=lambda f: (f.index % 900).map(lambda v: f"{v:05d}"))
    for write in (changed(), csv(), codes):
        spec = project(tmp_path, source=write(rows(), tmp_path))
        assert doubted(spec)[0] == []
    assert told(checked(spec), "warn") == []


def test_text_that_is_no_number_is_missing_where_a_number_is_wanted(tmp_path: Path) -> None:
    source = changed(x=lambda f: f["x"].astype(str).where(f.index % 10 > 0, "n.n."))(rows(), tmp_path)

    with open_source(load_spec(project(tmp_path, ", columns: {x: number}", source=source))) as opened:
        extent = opened.extent()
        assert extent is not None
        read = opened.as_of(extent.end).window(extent, sample=10_000).frame["x"]

    assert read.dtype == np.float64
    assert read.isna().sum() == 200
    assert np.allclose(read.dropna(), rows()["x"][rows().index % 10 > 0])


@pytest.mark.parametrize("folders", ["year=2026/month=1", "region=eu"])
def test_keys_of_folders_and_the_index_are_no_features_unless_named(tmp_path: Path, folders: str) -> None:
    (tmp_path / folders).mkdir(parents=True)
    rows().sample(frac=1, random_state=0).to_parquet(tmp_path / folders / "a.parquet")
    source = "**/*.parquet"

    with open_source(load_spec(project(tmp_path, source=source))) as opened:
        assert opened.features == ("x", "z", "c")
        assert "__index_level_0__" in opened.left_out
    key = folders.partition("=")[0]
    kind = "number" if key == "year" else "category"
    with open_source(load_spec(project(tmp_path, f", columns: {{{key}: {kind}}}", source=source))) as opened:
        assert key in opened.features


@pytest.mark.parametrize("word", ["nan", "NaN", "NaT", "<NA>", "\\N", "", " nan "])
def test_what_programs_write_for_no_label_is_none(tmp_path: Path, word: str) -> None:
    frame = rows()
    frame["y"] = np.where(frame["x"] > 0.5, "gold", np.where(frame["x"] < -0.5, "tin", "iron"))
    frame.loc[frame["at"] > "2026-01-12", "y"] = word
    frame.to_parquet(tmp_path / "rows.parquet", index=False)

    with open_source(load_spec(project(tmp_path, task="multiclass"))) as opened:
        extent = opened.extent()
        assert extent is not None
        assert set(opened.as_of(extent.end).learned(extent.end)["_target"]) == {"gold", "tin", "iron"}


@pytest.mark.parametrize("word", ["NA", "None", "NULL", "n/a", "unknown", "-"])
def test_a_word_that_may_be_no_label_is_asked_for(tmp_path: Path, word: str) -> None:
    frame = rows()
    frame["y"] = np.where(frame["x"] > 0, "gold", "tin")
    frame.loc[frame.index % 10 == 0, "y"] = word
    frame.to_parquet(tmp_path / "rows.parquet", index=False)

    found = checked(project(tmp_path, task="multiclass"))

    assert [each for each in told(found, "fail") if each.what == "data.target" and repr(word) in each.text]
    for key, classes in ((f"no_label: [{word!r}]", {"gold", "tin"}), ("no_label: []", {"gold", "tin", word})):
        spec = project(tmp_path, f", {key}", task="multiclass")
        assert "data.target" not in failed(checked(spec))
        with open_source(load_spec(spec)) as opened:
            extent = opened.extent()
            assert extent is not None
            assert set(opened.as_of(extent.end).learned(extent.end)["_target"]) == classes


def decimals(ids: pd.Series) -> pd.Series:
    return ids.astype(float)


WRITTEN = {
    "decimals": (lambda f: f["row"], lambda ids: ids.astype(float), "decimals"),
    "capitals": (lambda f: [f"ab{i:08x}" for i in f["row"]], lambda ids: ids.str.upper(), "capitals"),
    "blanks": (lambda f: [f"k{i}" for i in f["row"]], lambda ids: ids + " ", "blanks"),
    "dashes": (lambda f: [f"ab-{i:08x}-0" for i in f["row"]], lambda ids: ids.str.replace("-", ""), "dashes"),
    "zeros": (lambda f: [f"{i + 1:08d}" for i in f["row"]], lambda ids: ids.str.lstrip("0"), "zeros"),
    "others": (lambda f: [f"k{i}" for i in f["row"]], lambda ids: "q" + ids, "right column"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_ids_that_do_not_meet_are_shown_from_both_sides(tmp_path: Path, name: str) -> None:
    ours, theirs, word = WRITTEN[name]
    frame = rows()
    frame["row"] = ours(frame)
    labels = frame[["row", "y", "known"]].assign(row=theirs(pd.Series(frame["row"])))
    frame.drop(columns=["y", "known"]).to_parquet(tmp_path / "rows.parquet", index=False)
    labels.to_csv(tmp_path / "labels.csv", index=False)

    found = checked(project(tmp_path, ", labels: {source: labels.csv}"))

    fault = next(each for each in told(found, "fail") if each.what == "data.labels.id")
    assert word in fault.text
    assert repr(str(frame["row"].iloc[0]))[1:3] in fault.text


def test_ids_with_decimals_meet_by_the_key_that_is_named(tmp_path: Path) -> None:
    frame = rows()
    frame.drop(columns=["y", "known"]).to_parquet(tmp_path / "rows.parquet", index=False)
    frame[["row", "y", "known"]].assign(row=frame["row"].astype(float)).to_csv(tmp_path / "labels.csv", index=False)

    found = checked(project(tmp_path, ", labels: {source: labels.csv, csv: {dtypes: {row: DOUBLE}}}"))

    assert failed(found) == set()


def weekly(weeks: int = 10, customers: int = 300) -> pd.DataFrame:
    parts = []
    for week in range(weeks):
        part = rows(customers, 1, seed=week)
        shift = pd.Timedelta(weeks=week)
        parts.append(part.assign(at=part["at"] + shift, known=part["known"] + shift, week=week))
    return pd.concat(parts, ignore_index=True)


def test_an_id_of_many_rows_fails_and_several_columns_mend_it(tmp_path: Path) -> None:
    weekly().to_parquet(tmp_path / "rows.parquet", index=False)

    assert "data.id" in failed(checked(project(tmp_path)))
    spec = project(tmp_path, ids="[row, week]")
    assert "data.id" not in failed(checked(spec))
    with open_source(load_spec(spec)) as opened:
        extent = opened.extent()
        assert extent is not None
        window = opened.as_of(extent.end).window(extent, sample=10_000)
        assert window.rows == 3000
        assert opened.features == ("x", "z", "c")
        assert window.frame["_id"].is_unique


def test_ids_of_several_columns_are_told_apart_and_join_their_labels(tmp_path: Path) -> None:
    """Whatever marks the parts hold; a row that lacks one of them has no id."""
    frame = rows(8, 8)
    frame["a"] = ["a|b", "a", "a\\", "a", "x", None, "y", "z"]
    frame["b"] = ["c", "b|c", "|c", "\\|c", "1", "1", None, "2"]
    labels = frame[["b", "a", "y", "known"]].rename(columns={"a": "la", "b": "lb"})
    frame.drop(columns=["y", "known", "row"]).to_parquet(tmp_path / "rows.parquet", index=False)
    labels.to_parquet(tmp_path / "labels.parquet", index=False)

    spec = project(tmp_path, ", labels: {source: labels.parquet, id: [la, lb]}", ids="[a, b]")
    with open_source(load_spec(spec)) as opened:
        extent = opened.extent()
        assert extent is not None
        window = opened.as_of(extent.end + timedelta(days=1)).window(extent, sample=100)
        assert (window.rows, window.labelled, window.nameless) == (6, 6, 2)
        assert window.frame["_id"].nunique() == 6


def test_a_row_number_delivered_again_only_warns(tmp_path: Path) -> None:
    frame = rows()
    pd.concat([frame, frame.tail(300)]).to_parquet(tmp_path / "rows.parquet", index=False)

    found = checked(project(tmp_path))

    assert "data.id" not in failed(found)
    assert "data.id" in {each.what for each in told(found, "warn")}


@pytest.mark.parametrize(("lost", "status"), [(1, "warn"), (1000, "fail")])
def test_rows_without_an_id_are_counted(tmp_path: Path, lost: int, status: str) -> None:
    frame = rows()
    frame["row"] = frame["row"].astype("Int64").where(frame.index >= lost)
    frame.to_parquet(tmp_path / "rows.parquet", index=False)

    found = [each for each in checked(project(tmp_path)) if each.what == "data.id"]

    assert [each.status for each in found] == [status]
    assert f"{lost:,}" in found[0].text


@pytest.mark.parametrize("none", ["0001-01-01", "1753-01-01", "9999-12-31", "9999-12-31 23:59:59.999999"])
def test_a_date_that_stands_for_none_is_no_time(tmp_path: Path, none: str) -> None:
    frame = rows()
    frame["at"] = frame["at"].astype("datetime64[us]")
    frame.loc[3, "at"] = pd.Timestamp(none).as_unit("us")
    frame.to_parquet(tmp_path / "rows.parquet", index=False)

    spec = project(tmp_path)
    found = checked(spec)

    assert failed(found) == set()
    assert "data.time" in {each.what for each in told(found, "warn")}
    with open_source(load_spec(spec)) as opened:
        extent = opened.extent()
        assert extent is not None
        assert extent.start.year == extent.end.year == 2026
        assert opened.as_of(extent.end).window(extent).unplaced == 1


@pytest.mark.parametrize("none", ["0001-01-01", "9999-12-31"])
def test_a_label_time_that_stands_for_none_never_came(tmp_path: Path, none: str) -> None:
    frame = rows()
    frame["known"] = frame["known"].astype("datetime64[us]")
    frame.loc[:9, "known"] = pd.Timestamp(none).as_unit("us")
    frame.to_parquet(tmp_path / "rows.parquet", index=False)

    assert failed(checked(project(tmp_path))) == set()


def no_labels(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(y=pd.Series(np.nan, index=frame.index))


def few(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[::40]


def no_rows(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.head(0)


def no_ids(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(row=pd.Series(pd.NA, index=frame.index, dtype="Int64"))


def equal_ids(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(row=1)


@pytest.mark.parametrize("made", [no_labels, few, no_rows, no_ids, equal_ids])
def test_what_can_never_work_fails(tmp_path: Path, made: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    for write in ("to_parquet", "to_csv"):
        name = "rows.parquet" if write == "to_parquet" else "rows.csv"
        getattr(made(rows()), write)(tmp_path / name, index=False)
        assert failed(checked(project(tmp_path, source=name)))


def served(frame: pd.DataFrame) -> pd.Series:
    return 1 / (1 + np.exp(-(1.5 * frame["x"] + 0.5 * frame["z"])))


def named(frame: pd.DataFrame, one: object, zero: object) -> pd.DataFrame:
    return frame.assign(y=np.where(frame["y"] == 1, one, zero), p=served(frame))


CLASSES = {"churn": ("churn", "stay"), "bad": ("bad", "good"), "minus": (-1, 1), "zero": (0, 1)}


@pytest.mark.parametrize("name", CLASSES)
def test_scores_of_the_other_class_are_told_and_a_key_mends_it(tmp_path: Path, name: str) -> None:
    one, zero = CLASSES[name]
    named(rows(), one, zero).to_parquet(tmp_path / "rows.parquet", index=False)

    assert "data.positive" in failed(checked(project(tmp_path, ", prediction: p")))
    mended = project(tmp_path, f", prediction: p, positive: {one}")
    assert failed(checked(mended)) == set()
    with open_source(load_spec(mended)) as opened:
        extent = opened.extent()
        assert extent is not None
        frame = opened.as_of(extent.end).window(extent, sample=10_000).frame
    frame = frame[frame["_target"].notna()]
    classes = tuple(sorted(frame["_target"].unique()))
    assert METRICS["roc_auc"](served_outcomes(frame, "binary", classes, one)) > 0.8
    assert METRICS["roc_auc"](served_outcomes(frame, "binary", classes)) < 0.2


def test_the_positive_class_is_said(tmp_path: Path) -> None:
    named(rows(), "yes", "no").to_parquet(tmp_path / "rows.parquet", index=False)

    found = checked(project(tmp_path, ", prediction: p"))

    assert [each.status for each in found if each.what == "data.positive" and "'yes'" in each.text] == ["ok"]


SCALES = [(lambda p: 100 * p, "per cent"), (lambda p: np.log(p / (1 - p)), "log-odds")]


@pytest.mark.parametrize(("scale", "word"), SCALES)
def test_scores_on_another_scale_are_named(tmp_path: Path, scale: Callable[[pd.Series], pd.Series], word: str) -> None:
    frame = rows()
    frame.assign(p=scale(served(frame))).to_parquet(tmp_path / "rows.parquet", index=False)

    found = [each for each in checked(project(tmp_path, ", prediction: p")) if each.what == "data.prediction"]

    assert [each.status for each in found] == ["fail"]
    assert word in found[0].text


@pytest.mark.parametrize("positive", ["yes", 3])
def test_a_positive_class_that_there_is_not_is_refused(tmp_path: Path, positive: object) -> None:
    named(rows(), "churn", "stay").to_parquet(tmp_path / "rows.parquet", index=False)

    assert failed(checked(project(tmp_path, f", prediction: p, positive: {positive}")))


RAISING = {
    "a library": "from lightgbm import LGBMClassifier\ndef build():\n    return LGBMClassifier(n_estimators=5)\n",
    "own fit": "from sklearn.linear_model import SGDClassifier\nclass M(SGDClassifier):\n"
    "    def partial_fit(self, *a, **k):\n        raise KeyError('price')\n    fit = partial_fit\n"
    "def build():\n    return M(loss='log_loss')\n",
    "an exit": "import sys\ndef build():\n    raise RuntimeError('no\\nlicence')\n",
}


@pytest.mark.parametrize("name", RAISING)
def test_what_a_model_raises_is_a_sentence(tmp_path: Path, name: str) -> None:
    rows().rename(columns={"x": "price [EUR]", "z": "a:b"}).drop(columns="c").to_parquet(tmp_path / "rows.parquet")
    spec = project(tmp_path)
    (tmp_path / "training.py").write_text(RAISING[name])

    found = [each for each in checked(spec) if each.what == "learner"]

    assert [each.status for each in found] == ["fail"]
    assert "training.py" in found[0].text
    assert len(found[0].text.splitlines()) == 1
    if name == "a library":
        assert "'price [EUR]'" in found[0].text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    rows().to_parquet(tmp_path / "rows.parquet", index=False)
    spec = project(tmp_path)
    tmp_path.chmod(0o500)
    try:
        assert all(len(each.text.splitlines()) <= 2 for each in checked(spec))
    finally:
        tmp_path.chmod(0o700)


def test_init_reads_how_a_csv_is_written_and_tells_its_doubts(tmp_path: Path) -> None:
    frame = rows()
    frame = frame.assign(k=[f"u{i}" for i in frame.index], x=frame["x"].where(frame.index % 37 > 0))
    frame["y"] = frame["x"].fillna(0) * 3 + 1
    frame.to_csv(tmp_path / "rows.csv", index=False, sep=";", decimal=",", na_rep="NULL")
    own = OwnData(tmp_path / "rows.csv", target="y", time="at", id="row", label_time="known")

    written = write_own(tmp_path / "mine", "mine", own)

    assert (written.task, written.numbers, written.categories) == ("regression", ["x", "z"], ["c", "k"])
    assert [each for each in written.doubts if "'k'" in each]
    spec = load_spec(tmp_path / "mine" / "spec.yaml")
    assert (spec.data.csv.decimal, spec.data.csv.null) == (",", ("NULL",))
    assert failed(checked(spec.path)) == set()


def test_init_leaves_out_what_is_found_out_by_itself(tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "rows.csv", index=False)

    write_own(tmp_path / "mine", "mine", OwnData(tmp_path / "rows.csv", target="y", time="at", id="row"))

    assert "csv" not in (tmp_path / "mine" / "spec.yaml").read_text().replace("rows.csv", "")
