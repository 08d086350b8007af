"""The registry on MLflow with SQLite: versions carry their evidence, aliases point to what works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratoon.models.gate import GateResult, Stratum
from ratoon.models.ladder.run import first
from ratoon.models.registry.evidence import Evidence
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.spec.errors import AliasMoved, RegistryError, SpecError
from ratoon.spec.values import Span

from .ladders import run_ladder

AT = datetime(2026, 2, 1)


@pytest.fixture(scope="module")
def trained(make_spec: Any, make_rows: Any) -> Any:
    """A first version of the regression model and a function that runs one step of the ladder from it."""
    spec = make_spec("sgd_regression", "regression", gate={"anchor": {"margin": 50.0}})
    old, new = make_rows(300, "regression"), make_rows(300, "regression", start=300, shift=0.5)
    champion, cpu = first(spec, old, holdout=make_rows(100, "regression", start=9000, holdout=True))

    def one_step(of: Any) -> Any:
        recent = make_rows(150, "regression", start=700, shift=0.5, holdout=True)
        anchor = make_rows(150, "regression", start=8000, holdout=True)
        scratch = lambda: pd.concat([old, new])  # noqa: E731
        return run_ladder(of, spec, unlearned=new, scratch=scratch, recent=recent, anchor=anchor)

    return champion, cpu, one_step


def evidence(example: pd.DataFrame, decision: str = "d1", **more: Any) -> Evidence:
    return Evidence(decision=decision, at=AT, example=example, **more)


@pytest.fixture
def registry(registry_of: Any, request: pytest.FixtureRequest) -> Registry:
    """A registry of a model of its own."""
    return registry_of(request.node.name[:100].replace("[", "-").replace("]", ""), "sgd_regression", "regression")


def test_before_the_first_training_there_is_nothing_but_a_next_step(registry: Registry) -> None:
    assert registry.champion() is None
    assert registry.challenger() is None
    assert registry.versions() == ()
    with pytest.raises(RegistryError, match=r"no version or alias 'champion'.*ratoon train .*spec\.yaml"):
        registry.load("champion")


def test_a_version_carries_all_that_a_reviewer_needs(registry: Registry, trained: Any, make_rows: Any) -> None:
    """Invariant 8: parent, decision, window, watermark, strategy, gate with intervals, report, cost."""
    champion, cpu, one_step = trained
    rows = make_rows(20, "regression")
    one = registry.register(champion, evidence(rows, "d1", cpu_seconds=cpu, rows=300))
    registry.promote(one.number)
    result = one_step(registry.load("champion"))
    span = Span(start=datetime(2026, 1, 20), end=AT)
    two = registry.register(
        result.winner,
        evidence(
            rows,
            "d2",
            reasons=("mae rose from 0.30 to 1.10 (1.02 to 1.18)",),
            action="warm_start",
            verdict="harm",
            window=span,
            gate=result.gate,
            attempts=result.attempts,
            rows=300,
            cpu_seconds=result.cpu_seconds,
            snapshots=("snap-1",),
            reports={"window.html": "<html>report</html>"},
        ),
    )
    assert two.aliases == ("candidate", "candidate-warm", "challenger")
    assert two.tags["ratoon.parent"] == "1"
    assert two.tags["ratoon.watermark"] == result.winner.state.watermark.isoformat()
    assert (two.tags["ratoon.strategy"], two.tags["ratoon.gate"], two.tags["ratoon.triage"]) == (
        "warm",
        "passed",
        "harm",
    )
    assert float(two.tags["ratoon.cpu_seconds"]) > 0
    for words in (
        "Update of version 1",
        "mae rose from 0.30 to 1.10",
        "| recent | &emsp;**passed** | &emsp;150 |",
        "% interval",
        "CPU s learning",
        "pencil",
        "moves no alias",
        "ratoon rollback",
        "`snap-1`",
        "2026-01-20 00:00 to 2026-02-01 00:00",
    ):
        assert words in two.description
    assert two.run_id is not None
    artifacts = {each.path for each in registry.connection.client.list_artifacts(two.run_id)}
    assert {"gate.md", "gate.json", "gate.svg", "reports"} <= artifacts
    assert registry.load("challenger").state == result.winner.state


MYSQL_AND_POSTGRESQL = 5000  # characters of model_versions.description and of a tag's value; SQLite holds any number


@pytest.mark.parametrize("sentence", ["the drop is 0.19 (0.14 to 0.24). ", "x" * 9000], ids=["many", "long"])
def test_a_version_with_much_to_tell_fits_into_every_database(
    registry: Registry, trained: Any, make_rows: Any, sentence: str
) -> None:
    """No text is longer than the tables of PostgreSQL and MySQL hold; what to do is told all the same."""
    champion, _, one_step = trained
    rows = make_rows(20, "regression")
    registry.promote(registry.register(champion, evidence(rows, "d1")).number)
    result = one_step(registry.load("champion"))
    reasons = tuple(f"{number}: {sentence}" for number in range(300))
    two = registry.register(
        result.winner,
        evidence(
            rows,
            "d2",
            reasons=reasons,
            verdict="harm",
            window=Span(start=datetime(2026, 1, 20), end=AT),
            gate=result.gate,
            attempts=result.attempts * 90,
            snapshots=tuple(f"snapshot-{number}" for number in range(900)),
        ),
    )
    registry.flag(two.number, "it was promoted past its gate. " + sentence * 300)
    flagged = registry.version(two.number)
    for version in (two, flagged):
        assert len(version.description) <= MYSQL_AND_POSTGRESQL
        assert all(len(value) <= MYSQL_AND_POSTGRESQL for value in version.tags.values())
    for words in ("Update of version 1", "### Why now", "### Gate", "### Cost", "ratoon rollback"):
        assert words in two.description
    assert "Update of version 1" in flagged.description and "Caught by Ratoon" in flagged.description


def test_an_unproven_version_is_kept_under_an_alias_of_its_own_until_it_is_let_go(
    registry: Registry, trained: Any, make_rows: Any
) -> None:
    """It is offered to nobody, says so on its page, and stays when its line ends."""
    champion, _, _ = trained
    rows = make_rows(20, "regression")
    registry.promote(registry.register(champion, evidence(rows, "d1")).number)
    unsure = Stratum(name="recent", rows=9, needed="better", verdict="unsure", reason="few rows", refuted=False)
    gate = GateResult(metric="mae", confidence=0.95, strata=(unsure,))
    kept = registry.register(champion, evidence(rows, "d2", gate=gate, against="1"))
    assert (kept.aliases, kept.unproven, kept.against) == (("candidate",), True, "1")
    assert registry.challenger() is None
    assert "The next update goes on from it" in kept.description and "Approve" not in kept.description
    for _ in range(2):  # letting go of nothing is no error
        registry.let_go()
    assert registry.candidates() == {}
    assert registry.version(kept.number).aliases == ()


def test_a_version_whose_files_are_gone_is_named(registry: Registry, trained: Any, make_rows: Any) -> None:
    champion, _, _ = trained
    made = registry.register(champion, evidence(make_rows(20, "regression")))
    shutil.rmtree(registry.folder(made.number))
    with pytest.raises(RegistryError, match=r"version 1 of .* cannot be read"):
        registry.load(made.number)


def test_a_decision_gets_one_version_however_often_it_is_tried(
    registry: Registry, trained: Any, make_rows: Any
) -> None:
    """A retry after a crash returns the version that is there, and repairs its alias."""
    champion, _, _ = trained
    one = registry.register(champion, evidence(make_rows(20, "regression")))
    registry.connection.client.delete_registered_model_alias(registry.model, "challenger")
    again = registry.register(champion, evidence(make_rows(20, "regression")))
    assert again.number == one.number
    assert again.aliases == ("challenger",)
    assert len(registry.versions()) == 1


def test_a_retry_does_not_take_the_alias_from_a_newer_version(registry: Registry, trained: Any, make_rows: Any) -> None:
    champion, _, _ = trained
    rows = make_rows(20, "regression")
    registry.register(champion, evidence(rows, "d1"))
    registry.register(champion, evidence(rows, "d2"))
    registry.register(champion, evidence(rows, "d1"))
    found = registry.challenger()
    assert found is not None
    assert found.decision == "d2"


def test_promotion_moves_one_pointer_and_rolling_back_moves_it_again(
    registry: Registry, trained: Any, make_rows: Any
) -> None:
    """The former champion is handed back, which is what rolling back needs."""
    champion, _, _ = trained
    rows = make_rows(20, "regression")
    one, two = (registry.register(champion, evidence(rows, d)) for d in ("d1", "d2"))
    assert registry.promote(one.number) is None
    assert registry.promote("challenger") == "1"
    serving = registry.champion()
    assert serving is not None
    assert serving.number == two.number
    assert registry.challenger() is None
    assert registry.roll_back("1") == "2"
    assert registry.load().version == "1"


def test_a_version_that_does_not_load_is_never_promoted(registry: Registry, trained: Any, make_rows: Any) -> None:
    """Invariant 5: the champion stays who it was."""
    champion, _, _ = trained
    rows = make_rows(20, "regression")
    one, two = (registry.register(champion, evidence(rows, d)) for d in ("d1", "d2"))
    registry.promote(one.number)
    (registry.folder(two.number) / "model.skops").write_bytes(b"broken")
    with pytest.raises(RegistryError, match=r"version 2 .* does not load and predict.*No alias was moved"):
        registry.promote(two.number)
    serving = registry.champion()
    assert serving is not None
    assert serving.number == one.number


def test_a_version_that_predicts_otherwise_than_before_is_never_promoted(
    registry: Registry, trained: Any, make_rows: Any
) -> None:
    champion, _, _ = trained
    one = registry.register(champion, evidence(make_rows(20, "regression")))
    example = registry.folder(one.number) / "extra_files" / "example.json"
    example.write_text(example.read_text().replace('"prediction": [\n  ', '"prediction": [\n  99'))
    with pytest.raises(RegistryError, match="for its own example"):
        registry.promote(one.number)
    assert registry.champion() is None


def test_a_deleted_champion_is_no_champion(registry: Registry, trained: Any, make_rows: Any) -> None:
    """MLflow drops the alias in silence; we say None, and name what is left."""
    champion, _, _ = trained
    one = registry.register(champion, evidence(make_rows(20, "regression")))
    registry.promote(one.number)
    registry.connection.client.delete_model_version(registry.model, one.number)
    assert registry.champion() is None


def test_a_version_of_someone_else_is_not_continued(registry: Registry, trained: Any, make_rows: Any) -> None:
    """Without a training state there is nothing to continue; the message says how to begin."""
    champion, _, _ = trained
    one = registry.register(champion, evidence(make_rows(20, "regression")))
    (registry.folder(one.number) / "extra_files" / "training_state.json").unlink()
    with pytest.raises(RegistryError, match=r"carries no training state.*ratoon train"):
        registry.load(one.number)


def test_a_type_that_nobody_reviewed_stops_the_registration(registry_of: Any, make_spec: Any, make_rows: Any) -> None:
    """The message names the type and the key; naming it there is what lets it pass."""
    from sklearn.neighbors import KNeighborsRegressor

    from ratoon.models.families.sklearn.scratch_only import ScratchOnly

    registry = registry_of("neighbours", "sgd_regression", "regression")
    rows = make_rows(50, "regression").drop(columns="c")
    model = ScratchOnly("").first(KNeighborsRegressor(algorithm="kd_tree"), rows, registry.spec)
    with pytest.raises(SpecError, match=r"the type 'sklearn\.\S+'.*learner\.trusted") as error:
        registry.register(model, evidence(rows))
    assert registry.versions() == ()
    assert "Nothing was registered" in str(error.value)

    types = ["sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree"]
    trusting = registry_of("neighbours", "sgd_regression", "regression", learner={"trusted": types})
    trusting.promote(trusting.register(model, evidence(rows)).number)
    with pytest.raises(RegistryError, match="were not reviewed"):
        registry.load("champion")  # the list in the model's own file counts for nothing


def test_a_function_of_the_build_file_cannot_be_saved(
    registry_of: Any, make_spec: Any, make_rows: Any, tmp_path: Path
) -> None:
    """A loaded model would not find it; the message says where to put it."""
    (tmp_path / "training.py").write_text(
        "from sklearn.linear_model import SGDRegressor\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "def double(X):\n    return 2 * X\n"
        "def build():\n    return make_pipeline(FunctionTransformer(double), SGDRegressor())\n"
    )
    spec = make_spec("build", "regression", folder=tmp_path)
    rows = make_rows(50, "regression").drop(columns="c")
    model, _ = first(spec, rows)
    with pytest.raises(SpecError, match="'double' is defined in the build file itself"):
        registry_of("doubling", "sgd_regression", "regression").register(model, evidence(rows))


def test_serving_needs_no_ratoon(registry: Registry, trained: Any, make_rows: Any, tmp_path: Path) -> None:
    """Plain MLflow loads a version both ways in a process where ratoon cannot be imported."""
    champion, _, _ = trained
    rows = make_rows(20, "regression")
    registry.promote(registry.register(champion, evidence(rows)).number)
    rows[["a", "b", "c"]].to_parquet(tmp_path / "rows.parquet")
    code = f"""
        import sys
        class Wall:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "ratoon":
                    raise ImportError("ratoon is not here")
        sys.meta_path.insert(0, Wall())
        import pandas as pd, mlflow
        mlflow.set_tracking_uri({registry.uri!r})
        rows = pd.read_parquet({str(tmp_path / "rows.parquet")!r})
        address = "models:/{registry.model}@champion"
        one = mlflow.sklearn.load_model(address).predict(rows)
        two = mlflow.pyfunc.load_model(address, suppress_warnings=True).predict(rows)
        assert (one == two).all()
        print(list(one))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith("[")


