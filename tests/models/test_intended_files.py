"""A version whose process died before the ledger knew its number is known by what the ledger knew to be coming."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import NOW, project

from ratoon.loop.context import ModelContext
from ratoon.loop.learn.first import first_version
from ratoon.loop.on_record import OnRecord
from ratoon.models.registry import registering
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.models.registry.training_runs import TrainingRuns
from ratoon.models.registry.versions import Version
from ratoon.models.subprocesses.digests import FILES, Digests
from ratoon.spec.errors import RegistryError


class Died(Exception):
    pass


@pytest.fixture(params=["code", "no code"])
def left(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ModelContext, str]]:
    """A model whose process died between making its version and writing the digest of it down."""
    package = tmp_path / "beside"
    package.mkdir()
    (package / "__init__.py").write_text("")
    log = TrainingRuns.log

    def with_code(runs, trained, evidence, code_paths=()):
        return log(runs, trained, evidence, [str(package)])

    def die(*_: object) -> None:
        raise Died

    with project(tmp_path / "project") as context:
        with monkeypatch.context() as patched:
            if request.param == "code":
                patched.setattr(TrainingRuns, "log", with_code)
            patched.setattr(registering, "_keep", die)
            with pytest.raises(Died):
                first_version(context, NOW)
        yield context, request.param


def taken_up(context: ModelContext) -> tuple[Registry, Version]:
    registry = Registry.open(context.spec)
    registry.witness = OnRecord(context.ledger, "churn")
    (version,) = registry.versions()
    return registry, version


def test_it_is_taken_up_as_ours(left: tuple[ModelContext, str]) -> None:
    """Also one that carries code, which then runs without further leave."""
    registry, version = taken_up(left[0])
    assert left[0].ledger.files.find("churn", version.number) is None
    registry.offer(version)
    assert left[0].ledger.files.find("churn", version.number) == Digests.read(version.tags[FILES]).whole
    registry.promote(version.number)


def test_one_that_was_edited_meanwhile_is_not(left: tuple[ModelContext, str]) -> None:
    """Whoever may write the registry can write files and tag together, and not what the ledger was told before."""
    context, kind = left
    registry, version = taken_up(context)
    folder = registry.folder(version.number)
    (folder / ("code/beside/__init__.py" if kind == "code" else "requirements.txt")).write_text("# mine\n")
    registry.connection.client.set_model_version_tag("churn", version.number, FILES, Digests.of(folder).text)
    registry, version = taken_up(context)
    registry.offer(version)
    assert context.ledger.files.find("churn", version.number) is None
    if kind == "code":
        with pytest.raises(RegistryError, match=r"learner: \{pickle: true\}"):
            registry.promote(version.number)
