"""The client: what it does about a connection that the API server has closed."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from generator.cluster import keys
from generator.cluster.client import Api


class _Once(BaseHTTPRequestHandler):
    """Answers, and then closes a connection without having said so."""

    protocol_version = "HTTP/1.1"

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_an_idle_connection_that_the_server_has_closed_is_opened_again(tmp_path: Path) -> None:
    """Seen to fail: `ssl.SSLEOFError`, when a body was sent; the node agent then left its pods without a network."""
    keys.make(tmp_path, {"localhost"})
    server = HTTPServer(("127.0.0.1", 0), _Once)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api = Api(f"https://localhost:{server.server_address[1]}", tmp_path)
    try:
        for _ in range(5):
            assert api.request("PATCH", "/", {"some": "body"}) == {}
    finally:
        api.close()
        server.shutdown()
        thread.join()
        server.server_close()
