"""What every learner must hold, whatever its family."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from ratoon.data.holdout import fingerprint
from ratoon.models import families as package
from ratoon.models.families import families
from ratoon.models.families.boosting.lightgbm_trees import import_lightgbm
from ratoon.models.families.choose import build, family_of, learner_for
from ratoon.models.families.river.model import RiverModel, write
from ratoon.models.families.torch.model import TorchModel
from ratoon.models.learning.how import How
from ratoon.models.learning.order_sensitivity import TOLERANCE
from ratoon.models.learning.reservoir import beside, drawn
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.evidence import Evidence
from ratoon.spec.errors import ContractBroken, Refused, SpecError
from ratoon.spec.family import is_own

from .conftest import BUILDS
from .found_learners import NEEDS, found_learners, name_of, unavailable

CASES = [
    ("sgd_binary", "binary", {}),
    ("sgd_multiclass", "multiclass", {}),
    ("sgd_regression", "regression", {}),
    ("mlp_regression", "regression", {}),
    ("mlp_multiclass", "multiclass", {}),
    ("bayes_binary", "binary", {}),
    ("kmeans_clustering", "clustering", {}),
    ("kmeans_alone_clustering", "clustering", {}),
    ("lgbm_bare_binary", "binary", {}),
    ("lgbm_bare_binary", "binary", {"boosting": "continue"}),
    ("lgbm_bare_binary", "binary", {"boosting": "refit"}),
    ("lgbm_multiclass", "multiclass", {}),
    ("lgbm_alone_regression", "regression", {}),
    ("xgb_bare_binary", "binary", {}),
    ("xgb_bare_binary", "binary", {"boosting": "continue"}),
    ("xgb_bare_binary", "binary", {"boosting": "refit"}),
    ("xgb_multiclass", "multiclass", {}),
    ("xgb_alone_regression", "regression", {}),
    ("xgb_scaled_regression", "regression", {}),
    ("river_linear_binary", "binary", {}),
    ("river_linear_binary", "binary", {"per": "batch"}),
    ("river_linear_regression", "regression", {}),
    ("river_bayes_multiclass", "multiclass", {}),
    ("river_tree_binary", "binary", {}),
    ("river_forest_multiclass", "multiclass", {}),
    ("torch_binary", "binary", {}),
    ("torch_multiclass", "multiclass", {}),
    ("torch_regression", "regression", {}),
    ("own_regression", "regression", {"family": "training.py:OwnSteps"}),
    *((each.name, each.task, dict(each.learner)) for family in families() for each in family.examples),
]
NUMBERS_ONLY = (
    "kmeans_alone_clustering",
    *("lgbm_alone_regression", "xgb_alone_regression", "own_regression"),
    *("torch_binary", "torch_multiclass", "torch_regression"),
)
LIBRARIES = {"lgbm": "lightgbm", "xgb": "xgboost", "river": "river", "torch": "torch"}  # by the names of builds
SCRATCH_ONLY = [("forest_binary", "binary", {}), ("forest_regression", "regression", {})]
names = ["-".join([build, *map(str, options.values())]).replace(".py:", "-") for build, _, options in CASES]
MODELS = set(re.findall(r"^def (\w+_(?:binary|multiclass|regression|clustering))\(", BUILDS, re.MULTILINE))


@pytest.fixture(scope="module")
def firsts() -> dict[str, Any]:
    """The first versions of the cases that were asked for: no update changes them, so that all tests share them."""
    return {}


@pytest.fixture(params=CASES, ids=names)
def case(
    request: pytest.FixtureRequest,
    make_spec: Any,
    make_rows: Any,
    firsts: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> Any:
    """(spec, champion, new rows) of one family."""
    name, task, options = request.param
    for library in ("river", "torch"):
        if name.startswith(library):
            pytest.importorskip(library)
    key = str(request.param)
    if key not in firsts:
        firsts[key] = _first(make_spec, make_rows, name, task, options)
    spec, champion, new = firsts[key]
    learner = " ".join(sorted(name_of(learner_for(champion.estimator, spec)) - {"object"}))
    record_property("conformance", {"learner": learner, "case": "-".join([name, *options.values()])})
    return spec, champion, new.copy()


def _first(make_spec: Any, make_rows: Any, name: str, task: str, options: dict[str, Any]) -> Any:
    if name.startswith("xgb"):
        pytest.importorskip("xgboost")
    spec = make_spec(name, task, learner={"epochs": 3, "batch": 32, "rounds": 5, **options})
    old, new = make_rows(300, task), make_rows(120, task, start=300, shift=0.5)
    if name == "xgb_multiclass":  # XGBoost takes classes from 0 only
        codes = {"low": 0, "mid": 1, "high": 2}
        old, new = (rows.assign(_target=rows["_target"].map(codes)) for rows in (old, new))
    if name in NUMBERS_ONLY:  # these take no text columns
        old, new = old.drop(columns="c"), new.drop(columns="c")
    estimator = build(spec)
    return spec, learner_for(estimator, spec).first(estimator, old, spec), new


def test_no_learner_escapes_this_suite(make_spec: Any) -> None:
    """Each class in models/families/ that is a learner, and each installed entry point, has a case here."""
    tried = unavailable()
    for name, task, options in (*CASES, *SCRATCH_ONLY):
        library = next((each for short, each in LIBRARIES.items() if name.startswith(short)), None)
        if library is not None and NEEDS[library] in tried:
            continue
        spec = make_spec(name, task, learner=options)
        tried |= name_of(learner_for(build(spec), spec))
    lacking = sorted(found_learners() - tried)
    assert not lacking, f"no case in CASES for: {', '.join(lacking)}"


def test_no_family_escapes_this_suite(make_spec: Any) -> None:
    """Each of them, those of installed packages too, has a case here."""
    tried = {family.name for family in families() if any(map(_missing, family.modules))}
    for name, task, options in CASES:
        library = next((each for short, each in LIBRARIES.items() if name.startswith(short)), None)
        if "family" not in options and not (library is not None and _missing(library)):
            spec = make_spec(name, task, learner=options)
            tried.add(family_of(build(spec), spec).name)
    lacking = sorted({family.name for family in families()} - tried)
    assert not lacking, f"no case in CASES for: {', '.join(lacking)}"


def _missing(module: str) -> bool:
    return importlib.util.find_spec(module) is None


def test_no_model_of_the_build_file_is_left_out() -> None:
    cases = {name for name, _, _ in (*CASES, *SCRATCH_ONLY)}
    assert cases == MODELS


def test_a_family_that_is_added_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file in models/families/ with a learner is asked for by its name; what only helps one is not."""
    (tmp_path / "brand_new.py").write_text(
        "class BrandNew:\n    family, strategies, splits = 'new', frozenset(), 'free'\n"
        "    def first(self, *a): ...\n    def update(self, *a): ...\n"
        "class Helper:\n    family = 'new'\n"
    )
    before = found_learners()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    try:
        assert found_learners() - before == {"BrandNew"}
    finally:
        sys.modules.pop(f"{package.__name__}.brand_new", None)


