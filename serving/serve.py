"""`ratoon serve` without its command line: one replica of a spec's model, from its stores to its socket."""

from __future__ import annotations

import logging
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from prometheus_client import start_http_server

from ..ledger.entries import Swap
from ..log import open_log
from ..loop.context import Stores, open_stores
from ..loop.events import Swapped
from ..models.registry.mlflow_registry import Registry
from ..spec.errors import BadInput, RatoonError, Refused
from ..spec.keys.serving import ServingSpec
from ..spec.model import Spec
from .keys import VARIABLE, Keys, is_loopback
from .metrics import Metrics
from .recording import Recorder
from .replica import Replica
from .replicas import Replicas, replica_command, socket_for
from .server import run
from .versions.follower import Follower, SwapOutcome
from .versions.loading import RegistryVersions

_log = logging.getLogger("ratoon.serving")


def serve(spec: Spec, serving: ServingSpec, *, number: int | None, announce: Callable[[Swapped], None] | None) -> None:
    """Serve the champion of *spec* until a signal: by the replicas that *serving* says, or as the one of *number*.

    *announce* is told of each swap. Raises BadInput for keys that cannot be read, Refused for an address that others
    reach without a key, and for a port that is taken; nothing is started then.
    """
    keys = read_keys(spec, serving)
    if not keys and not is_loopback(serving.host):
        raise Refused(
            f"serving.host is {serving.host}, which others may reach, and there is no API key. Nothing was started. "
            f"Make one with `ratoon new-key`, and put its line into the file of serving.api_keys or into ${VARIABLE}; "
            "or listen on 127.0.0.1."
        )
    if serving.replicas > 1 and number is None:
        command = [*replica_command(str(spec.path)), "--host", serving.host, "--replicas", str(serving.replicas)]
        if serving.metrics_port is not None:
            command += ["--metrics-port", str(serving.metrics_port)]
        grace = serving.drain.total_seconds() + serving.limits.time.total_seconds() + 10
        Replicas(command, serving.replicas, serving.host, serving.port, grace=grace).run()
        return
    _one(spec, serving, keys, number or 0, announce)


def _one(spec: Spec, serving: ServingSpec, keys: Keys, number: int, announce: Callable[[Swapped], None] | None) -> None:
    """One replica in this process."""
    listening = socket_for(serving.host, serving.port, shared=serving.replicas > 1)
    name = f"{platform.node()}:{os.getpid()}"
    with open_stores(spec) as stores:
        registry = stores.registry
        if not isinstance(registry, Registry):
            raise TypeError(type(registry).__name__)
        metrics = Metrics(spec.model)
        if serving.metrics_port is not None:
            start_http_server(serving.metrics_port + number, serving.host, registry=metrics.registry)
        beside = spec.data.id
        follower = Follower(
            RegistryVersions(spec, registry, seconds=serving.limits.time.total_seconds(), beside=beside),
            poll=serving.poll.total_seconds(),
            told=Told(stores, name, metrics, announce if number == 0 else None),
        )
        recorder = Recorder(open_log(stores.stores.log), spec.model, how=serving.log, buffer=serving.buffer)
        replica = Replica(spec, serving, follower, keys, metrics, recorder, name)
        _log.info("serving %s at http://%s:%s", spec.model, serving.host, listening.getsockname()[1])
        run(replica, listening)


class Told:
    """Writes each swap into the ledger and the log, counts it, and announces it. A store that is away stops nothing."""

    def __init__(
        self, stores: Stores, replica: str, metrics: Metrics, announce: Callable[[Swapped], None] | None
    ) -> None:
        self._stores, self._replica, self._metrics, self._announce = stores, replica, metrics, announce

    def __call__(self, outcome: SwapOutcome) -> None:
        spec = self._stores.spec
        said = {
            "version": outcome.version,
            "previous": outcome.previous,
            "at": outcome.at,
            "done": outcome.done,
            "reason": outcome.reason,
            "replica": self._replica,
        }
        self._metrics.count(self._metrics.swaps, outcome.done)
        if outcome.done == "served":
            _log.info("version %s serves, before it %s", outcome.version, outcome.previous or "none")
        try:
            self._stores.ledger.swaps.record(Swap.model_validate({"model": spec.model, **said}))
        except RatoonError as error:
            _log.error("the swap to version %s is not in the ledger: %s", outcome.version, error)
        if self._announce is not None:
            self._announce(Swapped.model_validate({"model": spec.model, "spec": str(spec.path), **said}))


def read_keys(spec: Spec, serving: ServingSpec) -> Keys:
    """The API keys of the spec's file, else of the environment. Raises BadInput for what cannot be read."""
    if serving.api_keys is None:
        return Keys.read(os.environ.get(VARIABLE, ""), f"${VARIABLE}")
    file = spec.folder / Path(serving.api_keys).expanduser()
    try:
        return Keys.read(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{spec.path.name}: serving.api_keys: {file} cannot be read: {getattr(error, 'strerror', error)}. Nothing "
            "was started. Name a file of lines as `ratoon new-key` prints them."
        ) from None


def set_up_logs(*, access: bool) -> None:
    """Lines for people on standard error; the access log, JSON alone, on standard output."""
    people = logging.StreamHandler()
    people.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    for name, handler in (("ratoon", people), ("ratoon.access", logging.StreamHandler(sys.stdout))):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    logging.getLogger("ratoon.access").disabled = not access
