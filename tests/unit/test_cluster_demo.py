"""What the demo and the stand-in engines take for granted, without a cluster."""

from __future__ import annotations

import http.client
import threading
from pathlib import Path

import pytest

from generator import facts
from generator.cluster import demo, traffic
from generator.cluster.engine import NAMES, Engine, Server, handler
from generator.errors import ProblemsFound


@pytest.mark.parametrize(("engine", "version"), [("vllm", "0.33.0"), ("sglang", "0.5.23")])
def test_a_stand_in_exports_metrics_that_the_engine_has(engine: str, version: str) -> None:
    known = {metric.name: metric for metric in facts.load(engine, version).metrics}
    for name in (NAMES[engine].running, NAMES[engine].waiting):
        assert "model_name" in known[name].labels


def test_a_stand_in_that_stops_ends_idle_connections_and_answers_what_is_in_flight(tmp_path: Path) -> None:
    engine = Engine(NAMES["vllm"], "model", tmp_path / "control.json", "pod")
    server = Server(("127.0.0.1", 0), handler(engine))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    idle, busy = (http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10) for _ in range(2))
    for connection in (idle, busy):
        connection.request("GET", "/health")
        connection.getresponse().read()
    busy.request("POST", "/v1/chat/completions", '{"max_tokens": 6}')
    answer = busy.getresponse()
    engine.stopping.set()
    assert idle.sock.recv(1) == b""
    assert answer.read().endswith(b"data: [DONE]\n\n")
    assert busy.sock.recv(1) == b""
    server.shutdown()
    server.server_close()
    idle.close()
    busy.close()


def test_times_of_an_autoscaler_are_divided_and_nothing_else(root: Path) -> None:
    file = root / "environments" / "dev" / "rendered" / "llama-8b" / "autoscaled" / "scaledobject-llama-8b.yaml"
    before, after = (text.splitlines() for text in (file.read_text(), demo.divided(file.read_text())))
    changed = [(old.split(), new.split()) for old, new in zip(before, after, strict=True) if old != new]
    assert [old[0] for old, _ in changed] == ["cooldownPeriod:", "initialCooldownPeriod:"]
    assert all(int(new[1]) == int(old[1]) // demo.DIVISOR for old, new in changed)


def test_a_release_that_does_not_sleep_cannot_be_asked_for(root: Path) -> None:
    with pytest.raises(ProblemsFound) as found:
        demo.release_of(root, "dev", "qwen3-8b")
    assert "qwen3-8b does not go to zero" in str(found.value.problems[0].message)
    assert "llama-8b" in found.value.problems[0].hint


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'data: {"choices":[{"delta":{"content":"Hi "}}]}\n', "Hi "),
        (b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n', ""),
        (b'data: {"choices":[]}\n', ""),
        (b"data: [DONE]\n", ""),
        (b"\n", ""),
    ],
)
def test_the_text_of_a_streamed_line_is_read(line: bytes, text: str) -> None:
    assert traffic.text_of(line) == text