def test_a_process_killed_half_way_leaves_nothing_registered(
    registry: Registry, trained: Any, make_rows: Any, tmp_path: Path
) -> None:
    """Killed after the files are logged and before the version exists; the retry makes one whole version."""
    import skops.io

    champion, _, _ = trained
    rows = make_rows(20, "regression")
    (tmp_path / "state.json").write_text(champion.state.model_dump_json())
    skops.io.dump(champion.estimator, tmp_path / "model.skops")
    rows.to_pickle(tmp_path / "rows.pickle")
    spec = registry.spec
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    code = f"""
        import os, signal
        from datetime import datetime
        from pathlib import Path
        import pandas as pd, skops.io
        from ratoon.models.registry.evidence import Evidence
        from ratoon.models.registry.mlflow_registry import Registry
        from ratoon.models.learning.state import TrainingState
        from ratoon.models.learning.trained import Trained
        from ratoon.spec.model import Spec
        folder = Path({str(tmp_path)!r})
        spec = Spec.model_validate_json((folder / "spec.json").read_text())
        spec._path = Path({str(spec.path)!r})
        state = TrainingState.model_validate_json((folder / "state.json").read_text())
        from ratoon.models.registry.registering import Registering
        def killed(self, *arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        Registering.create = killed
        rows = pd.read_pickle(folder / "rows.pickle")
        trained = Trained(skops.io.load(folder / "model.skops"), state)
        Registry.open(spec).register(trained, Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ.copy())
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert registry.versions() == ()
    assert registry.champion() is None

    version = registry.register(champion, evidence(rows))
    assert (version.number, version.decision, version.aliases) == ("1", "d1", ("challenger",))
    assert version.tags["ratoon.watermark"]


def test_two_specs_do_not_meet_in_the_environment(registry: Registry, trained: Any, make_rows: Any) -> None:
    """MLflow exports its tracking URI; after our calls the environment is as it was."""
    champion, _, _ = trained
    before = os.environ.get("MLFLOW_TRACKING_URI"), os.environ.get("MLFLOW_REGISTRY_URI")
    registry.register(champion, evidence(make_rows(20, "regression")))
    assert (os.environ.get("MLFLOW_TRACKING_URI"), os.environ.get("MLFLOW_REGISTRY_URI")) == before


def test_artifacts_stay_beside_the_database(registry: Registry, trained: Any, make_rows: Any) -> None:
    """Not in `./mlruns` of whatever folder the process was started in."""
    champion, _, _ = trained
    version = registry.register(champion, evidence(make_rows(20, "regression")))
    home = registry.spec.folder / ".ratoon"
    assert home in registry.folder(version.number).parents
    assert not Path("mlruns").exists()
    assert not Path("mlflow.db").exists()


@pytest.mark.slow
def test_versions_that_carry_the_same_package_keep_their_own_code(
    registry: Registry, make_spec: Any, make_rows: Any, tmp_path: Path
) -> None:
    """Loaded in one process, the second would run the first one's `models` in silence."""
    rows = make_rows(20, "regression").drop(columns="c")
    answers = {}
    trusting = registry.spec.model_copy(
        update={"learner": registry.spec.learner.model_copy(update={"trusted": ("models.own.Constant",)})}
    )
    registry = Registry.open(trusting)
    for number, answer in (("1", 11.0), ("2", 22.0)):
        package = tmp_path / number / "models"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "own.py").write_text(
            "import numpy as np\nfrom sklearn.base import BaseEstimator, RegressorMixin\n"
            "class Constant(RegressorMixin, BaseEstimator):\n"
            "    def fit(self, X, y):\n        self.fitted_ = True\n        return self\n"
            f"    def predict(self, X):\n        return np.full(len(X), {answer})\n"
        )
        sys.path.insert(0, str(package.parent))
        try:
            from models.own import Constant

            model, _ = _fit(Constant(), rows, trusting)
            version = registry.register(model, evidence(rows, number), code_paths=[str(package)])
        finally:
            sys.path.remove(str(package.parent))
            for name in [name for name in sys.modules if name.split(".")[0] == "models"]:
                del sys.modules[name]
        shutil.rmtree(package.parent)
        answers[version.number] = answer
    for number, answer in answers.items():
        assert registry.load(number).predict_frame(rows)["_prediction"].tolist() == [answer] * 20
    assert not [name for name in sys.modules if name.split(".")[0] == "models"]


