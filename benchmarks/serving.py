"""What an answer of `ratoon serve` costs, beside plain FastAPI routes: CPU of the server for each request.

    python benchmarks/serving.py [--requests 2000] [--mlflow]

Every server is a process of its own with the same version of the starter's model (`ratoon init`, trained here), and
gets the same rows, 1 and 100, by turns over one connection each, so that a busy machine slows all of them:

*empty*: a FastAPI route that parses the body as JSON and answers a constant. *bare*: the same, which makes a frame of
the rows and asks the estimator for its probabilities. *ratoon*: schema, an API key, metrics, access log, and the
prediction log by `buffer`, asked by V2 and by `/invocations`; the log's writes count. *mlflow*: `mlflow models serve`.
Labels are durable when they are answered: by one (several clients at once, so that commits are shared) and in
hundreds. Printed are medians of the turns, in milliseconds, and ratios to *bare*.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from statistics import median

import pandas as pd
import psutil

from ratoon.serving.keys import new_key

TURNS = 5
CLIENTS = 16  # that send single labels at once
GOALS = {"ratoon V2": 2.5, "ratoon /invocations": 2.5}
BARE = """
    import sys
    import pandas as pd
    import uvicorn
    from fastapi import FastAPI, Request
    from ratoon.models.registry.mlflow_registry import Registry
    from ratoon.spec.load import load_spec

    trained = Registry.open(load_spec(sys.argv[1])).load("champion")
    names = [feature.name for feature in trained.state.features]
    app = FastAPI()

    @app.post("/empty")
    async def empty(request: Request):
        await request.json()
        return {"predictions": [0]}

    @app.post("/bare")
    async def bare(request: Request):
        frame = pd.DataFrame((await request.json())["dataframe_records"])[names]
        return {"predictions": trained.estimator.predict_proba(frame).tolist()}

    @app.get("/health")
    async def health():
        return {}

    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


class Server:
    """A process that listens on *port*, with its CPU."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process, self.port = psutil.Process(process.pid), port

    def cpu(self) -> float:
        """Seconds until now, of the process and its children."""
        family = [self._process, *self._process.children(recursive=True)]
        return sum(each.cpu_times().user + each.cpu_times().system for each in family)

    def memory(self) -> float:
        """Resident MB."""
        return float(self._process.memory_info().rss) / 2**20

    def send(self, path: str, body: bytes, headers: dict[str, str], count: int) -> None:
        """*count* requests, one after the other, over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for _ in range(count):
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{path} answered {answer.status}: {text[:300]!r}")
        connection.close()


