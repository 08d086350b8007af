"""A replica's metrics, by prometheus-client: one process, one registry, no label without bound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
NONE = float("nan")


class Metrics:
    """What is counted; *model* is a label of all of it."""

    def __init__(self, model: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._model = model
        self._of_requests: dict[tuple[str, int], tuple[Callable[[float], None], Callable[[float], None]]] = {}
        self._requests = self._counter("requests", "Requests by route and status", "route", "code")
        self._seconds = Histogram(
            "ratoon_serving_request_seconds",
            "From a request's first byte in the application to its answer's last",
            ("model", "route"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.rows = self._counter("rows", "Rows that were answered").labels(model)
        self.swaps = self._counter("swaps", "Versions that came to serve, and that were refused", "outcome")
        self.labels = self._counter("labels", "Labels that came, by what the log said of them", "outcome")
        self.busy = self._counter("refused_requests", "Requests beyond a limit, by the limit", "limit")

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"ratoon_serving_{name}", about, ("model", *labels), registry=self.registry)

    def gauge(self, name: str, about: str, read: Callable[[], float]) -> None:
        """A value that is read at each scrape."""
        made = Gauge(f"ratoon_serving_{name}", about, ("model",), registry=self.registry).labels(self._model)
        made.set_function(read)

    def counted(self, name: str, about: str, read: Callable[[], float]) -> None:
        """A count that somebody else keeps, and that is read at each scrape."""
        self.registry.register(_Counted(f"ratoon_serving_{name}", about, self._model, read))

    def count(self, counter: Counter, label: str, by: int = 1) -> None:
        """Add to a counter of this model."""
        counter.labels(self._model, label).inc(by)

    def request(self, route: str, code: int, seconds: float) -> None:
        """One request was answered; *route* is a route's name and not what was asked for."""
        known = self._of_requests.get((route, code))
        if known is None:  # routes and codes are few
            known = (
                self._requests.labels(self._model, route, code).inc,
                self._seconds.labels(self._model, route).observe,
            )
            self._of_requests[route, code] = known
        known[0](1)
        known[1](seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Counted(Collector):
    """A counter whose value is asked for; prometheus-client's own keep theirs themselves."""

    def __init__(self, name: str, about: str, model: str, read: Callable[[], float]) -> None:
        self._name, self._about, self._model, self._read = name, about, model, read

    def collect(self) -> Iterable[Metric]:
        """The one sample."""
        found = CounterMetricFamily(self._name, self._about, labels=("model",))
        found.add_metric((self._model,), self._read())
        yield found


def since(moment: float | None) -> float:
    """Seconds since *moment* of the monotonic clock; NaN where there was none."""
    return NONE if moment is None else time.monotonic() - moment
