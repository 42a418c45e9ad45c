"""Serves one git repository over HTTPS, whatever its path is called: `python -m generator.cluster.gitserver`."""

from __future__ import annotations

import argparse
import os
import ssl
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

_ENDS = ("/info/refs", "/git-upload-pack", "/HEAD")


def main(arguments: list[str]) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path)
    parser.add_argument("keys", type=Path)
    parser.add_argument("port", type=int)
    options = parser.parse_args(arguments)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), handler(options.repository))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.keys / "server.crt", options.keys / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def handler(repository: Path) -> type[BaseHTTPRequestHandler]:
    """Make the class that answers for a repository."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(b"")

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer(body)

        def answer(self, body: bytes) -> None:
            url = urlsplit(self.path)
            end = next((end for end in _ENDS if url.path.endswith(end)), "")
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                env=self.variables(end, url.query),
                capture_output=True,
                check=False,
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def variables(self, end: str, query: str) -> dict[str, str]:
            return {
                "PATH": os.environ.get("PATH", ""),
                "GIT_PROJECT_ROOT": str(repository.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                # the folder may belong to whoever runs the tests
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "PATH_INFO": f"/{repository.name}{end}",
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_ADDR": "127.0.0.1",
            }

        def log_message(self, format: str, *arguments: object) -> None:
            print(self.command, self.path, *arguments[1:], flush=True)

    return Handler


if __name__ == "__main__":
    main(sys.argv[1:])
