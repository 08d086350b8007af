"""What `ratoon check` says of values: written numbers, stand-ins, tell-tales, classes written alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_check_doubts import changed, checked, doubted, project, rows, told

from ratoon.data.doubts.doubts import written_alike
from ratoon.data.doubts.stand_ins import stand_ins
from ratoon.data.doubts.telltale import tells_exactly
from ratoon.data.doubts.written import of_one_unit, written_number

WRITTEN: dict[str, Callable[[float], str]] = {
    "a currency before": lambda v: f"€{v:.2f}",
    "a currency's name before": lambda v: f"USD {v:.2f}",
    "a currency behind": lambda v: f"{v:.2f} £",
    "a minus behind": lambda v: f"{-v:.2f}-" if v < 0 else f"{v:.2f}",
    "a minus of typesetters": lambda v: f"{v:.2f}".replace("-", "\u2212"),
    "brackets for a minus": lambda v: f"({-v:.2f})" if v < 0 else f"{v:.2f}",
    "blanks between thousands": lambda v: f"{v * 1e6:,.0f}".replace(",", " "),
    "apostrophes between thousands": lambda v: f"{v * 1e6:,.2f}".replace(",", "'"),
    "points between thousands": lambda v: f"{v * 1e6:,.2f}".translate(str.maketrans(",.", ".,")),
    "a unit of a quotient": lambda v: f"{v:.1f} km/h",
    "degrees": lambda v: f"{v:.1f}°C",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_numbers_as_people_write_them_are_doubted(tmp_path: Path, name: str) -> None:
    frame = rows(200)
    frame["x"] = frame["x"].map(WRITTEN[name])
    frame.to_csv(tmp_path / "rows.csv", index=False)

    found, kinds = doubted(project(tmp_path, source="rows.csv"))

    assert kinds["x"] == "category"
    assert [each for each in found if each.column == "x" and "numbers" in each.text]


@pytest.mark.parametrize(
    "texts", [["AA1", "DL2"], ["10.0.0.1", "10.0.0.2"], ["12:30", "13:00"], ["#12", "#13"], ["a", "b"]]
)
def test_names_are_no_numbers(texts: list[str]) -> None:
    assert not any(map(written_number, texts))


def test_codes_of_digits_and_letters_are_of_no_unit() -> None:
    assert not of_one_unit([f"{n}{letter}" for n in range(9) for letter in "ABCDEF"])
    assert of_one_unit(["12 kg", "9 kg", "3"])


def test_a_category_of_rare_values_is_doubted(tmp_path: Path) -> None:
    found, _ = doubted(
        project(tmp_path, source=changed(c=lambda f: [f"u{i % 1100}" for i in f.index])(rows(), tmp_path))
    )

    assert [each for each in found if each.column == "c" and "rare" in each.text]


STAND_INS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "-999 in 3 %": lambda x: np.where(np.arange(len(x)) % 33 == 0, -999.0, x),
    "-999 in 30 %": lambda x: np.where(np.arange(len(x)) % 10 < 3, -999.0, x),
    "9999 and -9999": lambda x: np.where(np.arange(len(x)) % 50 < 2, 9999.0 - 19998 * (np.arange(len(x)) % 2), x),
    "99 beside marks": lambda x: np.where(np.arange(len(x)) % 40 == 0, 99.0, np.floor(np.abs(x) * 2) + 1),
    "-1 among counts": lambda x: np.where(np.arange(len(x)) % 40 == 0, -1.0, np.floor(np.abs(x) * 9)),
    "infinity": lambda x: np.where(np.arange(len(x)) % 200 == 0, np.inf, x),
    "1e300 once": lambda x: np.where(np.arange(len(x)) == 7, 1e300, x),
    "a millionfold": lambda x: np.where(np.arange(len(x)) % 100 == 0, np.abs(x) * 1e6 + 1e4, x),
}  # fmt: skip


@pytest.mark.parametrize("name", STAND_INS)
def test_numbers_that_stand_for_something_else_are_told(name: str) -> None:
    rng = np.random.default_rng(0)
    assert stand_ins(STAND_INS[name](rng.normal(size=2000)))


@pytest.mark.parametrize("seed", range(5))
def test_long_tails_and_rests_are_no_stand_ins(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for sound in (
        rng.normal(size=2000),
        rng.lognormal(0, 2, 2000),
        rng.standard_cauchy(2000),
        rng.poisson(0.2, 2000).astype(float),
        np.where(rng.uniform(size=2000) < 0.99, 0.0, rng.uniform(0.1, 0.5, 2000)),
        rng.integers(-5, 6, 2000).astype(float),
        rng.integers(0, 2, 2000).astype(float),
        np.zeros(2000),
        np.arange(2000.0),
    ):
        assert stand_ins(sound) == []


@pytest.mark.parametrize("word", ["-999", "1e300"])
def test_check_names_the_column_that_holds_stand_ins(tmp_path: Path, word: str) -> None:
    source = changed(x=lambda f: f["x"].where(f.index % 40 > 0, float(word)))(rows(), tmp_path)

    found, _ = doubted(project(tmp_path, source=source))
    settled, _ = doubted(project(tmp_path, ", columns: {x: number}", source=source))

    assert [each for each in found if each.column == "x" and f"{float(word):g}" in each.text]
    assert not settled


def test_labels_that_stand_for_none_are_told_of_a_regression(tmp_path: Path) -> None:
    source = changed(y=lambda f: f["x"].where(f.index % 40 > 0, -1000.0))(rows(), tmp_path)

    found = checked(project(tmp_path, task="regression", source=source))

    assert [each for each in told(found, "warn") if each.what == "data.target" and "-1000" in each.text]


TELLING: dict[str, Callable[[pd.DataFrame], object]] = {
    "the label itself": lambda f: f["y"],
    "words for it": lambda f: np.where(f["y"] == 1, "paid", "open"),
    "several words for each": lambda f: np.where(f["y"] == 1, np.where(f["z"] > 0, "paid", "sent"), "open"),
    "a number without overlap": lambda f: f["y"] * 10 + f["z"].clip(-3, 3),
}


@pytest.mark.parametrize("name", TELLING)
def test_a_feature_that_tells_the_label_is_doubted(tmp_path: Path, name: str) -> None:
    source = changed(told=TELLING[name])(rows(), tmp_path)

    found, _ = doubted(project(tmp_path, source=source))
    named, _ = doubted(project(tmp_path, ", features: [x, z, told]", source=source))

    assert [each for each in found if each.column == "told" and "exactly" in each.text]
    assert not named


def test_a_feature_that_nearly_tells_is_none() -> None:
    rng = np.random.default_rng(0)
    y = pd.Series(rng.integers(0, 2, 1000))
    assert not tells_exactly(y.where(y.index != 5, 1 - y), y, regression=False)
    assert not tells_exactly(pd.Series([f"u{i}" for i in range(1000)]), y, regression=False)
    x = pd.Series(rng.normal(size=1000))
    assert tells_exactly(x * 3 + 1, x, regression=True)
    assert not tells_exactly(x + rng.normal(size=1000) / 100, x, regression=True)


@pytest.mark.parametrize("twin", ["Gold", "gold ", " GOLD"])
def test_classes_that_differ_by_how_they_are_written_are_told(tmp_path: Path, twin: str) -> None:
    frame = rows()
    frame["y"] = np.where(frame["x"] > 0, "gold", np.where(frame["z"] > 0, "tin", "iron"))
    frame.loc[frame.index % 9 == 0, "y"] = twin
    frame.to_parquet(tmp_path / "rows.parquet", index=False)

    found = checked(project(tmp_path, task="multiclass"))

    assert [each for each in told(found, "warn") if each.what == "data.target" and repr(twin) in each.text]


def test_decimals_make_no_other_class() -> None:
    assert written_alike(["1", "1.0", "0", "2"]) == [["1", "1.0"]]
    assert written_alike(["a", "b", 1, 2]) == []


@pytest.mark.parametrize("word", ["pending", "in review"])
def test_a_third_class_of_a_binary_task_is_told_with_its_key(tmp_path: Path, word: str) -> None:
    frame = rows()
    frame["y"] = np.where(frame.index % 20 == 3, word, np.where(frame["y"] == 1, "yes", "no"))
    frame.to_parquet(tmp_path / "rows.parquet", index=False)

    fault = next(each for each in told(checked(project(tmp_path)), "fail") if each.what == "data.target")
    assert word in fault.text and "no_label" in fault.text
    assert not told(checked(project(tmp_path, f", no_label: [{word}]")), "fail")
