"""What a registry does with very many versions: none is cut off, and few are kept in memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ratoon.models.registry.loaded import OTHERS, LoadedVersions
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.models.registry.mlflow_versions import MlflowVersions

VERSIONS = 7


@pytest.fixture
def many(registry_of: Any, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry read through MLflow's client, whose server hands out two versions at once."""
    registry = registry_of(request.node.name[:100], "sgd_regression", "regression")
    registry.reads.source = MlflowVersions(registry.connection)
    client, model = registry.connection.client, registry.model
    client.create_registered_model(model)
    for number in range(VERSIONS):
        tags = {"ratoon.decision": "d1" if number in (0, VERSIONS - 1) else f"other-{number}", "review": "rejected"}
        client.create_model_version(model, source=str(tmp_path), tags=tags)
    search = client.search_model_versions

    def capped(wanted: str, max_results: int = 10_000, **more: Any) -> Any:
        return search(wanted, max_results=min(max_results, 2), **more)

    monkeypatch.setattr(client, "search_model_versions", capped)
    return registry


def test_every_question_goes_through_all_pages(many: Registry) -> None:
    numbers = [str(number) for number in range(1, VERSIONS + 1)]
    assert [each.number for each in many.versions()] == numbers[::-1]
    assert [each.number for each in many.rejected()] == numbers
    found = many.of_decision("d1")
    assert found is not None and found.number == "1"  # the first of two; the newest comes first from MLflow


def test_loaded_versions_are_those_with_an_alias_and_the_newest_others() -> None:
    loaded = LoadedVersions()
    load = partial(loaded.keep, named={"1", "9"})
    newest = OTHERS + 15
    for number in range(1, newest + 1):
        load(str(number), object())  # type: ignore[arg-type]
        assert loaded.get("1") is not None
    assert len(loaded) == 2 + OTHERS
    assert loaded.get("9") is not None and loaded.get(str(newest)) is not None and loaded.get("2") is None


def test_a_version_that_lost_its_alias_is_let_go_in_its_turn() -> None:
    loaded = LoadedVersions()
    loaded.keep("1", object(), {"1"})  # type: ignore[arg-type]
    for number in range(2, 3 + OTHERS):
        loaded.keep(str(number), object(), set())  # type: ignore[arg-type]
    assert loaded.get("1") is None and len(loaded) == OTHERS
