"""compose.yaml and Dockerfile, checked as far as a machine without a container engine can."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import mlflow.environment_variables
import pytest
import yaml
from mlflow.cli import server as mlflow_server
from prefect.settings import get_current_settings
from prefect.settings.models.root import Settings as PrefectSettings

from ratoon.cli.main import app
from ratoon.servers.databases import database_names
from ratoon.servers.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = {
    "RATOON_LEDGER_URL",
    "RATOON_WORKSPACE",
    "RATOON_EVIDENTLY_URL",
    "RATOON_WEBHOOK_SECRET",
    "RATOON_LOG_URL",
}
POSTGRES = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "PGPASSWORD"}


def test_every_part_has_a_service() -> None:
    """What `ratoon up` starts, the database, the deployments, and a model that is served."""
    assert set(SERVICES) == {"postgres", "prefect", "mlflow", "evidently", "hooks", "worker", "deploy", "serve"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    """Only the one that ends has none."""
    check = SERVICES[name]["healthcheck"]
    if name == "deploy":
        assert check == {"disable": True} and SERVICES[name]["restart"] == "on-failure"
        return
    assert check["test"][0] == "CMD" and check["interval"]
    if check["test"][1] == "python":
        compile(check["test"][3], name, "exec")


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_are_declared_or_the_project(name: str) -> None:
    """Nothing that must stay lies in a container."""
    for volume in SERVICES[name].get("volumes", ()):
        source = re.sub(r"\$\{[^}]*\}", "/project", volume).split(":")[0]
        assert source.startswith("/") or source in COMPOSE["volumes"], volume


def test_every_volume_is_used() -> None:
    """A name mistyped in one place would lose data."""
    mounted = {volume.split(":")[0] for each in SERVICES.values() for volume in each.get("volumes", ())}
    assert set(COMPOSE["volumes"]) <= mounted


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "postgres"])
def test_commands_are_installed(name: str) -> None:
    """Each is a console script of the image; those of Ratoon are commands of its CLI."""
    command = SERVICES[name]["command"]
    scripts = {script.name for script in entry_points(group="console_scripts")}
    assert command[0] in scripts | {"ratoon"}
    if command[0] == "ratoon":
        known = {each.name or each.callback.__name__ for each in app.registered_commands if each.callback}
        if command[1] not in known:
            pytest.skip(f"`ratoon {command[1]}` is not in this build")


def test_options_of_the_servers_exist() -> None:
    """Asked of the programs themselves."""
    known = {option for parameter in mlflow_server.params for option in parameter.opts}
    assert {part.split("=")[0] for part in SERVICES["mlflow"]["command"] if part.startswith("--")} <= known
    guarded = ["uvicorn"]
    for name, command in (
        ("worker", ["prefect", "worker", "start"]),
        ("prefect", guarded),
        ("evidently", guarded),
    ):
        done = subprocess.run([sys.executable, "-m", *command, "--help"], capture_output=True, text=True, timeout=120)
        for part in SERVICES[name]["command"]:
            assert not part.startswith("--") or part in done.stdout, f"{part} is no option of {command}"


def test_what_browsers_reach_asks_who_they_are() -> None:
    """As `ratoon up` has it: hosts and origins are looked at, and Prefect's clients know what it asks for."""
    from ratoon.servers import guarded

    for name in ("prefect", "evidently"):
        module, _, factory = SERVICES[name]["command"][2].partition(":")
        assert module == guarded.__name__ and callable(getattr(guarded, factory))
    asked = SERVICES["prefect"]["environment"]["PREFECT_SERVER_API_AUTH_STRING"]
    clients = [each["environment"] for each in SERVICES.values() if "PREFECT_API_URL" in each.get("environment", {})]
    assert len(clients) == 4 and {each["PREFECT_API_AUTH_STRING"] for each in clients} == {asked}
    assert "*" not in SERVICES["prefect"]["environment"]["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"]
    assert not any("*" in part for part in SERVICES["mlflow"]["command"])


def test_names_in_the_environment_are_known() -> None:
    """A mistyped name is dropped silently by every one of the servers."""
    ours = {f"RATOON_{field.upper()}" for field in Settings.model_fields} | OURS
    theirs = {each.name for each in vars(mlflow.environment_variables).values() if hasattr(each, "name")} | {
        parameter.envvar for parameter in mlflow_server.params
    }
    for name, service in SERVICES.items():
        for variable in service.get("environment", {}):
            if variable.startswith("PREFECT_"):
                assert variable in _prefect_names(), f"{name}: {variable}"
            else:
                assert variable in ours | theirs | POSTGRES, f"{name}: {variable}"


def test_the_receiver_knows_the_specs_and_mlflow_knows_the_receiver() -> None:
    """Else every event is ignored, and nobody hears of it."""
    hooks = SERVICES["hooks"]
    folder, option, url = hooks["command"][2:]
    assert any(volume.endswith(f":{folder}:ro") for volume in hooks["volumes"])
    assert (option, url) == ("--subscribe", f"http://hooks:{hooks['environment']['RATOON_HOOKS_PORT']}/mlflow")
    assert "MLFLOW_TRACKING_URI" in hooks["environment"]


def test_databases_are_those_of_ratoon_up() -> None:
    """The same names, so that a project may move from one to the other."""
    from sqlalchemy import make_url

    made = re.findall(r"CREATE DATABASE (\w+);", COMPOSE["configs"]["databases"]["content"])
    assert tuple(made) == database_names(make_url("postgresql://ratoon@postgres/ratoon"))


def test_no_secret_stands_in_the_files() -> None:
    """They come from the environment, and a missing one stops `docker compose` with its name."""
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET_|_SECRET|KEY|AUTH", variable):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value), variable
    assert not re.search(r"://\w+:\w+@", (ROOT / "compose.yaml").read_text() + DOCKERFILE)


def test_the_image_runs_as_nobody_in_particular() -> None:
    """A USER that is not root, after everything that needs root; and a check of its own."""
    lines = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    words = [word for word, _ in lines]
    assert ["USER", "ratoon"] in lines and "RUN" not in words[words.index("USER") :]
    assert "HEALTHCHECK" in words and lines[0] == ["FROM", "python:3.11-slim"]


def _prefect_names() -> set[str]:
    """Every variable that Prefect's settings read, also under their older names."""
    assert get_current_settings()
    found: set[str] = set()

    def read(model: Any) -> None:
        prefix = model.model_config.get("env_prefix", "")
        for name, field in model.model_fields.items():
            inner = field.annotation
            if hasattr(inner, "model_fields"):
                read(inner)
            found.add(f"{prefix}{name}".upper())
            for choice in getattr(field.validation_alias, "choices", ()):
                found.add(str(choice).upper())

    read(PrefectSettings)
    return found
