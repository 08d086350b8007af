"""The requirements of a version are pinned, and held against what is installed at no cost to speak of."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import pytest

from ratoon.models.ladder.run import first
from ratoon.models.registry.evidence import Evidence

AT = datetime(2026, 2, 1)


def test_a_version_is_registered_without_reading_what_every_installed_package_holds(
    registry_of: Any, make_rows: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """MLflow's own way costs each process two CPU seconds; a requirement that is not met is told all the same."""
    from mlflow.utils import requirements_utils as of_mlflow

    read: list[str] = []
    monkeypatch.setattr(of_mlflow, "_MODULES_TO_PACKAGES", None)
    monkeypatch.setattr(of_mlflow, "_PACKAGES_TO_MODULES", None)
    monkeypatch.setattr(of_mlflow.importlib_metadata, "packages_distributions", lambda: read.append("all") or {})
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    needs = {"requirements": ["no-such-package==1.0", "ruff<0.1"]}
    registry = registry_of("pinned", "sgd_regression", "regression", learner=needs)
    trained, _ = first(registry.spec, make_rows(50, "regression"), holdout=None)

    version = registry.register(trained, Evidence("d1", AT, make_rows(5, "regression")))

    assert read == []
    assert "no-such-package" in caplog.text and "required: ruff<0.1" in caplog.text
    written = (registry.folder(version.number) / "requirements.txt").read_text()
    assert "scikit-learn==" in written and "no-such-package==1.0" in written
    of_mlflow._init_packages_to_modules_map()
    assert read == ["all"], "MLflow itself is as it was"


def test_a_package_named_twice_asks_no_index_on_the_network(
    registry_of: Any, make_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow holds two requirements of one package against each other by pip, which asks its index."""
    from mlflow.utils import environment as of_mlflow

    asked: list[object] = []
    monkeypatch.setattr(of_mlflow.subprocess, "run", lambda *args, **_: asked.append(args))
    registry = registry_of(
        "twice", "sgd_regression", "regression", learner={"requirements": ["scikit-learn>=1.0", "numpy>=1.0"]}
    )
    trained, _ = first(registry.spec, make_rows(50, "regression"), holdout=None)

    version = registry.register(trained, Evidence("d1", AT, make_rows(5, "regression")))

    assert asked == []
    assert "scikit-learn" in (registry.folder(version.number) / "requirements.txt").read_text()
