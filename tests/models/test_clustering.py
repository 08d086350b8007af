"""MiniBatchKMeans as the model itself: what an update may do to its centres, and when two clusterings compare."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import Birch, KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from ratoon.models.families.choose import learner_for
from ratoon.models.gate import Circumstances, GateResult, judge
from ratoon.models.learning.how import How, Origin
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.evidence import Evidence
from ratoon.spec.errors import ContractBroken, SpecError
from ratoon.spec.model import Spec

from .ladders import run_ladder
from .served import serve_without_ratoon

START = datetime(2026, 1, 1)
CORNERS = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]])
SPEC = Spec.model_validate(
    {
        "model": "blobs",
        "task": "clustering",
        "data": {"source": "none", "id": "id", "time": "t"},
        "learner": {"build": "training.py:build"},
    }
)


def blobs(n: int, *, start: int = 0, shift: float = 0.0, seed: int = 0, holdout: bool = False) -> pd.DataFrame:
    """*n* canonical rows around four centres that have moved by *shift*; `b` has another unit than `a`."""
    rng = np.random.default_rng([seed, start])
    at = CORNERS[rng.integers(0, 4, n)] + shift + rng.normal(size=(n, 2))
    time = pd.to_datetime([START + timedelta(minutes=start + i) for i in range(n)]).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "_id": pd.Series([f"{seed}-{start + i}-{holdout}" for i in range(n)], dtype=object),
            "_time": time,
            "_label_time": time,
            "_target": 0.0,
            "_holdout": holdout,
            "a": at[:, 0],
            "b": 100 * at[:, 1],
        }
    )


def scaled(clusters: int = 4, scale: Any = None, **options: Any) -> Pipeline:
    last = MiniBatchKMeans(clusters, n_init=3, random_state=0, **options)
    return Pipeline([("scale", scale or StandardScaler()), ("last", last)])


def first(estimator: Any = None, rows: pd.DataFrame | None = None, origin: Origin | None = None) -> Trained:
    estimator = estimator or scaled()
    rows = blobs(1000) if rows is None else rows
    return learner_for(estimator, SPEC).first(estimator, rows, SPEC, origin or Origin())


def update(champion: Trained, rows: pd.DataFrame, spec: Spec = SPEC) -> Trained:
    return learner_for(champion.estimator, spec).update(champion, rows, spec)


def judged(champion: Trained, candidate: Trained, shift: float = 1.5, **gate: Any) -> GateResult:
    asked = SPEC.gate.model_validate({"anchor": {"margin": 0.5}, "resamples": 200, **gate})
    recent = blobs(200, start=5000, shift=shift, seed=1, holdout=True)
    anchor = blobs(200, seed=2, holdout=True)
    return judge(asked, "distance", champion, candidate, recent, anchor, seed=0, beside=Circumstances(older_rows=200))


@pytest.fixture(scope="module")
def champion() -> Trained:
    return first()


def last_of(trained: Trained) -> Any:
    return trained.estimator.named_steps["last"]


def test_centres_follow_blobs_that_drift(champion: Trained) -> None:
    """Window for window the lineage stays near; the champion left behind, and plain partial_fit, do not."""
    lineage, plain = champion, copy.deepcopy(champion.estimator)
    for n in range(1, 9):
        rows = blobs(300, start=1000 + 300 * n, shift=0.5 * n)
        lineage = update(lineage, rows)
        for _ in range(10):
            plain[-1].partial_fit(plain[0].transform(rows[["a", "b"]]))
    ahead = blobs(300, start=9000, shift=4.5)
    distance = {
        "never": champion.predict(ahead).score.mean(),
        "lineage": lineage.predict(ahead).score.mean(),
        "plain": plain.transform(ahead[["a", "b"]]).min(axis=1).mean(),
    }
    assert distance["lineage"] < 0.7 * distance["plain"] < 0.7 * distance["never"]


def test_a_cluster_keeps_its_number_through_many_updates(champion: Trained) -> None:
    """Also where partial_fit, left to itself, would throw a rare cluster's centre onto a row drawn at random."""
    lineage = champion
    corner = {tuple(c): int(n) for c, n in zip(CORNERS, _numbers(champion, 0.0), strict=True)}
    for n in range(1, 7):
        rows = blobs(400, start=1000 + 400 * n, shift=0.4 * n)
        rare = (rows["a"] > 4 + 0.4 * n) & (rows["b"] > 100 * (4 + 0.4 * n))
        lineage = update(lineage, rows[~rare | (rare.cumsum() <= 1)])
    assert {tuple(c): int(n) for c, n in zip(CORNERS, _numbers(lineage, 2.4), strict=True)} == corner
    assert last_of(lineage).reassignment_ratio == last_of(champion).reassignment_ratio


