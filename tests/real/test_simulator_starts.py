"""The real simulator, started with exactly what the chart renders: it answers, and it stops by itself."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.charts.build import build
from generator.engines import simulator
from generator.model.axes import Engine, Recipe, Scaling, Stack, Task, Topology
from generator.tools import find
from generator.values.common import API_PATHS

RECIPE = Recipe(Engine.SIMULATOR, Stack.KUBERNETES, Topology.AGGREGATED, Scaling.FIXED)
NAME = "qwen3-0.6b"
READY = simulator.RUNTIME.probes.ready
ALIVE = simulator.RUNTIME.probes.alive
STARTUP_SECONDS = 1

MESSAGES = [{"role": "user", "content": "Are you there?"}]
# the least that each path wants
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES, "max_tokens": 5},
    "/v1/completions": {"prompt": "Are you", "max_tokens": 5},
    "/v1/responses": {"input": "Are you there?", "max_output_tokens": 5},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 5},
    "/v1/embeddings": {"input": "Are you there?"},
}
OWN_PATHS = {path for task in simulator.TASKS for path in API_PATHS[task]}
OTHER_PATHS = {path for task in Task for path in API_PATHS[task]} - OWN_PATHS


class Server:
    """A running simulator on loopback."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def ask(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes]:
        """Give the status and the body of an answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if body is not None:
            request.data = json.dumps({"model": NAME, **body}).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def wait(self, path: str, *, seconds: float = 15) -> None:
        """Wait until a path answers 200."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.ask(path)[0] == 200:
                    return
            except urllib.error.URLError:
                pass
            time.sleep(0.05)
        pytest.fail(f"{path} did not answer 200 within {seconds} s")


def rendered(folder: Path) -> dict[str, Any]:
    """Render the chart with Helm and take the one container out."""
    for name, text in build(RECIPE, {}, "0.10.2").files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    command = [
        *(str(find("helm")), "template", "release", str(folder), "--values", str(folder / "ci/minimal-values.yaml")),
        *("--set", f"engine.startupSeconds={STARTUP_SECONDS}"),
    ]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    objects = [data for data in yaml.safe_load_all(text) if data]
    (workload,) = (data for data in objects if data["kind"] == "Deployment")
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return list(rendered(tmp_path_factory.mktemp("chart"))["args"])


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(arguments: list[str]) -> Iterator[Server]:
    """Start the simulator with the rendered arguments, the port alone replaced."""
    port = free_port()
    words = list(arguments)
    words[words.index("--port") + 1] = str(port)
    process = subprocess.Popen(
        [str(find("llm-d-inference-sim")), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Server(process, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server(arguments: list[str]) -> Iterator[Server]:
    with running(arguments) as found:
        found.wait(READY)
        yield found


def test_it_lists_the_model_under_its_served_name(server: Server) -> None:
    status, body = server.ask("/v1/models")
    assert status == 200
    assert [model["id"] for model in json.loads(body)["data"]] == [NAME]


def test_it_answers_a_chat(server: Server) -> None:
    status, body = server.ask("/v1/chat/completions", BODIES["/v1/chat/completions"])
    assert status == 200
    assert json.loads(body)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("path", sorted(OWN_PATHS))
def test_it_answers_every_path_of_its_tasks(server: Server, path: str) -> None:
    assert server.ask(path, BODIES.get(path))[0] == 200


@pytest.mark.parametrize("path", sorted(OTHER_PATHS))
def test_it_has_no_path_of_other_tasks(server: Server, path: str) -> None:
    assert server.ask(path, {})[0] == 404


@pytest.mark.parametrize("series", [simulator.RUNTIME.metrics.running, simulator.RUNTIME.metrics.waiting])
def test_it_exports_what_scaling_reads(server: Server, series: str) -> None:
    _, body = server.ask(simulator.RUNTIME.metrics.path)
    assert f'{series}{{{simulator.RUNTIME.metrics.model_label}="{NAME}"}}' in body.decode()


def test_it_is_alive_before_it_is_ready(arguments: list[str]) -> None:
    with running(arguments) as starting:
        starting.wait(ALIVE)
        assert starting.ask(READY)[0] == 503
        starting.wait(READY)


def test_it_stops_by_itself_at_the_stop_signal(arguments: list[str]) -> None:
    with running(arguments) as stopping:
        stopping.wait(READY)
        stopping.process.terminate()
        assert stopping.process.wait(timeout=10) == 0


def test_it_finishes_at_the_stop_signal_what_it_has_begun(arguments: list[str]) -> None:
    slow = {"messages": MESSAGES, "max_tokens": 100, "ignore_eos": True}
    with running(arguments) as stopping, ThreadPoolExecutor(1) as client:
        stopping.wait(READY)
        answer = client.submit(stopping.ask, "/v1/chat/completions", slow)
        running_one = f'{simulator.RUNTIME.metrics.running}{{model_name="{NAME}"}} 1'
        while running_one not in stopping.ask("/metrics")[1].decode():
            assert not answer.done()
        stopping.process.terminate()
        status, body = answer.result(timeout=20)
        assert status == 200
        assert json.loads(body)["usage"]["completion_tokens"] == 100
        assert stopping.process.wait(timeout=10) == 0
