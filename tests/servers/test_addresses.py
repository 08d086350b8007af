"""How commands in a second terminal find the servers that `ratoon up` started."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratoon.cli.commands.init import write_starter
from ratoon.cli.settings import log_in, use_running_servers
from ratoon.servers.addresses import Addresses
from ratoon.servers.databases import databases
from ratoon.servers.kept_secrets import prefect_auth
from ratoon.servers.ports import refuse_taken
from ratoon.servers.services import base_environment, flow_environment
from ratoon.servers.services import servers as all_servers
from ratoon.servers.settings import Settings
from ratoon.spec.errors import BadInput, Refused
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.stores import stores_of
from ratoon.system.locks import file_lock

NAMES = (
    "PREFECT_API_URL", "MLFLOW_TRACKING_URI", "RATOON_LEDGER_URL", "RATOON_WORKSPACE", "RATOON_EVIDENTLY_URL",
    "RATOON_HOME",
)  # fmt: skip


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spec:
    """A project in a folder below the one where servers are started, in a terminal that names no server."""
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that what the test sets is undone
        monkeypatch.delenv(name)
    write_starter(tmp_path / "models" / "flights", "flights")
    return load_spec(tmp_path / "models" / "flights" / "spec.yaml")


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which something listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def servers(home: Path, port: int) -> Addresses:
    """Servers of *home* that all seem to listen on *port*."""
    home.mkdir(parents=True, exist_ok=True)
    address = f"http://127.0.0.1:{port}"
    kept = Addresses(
        home=home,
        prefect=address,
        mlflow=address,
        evidently=address,
        pool="ratoon",
        ledger=f"sqlite:///{home}/ledger.db",
        workspace=home / "evidently",
        mlflow_database=f"sqlite:///{home}/mlflow.db",
    )
    kept.keep()
    return kept


def test_a_command_uses_the_servers_of_a_folder_above(spec: Spec, tmp_path: Path, port: int) -> None:
    """The user exports nothing; ledger and workspace are the servers' too."""
    servers(tmp_path / ".ratoon", port)

    use_running_servers(spec)

    assert os.environ["PREFECT_API_URL"] == f"http://127.0.0.1:{port}/api"
    assert stores_of(spec).mlflow == f"http://127.0.0.1:{port}"
    assert stores_of(spec).ledger == f"sqlite:///{tmp_path}/.ratoon/ledger.db"