def _numbers(trained: Trained, shift: float) -> Any:
    at = CORNERS + shift
    return trained.estimator.predict(pd.DataFrame({"a": at[:, 0], "b": 100 * at[:, 1]}))


def test_a_cluster_without_new_rows_stays_where_it_was_and_the_version_says_so(champion: Trained) -> None:
    rows = blobs(400, start=1000)
    gone = int(_numbers(champion, 0.0)[3])
    updated = update(champion, rows[(rows["a"] < 4) | (rows["b"] < 400)])
    np.testing.assert_allclose(
        last_of(updated).cluster_centers_[gone], last_of(champion).cluster_centers_[gone], rtol=1e-12
    )
    assert f"no new row lies nearest to cluster {gone}: left where they were" in updated.state.notes


def test_counts_are_rows_however_many_passes(champion: Trained) -> None:
    """A fit counts each row once; so does an update, in front of which the old rows weigh at most as much."""
    assert last_of(champion)._counts.sum() == pytest.approx(1000)
    for epochs in (1, 10):
        spec = SPEC.model_copy(update={"learner": SPEC.learner.model_copy(update={"epochs": epochs})})
        few = update(champion, blobs(300, start=1000), spec)
        assert last_of(few)._counts.sum() == pytest.approx(300 + 300)
        assert few.state.optimiser == "k-means, 4 centres that stand for 600 rows"
        assert "the 1000 rows behind the centres weigh as much as the 300 new ones" in few.state.notes
        many = update(champion, blobs(3000, start=1000), spec)
        assert last_of(many)._counts.sum() == pytest.approx(1000 + 3000)


def test_the_preprocessing_stays_and_the_record_says_why(champion: Trained) -> None:
    updated = update(champion, blobs(300, start=1000, shift=3))
    assert updated.estimator.named_steps["scale"].mean_ == pytest.approx(champion.estimator.named_steps["scale"].mean_)
    assert updated.state.frozen_steps == ("scale",)
    assert "unit" in updated.state.frozen_because["scale"]
    assert updated.state.updated_steps == ("MiniBatchKMeans",)


def test_a_fit_from_scratch_keeps_the_unit_and_the_numbers(champion: Trained) -> None:
    """Its centres are its own, its scaler the lineage's; each centre has the number of the one it lies nearest to."""
    rows = blobs(800, start=1000, shift=1.0)
    origin = Origin("scratch", "1", None, replace(champion, version="1"))
    scratch = first(scaled().set_params(last__random_state=7), rows, origin)
    apart = first(scaled(), rows)

    assert scratch.estimator.named_steps["scale"].mean_ == pytest.approx(champion.estimator.named_steps["scale"].mean_)
    np.testing.assert_array_equal(_numbers(scratch, 1.0), _numbers(champion, 0.0))
    labels = last_of(scratch).labels_
    np.testing.assert_array_equal(labels, scratch.estimator.predict(rows[["a", "b"]]))
    assert "need not mean what it meant" in scratch.state.notes[-1]
    assert apart.estimator.named_steps["scale"].mean_ != pytest.approx(champion.estimator.named_steps["scale"].mean_)


def test_what_follows_the_blobs_passes_the_gate(champion: Trained) -> None:
    updated = update(champion, blobs(300, start=1000, shift=1.5))
    result = judged(champion, updated)
    assert result.passed, result.text
    assert [stratum.name for stratum in result.strata] == ["recent", "anchor"]
    assert result.checks == ()  # no row is right or wrong, and nothing is calibrated


def test_what_follows_nothing_does_not_pass_the_gate(champion: Trained) -> None:
    """Rows of the same world as the champion's cannot make it better."""
    updated = update(champion, blobs(300, start=1000))
    assert not judged(champion, updated, shift=0.0).passed


@pytest.mark.parametrize("size", [0.001, 0.999])
def test_a_candidate_that_merely_shrinks_the_unit_does_not_pass(champion: Trained, size: float) -> None:
    """The same centres in a smaller unit: every distance is smaller, and nothing is better."""
    smaller = copy.deepcopy(champion.estimator)
    smaller.named_steps["scale"].scale_ /= size
    smaller.named_steps["last"].cluster_centers_ *= size
    candidate = replace(champion, estimator=smaller)
    recent = blobs(200, start=5000, seed=1, holdout=True)
    assert np.all(candidate.predict(recent).score < champion.predict(recent).score)
    np.testing.assert_array_equal(candidate.predict(recent).prediction, champion.predict(recent).prediction)

    result = judged(champion, candidate, shift=0.0)
    assert not result.passed and not result.promising
    assert all(stratum.verdict == "refused" and "another unit" in stratum.reason for stratum in result.strata)


