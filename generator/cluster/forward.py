"""TCP forwarding: from a port of the machine into the namespace, and from service names to processes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

Address = tuple[str, int]
Choose = Callable[[], Address | None]


def listen(address: Address) -> socket.socket:
    """Open a listening socket."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(address)
    found.listen(512)
    return found


def serve(listener: socket.socket, choose: Choose) -> None:
    """Accept for ever, in a thread of its own, and lead each connection to the address chosen then."""

    def loop() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_lead, args=(client, choose), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def to(address: Address) -> Choose:
    """Choose always the same address."""
    return lambda: address


def _lead(client: socket.socket, choose: Choose) -> None:
    target = choose()
    try:
        server = socket.create_connection(target, 5) if target else None
    except OSError:
        server = None
    if server is None:
        client.close()
        return
    server.settimeout(None)
    for side in (client, server):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    other = threading.Thread(target=_pump, args=(client, server), daemon=True)
    other.start()
    _pump(server, client)
    other.join()
    server.close()
    client.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    # the other direction may still have something to say
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        source.shutdown(socket.SHUT_RD)
