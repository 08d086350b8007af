"""A model whose class lives in its author's own package called `models`: adopted, updated, served without Ratoon."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import LEARNED, NOW, log_foreign, project

from ratoon.ledger.ledger import Promotion
from ratoon.loop.champion import find_champion
from ratoon.loop.context import ModelContext
from ratoon.loop.learn.finish import finish_run
from ratoon.loop.learn.register import offered
from ratoon.loop.learn.strategies import ladder
from ratoon.loop.review.adopt import adopt
from ratoon.models.ladder.run import LadderResult
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.versions import Version
from ratoon.policy.decide import decision_id
from ratoon.spec.values import Decision, Triage

pytestmark = pytest.mark.slow  # a process for each step, and MLflow in each

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
said = {}
for number in sys.argv[1:]:
    found = mlflow.sklearn.load_model(f"models:/churn/{number}")
    said[number] = [found.predict(X[:5]).tolist(), found.seen_, sys.modules["models.churn"].__file__]
    for name in [name for name in sys.modules if name.split(".")[0] == "models"]:
        del sys.modules[name]
print(json.dumps(said))
"""
LEARNER = {"pickle": True, "trusted": ["models.churn.Churn"]}


def write_code(folder: Path, tone: float) -> None:
    """Their package, in a folder from which it is gone when Ratoon comes."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "__init__.py").write_text("")
    (folder / "models" / "tone.py").write_text(f"TONE = {tone}\n")
    (folder / "models" / "churn.py").write_text(CODE)


def adopted_and_promoted(context: ModelContext) -> Version:
    version = adopt(context, ref="1", address=None, learned_until=LEARNED, now=NOW).version
    context.registry.promote(version.number)
    context.ledger.promotions.record(
        Promotion(
            model="churn",
            version=version.number,
            previous=None,
            at=NOW,
            kind="first",
            actor="t",
            reason="adopted",
            decision=version.decision,
        )
    )
    return version


def decision(context: ModelContext) -> Decision:
    return Decision(
        id=decision_id("churn", NOW, "test"),
        model="churn",
        at=NOW,
        action="warm_start",
        triage=Triage(verdict="harm", evidence=()),
        reasons=("a test",),
        policy=context.spec.policy_version,
        champion="2",
    )


def ran(context: ModelContext) -> LadderResult:
    return ladder(context, find_champion(context), decision(context), bounded=True)


def updated(context: ModelContext) -> Version:
    """One retrain as the flow makes it, without Prefect."""
    fired = decision(context)
    context.ledger.decisions.record(fired, (), run="", live=True)
    run = context.ledger.runs.claim(
        model="churn", decision=fired.id, at=NOW, run="", now_wall=NOW, abandon_after=context.spec.abandon_after
    )
    assert run is not None
    result = ran(context)
    assert result.winner is not None, result.attempts
    version = offered(context, find_champion(context), fired, result, result.winner)
    assert finish_run(context, run, result, version.number, ended_at=NOW) == "registered"
    return version


@dataclass(frozen=True)
class Lived:
    """Two projects with the same package name and different code, lived through in one process."""

    one: ModelContext
    two: ModelContext
    version: Version  # the update of the first
    winner: Trained  # the update of the second, before it is registered
    served: dict[str, Any]  # by version of the first: predictions, rows seen, file of the class, without Ratoon


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("code")
    for name in ("one", "two"):
        empty_mlflow(folder / name / ".ratoon")
    with project(folder / "one", learner=LEARNER) as one, project(folder / "two", learner=LEARNER) as two:
        for context, tone in ((one, -1000.0), (two, -2000.0)):
            write_code(context.spec.folder, tone)
            log_foreign(context.spec.folder, "sys.path.insert(0, '.')\n" + LOG)
            shutil.rmtree(context.spec.folder / "models")
            adopted_and_promoted(context)
        version = updated(one)
        winner = ran(two).winner
        assert winner is not None
        served = json.loads(log_foreign(one.spec.folder, SERVE, "1", "2", "3"))
        yield Lived(one, two, version, winner, served)


def examples(context: ModelContext) -> pd.DataFrame:
    return context.source.as_of(NOW).learned(NOW).head(5)


def test_the_adopted_version_is_the_original_with_a_state_beside_it(lived: Lived) -> None:
    context = lived.one
    version, state = context.registry.version("2"), context.registry.load("2").state
    assert version.tags["ratoon.adopted_from"] == "models:/churn/1"
    assert (version.tags["ratoon.parent"], state.strategy, state.watermark) == ("1", "adopted", LEARNED)
    assert state.learned_rows == context.source.as_of(NOW).ledger_of_rows(LEARNED).rows
    assert "biased in its favour" in version.description
    assert lived.served["2"][:2] == lived.served["1"][:2]


def test_the_update_continues_it_on_the_rows_it_has_not_learned(lived: Lived) -> None:
    """Warm, each row once; CPU seconds and peak memory are those of the process that knew its code."""
    context = lived.one
    state = context.registry.load("3").state
    new = context.source.as_of(NOW).unlearned_count(LEARNED)
    assert (lived.version.number, state.strategy, state.parent, state.updates) == ("3", "warm", "2", 1)
    assert state.learned_rows == context.source.as_of(NOW).ledger_of_rows(NOW).rows
    assert lived.served["3"][1] == lived.served["2"][1] + new
    (run,) = context.ledger.runs.of("churn")
    assert run.evidence.process.peak_memory_bytes > 50e6


def test_it_loads_and_predicts_in_a_process_without_ratoon(lived: Lived) -> None:
    """From the version's own files: the author's folder is gone, and `import ratoon` fails there."""
    predicted, _, file = lived.served["3"]
    assert all(each < -900 for each in predicted)
    assert predicted != lived.served["2"][0]
    assert "mlartifacts" in file
    assert not (lived.one.spec.folder / "models").exists()


def test_two_packages_of_one_name_do_not_mix(lived: Lived) -> None:
    """Adopted, updated and loaded side by side in one process, each speaks with its own code."""
    found = [lived.one.registry.load("2"), lived.one.registry.load("3"), lived.two.registry.load("2"), lived.winner]
    for trained, tone in zip(found, (-1000, -1000, -2000, -2000), strict=True):
        assert trained.predict_frame(examples(lived.one))["_prediction"].between(tone - 50, tone + 50).all()


def test_their_package_is_never_imported_here(lived: Lived) -> None:
    assert [name for name in sys.modules if name.split(".")[0] == "models"] == []


def test_the_next_version_verifies_and_carries_the_code_again(lived: Lived) -> None:
    """Promotion loads it afresh; its `models` is complete and nothing else came along."""
    context = lived.one
    assert context.registry.promote("3") == "2"
    carried = context.registry.load("3").estimator
    assert [Path(each).name for each in carried.code_paths] == ["models"]
    found = sorted(path.name for path in (carried.code / "models").iterdir() if path.suffix == ".py")
    assert found == ["__init__.py", "churn.py", "tone.py"]
