"""Watches that never end: every object of a kind, then every change, also across lost connections."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable

from generator.cluster.client import Api, Manifest, Refused

DELETED = "DELETED"
Changed = Callable[[str, Manifest], None]


def follow(api: Api, api_version: str, kind: str, changed: Changed, *, namespace: str = "") -> None:
    """Call `changed` until the connections are closed, in a thread of its own; an object can be told twice."""
    seen: dict[str, Manifest] = {}

    def tell(event: str, item: Manifest) -> None:
        uid = item["metadata"]["uid"]
        if event == DELETED:
            seen.pop(uid, None)
        else:
            seen[uid] = item
        changed(event, item)

    def once() -> None:
        path = api.path(api_version, kind, namespace)
        # what went while nobody looked is missed by the watch itself
        there = {item["metadata"]["uid"] for item in api.request("GET", path)["items"]}
        for uid in seen.keys() - there:
            tell(DELETED, seen[uid])
        for event, item in api.watch(path):
            if event != "BOOKMARK":
                tell(event, item)

    def loop() -> None:
        while not api.closed:
            # AttributeError: the connection was closed under the hands of who reads from it
            with contextlib.suppress(OSError, Refused, http.client.HTTPException, ValueError, AttributeError):
                once()
            time.sleep(0.2)

    threading.Thread(target=loop, daemon=True).start()