def test_a_candidate_with_more_centres_does_not_pass(champion: Trained) -> None:
    """More centres lie nearer to any row, whether there are more clusters or not."""
    more = copy.deepcopy(champion.estimator)
    more.set_params(last=MiniBatchKMeans(12, n_init=3, random_state=0))
    more.named_steps["last"].fit(more.named_steps["scale"].transform(blobs(1000)[["a", "b"]]))
    result = judged(champion, replace(champion, estimator=more), shift=0.0)
    assert not result.passed
    assert "the champion has 4 centres, the candidate 12" in result.text


def test_a_champion_that_cannot_read_the_rows_leaves_them_unsure() -> None:
    """No constant stands in its place: without its preprocessing there is no unit to compare in."""
    numbers = ("scale", StandardScaler(), ["a", "b"])

    def reading(c: str) -> Trained:
        prepare = ColumnTransformer([numbers, ("kinds", OneHotEncoder(handle_unknown="error"), ["c"])])
        return first(Pipeline([("prepare", prepare), ("last", MiniBatchKMeans(4, n_init=3))]), blobs(500).assign(c=c))

    recent = blobs(200, start=5000, seed=1, holdout=True).assign(c="y")
    gate = SPEC.gate.model_validate({"resamples": 200})
    result = judge(
        gate, "distance", reading("x"), reading("y"), recent, recent[:0], seed=0, beside=Circumstances(older_rows=0)
    )
    assert result.strata[0].verdict == "unsure" and not result.passed
    assert "the champion could not be asked" in result.text


@pytest.mark.parametrize(
    ("fresh", "words"),
    [
        (scaled(5), r"n_clusters=5, the champion has 4"),
        (scaled(scale=MinMaxScaler()), r"scale was StandardScaler, is MinMaxScaler"),
        (scaled(scale=StandardScaler(with_mean=False)), r"scale__with_mean was True, is False"),
        (MiniBatchKMeans(4, n_init=3), r"scale was StandardScaler, is not there"),
    ],
    ids=["more centres", "another scaler", "another setting", "no scaler"],
)
def test_a_build_function_in_another_unit_is_refused_from_scratch(champion: Trained, fresh: Any, words: str) -> None:
    """Before anything is learned, and by name; also where the difference would have been passed over in silence."""
    with pytest.raises(ContractBroken, match=words) as refused:
        first(fresh, blobs(300, start=1000), Origin("scratch", "1", None, champion))
    assert "another name in `model`" in str(refused.value)


def test_other_features_are_refused_from_scratch(champion: Trained) -> None:
    """The lineage's scaler cannot take them; columns in another order are the same columns."""
    origin, rows = Origin("scratch", "1", None, champion), blobs(300, start=1000)
    with pytest.raises(ContractBroken, match="feature 'extra' is new: the lineage's preprocessing cannot take it"):
        first(scaled(), rows.assign(extra=1.0), origin)
    turned = first(scaled(), rows[[*rows.columns[:5], "b", "a"]], origin)
    assert [feature.name for feature in turned.state.features] == ["a", "b"]


def test_preprocessing_with_functions_of_their_own_is_the_same_in_every_fit() -> None:
    """A function has no content to compare but its name; it is no difference."""
    builds = [scaled(scale=FunctionTransformer(np.log1p, validate=False)) for _ in range(2)]
    rows = blobs(300, shift=5)
    champion = first(builds[0], rows.assign(a=rows["a"].abs(), b=rows["b"].abs()))
    later = blobs(300, start=1000, shift=5)
    scratch = first(
        builds[1], later.assign(a=later["a"].abs(), b=later["b"].abs()), Origin("scratch", "1", None, champion)
    )
    assert scratch.state.strategy == "scratch"


