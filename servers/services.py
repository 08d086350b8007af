"""What `ratoon up` starts: each server's command, environment, and how to tell that it is healthy."""

from __future__ import annotations

import json
import platform
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from .addresses import PREFECT_AUTH, Addresses
from .databases import Databases
from .kept_secrets import hooks_key, hooks_secret, session_key
from .own_pages import LOOPBACK
from .processes import MARK
from .settings import Settings

SERVER_AUTH = "PREFECT_SERVER_API_AUTH_STRING"
HOOKS = "hooks"  # the receiver of webhooks
WARM = "warm"  # the parent of looks
_PYTHON = (sys.executable, "-m")

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # Prefect's second UI asks a server of an analytics company for its settings, whatever is switched off.
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
PATIENT = {
    # Runs live through a server that is away for minutes: both wait 2, 4, 8 … seconds between their tries.
    "PREFECT_CLIENT_MAX_RETRIES": "7",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7",
}


@dataclass(frozen=True)
class Service:
    """One server: *title* for people, *name* of its log; *environment* is added to the installation's own."""

    title: str
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    healthy: Callable[[], bool]


def flow_environment(settings: Settings, where: Addresses) -> dict[str, str]:
    """What the worker and its flows need to know; deployments keep it in Prefect's database, so nothing secret."""
    own = {"RATOON_HOME": str(settings.home), "RATOON_POOL": settings.pool}
    return {**where.environment(), **QUIET, **PATIENT, **own}


