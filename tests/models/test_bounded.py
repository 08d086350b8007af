"""Training in a process of its own: the same result as here, within limits, and no trace where it dies."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratoon.models.families.choose import build
from ratoon.models.ladder.apart import first_apart
from ratoon.models.ladder.run import first
from ratoon.models.subprocesses.folders import PREFIX
from ratoon.models.subprocesses.limits import Limits
from ratoon.spec.errors import Refused, SpecError, TrainingDied
from ratoon.spec.keys.learner import LimitsSpec

from .ladders import run_ladder, run_ladder_apart

TRAINING = """
import os, sys, time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin


class Eventful(RegressorMixin, BaseEstimator):
    def __init__(self, event="none", path=""):
        self.event, self.path = event, path

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)

    def partial_fit(self, X, y):
        from threadpoolctl import threadpool_info

        self.threads_ = [each["num_threads"] for each in threadpool_info()]
        self.environment_ = os.environ.get("OMP_NUM_THREADS")
        self.sys_path_ = list(sys.path)
        if self.path:
            Path(self.path).write_text(str(os.getpid()))
        if self.event == "hang":
            time.sleep(600)
        if self.event == "hang with a child":
            import subprocess
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            Path(self.path).write_text(str(child.pid))
            time.sleep(600)
        if self.event == "kill":
            os.kill(os.getpid(), 9)
        if self.event == "crash":
            print("about to crash")
            os.abort()
        if self.event == "exit":
            os._exit(7)
        if self.event == "raise":
            raise RuntimeError("the learning rate exploded")
        if self.event == "eat":
            self.food = [np.ones(1_000_000) for _ in range(1000)]
        if self.event == "eat a little":
            np.ones(20_000_000).sum()
        self.mean_ = 0.9 * self.mean_ + 0.1 * float(np.mean(y))
        return self


def eventful():
    return Eventful()
"""


@pytest.fixture
def world(make_spec: Any, make_rows: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A function from a build (or an event in training) to what `run_ladder` takes; strategies: warm, then scratch."""

    def make(build_name: str = "mlp_regression", event: str = "", path: str = "", **learner: Any) -> dict[str, Any]:
        own = bool(event)
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        if own:
            (folder / "training.py").write_text(TRAINING)
        options = {"strategies": ["warm", "scratch"], **learner}
        gate = {"recent": "not_worse", "anchor": {"margin": 50.0}, "resamples": 100}
        spec = make_spec("eventful" if own else build_name, "regression", folder=folder, learner=options, gate=gate)
        old, new = make_rows(200, "regression"), make_rows(100, "regression", start=200, shift=0.5)
        if own or build_name.startswith("lgbm"):  # LightGBM takes no text columns
            old, new = old.drop(columns="c"), new.drop(columns="c")
        champion, _ = first(spec, old)
        if own:
            champion.estimator.set_params(event=event, path=path)
        holdout = lambda start: make_rows(80, "regression", start=start, shift=0.5, holdout=True)  # noqa: E731
        return {
            "champion": champion,
            "spec": spec,
            "unlearned": new,
            "scratch": lambda since: pd.concat([old, new]),
            "recent": holdout(700),
            "anchor": holdout(8000),
        }

    return make


@pytest.fixture(autouse=True)
def no_folder_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Whatever happened, no hand-over folder remains."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert list(place.glob(f"{PREFIX}*")) == []


def gone(pid: int) -> bool:
    """Whether the process has ended; one that ended and is not yet reaped counts."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def until(done: Callable[[], bool]) -> None:
    for _ in range(600):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 seconds")


@pytest.mark.parametrize("name", ["mlp_regression", pytest.param("lgbm_alone_regression", marks=pytest.mark.slow)])
def test_the_result_is_the_same_as_in_this_process_and_what_it_took_is_told(world: Any, name: str) -> None:
    """The same attempts but for what they cost, the same winner, bit for bit; CPU and memory by the system's count."""
    asked = world(name, ladder="all")
    here, apart = run_ladder(**asked), run_ladder_apart(**asked)
    costs = {"cpu_seconds", "judging_cpu_seconds", "peak_memory_bytes"}
    assert [a.model_dump(exclude=costs) for a in apart.attempts] == [a.model_dump(exclude=costs) for a in here.attempts]
    assert here.winner is not None and apart.winner is not None
    assert apart.winner.state == here.winner.state
    pd.testing.assert_frame_equal(apart.winner.reservoir, here.winner.reservoir)
    recent = asked["recent"]
    assert apart.winner.predict_frame(recent).equals(here.winner.predict_frame(recent))
    assert apart.used is not None and apart.used.peak_memory_bytes is not None
    assert apart.used.cpu_seconds > apart.cpu_seconds > 0
    peaks = [attempt.peak_memory_bytes for attempt in apart.attempts]
    assert all(peak is not None and 50e6 < peak < 4e9 for peak in peaks)
    assert peaks == sorted(peaks)
    assert here.attempts[0].peak_memory_bytes is None