@contextmanager
def server(command: list[str], port: int, ready: str, **environment: str) -> Iterator[Server]:
    """The server of *command*, once *ready* answers 200."""
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts `uvicorn` by its name
    quiet = {"PATH": found, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", **environment}
    process = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", ready)
                if connection.getresponse().status == 200:
                    break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{command} ended with {process.returncode}") from None
            time.sleep(0.1)
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def project(folder: Path) -> Path:
    """The starter, trained."""
    for arguments in (("init", str(folder)), ("train", str(folder / "spec.yaml"), "--at", "2026-01-31")):
        subprocess.run([sys.executable, "-m", "ratoon.cli.main", *arguments], check=True, stdout=subprocess.DEVNULL)
    return folder / "spec.yaml"


def bodies(spec: Path, rows: int) -> tuple[bytes, bytes]:
    """The same *rows* as records and as V2 tensors."""
    from ratoon.models.registry.mlflow_registry import Registry
    from ratoon.spec.load import load_spec

    loaded = load_spec(spec)
    features = Registry.open(loaded).load("champion").state.features
    frame = pd.read_parquet(next(spec.parent.glob("data/*.parquet")))[[each.name for each in features]].head(rows)
    records = json.loads(frame.to_json(orient="records"))
    tensors = [
        {
            "name": each.name,
            "datatype": "FP64" if each.kind == "number" else "BYTES",
            "shape": [rows],
            "data": [record[each.name] for record in records],
        }
        for each in features
    ]
    return json.dumps({"dataframe_records": records}).encode(), json.dumps({"inputs": tensors}).encode()


def measured(asked: dict[str, tuple[Server, Callable[[], None]]], count: int) -> dict[str, float]:
    """CPU milliseconds of a request by name: the median over turns."""
    found: dict[str, list[float]] = {name: [] for name in asked}
    for turn in range(TURNS + 1):
        for name, (one, send) in asked.items():
            before = one.cpu()
            send()
            if turn:  # the first one warms up
                found[name].append(1000 * (one.cpu() - before) / count)
    return {name: median(values) for name, values in found.items()}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000, help="of each turn with one row; a tenth of 100 rows")
    parser.add_argument("--mlflow", action="store_true", help="`mlflow models serve` too")
    asked = parser.parse_args()
    key, line = new_key("benchmark", ("predict", "learn"))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        spec = project(Path(name) / "starter")
        script = Path(name) / "bare.py"
        script.write_text(textwrap.dedent(BARE))
        ports = [free_port() for _ in range(3)]
        bare = stack.enter_context(server([sys.executable, str(script), str(spec), str(ports[0])], ports[0], "/health"))
        command = [sys.executable, "-m", "ratoon.cli.main", "serve", str(spec), "--port", str(ports[1])]
        ready = "/v2/health/ready"
        ratoon = stack.enter_context(server(command, ports[1], ready, RATOON_API_KEYS=line))
        print(f"ratoon serve: {ratoon.cpu():.1f} CPU s until ready, {ratoon.memory():.0f} MB")
        others = {}
        if asked.mlflow:
            others["mlflow"] = stack.enter_context(mlflow_server(spec, ports[2]))
        for rows, count in ((1, asked.requests), (100, asked.requests // 10)):
            predictions(rows, count, bare, ratoon, others, {"X-API-Key": key}, spec)
        labels(ratoon, asked.requests, {"X-API-Key": key}, spec)


def predictions(
    rows: int, count: int, bare: Server, ratoon: Server, others: dict[str, Server], key: dict[str, str], spec: Path
) -> None:
    """One table."""
    records, tensors = bodies(spec, rows)
    model = spec.read_text().split("model:")[1].split()[0]
    asked: dict[str, tuple[Server, Callable[[], None]]] = {
        "empty": (bare, lambda: bare.send("/empty", records, {}, count)),
        "bare": (bare, lambda: bare.send("/bare", records, {}, count)),
        "ratoon V2": (ratoon, lambda: ratoon.send(f"/v2/models/{model}/infer", tensors, key, count)),
        "ratoon /invocations": (ratoon, lambda: ratoon.send("/invocations", records, key, count)),
    }
    for name, other in others.items():
        asked[name] = (other, lambda other=other: other.send("/invocations", records, {}, count))  # type: ignore[misc]
    found = measured(asked, count)
    print(f"\n| {rows} row{'s' if rows > 1 else ''} | CPU ms | of bare | goal |\n|---|--:|--:|--:|")
    for name, value in found.items():
        goal = f"{GOALS[name]:g}" if name in GOALS else ""
        print(f"| {name} | {value:.3f} | {value / found['bare']:.2f} | {goal} |")


def labels(ratoon: Server, count: int, key: dict[str, str], spec: Path) -> None:
    """CPU for each durable label, single ones and in hundreds."""
    model = spec.read_text().split("model:")[1].split()[0]
    path, numbers = f"/v2/models/{model}/labels", iter(range(10**9))

    def kept_open(each: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", ratoon.port, timeout=60)
        for _ in range(each):
            body = json.dumps({"id": f"s{next(numbers)}", "value": 1})
            connection.request("POST", path, body, key)
            connection.getresponse().read()

    def many() -> None:
        threads = [threading.Thread(target=kept_open, args=(count // CLIENTS,)) for _ in range(CLIENTS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def hundreds() -> None:
        for _ in range(count // 100):
            body = json.dumps([{"id": f"h{next(numbers)}", "value": 1} for _ in range(100)])
            ratoon.send(path, body.encode(), key, 1)

    found = measured({"single": (ratoon, many), "in hundreds": (ratoon, hundreds)}, count)
    print("\n| labels | CPU ms | goal |\n|---|--:|--:|")
    for name, goal in (("single", 0.5), ("in hundreds", 0.04)):
        print(f"| {name} | {found[name]:.3f} | {goal} |")


def mlflow_server(spec: Path, port: int) -> AbstractContextManager[Server]:
    """`mlflow models serve` of the champion's files."""
    from ratoon.models.registry.mlflow_registry import Registry
    from ratoon.spec.load import load_spec

    folder = Registry.open(load_spec(spec)).folder("1")
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
    return server([*command, "--port", str(port), "--workers", "1"], port, "/ping")


if __name__ == "__main__":
    main()
