"""A version's files, tags and training state are those that were registered, or it is refused by name."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import BEGIN, NOW, project, with_learner

from ratoon.cli.reading import read_facts
from ratoon.ledger.ledger import Ledger
from ratoon.loop.champion import find_champion
from ratoon.loop.context import ModelContext, open_context
from ratoon.loop.learn.first import first_version
from ratoon.loop.on_record import OnRecord
from ratoon.models.families.choose import load_foreign
from ratoon.models.families.foreign import Foreign
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.models.registry.versions import Version
from ratoon.models.subprocesses.digests import FILES, Digests
from ratoon.spec.errors import RegistryError
from ratoon.spec.values import Decision, Triage


@dataclass(frozen=True)
class Made:
    """A first version that serves, where its files are, and what they were."""

    context: ModelContext
    version: Version
    folder: Path

    def registry(self) -> Registry:
        """The registry, opened anew: nothing is in memory."""
        registry = Registry.open(self.context.spec)
        registry.witness = OnRecord(self.context.ledger, "churn")
        return registry

    def of_before(self, **learner: Any) -> Registry:
        """The registry of an older Ratoon: no digests in the tags, and none in the ledger; *learner*: of the spec."""
        registry = Registry.open(with_learner(self.context, **learner) if learner else self.context.spec)
        registry.witness = OnRecord(self.context.ledger, "another model")
        registry.connection.client.delete_model_version_tag("churn", self.version.number, FILES)
        return registry


@pytest.fixture(scope="module")
def only(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("edited")
    empty_mlflow(folder / ".ratoon")
    with project(folder) as context:
        first = first_version(context, NOW - timedelta(days=2))
        second = first_version(context, NOW)
        assert isinstance(context.registry, Registry)
        context.registry.promote(first.number)
        context.registry.promote(second.number)
        yield Made(context, context.registry.version(second.number), context.registry.folder(second.number))


@pytest.fixture
def made(only: Made, tmp_path: Path) -> Iterator[Made]:
    """The version as it was registered; whatever a test does to files and tags is undone."""
    shutil.copytree(only.folder, tmp_path / "kept")
    try:
        yield only
    finally:
        shutil.rmtree(only.folder)
        shutil.copytree(tmp_path / "kept", only.folder)
        registry = only.registry()
        found = registry.version(only.version.number).tags
        for key, value in only.version.tags.items():
            if found.get(key) != value:
                registry.connection.client.set_model_version_tag("churn", only.version.number, key, value)


@contextmanager
def refused(made: Made, *words: str, registry: Registry | None = None) -> Iterator[None]:
    """Every route refuses the version, naming it and *words*; the alias stays where it was, and nothing is new."""
    yield
    registry = registry or made.registry()
    number = made.version.number
    for route in (registry.load, registry.verify, registry.promote, registry.roll_back):
        with pytest.raises(RegistryError) as refusal:
            route(number)
        for word in (f"version {number}", *words):
            assert re.search(word, str(refusal.value)), (word, str(refusal.value))
    assert (registry.champion() or made.version).number == number
    assert len(registry.versions()) == 2


def edit_json(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=1))


def later(state: dict[str, Any]) -> None:
    state["watermark"] = "2026-01-05T00:00:00"


def test_a_version_as_it_was_registered_loads_by_every_route(made: Made) -> None:
    """What MLflow and Python leave beside the files when it is served is no edit."""
    (made.folder / "registered_model_meta").write_text("model_name: churn\n")
    (made.folder / "extra_files" / "__pycache__").mkdir()
    (made.folder / "extra_files" / "__pycache__" / "x.pyc").write_bytes(b"x")
    registry = made.registry()
    assert registry.load(made.version.number).state.watermark.isoformat() == made.version.tags["ratoon.watermark"]
    registry.verify(made.version.number)
    assert registry.promote(made.version.number) == made.version.number


def test_the_ledger_holds_the_digest_of_every_version(made: Made) -> None:
    written = [made.context.ledger.files.find("churn", each) for each in ("1", "2")]
    assert written == [Digests.read(made.registry().version(each).tags[FILES]).whole for each in ("1", "2")]
    assert made.context.ledger.reviews.of("churn") == []


@pytest.mark.parametrize(
    "file",
    [
        "MLmodel",
        "model.skops",
        "requirements.txt",
        "extra_files/training_state.json",
        "extra_files/example.json",
        "extra_files/replay_reservoir.parquet",
        "extra_files/reference_profile.json",
    ],
)
@pytest.mark.parametrize("how", ["torn", "one byte", "gone"])
def test_a_changed_file_is_refused_by_name(made: Made, file: str, how: str) -> None:
    path = made.folder / file
    held = path.read_bytes()
    with refused(made, re.escape(Path(file).name)):
        if how == "gone":
            path.unlink()
        elif how == "torn":
            path.write_bytes(held[: len(held) // 2])
        else:
            path.write_bytes(held[:-2] + bytes([held[-2] ^ 1]) + held[-1:])


@pytest.mark.parametrize("key", ["watermark", "learned_rows", "fingerprint", "since", "updates", "seed", "holdout"])
def test_an_edited_training_state_is_refused(made: Made, key: str) -> None:
    """One moment earlier in the watermark, and rows would be learned twice."""
    edits = {"watermark": "2026-01-05T00:00:00", "since": "2026-01-02T00:00:00", "holdout": 0.5}
    with refused(made, "training_state.json"):
        edit_json(
            made.folder / "extra_files" / "training_state.json", lambda state: state.update({key: edits.get(key, 7)})
        )


def test_a_file_that_came_along_is_refused(made: Made) -> None:
    with refused(made, r"code/models\.py was added"):
        (made.folder / "code").mkdir()
        (made.folder / "code" / "models.py").write_text("print('run')")


@pytest.mark.parametrize("target", ["the same content elsewhere", "a folder elsewhere"])
def test_a_link_out_of_the_version_is_refused(made: Made, tmp_path: Path, target: str) -> None:
    """Its target can change at any time, and is nobody's evidence."""
    with refused(made, "symbolic link"):
        if target == "a folder elsewhere":
            shutil.move(made.folder / "extra_files", tmp_path / "away")
            (made.folder / "extra_files").symlink_to(tmp_path / "away")
        else:
            shutil.move(made.folder / "model.skops", tmp_path / "away.skops")
            (made.folder / "model.skops").symlink_to(tmp_path / "away.skops")