def _fit(estimator: Any, rows: pd.DataFrame, spec: Any) -> Any:
    from ratoon.models.families.choose import learner_for

    return learner_for(estimator, spec).first(estimator, rows, spec), 0.0


@pytest.mark.parametrize("moved_to", ["another", "nothing"])
def test_an_alias_that_somebody_moved_while_the_version_was_loaded_stays_theirs(
    registry: Registry, trained: Any, make_rows: Any, monkeypatch: pytest.MonkeyPatch, moved_to: str
) -> None:
    """Two people promote at once: the second is told, and asks again if they still want it."""
    champion, _, _ = trained
    rows = make_rows(20, "regression")
    one, two, three = (registry.register(champion, evidence(rows, each)).number for each in ("d1", "d2", "d3"))
    registry.promote(one)
    client, verify = registry.connection.client, Registry.verify

    def meanwhile(self: Registry, ref: str | int) -> None:
        verify(self, ref)
        if moved_to == "nothing":
            client.delete_registered_model_alias(registry.model, "champion")
        else:
            client.set_registered_model_alias(registry.model, "champion", three)

    with monkeypatch.context() as patched:
        patched.setattr(Registry, "verify", meanwhile)
        with pytest.raises(AliasMoved, match=f"v{two}"):
            registry.promote(two)
    serving = registry.champion()
    assert (serving.number if serving else "nothing") == (three if moved_to == "another" else "nothing")
    assert registry.promote(two) == (three if moved_to == "another" else None)