@pytest.mark.slow
def test_memory_taken_in_a_strategy_is_seen(world: Any) -> None:
    quiet = run_ladder_apart(**world(event="none")).attempts[0].peak_memory_bytes
    hungry = run_ladder_apart(**world(event="eat a little")).attempts[0].peak_memory_bytes
    assert quiet is not None and hungry is not None
    assert hungry - quiet > 100e6


def test_the_first_fit_is_the_same_too(world: Any) -> None:
    asked = world()
    rows, holdout = asked["scratch"](None), asked["recent"]
    apart, seconds, used = first_apart(asked["spec"], rows, holdout=holdout)
    here, _ = first(asked["spec"], rows, holdout=holdout)
    assert apart.state == here.state
    assert apart.predict_frame(holdout).equals(here.predict_frame(holdout))
    assert 0 < seconds < used.cpu_seconds


def test_threads_are_limited_before_anything_is_imported(world: Any) -> None:
    """Also for libraries that read the environment once; and the working folder offers no modules."""
    result = run_ladder_apart(**world(event="none", threads=1))
    assert result.winner is not None
    found = result.winner.estimator
    assert found.environment_ == "1"
    assert set(found.threads_) == {1}
    assert "" not in found.sys_path_ and str(Path.cwd()) not in found.sys_path_


@pytest.mark.slow
def test_scratch_rows_are_read_only_if_that_strategy_is_reached(world: Any) -> None:
    asked = world()
    result = run_ladder_apart(**{**asked, "scratch": lambda since: pytest.fail("the scratch strategy was reached")})
    assert [attempt.strategy for attempt in result.attempts] == ["warm"]
    with pytest.raises(OSError, match="the database is away"):
        run_ladder_apart(**{**asked, "scratch": _away}, full=True)


def _away(since: object) -> pd.DataFrame:
    raise OSError("the database is away")