@pytest.mark.parametrize("key", ["watermark", "learned_rows", "updates", "strategy", "family", "parent"])
def test_an_edited_tag_is_refused(made: Made, key: str) -> None:
    with refused(made, f"ratoon.{key}", "training_state.json"):
        made.registry().connection.client.set_model_version_tag("churn", made.version.number, f"ratoon.{key}", "2026")


def test_a_tag_that_claims_a_gate_is_refused(made: Made) -> None:
    with refused(made, "ratoon.gate", "gate.json"):
        made.registry().connection.client.set_model_version_tag("churn", made.version.number, "ratoon.gate", "passed")


@pytest.mark.parametrize("tag", ["rewritten", "gone", "no digests"])
def test_who_edits_the_tag_with_the_file_meets_the_ledger(made: Made, tag: str) -> None:
    """State and tags agree with each other, and yet not with what was registered."""
    client, number = made.registry().connection.client, made.version.number
    with refused(made, "ledger" if tag != "no digests" else FILES):
        edit_json(made.folder / "extra_files" / "training_state.json", later)
        client.set_model_version_tag("churn", number, "ratoon.watermark", "2026-01-05T00:00:00")
        if tag == "gone":
            client.delete_model_version_tag("churn", number, FILES)
        else:
            text = Digests.of(made.folder).text if tag == "rewritten" else "{torn"
            client.set_model_version_tag("churn", number, FILES, text)


def test_a_version_of_before_loads_and_is_checked_for_the_rest(made: Made) -> None:
    registry = made.of_before()
    assert registry.load(made.version.number).state.learned_rows > 0
    edit_json(made.folder / "extra_files" / "training_state.json", later)
    registry = made.of_before()
    with refused(made, "ratoon.watermark", "training_state.json", registry=registry):
        pass


@pytest.mark.parametrize("file", ["extra_files/training_state.json", "extra_files/replay_reservoir.parquet", "MLmodel"])
def test_a_torn_file_of_a_version_of_before_is_named(made: Made, file: str) -> None:
    path = made.folder / file
    path.write_bytes(path.read_bytes()[:40])
    with refused(made, re.escape(file), registry=made.of_before()):
        pass


