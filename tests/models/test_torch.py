"""PyTorch's networks: everything that training has goes on, and nothing of it is code."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.families.choose import build, learner_for
from ratoon.models.learning.features import table
from ratoon.models.learning.how import How
from ratoon.models.registry.evidence import Evidence
from ratoon.spec.errors import ContractBroken, SpecError

from .served import serve_without_ratoon

torch = pytest.importorskip("torch")


def _first(spec: Any, rows: pd.DataFrame) -> Any:
    estimator = build(spec)
    return learner_for(estimator, spec).first(estimator, rows, spec)


def _rows(make_rows: Any, n: int, task: str, **more: Any) -> pd.DataFrame:
    return make_rows(n, task, **more).drop(columns="c")


def test_the_same_seed_and_rows_give_the_same_network_and_another_seed_another(make_spec: Any, make_rows: Any) -> None:
    """Weights at the start, dropout and the shuffling all come from the spec's seed, not from the process's stream."""
    rows = _rows(make_rows, 200, "binary")
    torch.manual_seed(1)
    one = _first(make_spec("torch_binary", seed=3), rows).predict_frame(rows)
    torch.manual_seed(2)
    again = _first(make_spec("torch_binary", seed=3), rows).predict_frame(rows)
    other = _first(make_spec("torch_binary", seed=4), rows).predict_frame(rows)

    pd.testing.assert_frame_equal(one, again, check_exact=True)
    assert not np.allclose(one["_score"], other["_score"])


def test_optimiser_scheduler_and_generator_go_on(make_spec: Any, make_rows: Any) -> None:
    """Momentum is kept, the learning rate goes on falling, and no random number comes twice."""
    spec = make_spec("torch_multiclass", "multiclass", learner={"epochs": 2})
    champion = _first(spec, _rows(make_rows, 200, "multiclass"))
    new = _rows(make_rows, 100, "multiclass", start=200)
    updated = learner_for(champion.estimator, spec).update(champion, new, spec)
    before, after = champion.estimator.training, updated.estimator.training

    assert before["scheduler"]["last_epoch"] == 2
    assert after["scheduler"]["last_epoch"] == 4
    assert after["optimiser"]["param_groups"][0]["lr"] == pytest.approx(0.05 * 0.95**4)
    assert len(after["optimiser"]["state"]) == len(before["optimiser"]["state"])
    assert not torch.equal(before["generator"], after["generator"])
    assert updated.state.updated_steps == ("mean and variance of the inputs", "Sequential", "SGD")


def test_passes_end_where_a_tenth_of_the_rows_gets_no_better(make_spec: Any, make_rows: Any) -> None:
    """`learner.patience`: the first fit keeps its epochs, an update ends early, and the same way each time."""
    spec = make_spec("torch_regression", "regression", learner={"epochs": 300, "patience": 2})
    champion = _first(spec, _rows(make_rows, 200, "regression"))
    new = _rows(make_rows, 400, "regression", start=200)
    one, again = (learner_for(champion.estimator, spec).update(champion, new, spec) for _ in range(2))

    (note,) = [each for each in one.state.notes if "learner.patience" in each]
    assert int(note.split(" of 300 passes")[0]) < 200
    assert one.state.learned_rows == 600
    pd.testing.assert_frame_equal(one.predict_frame(new), again.predict_frame(new), check_exact=True)


def test_inputs_are_standardised_by_all_rows_learned_so_far(make_spec: Any, make_rows: Any) -> None:
    """Two updates see the mean and variance of the whole; missing values do not count and predict as the mean."""
    spec = make_spec("torch_regression", "regression", learner={"epochs": 1})
    old, new = _rows(make_rows, 150, "regression"), _rows(make_rows, 90, "regression", start=150)
    old["a"] = 1000 + 5 * old["a"]
    new["a"] = 1010 + 5 * new["a"]
    new.loc[::9, "a"] = np.nan
    champion = _first(spec, old)
    weights = learner_for(champion.estimator, spec).update(champion, new, spec).estimator.training["weights"]
    seen = pd.concat([old["a"], new["a"]]).astype(np.float32).dropna()

    assert weights["rows"][0] == len(seen)
    assert float(weights["mean"][0]) == pytest.approx(seen.astype(float).mean(), rel=1e-6)
    assert float(weights["spread"][0] / weights["rows"][0]) == pytest.approx(seen.astype(float).var(ddof=0), rel=1e-5)
    assert np.isfinite(champion.predict(new).prediction).all()


def test_shrink_and_perturb_starts_from_smaller_weights_and_a_fresh_optimiser(make_spec: Any, make_rows: Any) -> None:
    """With a learning rate of nought what is left is exactly keep times the weights, and noise."""
    spec = make_spec("torch_binary", learner={"epochs": 1, "shrink": {"keep": 0.5, "noise": 0.0}})
    path = spec.folder / "training.py"
    champion = _first(spec, _rows(make_rows, 200, "binary"))
    path.write_text(path.read_text().replace("lr=0.01", "lr=0.0"))
    new = _rows(make_rows, 60, "binary", start=200)
    learner = learner_for(champion.estimator, spec)
    shrunk = learner.update(champion, new, spec, How("shrink_perturb")).estimator.training["weights"]
    before = champion.estimator.training["weights"]
    noisy = spec.model_copy(update={"learner": spec.learner.model_copy(update={"shrink": _shrink(0.5, 0.1)})})
    noisy._path = spec.path
    disturbed = learner.update(champion, new, noisy, How("shrink_perturb")).estimator.training["weights"]

    torch.testing.assert_close(shrunk["net.0.weight"], 0.5 * before["net.0.weight"])
    off = (disturbed["net.0.weight"] - shrunk["net.0.weight"]).abs()
    assert 0 < float(off.max()) < 0.5


def _shrink(keep: float, noise: float) -> Any:
    from ratoon.spec.keys.learner import ShrinkSpec

    return ShrinkSpec(keep=keep, noise=noise)


def test_another_network_in_the_build_file_breaks_the_contract_and_still_predicts(
    make_spec: Any, make_rows: Any
) -> None:
    """Whoever changes the architecture keeps the champion; only scratch can train the new one."""
    spec = make_spec("torch_regression", "regression")
    rows = _rows(make_rows, 100, "regression")
    champion = _first(spec, rows)
    path = spec.folder / "training.py"
    path.write_text(path.read_text().replace("Linear(2, 8)", "Linear(2, 9)").replace("Linear(8, 1)", "Linear(9, 1)"))
    new = _rows(make_rows, 20, "regression", start=100)
    with pytest.raises(ContractBroken, match=r"builds another network than the champion's.*`scratch`") as error:
        learner_for(champion.estimator, spec).update(champion, new, spec)
    assert "size mismatch" in str(error.value)
    assert np.isfinite(champion.predict(new).prediction).all()


def test_a_category_feature_is_refused_by_name(make_spec: Any, make_rows: Any) -> None:
    with pytest.raises(SpecError, match=r"feature 'c' is a category"):
        _first(make_spec("torch_binary"), make_rows(50))


def test_a_module_for_other_inputs_says_what_it_gets(make_spec: Any, make_rows: Any) -> None:
    rows = _rows(make_rows, 50, "binary").assign(d=0.5)
    with pytest.raises(SpecError, match=r"does not take a float32 tensor \(n, 3\).*LazyLinear"):
        _first(make_spec("torch_binary"), rows)


def test_a_module_with_too_few_logits_names_the_shape(make_spec: Any, make_rows: Any) -> None:
    with pytest.raises(SpecError, match=r"gives the shape \(3,\); expected \(3, 3\)"):
        _first(make_spec("torch_binary", "multiclass"), _rows(make_rows, 50, "multiclass"))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_registered_version_predicts_where_ratoon_is_not_installed(
    registry_of: Any, make_rows: Any, tmp_path: Any, task: str
) -> None:
    """MLflow and PyTorch are enough: probabilities in the metadata's order of classes, or values."""
    registry = registry_of(f"torch-served-{task}", f"torch_{task}", task)
    rows = _rows(make_rows, 200, task)
    rows.loc[3, "a"] = np.nan
    champion = _first(registry.spec, rows)
    evidence = Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows.head(1))
    version = registry.register(champion, evidence)
    X = table(rows, champion.state.features).astype(np.float32)
    found = serve_without_ratoon(registry.folder(version.number), X, tmp_path)

    known = champion.predict(rows)
    expected = known.prediction if known.score is None else known.score
    served = found.to_numpy()[:, 0] if task == "regression" else found.to_numpy()
    np.testing.assert_allclose(served[:, 1] if task == "binary" else served, expected, rtol=1e-5)
    registry.promote(version.number)