def base_environment(outer: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The environment of every process here: the user's, without what names other servers or holds the password."""
    foreign = {"PREFECT_API_URL", "PREFECT_PROFILE", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"}
    foreign |= {PREFECT_AUTH, "PREFECT_API_KEY", SERVER_AUTH}
    secret = {"RATOON_DATABASE_URL", "RATOON_LEDGER_URL"}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    kept = {name: value for name, value in outer.items() if name not in foreign | secret}
    return {
        **threads,
        **QUIET,
        **kept,
        **_no_proxy(outer, settings.host),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PYTHONUNBUFFERED": "1",
        MARK: str(settings.home),
    }


def _no_proxy(outer: Mapping[str, str], host: str) -> dict[str, str]:
    """What lets clients reach the servers where the environment names a proxy for everything else."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name in outer):
        return {}
    known = [outer[name] for name in ("NO_PROXY", "no_proxy") if outer.get(name)]
    without = ",".join([*known, "127.0.0.1", "localhost", host])
    return {"NO_PROXY": without, "no_proxy": without}


def servers(
    settings: Settings,
    where: Addresses,
    kept: Databases,
    *,
    listener: Sequence[str] | None,
    outer: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Service, ...]:
    """Prefect, MLflow, Evidently, and the receiver of webhooks by the command *listener* if there is one.

    Which hosts and pages MLflow answers is taken from *outer*, the user's environment, where it says so.
    """
    found = (_prefect(settings, where, kept), _mlflow(settings, kept, outer), _evidently(settings, where))
    return found if listener is None else (*found, _hooks(settings, where, listener))


def _prefect(settings: Settings, where: Addresses, kept: Databases) -> Service:
    return Service(
        "Prefect",
        "prefect",
        (*_guarded("prefect", settings.host, settings.prefect_port), "--log-level", "warning"),
        {
            SERVER_AUTH: where.credentials()[PREFECT_AUTH],
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(_origins(settings, settings.prefect_port)),
            **_names(settings),
            "PREFECT_SERVER_API_HOST": settings.host,
            "PREFECT_SERVER_API_PORT": str(settings.prefect_port),
            "PREFECT_API_URL": f"{settings.prefect_url}/api",
            "PREFECT_API_DATABASE_CONNECTION_URL": kept.prefect,
            **kept.for_prefect,
        },
        answers(f"{settings.prefect_url}/api/health"),
    )


def _mlflow(settings: Settings, kept: Databases, outer: Mapping[str, str]) -> Service:
    """Artifacts are written to the folder itself, as the embedded registry does, so that versions logged with and
    without servers are one stock. A server that hands artifacts on (compose.yaml) is for other machines.
    """
    plugin = ("--app-name", settings.mlflow_app) if settings.mlflow_app else ()
    # Its own defaults answer names such as 10.evil.example, and pages of every other server of this machine.
    asked = {
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(_hosts(settings, settings.mlflow_port)),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(_origins(settings, settings.mlflow_port)),
    }
    return Service(
        "MLflow",
        "mlflow",
        (
            *_PYTHON, "mlflow", "server", "--host", settings.host, "--port", str(settings.mlflow_port), "-w", "1",
            "--no-serve-artifacts", "--default-artifact-root", str(settings.home / "mlartifacts"), *plugin,
        ),
        {
            "MLFLOW_BACKEND_STORE_URI": kept.mlflow,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its job runner takes 2 GB
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": hooks_key(settings.home),
            "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
            "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",  # the receiver listens on this machine
            "MLFLOW_FLASK_SERVER_SECRET_KEY": session_key(settings.home),
            **{name: outer.get(name, value) for name, value in asked.items()},
        },
        answers(f"{settings.mlflow_url}/health"),
    )  # fmt: skip


def _evidently(settings: Settings, where: Addresses) -> Service:
    return Service(
        "Evidently",
        "evidently",
        _guarded("evidently", settings.host, settings.evidently_port),
        {"RATOON_WORKSPACE": str(where.workspace), **_names(settings)},
        answers(f"{settings.evidently_url}/api/version"),
    )


def _hooks(settings: Settings, where: Addresses, listener: Sequence[str]) -> Service:
    return Service(
        "webhooks",
        HOOKS,
        tuple(listener),
        {
            **flow_environment(settings, where),
            **where.credentials(),
            "RATOON_WEBHOOK_SECRET": hooks_secret(settings.home),
            "RATOON_HOST": settings.host,
            "RATOON_HOOKS_PORT": str(settings.hooks_port),
        },
        answers(f"http://{settings.host}:{settings.hooks_port}/health"),
    )


def _names(settings: Settings) -> dict[str, str]:
    return {"RATOON_ALLOWED_HOSTS": ",".join(settings.names)}


def _guarded(server: str, host: str, port: int) -> tuple[str, ...]:
    """The command of a server that looks at neither host nor origin by itself."""
    return (*_PYTHON, "uvicorn", "--factory", f"ratoon.servers.guarded:{server}", "--host", host, "--port", str(port))


def _hosts(settings: Settings, port: int) -> list[str]:
    """What the header Host may hold; behind a proxy it may name another port, or none."""
    here = dict.fromkeys((*LOOPBACK, settings.host))
    listed = [f"{_in_url(name)}{at}" for name in settings.names for at in ("", ":*")]
    return [*(f"{_in_url(name)}:{port}" for name in here), *listed]


def _origins(settings: Settings, port: int) -> list[str]:
    """Pages that may ask: the server's own, by each of its names. No patterns: Flask-CORS takes them for prefixes."""
    here = dict.fromkeys(name for name in (*LOOPBACK, settings.host) if ":" not in name)
    listed = [f"{scheme}://{name}" for name in settings.names if ":" not in name for scheme in ("http", "https")]
    return [*(f"http://{name}:{port}" for name in here), *listed, *(f"{each}:{port}" for each in listed)]


def _in_url(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def worker(settings: Settings, where: Addresses) -> Service:
    """The process worker; healthy when Prefect counts it as online."""
    name = worker_name()
    return Service(
        "worker",
        "worker",
        (*_PYTHON, "prefect", "worker", "start", "--pool", settings.pool, "--type", "process", "--name", name),
        _of_runs(settings, where),
        lambda: _online(settings, where, name),
    )


def warm_parent(settings: Settings, where: Addresses) -> Service:
    """The process that forks itself for each look; nobody waits for it, since looks start afresh without it."""
    return Service(
        "warm parent", WARM, (*_PYTHON, "ratoon.servers.warm_parent"), _of_runs(settings, where), lambda: True
    )


def _of_runs(settings: Settings, where: Addresses) -> dict[str, str]:
    """The worker's environment, which its runs inherit; the warm parent serves runs with its own only."""
    return {**flow_environment(settings, where), **where.credentials(), "PREFECT_WORKER_QUERY_SECONDS": "2"}


def worker_name() -> str:
    """One per machine: by it the recovery knows whether runs may be alive elsewhere."""
    return f"ratoon {platform.node()}"


def log_of(home: Path, service: Service) -> Path:
    """The file that takes what the server prints."""
    return home / "logs" / f"{service.name}.log"


# Without the proxies of the environment: they lead away from this machine, and would be told the password.
_asking = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(address: str) -> Callable[[], bool]:
    """Asks *address* whether it answers 200."""

    def ask() -> bool:
        try:
            with _asking.open(address, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    return ask


def _online(settings: Settings, where: Addresses, name: str) -> bool:
    address = f"{settings.prefect_url}/api/work_pools/{settings.pool}/workers/filter"
    login = b64encode(where.credentials()[PREFECT_AUTH].encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
    request = urllib.request.Request(address, b"{}", headers)  # noqa: S310 - as above
    try:
        with _asking.open(request, timeout=5) as answer:
            return any(each["name"] == name and each["status"] == "ONLINE" for each in json.load(answer))
    except OSError:
        return False