def test_an_edit_that_keeps_size_and_time_is_seen_by_a_process_that_knew_the_file(made: Made) -> None:
    path = made.folder / "extra_files" / "training_state.json"
    with refused(made, "training_state.json"):
        made.registry().load(made.version.number)
        was = path.stat()
        path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        assert path.stat().st_size == was.st_size


def test_a_pipe_among_the_files_is_refused_and_not_waited_for(made: Made) -> None:
    with refused(made, "no plain file"):
        os.mkfifo(made.folder / "extra_files" / "more.json")


def test_a_watermark_that_the_training_run_did_not_end_with_is_refused(made: Made) -> None:
    """Of a version of before: state and tag were edited alike, and the ledger knows better."""
    with Ledger.open("sqlite://") as ledger:
        at, policy = NOW, made.context.spec.policy_version
        fired = Decision(
            id="d", model="churn", at=at, action="warm_start", policy=policy, reasons=("a test",),
            triage=Triage(verdict="harm", evidence=()),
        )  # fmt: skip
        ledger.decisions.record(fired, (), live=True)
        run = ledger.runs.claim(
            model="churn", decision="d", at=at, run=None, now_wall=at, abandon_after=timedelta(hours=1)
        )
        assert run is not None
        ledger.runs.finish(run, outcome="registered", version=made.version.number, watermark=BEGIN, ended_at=at)
        registry = made.of_before()
        registry.witness = OnRecord(ledger, "churn")
        with refused(made, "ledger", "watermark", "training_state.json", registry=registry):
            pass


def test_status_names_what_was_edited(made: Made) -> None:
    edit_json(made.folder / "extra_files" / "training_state.json", later)
    facts = {each["version"]: each["changed"] for each in read_facts(made.context.spec).versions}
    assert "training_state.json" in facts[made.version.number]
    assert facts["1"] == ""


def test_a_look_with_an_edited_champion_ends_in_a_sentence(made: Made) -> None:
    """Its watermark is not believed: nothing is watched, decided or trained with it."""
    edit_json(made.folder / "extra_files" / "training_state.json", later)
    with (
        pytest.raises(RegistryError, match=r"version 2 of 'churn'.*training_state\.json"),
        open_context(made.context.spec) as context,
    ):
        find_champion(context)
    assert made.context.ledger.runs.of("churn") == []


def test_bytecode_beside_code_is_not_what_runs(tmp_path: Path) -> None:
    """It is no file of the version: MLflow leaves some when it serves, and so may anybody."""
    (tmp_path / "code").mkdir()
    source = tmp_path / "code" / "planted.py"
    source.write_text("def says():\n    return 'planted'\n")
    script = f"""
import pathlib, py_compile, sys
from ratoon.models.subprocesses.remote import HANDED, RemoteEstimator
py_compile.compile({str(source)!r}, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
pathlib.Path({str(source)!r}).write_text("def says():\\n    return 'its own'\\n")
folder = pathlib.Path({str(tmp_path)!r})
(folder / HANDED).write_bytes(b"cplanted\\nsays\\n.")
print(RemoteEstimator(folder, (), folder / "code").here()())
"""
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True)
    assert said.stdout.strip() == "its own", said.stderr


OWN = """
class Own:
    family, strategies, splits, serve = "own", frozenset(), "free", "own.py"

    def first(self, estimator, rows, spec):
        raise NotImplementedError

    def update(self, champion, rows, spec, how=None):
        raise NotImplementedError

    def save(self, estimator, folder):
        raise NotImplementedError

    def load(self, folder):
        raise ValueError("it was read")
"""


# -- code --------------------------------------------------------------------------------------------------------------


def carry_code(folder: Path, marker: Path, name: str = "code", flavour: str = "sklearn") -> None:
    """Let the version in *folder* bring a package that the loading process would import: it leaves *marker*."""
    package = folder / name
    package.mkdir(parents=True, exist_ok=True)
    for module in ("sklearn", "scipy", "joblib", "sitecustomize"):
        (package / f"{module}.py").write_text(f"open({str(marker)!r}, 'a').write('ran')\n")
    described = yaml.safe_load((folder / "MLmodel").read_text())
    described["flavors"][flavour]["code"] = name
    (folder / "MLmodel").write_text(yaml.safe_dump(described))