def _content(trained: Trained) -> tuple[Any, ...]:
    """All that an update could change of *trained*, whatever its family: estimator, optimiser, state, kept rows."""
    estimator, rows = trained.estimator, trained.reservoir
    if isinstance(estimator, TorchModel):
        import torch

        file = io.BytesIO()
        torch.save(estimator.training, file)
        whole: Any = file.getvalue()
    else:  # by value, each array and attribute: what is saved of it holds ids, which differ from call to call
        whole = write(estimator.model) if isinstance(estimator, RiverModel) else joblib.hash(estimator)
    return whole, trained.state, None if rows is None else joblib.hash(rows)


def test_an_update_learns_and_leaves_the_champion_as_it_was(case: Any) -> None:
    """Predictions and files of the champion are the same after an update; the update's differ."""
    spec, champion, new = case
    before = champion.predict_frame(new)
    content = _content(champion)
    updated = learner_for(champion.estimator, spec).update(champion, new, spec)

    pd.testing.assert_frame_equal(champion.predict_frame(new), before)
    assert _content(champion) == content
    assert not np.allclose(updated.predict_frame(new)["_score"], before["_score"])


def test_the_comparison_above_sees_a_corrupted_optimiser(make_spec: Any, make_rows: Any) -> None:
    """The least change of one number, which no prediction tells."""
    spec = make_spec("mlp_regression", "regression", learner={"epochs": 1})
    estimator = build(spec)
    champion = learner_for(estimator, spec).first(estimator, make_rows(60, "regression"), spec)
    content = _content(champion)
    assert _content(champion) == content
    moments = champion.estimator[-1]._optimizer.ms[0]
    moments[0] = np.nextafter(moments[0], 1.0)
    assert _content(champion) != content


def test_an_update_moves_the_state_over_the_rows_it_learned(case: Any) -> None:
    """Watermark, row count and fingerprint say exactly what was learned; steps say how."""
    spec, champion, new = case
    state = learner_for(champion.estimator, spec).update(replace(champion, version="7"), new, spec).state

    assert state.watermark == new["_label_time"].max().to_pydatetime()
    assert (state.learned_rows, state.updates, state.strategy, state.parent) == (420, 1, "warm", "7")
    assert state.fingerprint == (champion.state.fingerprint + fingerprint(new["_id"])) % 2**61
    assert state.updated_steps
    assert state.accepted == {}