def test_refusals_keep_their_kind_and_words(world: Any) -> None:
    """A holdout row among those to learn is refused there as it is here."""
    asked = world()
    with pytest.raises(Refused, match="are holdout rows") as error:
        run_ladder_apart(**{**asked, "unlearned": asked["recent"]})
    assert type(error.value) is Refused
    broken = asked["spec"].model_copy(update={"learner": asked["spec"].learner.model_copy(update={"build": "no.py:b"})})
    with pytest.raises(SpecError, match=r"expected a Python file at .*no\.py"):
        first_apart(broken, asked["unlearned"])


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("kill", r"killed by signal 9 \(SIGKILL\)"),
        ("crash", r"ended by signal 6 \(SIGABRT\)"),
        pytest.param("exit", "ended by exit code 7", marks=pytest.mark.slow),
    ],
)
def test_a_training_that_dies_says_how(world: Any, event: str, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    """And what it had taken until then, for the cost rule."""
    with pytest.raises(TrainingDied, match=words) as error:
        run_ladder_apart(**world(event=event))
    assert "Nothing was registered" in str(error.value)
    assert error.value.cpu_seconds > 0
    assert error.value.peak_memory_bytes
    if event == "crash":
        assert "about to crash" in capfd.readouterr().err or "Fatal Python error" in str(error.value)


def test_what_a_strategy_raises_is_its_own_error_and_the_next_is_tried(world: Any) -> None:
    """Those that continue the model raise, those from scratch build another one."""
    result = run_ladder_apart(**world(event="raise"))

    tried = [each for each in result.attempts if not each.skipped]
    assert "RuntimeError: the learning rate exploded" in (tried[0].error or "")
    assert [each for each in tried[1:] if each.error is None and each.rows > 0]


@pytest.mark.slow
def test_a_hung_training_is_ended_with_all_that_it_started(world: Any, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    asked = world(event="hang with a child", path=str(pid), limits={"wall": "20s"})
    with pytest.raises(TrainingDied, match=r"killed after 20s of wall time \(learner\.limits\.wall\)"):
        run_ladder_apart(**asked)
    until(lambda: gone(int(pid.read_text())))


def test_a_hungry_training_meets_its_limit_of_memory(world: Any) -> None:
    """It fails with its own MemoryError; the machine does not have to choose a victim."""
    with pytest.raises(TrainingDied, match=r"out of memory \(learner\.limits\.memory: 700 MB, peak seen \d+") as error:
        run_ladder_apart(**world(event="eat", limits={"memory": "700MB"}))
    assert (error.value.peak_memory_bytes or 0) < 1.2e9


def test_a_flow_that_is_given_up_sooner_limits_the_time(world: Any) -> None:
    spec = world()["spec"].model_copy(update={"abandon_after": timedelta(seconds=7)})
    assert Limits.of(spec) == Limits(timedelta(seconds=7), 1, None, "abandon_after")


def test_sizes_are_written_as_people_write_them() -> None:
    assert LimitsSpec.model_validate({"memory": "1.5GB"}).memory == 1536 * 2**20
    assert LimitsSpec.model_validate({"memory": "2GB"}).model_dump(mode="json")["memory"] == "2GB"
    with pytest.raises(ValueError, match="expected a size such as 512MB"):
        LimitsSpec.model_validate({"memory": "plenty"})


def test_a_killed_child_is_noticed_at_once(world: Any, tmp_path: Path) -> None:
    """kill -9 from outside, as the system does when it runs out of memory."""
    pid = tmp_path / "pid"

    def murder() -> None:
        until(lambda: pid.exists() and bool(pid.read_text()))
        os.kill(int(pid.read_text()), signal.SIGKILL)

    threading.Thread(target=murder).start()
    with pytest.raises(TrainingDied, match=r"killed by signal 9.*ran out of memory"):
        run_ladder_apart(**world(event="hang", path=str(pid)))


@pytest.mark.slow
def test_a_killed_parent_takes_its_child_and_the_folder_with_it(world: Any, tmp_path: Path) -> None:
    """The operating system closes the line between the two, however the parent ended."""
    pid, asked = tmp_path / "pid", tmp_path / "asked.pkl"
    found = world(event="hang", path=str(pid))
    del found["scratch"]
    (tmp_path / "spec.pkl").write_bytes(pickle.dumps(found["spec"]))
    asked.write_bytes(pickle.dumps(found))
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from ratoon.models.subprocesses.user_files import unpickled\n"
        "from ratoon.models.ladder.apart import run_ladder_apart\n"
        "from ratoon.models.ladder.run import LadderRows\n"
        "spec = unpickled(Path(sys.argv[1]))\n"
        "given = unpickled(Path(sys.argv[2]), spec)\n"
        "frames = {name: given.pop(name) for name in ('unlearned', 'recent', 'anchor')}\n"
        "run_ladder_apart(**given, rows=LadderRows(**frames, scratch=None))\n"
    )
    parent = subprocess.Popen([sys.executable, "-P", str(script), str(tmp_path / "spec.pkl"), str(asked)])
    try:
        until(lambda: pid.exists() and bool(pid.read_text()))
        folders = list((tmp_path / "tmp").glob(f"{PREFIX}*"))
        assert len(folders) == 1
        assert folders[0].stat().st_mode & 0o777 == 0o700
    finally:
        parent.kill()
        parent.wait()
    until(lambda: gone(int(pid.read_text())))
    until(lambda: not folders[0].exists())


@pytest.mark.slow
def test_folders_of_the_dead_are_swept_and_those_of_the_living_are_not(world: Any, tmp_path: Path) -> None:
    """Where flow and training were killed in one blow, nobody was left to tidy up."""
    dead = Path(tempfile.mkdtemp(prefix=PREFIX))
    (dead / "lock").touch()
    alive = Path(tempfile.mkdtemp(prefix=PREFIX))
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f,2); print('held',flush=True); input()",
            str(alive / "lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    run_ladder_apart(**world())
    assert not dead.exists()
    assert alive.exists()
    holder.communicate("\n")
    run_ladder_apart(**world())
    assert not alive.exists()


def test_classes_of_the_build_file_survive_the_way_there_and_back(world: Any) -> None:
    """They live in a module under a private name, which no other process has imported."""
    asked = world(event="none")
    result = run_ladder_apart(**asked, full=True)
    assert result.winner is not None
    assert type(result.winner.estimator) is type(build(asked["spec"]))


def test_a_model_that_cannot_be_handed_over_is_said_so(world: Any) -> None:
    """Its own error, in one sentence with the next step; no folder is left."""
    asked = world(event="none")
    asked["champion"].estimator.hook_ = lambda: None
    with pytest.raises(TrainingDied, match=r"cannot be handed to a training process: .*apart: false") as error:
        run_ladder_apart(**asked)
    assert "the champion serves as before" in str(error.value)
