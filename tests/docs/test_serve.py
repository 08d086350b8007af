"""The how-to of serving, followed as a reader would: the starter served, and asked by each client of the page."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blocks import DOCS, blocks

pytestmark = pytest.mark.slow  # trains the starter, and makes an environment of its own
PAGE = DOCS / "how-to" / "serve.md"
TRITON = "tritonclient[http]==2.73.0"
START_SECONDS = 90
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "RATOON_"))
}


def code(mark: str, address: str) -> str:
    (text,) = (each.text for each in blocks(PAGE) if each.mark == mark)
    assert "127.0.0.1:8080" in text
    return text.replace("127.0.0.1:8080", address)


def ratoon(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "ratoon.cli.main", *map(str, arguments)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of the page's model, served by the page's commands."""
    folder = tmp_path_factory.mktemp("page")
    commands = [line.split() for line in re.findall(r"^ratoon (?:init|train|serve) .*$", PAGE.read_text(), re.M)]
    for command in commands[:2]:
        subprocess.run(ratoon(*command[1:]), cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(ratoon(*commands[2][1:], "--port", port), cwd=folder, env=ENVIRONMENT)
    try:
        until = time.monotonic() + START_SECONDS
        while not _ready(port):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(60) == 0


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_curl_asks_and_sends_labels(address: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    said = subprocess.run(["bash", "-ec", code("curl", address)], capture_output=True, text=True, check=True).stdout
    answers = [json.loads(each) for each in re.findall(r"\{.*?\}(?=\{\"|$)", said)]
    assert answers[0]["id"] == "F1"
    assert answers[1]["predictions"] in ([0], [1])
    assert {each["outcome"] for each in answers[2]["labels"]} <= {"accepted", "waiting"}  # for the buffered rows


def test_python_asks_and_sends_a_label(address: str) -> None:
    said = subprocess.run([sys.executable, "-c", code("python", address)], capture_output=True, text=True, check=True)
    assert re.search(r"\[[01]\] by version 1", said.stdout)


@pytest.fixture(scope="module")
def triton(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The Python of an environment with tritonclient."""

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", "--retries", "1", "--timeout", "20", TRITON]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{TRITON} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")

    return made_once("triton", make) / "bin" / "python"


def test_tritonclient_asks_in_binary(address: str, triton: Path) -> None:
    said = subprocess.run([str(triton), "-c", code("triton", address)], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert re.search(r"\[[01]\] \[\[0\.\d+ 0\.\d+\]\] 1", said.stdout)


CONFORMS = """
import sys
import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(sys.argv[1])
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("late-flights")
assert not client.is_model_ready("nobody")
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
metadata = client.get_model_metadata("late-flights")
assert [each["state"] for each in client.get_model_repository_index()] == ["READY"]


def inputs(binary):
    made = []
    for each in metadata["inputs"]:
        values = np.array(["AA", "é"], object) if each["datatype"] == "BYTES" else np.array([1.0, 2.0])
        made.append(triton.InferInput(each["name"], [2], each["datatype"]))
        made[-1].set_data_from_numpy(values, binary_data=binary)
    return made


found = []
for binary in (True, False):
    for raw in (True, False):
        for packing in (None, "gzip", "deflate"):
            wanted = [triton.InferRequestedOutput(name, binary_data=raw) for name in ("predict", "predict_proba")]
            answer = client.infer(
                "late-flights", inputs(binary), outputs=wanted, request_compression_algorithm=packing, request_id="x"
            )
            found.append((answer.as_numpy("predict").tolist(), answer.as_numpy("predict_proba").tolist()))
assert all(each == found[0] for each in found) and len(found) == 12
named = client.infer("late-flights", inputs(True), model_version="1")
assert named.as_numpy("predict").tolist() == found[0][0]
for model, asked in (("late-flights", inputs(True)[1:]), ("nobody", inputs(True))):
    try:
        client.infer(model, asked)
    except triton.InferenceServerException as error:
        assert "distance" in str(error) or "nobody" in str(error)
    else:
        raise SystemExit("it was answered")
"""


def test_tritonclient_conforms_in_json_binary_and_packed(address: str, triton: Path) -> None:
    said = subprocess.run([str(triton), "-c", CONFORMS, address], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def test_mlflows_own_scoring_client_is_answered(address: str) -> None:
    """The client of `mlflow models serve`, in the environment that has MLflow."""
    code = f"""
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

client = ScoringServerClient("127.0.0.1", {address.split(":")[1]})
client.wait_server_ready(timeout=10)
assert client.get_version().startswith("3.")
frame = pd.DataFrame({{"distance": [564.0, 1.0], "hour": [18.0, 2.0], "wind": [14.0, 3.0], "carrier": ["DL", "AA"]}})
print(client.invoke(frame).get_predictions()[0].tolist())
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert said.returncode == 0, said.stderr
    assert re.fullmatch(r"\[[01], [01]\]", said.stdout.strip().splitlines()[-1])
