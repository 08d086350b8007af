"""What `ratoon up` serves: every spec with `serving:`, watched and drained."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))

from models_served import Served, made_registry, open_served

from ratoon.servers.addresses import Addresses
from ratoon.servers.kept_secrets import prefect_auth
from ratoon.servers.models import ServedModels, address_of
from ratoon.servers.services import base_environment
from ratoon.servers.settings import Settings
from ratoon.spec.keys.serving import ServingSpec


def test_an_address_is_one_that_this_machine_reaches() -> None:
    assert address_of(ServingSpec(host="0.0.0.0", port=81)) == "http://127.0.0.1:81"
    assert address_of(ServingSpec(host="::1")) == "http://[::1]:8080"
    assert address_of(ServingSpec(host="models.example")) == "http://models.example:8080"


@pytest.fixture
def served(made_once: Callable[..., Path], empty_mlflow: Callable[[Path], None], tmp_path: Path) -> Served:
    return open_served(made_once("served", lambda folder: made_registry(folder, empty_mlflow)), tmp_path / "project")


@pytest.mark.slow
def test_a_spec_with_the_key_is_served_and_started_again_and_others_are_not(served: Served) -> None:
    """Its stores are the installation's; no server is needed for it to answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    spec, other = served.folder / "spec.yaml", served.folder / "other.yaml"
    content = yaml.safe_load(spec.read_text())
    other.write_text(yaml.safe_dump({**content, "model": "other"}))
    spec.write_text(yaml.safe_dump({**content, "serving": {"port": port, "drain": "0s"}}))
    home = served.folder / ".ratoon"
    prefect_auth(home)
    settings = Settings(home=home)
    where = Addresses(
        home=home, prefect="http://127.0.0.1:1", mlflow=f"sqlite:///{home / 'mlflow.db'}", evidently="http://127.0.0.1:1",
        pool="ratoon", ledger=f"sqlite:///{home / 'ledger.db'}", workspace=home / "evidently",
        mlflow_database=f"sqlite:///{home / 'mlflow.db'}",
    )  # fmt: skip
    notes: list[str] = []
    models = ServedModels(settings, where, base_environment(os.environ, settings), notes.append)
    try:
        assert models.start([spec, other]) == {"shop": f"http://127.0.0.1:{port}"}
        _ready(port)
        (child,) = models.children
        os.kill(child.pid, signal.SIGKILL)
        while child.code is None:
            time.sleep(0.05)
        models.look()
        _ready(port)
        assert len(notes) == 1 and "shop" in notes[0]
    finally:
        models.stop()
    assert child.code == 0


def _ready(port: int) -> None:
    until = time.monotonic() + 120
    while True:
        assert time.monotonic() < until
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