@pytest.mark.parametrize("flavour", ["sklearn", "python_function"])
def test_code_that_nobody_let_in_never_runs(made: Made, tmp_path: Path, flavour: str) -> None:
    marker = tmp_path / "ran"
    carry_code(made.folder, marker, flavour=flavour)
    with refused(made, r"learner: \{pickle: true\}", registry=made.of_before()):
        pass
    assert not marker.exists()


def test_a_tag_is_no_leave_to_run_code(made: Made, tmp_path: Path) -> None:
    """Who registers a version writes its tags: only the ledger says what Ratoon logged."""
    marker = tmp_path / "ran"
    carry_code(made.folder, marker)
    registry = made.of_before()
    registry.connection.client.set_model_version_tag("churn", made.version.number, FILES, Digests.of(made.folder).text)
    with refused(made, "the ledger does not know it", registry=registry):
        pass
    assert not marker.exists()


def test_a_foreign_model_that_brings_code_is_not_loaded_without_leave(made: Made, tmp_path: Path) -> None:
    """Adopting imports it: skops' list of types says nothing of what an import runs."""
    carry_code(made.folder, tmp_path / "ran")
    path = list(sys.path)
    with pytest.raises(RegistryError, match=r"learner: \{pickle: true\}"):
        load_foreign(Foreign(made.folder, "models:/theirs/1"), made.context.spec)
    assert (sys.path, (tmp_path / "ran").exists()) == (path, False)


def test_a_version_for_an_own_learner_that_the_ledger_does_not_know_is_not_unpickled(made: Made) -> None:
    """It knows earlier ones, so that somebody else made this one; what its `load` reads may be anything."""
    described = yaml.safe_load((made.folder / "MLmodel").read_text())
    described["flavors"] = {"ratoon_own": {"learner": "own.py:Own", "data": "data"}}
    (made.folder / "MLmodel").write_text(yaml.safe_dump(described))
    (made.context.spec.folder / "own.py").write_text(OWN)
    registry = made.of_before(family="own.py:Own")
    with Ledger.open("sqlite://") as ledger:
        registry.witness = OnRecord(ledger, "churn")
        with pytest.raises(RegistryError, match="it was read"):  # of before: the ledger knows none
            registry.load(made.version.number)
        ledger.files.keep(model="churn", version="1", digest="d", at=NOW, decision=None)
        with refused(made, "the ledger does not know it", registry=registry):
            pass


@pytest.mark.parametrize("name", ["../outside", "/tmp"])
def test_code_outside_of_the_version_is_refused_whoever_let_it_in(made: Made, tmp_path: Path, name: str) -> None:
    described = yaml.safe_load((made.folder / "MLmodel").read_text())
    described["flavors"]["sklearn"]["code"] = name
    (made.folder / "MLmodel").write_text(yaml.safe_dump(described))
    registry = made.of_before(pickle=True)
    with refused(made, "outside", registry=registry):
        pass


def test_code_that_the_spec_lets_in_runs_in_its_own_process_and_not_after_an_edit(made: Made, tmp_path: Path) -> None:
    """`learner.pickle: true` lets it in; what is put beside it later is refused before it runs."""
    package = made.folder / "code"
    package.mkdir()
    (package / "beside.py").write_text("")
    described = yaml.safe_load((made.folder / "MLmodel").read_text())
    described["flavors"]["sklearn"]["code"] = "code"
    (made.folder / "MLmodel").write_text(yaml.safe_dump(described))
    registry = made.of_before(pickle=True)
    registry.connection.client.set_model_version_tag("churn", made.version.number, FILES, Digests.of(made.folder).text)
    trained = registry.load(made.version.number)
    example = made.context.source.as_of(NOW).learned(NOW).head(3)
    assert len(trained.predict_frame(example)) == 3
    carry_code(made.folder, tmp_path / "ran")
    with pytest.raises(RegistryError, match=r"was added.*not run"):
        trained.predict_frame(example)
    assert not (tmp_path / "ran").exists()
