"""XGBoost's own binary form is read whole, and what is written XGBoost reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ratoon.models.families.boosting import ubjson

xgboost = pytest.importorskip("xgboost")


@pytest.fixture(scope="module")
def trained() -> Any:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    model = xgboost.XGBClassifier(n_estimators=7, max_depth=3, n_jobs=1).fit(
        X, (X[:, 0] > 0).astype(int) + (X[:, 1] > 1)
    )
    model.get_booster().set_attr(note="Größe")
    return model.get_booster(), X


def test_a_booster_is_the_same_after_being_read_and_written(trained: Any) -> None:
    booster, X = trained
    again = xgboost.Booster()
    again.load_model(bytearray(ubjson.dumps(ubjson.loads(bytes(booster.save_raw("ubj"))))))
    assert bytes(again.save_raw("ubj")) == bytes(booster.save_raw("ubj"))
    np.testing.assert_array_equal(again.predict(xgboost.DMatrix(X)), booster.predict(xgboost.DMatrix(X)))


def test_it_says_what_the_json_says(trained: Any) -> None:
    import json

    booster, _ = trained
    text = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    binary = ubjson.loads(bytes(booster.save_raw("ubj")))["learner"]["gradient_booster"]["model"]["trees"]
    assert len(binary) == len(text) == 21
    for one, other in zip(binary, text, strict=True):
        np.testing.assert_array_equal(one["left_children"], other["left_children"])
        np.testing.assert_allclose(one["split_conditions"], other["split_conditions"], rtol=1e-6)


@pytest.mark.parametrize("value", [{"a": [True, False, None, "ü", 3]}, [], {}, np.array([1.5, -2], ">f4")])
def test_values_come_back_as_they_were(value: Any) -> None:
    back = ubjson.loads(ubjson.dumps(value))
    assert np.array_equal(back, value) if isinstance(value, np.ndarray) else back == value


def test_what_xgboost_does_not_write_is_refused() -> None:
    with pytest.raises(ValueError, match="mark 'H'"):
        ubjson.loads(b"H1")
    with pytest.raises(ValueError, match="without its length"):
        ubjson.loads(b"[i\x01]")
    with pytest.raises(ValueError, match="float64"):
        ubjson.dumps(np.zeros(3))
