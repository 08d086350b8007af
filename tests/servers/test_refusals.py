"""What `ratoon up`, `listen` and `deploy` refuse before anything is started, by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from accounts import free_port

from ratoon.cli.commands.deploy import deploy
from ratoon.cli.commands.init import write_starter
from ratoon.cli.commands.listen import listen, models_below
from ratoon.flows.prefect.specs import find_specs, usable
from ratoon.servers.databases import databases
from ratoon.servers.ports import refuse_taken
from ratoon.servers.settings import Settings
from ratoon.servers.up import prepared
from ratoon.spec.errors import BadInput, Refused


class Quiet:
    def awaiting(self, titles: object) -> None: ...

    def note(self, text: str) -> None: ...


def _refused(settings: Settings) -> str:
    with pytest.raises(Refused) as refused, prepared(settings, Quiet(), hooks=None):
        pass
    return str(refused.value)


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = _refused(Settings(home=tmp_path / "file" / "home"))
    assert "RATOON_HOME" in said
    assert "Nothing was started" in said


def test_windows_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a server cannot be asked to end, and would lose what it was writing."""
    settings = Settings(home=tmp_path / "home")
    monkeypatch.setattr(sys, "platform", "win32")
    assert "Windows" in _refused(settings)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_servers_that_others_can_reach_are_said_to_be_open(tmp_path: Path, host: str, warned: bool) -> None:
    """With what browsers elsewhere need: MLflow and Prefect's page refuse or miss them otherwise."""
    notes: list[str] = []
    listener = Quiet()
    listener.note = notes.append  # type: ignore[method-assign]
    ports = {f"{server}_port": free_port() for server in ("prefect", "mlflow", "evidently")}
    with prepared(Settings(host=host, home=tmp_path, **ports), listener, hooks=None):
        pass
    assert ("can start runs and promote" in " ".join(notes)) == warned
    assert ("MLFLOW_SERVER_ALLOWED_HOSTS" in " ".join(notes)) == warned


@pytest.mark.parametrize("host", ["::1", "nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_none_of_this_machine_is_named(host: str) -> None:
    with pytest.raises(Refused, match="RATOON_HOST is"):
        refuse_taken(Settings(host=host), ["Prefect"])


@pytest.mark.parametrize(("name", "value"), [("RATOON_HOST", ""), ("RATOON_POOL", ""), ("RATOON_POOL", "a/b")])
def test_a_setting_without_use_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=name):
        Settings.settle(tmp_path)


def test_an_empty_home_is_not_the_project_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RATOON_HOME", "")
    assert Settings.settle(tmp_path).home == tmp_path / ".ratoon"


def test_a_database_port_that_is_no_number_is_refused_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="RATOON_DATABASE_URL") as refused:
        databases("postgresql://ada:hidden@127.0.0.1:port/x", tmp_path)
    assert "hidden" not in str(refused.value)


def test_a_bad_setting_is_named_also_by_listen_and_deploy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_starter(tmp_path / "one", "one")
    monkeypatch.setenv("RATOON_WEBHOOK_SECRET", "a secret of the test")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("RATOON_HOOKS_PORT", "many")
    with pytest.raises(BadInput, match="RATOON_HOOKS_PORT"):
        listen(tmp_path)
    with pytest.raises(BadInput, match="RATOON_HOOKS_PORT"):
        deploy([tmp_path], None, as_json=False)


def test_a_folder_that_is_missing_is_not_listened_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RATOON_WEBHOOK_SECRET", "a secret of the test")
    with pytest.raises(BadInput, match="nothing was started"):
        listen(tmp_path / "nowhere")


def test_a_link_to_nowhere_is_no_spec(tmp_path: Path) -> None:
    write_starter(tmp_path / "one", "one")
    (tmp_path / "old.yaml").symlink_to(tmp_path / "gone.yaml")
    (tmp_path / "folder.yaml").mkdir()
    assert find_specs(tmp_path) == [tmp_path / "one" / "spec.yaml"]
    assert list(models_below(tmp_path)) == ["one"]


def test_a_broken_spec_stops_no_other_from_being_deployed(tmp_path: Path) -> None:
    """`ratoon up` says what is wrong with it, and takes care of the rest."""
    for name in ("one", "two", "three"):
        write_starter(tmp_path / name, name)
    broken = tmp_path / "two" / "spec.yaml"
    broken.write_text(broken.read_text().replace("review: ", "reviews: "))
    write_starter(tmp_path / "again", "three")

    good, said = usable(find_specs(tmp_path))

    assert good == [tmp_path / "one" / "spec.yaml"]
    assert len(said) == 2
    assert "reviews" in said[0]
    assert "'three'" in said[1]


def test_a_spec_in_another_encoding_is_a_bad_spec_and_no_crash(tmp_path: Path) -> None:
    write_starter(tmp_path / "one", "one")
    write_starter(tmp_path / "two", "two")
    broken = tmp_path / "two" / "spec.yaml"
    broken.write_bytes(broken.read_bytes() + "# für später\n".encode("latin-1"))
    good, (said,) = usable(find_specs(tmp_path))
    assert good == [tmp_path / "one" / "spec.yaml"]
    assert "UTF-8" in said
    assert list(models_below(tmp_path)) == ["one"]
