"""Stands in for an engine that needs a GPU: `python -m generator.cluster.engine NAME CONTROL POD [ITS ARGUMENTS]`.

It answers chat requests with made-up tokens, so many at a time, and exports what runs and waits under the names that
the engine has. CONTROL is a file that need not exist: `{"mode": "silent"}` leaves the metrics out, `broken` answers
scrapes with an error, `crash` ends it before it starts; `{"pods": {POD: MODE}}` speaks to single pods.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import signal
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

TOKEN_S = 0.25
AT_A_TIME = 64
# how often a connection without a request looks whether the engine stops
LOOK_S = 0.5


class Names(NamedTuple):
    """How an engine calls what it counts."""

    running: str
    waiting: str
    labels: str


# Written down here once more, from each engine's own /metrics, not taken from what makes the queries: else a wrong
# name there would be a wrong name here too.
NAMES = {
    "vllm": Names("vllm:num_requests_running", "vllm:num_requests_waiting", 'engine="0"'),
    "sglang": Names(
        "sglang:num_running_reqs", "sglang:num_queue_reqs", 'engine_type="unified",tp_rank="0",pp_rank="0"'
    ),
}


class Engine:
    """Requests in flight and waiting."""

    def __init__(self, names: Names, model: str, control: Path, pod: str) -> None:
        self.names = names
        self.model = model
        self.control = control
        self.pod = pod
        self.places = threading.Semaphore(AT_A_TIME)
        self.lock = threading.Lock()
        self.running = self.waiting = 0
        self.stopping = threading.Event()

    def mode(self) -> str:
        """Tell what is to go wrong."""
        with contextlib.suppress(OSError, ValueError):
            asked = json.loads(self.control.read_text())
            return str(asked.get("pods", {}).get(self.pod, asked.get("mode", "")))
        return ""

    def metrics(self) -> str:
        """Write the metrics."""
        if self.mode() == "silent":
            return ""
        labels = f'{{model_name="{self.model}",{self.names.labels}}}'
        with self.lock:
            values = {self.names.running: self.running, self.names.waiting: self.waiting}
        return "".join(f"# TYPE {name} gauge\n{name}{labels} {value}\n" for name, value in values.items())

    def count(self, *, running: int, waiting: int) -> None:
        """Count a request in or out."""
        with self.lock:
            self.running += running
            self.waiting += waiting


def handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    """Make the class that answers for an engine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            # like the real ones: who stops takes nothing more over connections that are kept, and else would never end
            while not select.select([self.connection], [], [], LOOK_S)[0]:
                if engine.stopping.is_set():
                    self.close_connection = True
                    return
            super().handle_one_request()
            self.close_connection = self.close_connection or engine.stopping.is_set()

        def do_GET(self) -> None:
            if self.path != "/metrics":
                self.answer(200, "")
            elif engine.mode() == "broken":
                self.answer(500, "")
            else:
                self.answer(200, engine.metrics())

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            engine.count(running=0, waiting=1)
            engine.places.acquire()
            engine.count(running=1, waiting=-1)
            try:
                self.stream(int(asked.get("max_tokens", 16)))
            finally:
                engine.places.release()
                engine.count(running=-1, waiting=0)

        def stream(self, tokens: int) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(tokens):
                time.sleep(TOKEN_S)
                self.chunk(json.dumps({"choices": [{"index": 0, "delta": {"content": f"token{number} "}}]}))
            self.chunk("[DONE]")
            self.wfile.write(b"0\r\n\r\n")

        def chunk(self, data: str) -> None:
            line = f"data: {data}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()

        def answer(self, code: int, text: str) -> None:
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


class Server(ThreadingHTTPServer):
    """Many connections at once."""

    daemon_threads = True
    request_queue_size = 256

    def server_bind(self) -> None:
        """Bind without asking for the machine's own name: nobody answers that in a pod, for ten seconds."""
        socketserver.TCPServer.server_bind(self)


def main(arguments: list[str]) -> None:
    """Serve until told to stop, then answer what is in flight and end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=NAMES)
    parser.add_argument("control", type=Path)
    parser.add_argument("pod")
    parser.add_argument("--served-model-name", default="model")
    parser.add_argument("--port", type=int, default=8000)
    # every other argument is the engine's own
    options, _ = parser.parse_known_args(arguments)
    engine = Engine(NAMES[options.engine], options.served_model_name, options.control, options.pod)
    if engine.mode() == "crash":
        sys.exit("as told")
    signal.signal(signal.SIGTERM, lambda *_: engine.stopping.set())
    server = Server(("", options.port), handler(engine))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    engine.stopping.wait()
    while engine.running or engine.waiting:
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