def test_the_same_update_gives_the_same_state_whatever_the_rows_order(case: Any) -> None:
    """A resumed update cannot differ from the one that was killed."""
    spec, champion, new = case
    learner = learner_for(champion.estimator, spec)
    one = learner.update(champion, new, spec)
    two = learner.update(champion, new.sample(frac=1, random_state=1), spec)

    np.testing.assert_array_equal(one.predict_frame(new)["_score"], two.predict_frame(new)["_score"])
    assert one.state == two.state


def test_one_update_or_several_over_the_same_rows_agree_as_the_family_states(
    case: Any, request: pytest.FixtureRequest
) -> None:
    """Every row is learned once either way, and the scores differ no more than `splits` allows."""
    spec, champion, new = case
    learner = learner_for(champion.estimator, spec)
    splits = getattr(learner, "splits", "free")
    whole, apart = learner.update(champion, new, spec), champion
    for start in range(0, len(new), 40):
        apart = learner.update(apart, new.iloc[start : start + 40], spec)
    assert (apart.state.learned_rows, apart.state.fingerprint) == (whole.state.learned_rows, whole.state.fingerprint)
    assert apart.state.watermark == whole.state.watermark
    assert (apart.reservoir is None) == (whole.reservoir is None) == (spec.task == "clustering")
    if whole.reservoir is not None:
        pd.testing.assert_frame_equal(apart.reservoir, whole.reservoir)
    spread = new["_target"].std() if spec.task == "regression" else 1.0
    one, many = (trained.predict_frame(new)["_score"] for trained in (whole, apart))
    apart_by = float((one - many).abs().mean() / spread)
    print(f"{request.node.callspec.id}: 1 update and 3 differ by {apart_by:.2g}, {splits} allows {TOLERANCE[splits]}")
    assert apart_by <= TOLERANCE[splits]


def test_no_rows_no_change(case: Any) -> None:
    spec, champion, new = case
    assert learner_for(champion.estimator, spec).update(champion, new.iloc[:0], spec) is champion


def test_a_registry_round_trip_predicts_and_continues_identically(
    case: Any, registry_of: Any, request: pytest.FixtureRequest
) -> None:
    """What comes back from MLflow is the same model with the same future."""
    spec, champion, new = case
    model = request.node.callspec.id
    own = {"learner": {"family": spec.learner.family}} if ":" in spec.learner.family else {}
    registry = registry_of(model, spec.learner.build.split(":")[1], spec.task, **own)
    version = registry.register(champion, Evidence(decision="d1", at=datetime(2026, 2, 1), example=new.head(5)))
    again = registry.load(version.number)
    pd.testing.assert_frame_equal(again.predict_frame(new), champion.predict_frame(new))
    assert again.state == champion.state

    learner = learner_for(champion.estimator, spec)
    _same_rows(again.reservoir, champion.reservoir)
    for strategy in sorted({"warm", "warm_replay", "warm_blocks"} & learner.strategies):
        here, there = (_by(strategy, of, new, spec) for of in (champion, again))
        np.testing.assert_array_equal(here.predict_frame(new)["_score"], there.predict_frame(new)["_score"])
        _same_rows(here.reservoir, there.reservoir)
        assert here.state.model_dump(exclude={"parent"}) == there.state.model_dump(exclude={"parent"})


def _same_rows(one: pd.DataFrame | None, other: pd.DataFrame | None) -> None:
    """Both reservoirs hold the same rows; a clustering has none. Text read back is canonical: object."""
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        pd.testing.assert_frame_equal(one.astype(object), other.astype(object))


def _by(strategy: Any, trained: Trained, new: pd.DataFrame, spec: Any) -> Trained:
    """*trained* continued on *new*, with old rows from its own reservoir where *strategy* replays."""
    how = How(strategy)
    if strategy == "warm_blocks":
        how = How(strategy, beside(trained.reservoir, len(new), spec.learner.replay, spec.learner.blocks))
    elif strategy == "warm_replay":
        how = How(strategy, drawn(trained.reservoir, len(new), spec.learner.replay, turn=0))
    return learner_for(trained.estimator, spec).update(trained, new, spec, how)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop(columns="a"), "feature 'a' is missing"),
        (lambda rows: rows.assign(extra=1.0), "feature 'extra' is new"),
        (lambda rows: rows.assign(a=pd.Series(["t"] * len(rows), dtype=object)), "feature 'a' was number, is category"),
    ],
    ids=["missing", "new", "kind"],
)
def test_a_changed_schema_is_refused_by_name(case: Any, change: Callable[[Any], Any], words: str) -> None:
    """The message names the difference and the strategy that still works."""
    spec, champion, new = case
    with pytest.raises(ContractBroken, match=words) as error:
        learner_for(champion.estimator, spec).update(champion, change(new), spec)
    assert "scratch" in str(error.value)