def test_sparse_columns_in_front_of_it_are_judged_too() -> None:
    """One-hot columns that stay sparse: update, fit from scratch and gate look at the same numbers."""

    def sparse() -> Pipeline:
        parts = [("scale", StandardScaler(), ["a", "b"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["c"])]
        prepare = ColumnTransformer(parts, sparse_threshold=1)
        return Pipeline([("prepare", prepare), ("last", MiniBatchKMeans(4, n_init=3, random_state=0))])

    def rows(n: int, **options: Any) -> pd.DataFrame:
        found = blobs(n, **options)
        return found.assign(c=pd.Series([f"c{i % 40}" for i in range(n)], dtype=object))

    champion, new = first(sparse(), rows(1000)), rows(600, start=1000, shift=1.5)
    scratch = first(sparse(), new, Origin("scratch", "1", None, champion))
    recent, anchor = rows(200, start=5000, shift=1.5, seed=1, holdout=True), rows(200, seed=2, holdout=True)
    gate = SPEC.gate.model_validate({"anchor": {"margin": 0.5}, "resamples": 200})
    for candidate in (update(champion, new), scratch):
        result = judge(
            gate, "distance", champion, candidate, recent, anchor, seed=0, beside=Circumstances(older_rows=200)
        )
        assert result.passed, result.text


def test_a_run_from_scratch_is_judged_in_the_lineages_unit(make_spec: Any) -> None:
    """The ladder hands the champion on: `scratch` passes on its centres, not on a scaler of its own."""
    spec = make_spec(
        "blobs_clustering",
        "clustering",
        gate={"recent": "better", "anchor": {"margin": 5}, "resamples": 200},
        learner={"ladder": "all", "strategies": ["warm", "warm_replay", "scratch"]},
    )
    steps = "[('scale', StandardScaler()), ('last', MiniBatchKMeans(4, n_init=3))]"
    build = f"\n\ndef blobs_clustering():\n    return Pipeline({steps})\n"
    (spec.folder / "training.py").write_text((spec.folder / "training.py").read_text() + build)
    champion = first()
    new = blobs(400, start=2000, shift=2.0)
    result = run_ladder(
        champion,
        spec,
        unlearned=new,
        scratch=lambda since: new,
        recent=blobs(200, start=5000, shift=2.0, seed=1, holdout=True),
        anchor=blobs(200, seed=2, holdout=True),
        older_rows=200,
    )
    warm, replay, scratch = result.attempts
    assert warm.passed and scratch.passed
    assert replay.skipped and "does not have this strategy" in (replay.error or "")


def test_another_models_counts_beside_a_state_are_noticed(champion: Trained) -> None:
    """State and estimator travel together; centres that stand for other rows are refused by name."""
    other = replace(champion, estimator=first(rows=blobs(700)).estimator)
    with pytest.raises(ContractBroken, match=r"centres that stand for 1000 rows.*stand for 700 rows"):
        update(other, blobs(300, start=1000))


def test_replay_and_shrinking_have_no_meaning(champion: Trained) -> None:
    for strategy in ("warm_replay", "shrink_perturb"):
        with pytest.raises(ContractBroken, match=f"keeps counts.*{strategy} has no meaning"):
            learner_for(champion.estimator, SPEC).update(champion, blobs(99, start=1000), SPEC, How(strategy))


def test_it_is_served_by_mlflow_alone(registry_of: Any, champion: Trained, tmp_path: Any) -> None:
    """`predict` gives the number of the cluster, in a process that has no Ratoon."""
    registry = registry_of("blobs", "kmeans_alone_clustering", "clustering")
    rows = blobs(50, start=1000)
    version = registry.register(champion, Evidence(decision="d1", at=START, example=rows.head(5)))
    again = registry.load(version.number)
    pd.testing.assert_frame_equal(again.predict_frame(rows), champion.predict_frame(rows))
    said = serve_without_ratoon(registry.folder(version.number), rows[["a", "b"]], tmp_path)
    np.testing.assert_array_equal(said.iloc[:, 0], champion.predict(rows).prediction)


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (Birch(n_clusters=4), r"predicts with Birch \(its partial_fit numbers the clusters anew"),
        (KMeans(4), r"predicts with KMeans \(it has no partial_fit\)"),
        (SGDClassifier(), r"predicts with SGDClassifier; task 'clustering' takes scikit-learn's MiniBatchKMeans"),
    ],
    ids=["Birch", "KMeans", "classifier"],
)
def test_what_is_no_clustering_that_goes_on_is_refused_by_name(estimator: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        learner_for(estimator, SPEC)


@pytest.mark.parametrize(("key", "value"), [("rate", 2.0), ("family", "river")])
def test_keys_without_meaning_for_a_clustering_are_refused(key: str, value: Any) -> None:
    spec = SPEC.model_copy(update={"learner": SPEC.learner.model_copy(update={key: value})})
    with pytest.raises(SpecError, match=rf"learner\.{key}: "):
        learner_for(scaled(), spec)


def test_a_clustering_for_another_task_is_refused_with_the_task_that_takes_it(make_spec: Callable[..., Spec]) -> None:
    with pytest.raises(SpecError, match=r"a clusterer: it learns without a target.*`task: clustering`"):
        learner_for(scaled(), make_spec("kmeans_clustering", "binary"))


def test_why_birch_is_refused() -> None:
    """Rows of the very same world change what its numbers mean, and its subclusters only grow in number."""
    points, more = (blobs(500, seed=s)[["a", "b"]].to_numpy() / [1, 100] for s in (0, 1))
    birch = Birch(n_clusters=4).fit(points)
    numbers, subclusters = birch.predict(points), len(birch.subcluster_centers_)
    birch.partial_fit(more)
    assert np.mean(birch.predict(points) == numbers) < 0.5
    assert len(birch.subcluster_centers_) > subclusters