def test_what_the_user_exported_wins(spec: Spec, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name by name."""
    servers(tmp_path / ".ratoon", port)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000")

    use_running_servers(spec)

    assert stores_of(spec).mlflow == "http://elsewhere:5000"
    assert os.environ["PREFECT_API_URL"] == f"http://127.0.0.1:{port}/api"


def test_stopped_servers_leave_their_databases(spec: Spec, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command goes on with the same data, without servers, and says so in one line."""
    kept = servers(tmp_path / ".ratoon", port=1)

    use_running_servers(spec)

    assert stores_of(spec).mlflow == kept.mlflow_database
    assert "PREFECT_API_URL" not in os.environ
    said = capsys.readouterr()
    assert said.out == "" and "`ratoon up` starts them" in said.err and said.err.count("\n") == 1


def test_a_command_does_not_run_into_servers_that_are_starting(spec: Spec, tmp_path: Path) -> None:
    """Both would make the same databases."""
    home = tmp_path / ".ratoon"
    home.mkdir()
    with file_lock(home / "up.lock") as held:
        assert held
        with pytest.raises(Refused, match="still starting"):
            use_running_servers(spec)


def test_a_project_without_servers_is_as_it_was(spec: Spec) -> None:
    """Embedded stores in the spec's own home."""
    use_running_servers(spec)

    assert stores_of(spec).mlflow == f"sqlite:///{spec.folder}/.ratoon/mlflow.db"


def test_the_addresses_are_for_their_owner_only(tmp_path: Path) -> None:
    """They name databases and users."""
    servers(tmp_path, 1)

    assert stat.S_IMODE((tmp_path / "servers.json").stat().st_mode) == 0o600


def test_a_taken_port_is_named_with_its_setting(port: int) -> None:
    """Before anything starts."""
    with pytest.raises(Refused, match=rf"Port {port} .* MLflow \(\$RATOON_MLFLOW_PORT\).*Nothing was started"):
        refuse_taken(Settings(mlflow_port=port), ["MLflow"])


def test_one_port_for_two_servers_is_refused() -> None:
    """Whoever starts second would die of it."""
    with pytest.raises(Refused, match=r"RATOON_MLFLOW_PORT and \$RATOON_PREFECT_PORT are both 4151"):
        refuse_taken(Settings(prefect_port=4151, mlflow_port=4151), ["Prefect", "MLflow"])


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable and its value."""
    monkeypatch.setenv("RATOON_MLFLOW_PORT", "many")

    with pytest.raises(BadInput, match=r"\$RATOON_MLFLOW_PORT is 'many'"):
        Settings.settle(tmp_path)


def test_a_relative_home_lies_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the command was started."""
    monkeypatch.delenv("RATOON_HOME", raising=False)

    assert Settings.settle(tmp_path).home == tmp_path / ".ratoon"


AUTH = "PREFECT_API_AUTH_STRING"


@pytest.fixture
def kept(spec: Spec, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Servers of a folder above whose Prefect asks for a password, in a terminal that holds none."""
    monkeypatch.setenv(AUTH, "")  # so that what the test sets is undone
    monkeypatch.delenv(AUTH)
    prefect_auth(tmp_path / ".ratoon")
    return servers(tmp_path / ".ratoon", port)


def test_a_command_knows_what_prefect_asks_for(spec: Spec, kept: Addresses) -> None:
    use_running_servers(spec)

    assert os.environ[AUTH] == (kept.home / "secrets" / "prefect").read_text()
    assert len(os.environ[AUTH].partition(":")[2]) >= 32


def test_a_command_that_names_these_servers_itself_knows_it_too(
    spec: Spec, kept: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in kept.environment().items():
        monkeypatch.setenv(name, value)

    use_running_servers(spec)

    assert os.environ[AUTH] == kept.credentials()[AUTH]


@pytest.mark.parametrize("exported", [{}, {"MLFLOW_TRACKING_URI": "http://elsewhere:5000"}])
def test_no_other_server_is_told_the_password(
    spec: Spec, kept: Addresses, monkeypatch: pytest.MonkeyPatch, exported: dict[str, str]
) -> None:
    for name, value in (exported | {"PREFECT_API_URL": "http://elsewhere:4200/api"}).items():
        monkeypatch.setenv(name, value)

    use_running_servers(spec)

    assert AUTH not in os.environ


def test_these_servers_are_not_told_the_password_of_another(
    spec: Spec, kept: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was exported for a server that this command does not use."""
    monkeypatch.setenv(AUTH, "somebody:else")

    use_running_servers(spec)

    assert os.environ[AUTH] == kept.credentials()[AUTH]


def test_addresses_that_somebody_else_left_above_are_not_believed(
    spec: Spec, kept: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder above may be anybody's, as /tmp is: models would be loaded from where they say."""
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    there = (kept.home / "servers.json").stat()
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((there.st_mode, *there[1:4], 54321, *there[5:])))

    use_running_servers(spec)

    assert "PREFECT_API_URL" not in os.environ


def test_no_deployment_holds_the_password(tmp_path: Path) -> None:
    """Prefect keeps their environment in its database, and shows it."""
    home = tmp_path / ".ratoon"
    password = prefect_auth(home)
    settings = Settings(home=home)

    assert password not in str(flow_environment(settings, servers(home, 1)))


def test_a_password_that_the_operator_chose_is_the_one_asked_for(tmp_path: Path) -> None:
    """Also by commands in terminals that do not know it."""
    prefect_auth(tmp_path)
    assert prefect_auth(tmp_path, "olga:long enough") == prefect_auth(tmp_path) == "olga:long enough"


def test_a_secret_that_was_emptied_is_made_anew(tmp_path: Path) -> None:
    """Nothing would be asked for."""
    first = prefect_auth(tmp_path)
    (tmp_path / "secrets" / "prefect").write_text("\n")
    assert prefect_auth(tmp_path) not in ("", first)


def test_environments_hold_each_servers_secret_only(tmp_path: Path) -> None:
    """A fault of one server tells nothing of the others."""
    home, settings = tmp_path, Settings(home=tmp_path)
    password = prefect_auth(home)
    made = {each.name: each for each in all_servers(settings, servers(home, 1), databases(None, home), listener=["x"])}

    knowing = {name for name, each in made.items() if password in str(dict(each.environment))}
    assert knowing == {"prefect", "hooks"}
    assert not any(password in " ".join(each.command) for each in made.values())


@pytest.mark.parametrize(
    ("settings", "host", "answered"),
    [
        ({}, "127.0.0.1:5000", True),
        ({}, "localhost:5000", True),
        ({}, "10.evil.example", False),  # MLflow's own default answers 10.*
        ({}, "192.168.evil.example:5000", False),
        ({"allowed_hosts": "ratoon.example.com"}, "ratoon.example.com", True),
        ({"allowed_hosts": "ratoon.example.com"}, "ratoon.example.com:8443", True),
        ({"allowed_hosts": "ratoon.example.com"}, "ratoon.example.com.evil.example", False),
        ({"host": "10.1.2.3"}, "10.1.2.3:5000", True),
        ({"host": "0.0.0.0"}, "0.0.0.0:5000", True),
    ],
)
def test_mlflow_answers_its_own_names_only(tmp_path: Path, settings: dict[str, str], host: str, answered: bool) -> None:
    from mlflow.server.security_utils import is_allowed_host_header

    prefect_auth(tmp_path)
    set_ = Settings(home=tmp_path, **settings)
    mlflow = all_servers(set_, servers(tmp_path, 1), databases(None, tmp_path), listener=None)[1]
    assert is_allowed_host_header(mlflow.environment["MLFLOW_SERVER_ALLOWED_HOSTS"].split(","), host) == answered
    assert not any(sign in mlflow.environment["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] for sign in "*[]?$^")


def test_a_proxy_is_not_asked_for_our_own_servers(tmp_path: Path) -> None:
    """It leads away from this machine, and would be told the password."""
    made = base_environment({"http_proxy": "http://proxy:3128", "no_proxy": "intern"}, Settings(home=tmp_path))
    assert made["no_proxy"] == made["NO_PROXY"] == "intern,127.0.0.1,localhost,127.0.0.1"
    assert "no_proxy" not in base_environment({}, Settings(home=tmp_path))


def test_deploying_by_hand_knows_it_too(spec: Spec, kept: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address alone exported, as people did before a password was asked for."""
    monkeypatch.setenv("PREFECT_API_URL", kept.environment()["PREFECT_API_URL"])

    log_in(spec)

    assert os.environ[AUTH] == kept.credentials()[AUTH]
    assert "MLFLOW_TRACKING_URI" not in os.environ
