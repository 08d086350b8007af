"""Adopting a model that someone else trained: what is recovered, what must be said, and what is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import LEARNED, NOW, asked, log_foreign, project, with_learner

from ratoon.loop.context import ModelContext, open_context
from ratoon.models.families.choose import learner_for
from ratoon.spec.errors import BadInput, ContractBroken, Refused, RegistryError

pytestmark = pytest.mark.slow  # a process of its own for each adoption

LOG = """
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

scaled = make_pipeline(StandardScaler(), SGDRegressor(random_state=0)).fit(X, y)
log(scaled, input_example=X[:5])                                                                # 1
log(scaled, serialization_format="cloudpickle", input_example=X[:5])                            # 2
log(make_pipeline(StandardScaler(), SGDRegressor()).fit(X.values, y))                           # 3
log(SGDRegressor().fit(X.rename(columns={"b": "gone"}), y), input_example=X.rename(columns={"b": "gone"})[:5])  # 4
mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0)
warnings.simplefilter("ignore")
log(mlp.fit(X, y), skops_trusted_types=["sklearn.neural_network._stochastic_optimizers.AdamOptimizer"])  # 5
log(SGDClassifier(loss="log_loss").fit(X, late + 1), name="late", input_example=X[:5])          # late 1
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]) -> Iterator[ModelContext]:
    folder = tmp_path_factory.mktemp("adopt") / "project"
    empty_mlflow(folder / ".ratoon")
    with project(folder) as context:
        log_foreign(folder, LOG)
        yield context


def numbers(context: ModelContext) -> list[str]:
    return [version.number for version in context.registry.versions()]  # type: ignore[attr-defined]


def test_without_the_watermark_it_is_refused(context: ModelContext) -> None:
    """Only the user knows what it has learned; when it was logged is said as a hint."""
    before = numbers(context)
    with pytest.raises(BadInput, match=r"learned twice or never\. It was logged at 2\d{3}-.*--learned-until"):
        asked(context, "1", learned_until=None)
    with pytest.raises(BadInput, match="labels of the future"):
        asked(context, "1", learned_until=NOW.replace(year=2027))
    assert numbers(context) == before


def test_a_pickle_is_loaded_only_where_the_user_allows_it(context: ModelContext) -> None:
    with pytest.raises(RegistryError, match=r"saved as cloudpickle.*learner: \{pickle: true\}.*Nothing was loaded"):
        asked(context, "2")


def test_features_that_the_data_lack_are_named(context: ModelContext) -> None:
    """And those that the model does not know."""
    with pytest.raises(ContractBroken, match=r"expects 'gone', which the data lack; the data have 'b'") as error:
        asked(context, "4")
    assert "set data.features" in str(error.value)


def test_a_class_that_the_model_does_not_know_is_named(context: ModelContext) -> None:
    with (
        project(context.spec.folder, target="late", model="late") as late,
        pytest.raises(ContractBroken, match=r"knows the classes 1, 2; the labels hold 0"),
    ):
        asked(late, "1")


def test_what_is_not_there_is_said(context: ModelContext) -> None:
    with pytest.raises(RegistryError, match="no version or alias '77'"):
        asked(context, "77")
    with pytest.raises(RegistryError, match="runs:/none/model cannot be read"):
        asked(context, "", address="runs:/none/model")
    with pytest.raises(BadInput, match="--version or --model-uri"):
        asked(context, "1", address="models:/churn/1")
    assert context.ledger.promotions.of("churn") == []


def test_an_adopted_pipeline_predicts_the_same_and_continues(context: ModelContext) -> None:
    """Features, reservoir, versions and the optimiser's steps are recovered; what is missing is named."""
    found = asked(context, "1")
    trained = context.registry.load(found.version.number)
    state = trained.state
    said = "; ".join(found.found.recovered)
    assert "2 features, from its signature" in said
    assert "step count" in said
    assert "versions of scikit-learn" in said
    missing = "; ".join(found.found.missing)
    assert "boltons==24.0.0" in missing
    assert "biased in its favour" in missing
    assert all(each in found.version.description for each in ("Adopted from models:/churn/1", "boltons==24.0.0"))
    assert (state.strategy, state.parent, state.watermark, state.family) == ("adopted", "1", LEARNED, "sklearn-partial")
    assert found.version.tags["ratoon.adopted_from"] == "models:/churn/1"
    view = context.source.as_of(NOW)
    learned = view.ledger_of_rows(LEARNED)
    assert (state.learned_rows, state.fingerprint) == (learned.rows, learned.fingerprint)
    assert state.accepted and state.profile is not None
    assert trained.reservoir is not None and not trained.reservoir["_holdout"].any()
    new = view.unlearned(LEARNED)
    learner = learner_for(trained.estimator, context.spec)
    updated = learner.update(trained, new, context.spec)
    assert updated.state.learned_rows == view.ledger_of_rows(NOW).rows
    with pytest.raises(Refused, match="behind the watermark"):
        learner.update(trained, view.learned(LEARNED), context.spec)
    load = f"[mlflow.sklearn.load_model(f'models:/churn/{{n}}') for n in (1, {found.version.number})]"
    script = f"import json\nprint(json.dumps([each.predict(X[:50]).tolist() for each in {load}]))\n"
    before, after = json.loads(log_foreign(context.spec.folder, script))
    assert np.array_equal(before, after)


def test_asked_again_it_finds_the_version_it_made(context: ModelContext) -> None:
    """A crash between registering and promoting is mended by the same command."""
    first = asked(context, "1").version.number
    before = numbers(context)
    assert asked(context, "", address="models:/churn/1").version.number == first
    assert numbers(context) == before


def test_an_allowed_pickle_is_stored_as_skops(context: ModelContext) -> None:
    with open_context(with_learner(context, pickle=True)) as trusting:
        found = asked(trusting, "2")
        folder = trusting.registry.folder(found.version.number)  # type: ignore[attr-defined]
    assert (folder / "model.skops").exists()
    assert not list(folder.rglob("*.pkl"))


@pytest.mark.filterwarnings("ignore:X has feature names")  # scikit-learn says so at each prediction
def test_a_model_without_names_takes_those_of_the_spec(context: ModelContext) -> None:
    """They are in the order in which it learned them, as the user says; that this was needed is on record."""
    found = asked(context, "3")
    assert any("data.features, in that order" in each for each in found.found.recovered)
    assert any("no signature" in each or "a signature" in each for each in found.found.missing)


def test_a_network_keeps_its_optimiser(context: ModelContext) -> None:
    found = asked(context, "5")
    assert any("AdamOptimizer" in each for each in found.found.recovered)
    assert context.registry.load(found.version.number).estimator._optimizer.t > 0


def test_a_second_lineage_needs_another_name(context: ModelContext) -> None:
    """Once Ratoon's own champion serves, nothing foreign takes its place."""
    number = asked(context, "1").version.number
    context.registry.promote(number)
    with pytest.raises(RegistryError, match="give it a spec with another `model`"):
        asked(context, "5")
    with pytest.raises(RegistryError, match="registered by Ratoon already"):
        asked(context, number)
    assert asked(context, "1").version.number == number