def test_a_loaded_version_can_be_handed_to_another_process_and_copied(registry_of: Any, make_rows: Any) -> None:
    """Every live update begins so: the champion comes from the registry and learns in a bounded process."""
    registry = registry_of("handed-torch", "torch_binary")
    rows, new = _rows(make_rows, 100, "binary"), _rows(make_rows, 40, "binary", start=100)
    evidence = Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows.head(5))
    champion = registry.load(registry.register(_first(registry.spec, rows), evidence).number)
    handed = pickle.loads(pickle.dumps(champion))
    copied = copy.deepcopy(champion)
    expected = champion.predict_frame(new)
    for each in (handed, copied):
        pd.testing.assert_frame_equal(each.predict_frame(new), expected, check_exact=True)
    updated = learner_for(handed.estimator, registry.spec).update(handed, new, registry.spec)
    assert updated.state.strategy == "warm"


def test_the_generator_of_the_process_is_left_alone(make_spec: Any, make_rows: Any) -> None:
    rows = _rows(make_rows, 60, "binary")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    spec = make_spec("torch_binary")
    champion = _first(spec, rows)
    learner_for(champion.estimator, spec).update(replace(champion), _rows(make_rows, 20, "binary", start=60), spec)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_optimiser_in_the_build_file_is_refused_by_name(make_spec: Any, make_rows: Any) -> None:
    """PyTorch would take the one's state for the other's, or fail in the middle."""
    spec = make_spec("torch_multiclass", "multiclass", learner={"epochs": 1})
    champion = _first(spec, _rows(make_rows, 120, "multiclass"))
    path = spec.folder / "training.py"
    text = path.read_text()
    assert "torch.optim.SGD" in text
    path.write_text(text.replace("torch.optim.SGD", "torch.optim.RMSprop"))
    new = _rows(make_rows, 40, "multiclass", start=120)
    with pytest.raises(ContractBroken, match=r"it went on with SGD, ExponentialLR, here is RMSprop, ExponentialLR"):
        learner_for(champion.estimator, spec).update(champion, new, spec)
    again = learner_for(champion.estimator, spec).update(champion, new, spec, How("shrink_perturb"))
    assert again.state.updates == 1  # which begins with a fresh one


def test_rows_that_are_replayed_are_not_counted_twice(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("torch_regression", "regression", learner={"epochs": 1})
    champion = _first(spec, _rows(make_rows, 100, "regression"))
    new = _rows(make_rows, 50, "regression", start=100)
    how = How("warm_replay", champion.reservoir.head(50))
    updated = learner_for(champion.estimator, spec).update(champion, new, spec, how)
    assert updated.estimator.training["weights"]["rows"].tolist() == [150.0, 150.0]
