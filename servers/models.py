"""The models that `ratoon up` serves: every spec with the key `serving:`, each by a `ratoon serve` of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..spec.errors import RatoonError
from ..spec.keys.serving import ServingSpec
from ..spec.load import load_spec
from .addresses import Addresses
from .children import Child
from .services import Service, answers, flow_environment
from .settings import Settings


class ServedModels:
    """Their processes. One that ends is started again; one that ends again and again is given up, and the rest goes on.

    *note* tells the operator.
    """

    def __init__(
        self, settings: Settings, where: Addresses, base: Mapping[str, str], note: Callable[[str], None]
    ) -> None:
        self._settings, self._where, self._base, self._note = settings, where, base, note
        self._children: list[Child] = []

    @property
    def children(self) -> Sequence[Child]:
        """The processes that are watched."""
        return tuple(self._children)

    def start(self, specs: Sequence[Path]) -> dict[str, str]:
        """Serve those of *specs* that have the key; each model's address. They load while this returns."""
        found: dict[str, str] = {}
        for path in specs:
            try:
                spec = load_spec(path)
            except RatoonError:  # said when it was deployed
                continue
            if spec.serving is not None:
                child = Child(self._service(path, spec.model, spec.serving), self._settings.home, self._base)
                child.start()
                self._children.append(child)
                found[spec.model] = address_of(spec.serving)
        return found

    def look(self) -> None:
        """Start again what has ended."""
        for child in self.children:
            if child.code is None:
                continue
            if not child.may_start_again():
                self._children.remove(child)
                self._note(f"{child.service.title} ends again and again, and is given up. Its log: {child.log}")
                continue
            self._note(f"{child.service.title} ended (exit code {child.code}); starting it again. Its log: {child.log}")
            child.start()

    def stop(self) -> None:
        """Drain and end them all."""
        for child in self.children:
            child.ask_to_end()
        for child in self.children:
            child.terminate(60)

    def _service(self, path: Path, model: str, serving: ServingSpec) -> Service:
        environment = {**flow_environment(self._settings, self._where), **self._where.credentials()}
        command = (sys.executable, "-m", "ratoon.cli.main", "serve", str(path))
        live = answers(f"{address_of(serving)}/v2/health/live")
        return Service(f"serving {model}", f"serve-{model}", command, environment, live)


def address_of(serving: ServingSpec) -> str:
    """Where people on this machine find the model."""
    host = "127.0.0.1" if serving.host in ("0.0.0.0", "::") else serving.host  # noqa: S104 - what is listened on
    return f"http://[{host}]:{serving.port}" if ":" in host else f"http://{host}:{serving.port}"