def test_rows_that_were_replayed_are_learned_too(case: Any) -> None:
    """`warm_replay` learns old rows beside the new ones; the state counts the new ones only."""
    spec, champion, new = case
    learner = learner_for(champion.estimator, spec)
    if "warm_replay" not in learner.strategies:
        pytest.skip("it keeps counts, and would count replayed rows twice")
    warm = learner.update(champion, new, spec)
    replay = champion.reservoir.head(60)
    replayed = learner.update(champion, new, spec, How("warm_replay", replay))

    assert replayed.state.learned_rows == warm.state.learned_rows
    assert replayed.state.strategy == "warm_replay"
    assert not np.array_equal(replayed.predict_frame(new)["_score"], warm.predict_frame(new)["_score"])


def test_columns_in_another_order_are_the_same_columns(case: Any) -> None:
    spec, champion, new = case
    learner = learner_for(champion.estimator, spec)
    one = learner.update(champion, new, spec)
    two = learner.update(champion, new[[*reversed(new.columns)]], spec)
    np.testing.assert_array_equal(one.predict_frame(new)["_score"], two.predict_frame(new)["_score"])


def test_an_unseen_class_is_refused_by_name(case: Any) -> None:
    spec, champion, new = case
    if not champion.state.classes:
        pytest.skip(f"{spec.task} has no classes")
    other = "other" if isinstance(champion.state.classes[0], str) else 7
    strange = new.assign(_target=[other, *new["_target"].iloc[1:]])
    with pytest.raises(ContractBroken, match=r"class (other|7) in the rows is new"):
        learner_for(champion.estimator, spec).update(champion, strange, spec)


def test_a_batch_that_lacks_a_class_is_learned(case: Any) -> None:
    """Rare classes are absent from most batches; the model must not forget that they exist."""
    spec, champion, new = case
    if not champion.state.classes:
        pytest.skip(f"{spec.task} has no classes")
    one_class = new[new["_target"] == new["_target"].iloc[0]]
    updated = learner_for(champion.estimator, spec).update(champion, one_class, spec)
    assert updated.predict(new).classes == champion.state.classes


def test_holdout_rows_are_never_learned(case: Any) -> None:
    """Invariant 2, in every learner and both ways to learn."""
    spec, champion, new = case
    learner = learner_for(champion.estimator, spec)
    with_one = new.assign(_holdout=[True] + [False] * (len(new) - 1))
    with pytest.raises(Refused, match="holdout"):
        learner.update(champion, with_one, spec)
    with pytest.raises(Refused, match="holdout"):
        learner.first(build(spec), with_one, spec)


def test_rows_behind_the_watermark_are_not_learned_again(case: Any, make_rows: Any) -> None:
    """Invariant 1: a row that may have been learned is refused, also when only one of many."""
    spec, champion, new = case
    again = make_rows(300, spec.task)[new.columns].tail(1)
    learner = learner_for(champion.estimator, spec)
    with pytest.raises(Refused, match="behind the watermark"):
        learner.update(champion, pd.concat([new, again]), spec)
    with pytest.raises(Refused, match="comes twice"):
        learner.update(champion, pd.concat([new, new.head(1)]), spec)


def test_another_minor_version_of_the_library_cannot_continue(case: Any) -> None:
    spec, champion, new = case
    library = "scikit-learn" if is_own(spec.learner.family) else family_of(champion.estimator, spec).libraries[0]
    old = champion.state.model_copy(update={"versions": {library: "0.2.0"}})
    with pytest.raises(ContractBroken, match=rf"learned with {library} 0\.2\.0"):
        learner_for(champion.estimator, spec).update(Trained(champion.estimator, old), new, spec)


@pytest.mark.parametrize(("name", "task", "options"), SCRATCH_ONLY)
def test_an_estimator_that_cannot_continue_says_so(
    make_spec: Any, make_rows: Any, name: str, task: str, options: dict[str, Any]
) -> None:
    """Its first fit works; its warm update is refused by name."""
    spec, champion, new = _first(make_spec, make_rows, name, task, options)
    assert len(champion.predict(new)) == len(new)
    with pytest.raises(ContractBroken, match=r"has no partial_fit.*only the `scratch` strategy"):
        learner_for(champion.estimator, spec).update(champion, new, spec)


def test_a_family_that_does_not_fit_the_estimator_is_a_spec_error(make_spec: Any) -> None:
    spec = make_spec("sgd_binary", learner={"family": "lightgbm"})
    with pytest.raises(SpecError, match=r"learner\.family: 'lightgbm' does not fit the estimator SGDClassifier"):
        learner_for(build(spec), spec)


def test_without_lightgbm_the_error_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(SpecError, match=r"pip install 'ratoon\[lightgbm\]'"):
        import_lightgbm()
