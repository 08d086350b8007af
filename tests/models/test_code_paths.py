"""A model whose class lives in its author's own package called `models`: adopted, updated, served without Ratoon."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import LEARNED, NOW, log_foreign, project

from ratoon.loop.adopt import adopt
from ratoon.loop.care import Care
from ratoon.loop.champion import find_champion
from ratoon.loop.learn import ladder, landed, offered
from ratoon.models.versions import Version
from ratoon.policy.decide import decision_id
from ratoon.spec.values import Decision, Triage

CODE = """
import numpy as np
from .tone import TONE


class Churn:
    def __init__(self):
        self.seen_, self.mean_ = 0, 0.0

    def fit(self, X, y):
        self.__init__()
        return self.partial_fit(X, y)

    def partial_fit(self, X, y):
        self.mean_ = (self.seen_ * self.mean_ + float(np.sum(y))) / (self.seen_ + len(y))
        self.seen_ += len(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_) + TONE + 0.1 * np.asarray(X["a"])
"""
LOG = """
from models.churn import Churn
log(Churn().fit(X, y), code_paths=["models"], serialization_format="cloudpickle", input_example=X[:5])
"""
SERVE = """
import json, sys
found = mlflow.sklearn.load_model("models:/churn/{number}")
print(json.dumps([found.predict(X[:5]).tolist(), found.seen_, sys.modules["models.churn"].__file__]))
"""
LEARNER = {"pickle": True, "trusted": ["models.churn.Churn"]}


def write_code(folder: Path, tone: float) -> None:
    """Their package, in a folder from which it is gone when Ratoon comes."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "__init__.py").write_text("")
    (folder / "models" / "tone.py").write_text(f"TONE = {tone}\n")
    (folder / "models" / "churn.py").write_text(CODE)


def adopted_and_promoted(care: Care) -> Version:
    version = adopt(care, ref="1", address=None, learned_until=LEARNED, now=NOW).version
    care.registry.promote(version.number)
    care.ledger.record_promotion(
        model="churn",
        version=version.number,
        previous=None,
        at=NOW,
        kind="first",
        actor="t",
        reason="adopted",
        decision=version.decision,
    )
    return version


def updated(care: Care) -> Version:
    """One retrain as the flow makes it, without Prefect."""
    fired = Decision(
        id=decision_id("churn", NOW, "test"),
        model="churn",
        at=NOW,
        action="warm_start",
        triage=Triage(verdict="harm", evidence=()),
        reasons=("a test",),
        policy=care.spec.policy_version,
        champion="2",
    )
    care.ledger.record_decision(fired, (), run="", live=True)
    flight = care.ledger.take_off(
        model="churn", decision=fired.id, at=NOW, run="", now_wall=NOW, abandon_after=care.spec.abandon_after
    )
    assert flight is not None
    champion = find_champion(care)
    race = ladder(care, champion, fired, bounded=True)
    assert race.winner is not None, race.attempts
    version = offered(care, champion, fired, race, race.winner)
    assert landed(care, flight, race, version.number, ended_at=NOW) == "registered"
    return version


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Care], list[Version]]]:
    """Two projects with the same package name and different code, lived through in one process."""
    folder = tmp_path_factory.mktemp("code")
    with (
        project(folder / "one", learner=LEARNER) as one,
        project(folder / "two", learner=LEARNER) as two,
    ):
        cares = [one, two]
        for care, tone in zip(cares, (-1000.0, -2000.0), strict=True):
            write_code(care.spec.folder, tone)
            log_foreign(care.spec.folder, "sys.path.insert(0, '.')\n" + LOG)
            shutil.rmtree(care.spec.folder / "models")
        for care in cares:
            adopted_and_promoted(care)
        yield cares, [updated(care) for care in cares]


def prediction(care: Care, ref: str) -> pd.Series:
    rows = care.source.as_of(NOW).learned(NOW).head(5)
    return care.registry.load(ref).predict_frame(rows)["_prediction"]


def test_the_adopted_version_is_the_original_with_a_state_beside_it(lived: tuple[list[Care], list[Version]]) -> None:
    care = lived[0][0]
    version, state = care.registry.version("2"), care.registry.load("2").state
    assert version.tags["ratoon.adopted_from"] == "models:/churn/1"
    assert (version.tags["ratoon.parent"], state.rung, state.watermark) == ("1", "adopted", LEARNED)
    assert state.learned_rows == care.source.as_of(NOW).ledger_of_rows(LEARNED).rows
    assert "biased in its favour" in version.description
    original, _, _ = json.loads(log_foreign(care.spec.folder, SERVE.format(number=1)))
    stored, _, _ = json.loads(log_foreign(care.spec.folder, SERVE.format(number=2)))
    assert stored == original


def test_the_update_continues_it_on_the_rows_it_has_not_learned(lived: tuple[list[Care], list[Version]]) -> None:
    """Warm, each row once; the attempt's cost and peak memory are those of the process that knew its code."""
    (care, _), (version, _) = lived
    state = care.registry.load("3").state
    new = care.source.as_of(NOW).unlearned_count(LEARNED)
    assert (version.number, state.rung, state.parent, state.updates) == ("3", "warm", "2", 1)
    assert state.learned_rows == care.source.as_of(NOW).ledger_of_rows(NOW).rows
    _, seen_before, _ = json.loads(log_foreign(care.spec.folder, SERVE.format(number=2)))
    _, seen_after, _ = json.loads(log_foreign(care.spec.folder, SERVE.format(number=3)))
    assert seen_after == seen_before + new
    (flight,) = care.ledger.updates("churn")
    assert flight.evidence["process"]["peak_memory_bytes"] > 50e6


def test_it_loads_and_predicts_in_a_process_without_ratoon(lived: tuple[list[Care], list[Version]]) -> None:
    """From the version's own files: the author's folder is gone, and `import ratoon` fails there."""
    care = lived[0][0]
    said, _, file = json.loads(log_foreign(care.spec.folder, SERVE.format(number=3)))
    assert all(each < -900 for each in said)
    assert "mlartifacts" in file
    assert not (care.spec.folder / "models").exists()


def test_two_packages_of_one_name_do_not_mix(lived: tuple[list[Care], list[Version]]) -> None:
    """Adopted, updated and loaded side by side in one process, each speaks with its own code."""
    for care, tone in zip(lived[0], (-1000.0, -2000.0), strict=True):
        for ref in ("2", "3"):
            assert prediction(care, ref).between(tone - 50, tone + 50).all()


def test_their_package_is_never_imported_here(lived: tuple[list[Care], list[Version]]) -> None:
    assert [name for name in sys.modules if name.split(".")[0] == "models"] == []


def test_the_next_version_verifies_and_carries_the_code_again(lived: tuple[list[Care], list[Version]]) -> None:
    """Promotion loads it afresh; its `models` is complete and nothing else came along."""
    care = lived[0][0]
    assert care.registry.promote("3") == "2"
    found = sorted(p.name for p in (care.registry.load("3").estimator.code / "models").iterdir() if p.suffix == ".py")
    assert found == ["__init__.py", "churn.py", "tone.py"]
    assert [Path(each).name for each in care.registry.load("3").estimator.code_paths] == ["models"]
