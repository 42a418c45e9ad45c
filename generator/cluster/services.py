"""What kube-proxy and DNS do: addresses of Services lead to ready pods, and their names to those addresses."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

from generator.cluster import forward
from generator.cluster.client import Api, Manifest
from generator.cluster.follow import DELETED, follow

Key = tuple[str, str, str]
# who was told of an endpoint before us connects at once: refusing it would be answered with an error
_PATIENCE_S = 5.0


class Services:
    """Listens on every address of a Service, and keeps the hosts file."""

    def __init__(self, hosts: Path) -> None:
        self._hosts = hosts
        self._fixed = hosts.read_text()
        self._names: dict[tuple[str, str], str] = {}
        self._slices: dict[tuple[str, str], Manifest] = {}
        self._listeners: dict[tuple[str, int], socket.socket] = {}
        self._turn = 0
        self._lock = threading.Lock()

    def follow(self, api: Api) -> None:
        """Follow Services and their endpoints from now on."""
        follow(api, "discovery.k8s.io/v1", "EndpointSlice", self.slice_changed)
        follow(api, "v1", "Service", self.service_changed)

    def slice_changed(self, event: str, item: Manifest) -> None:
        """Take note of endpoints."""
        key = item["metadata"]["namespace"], item["metadata"]["name"]
        with self._lock:
            if event == DELETED:
                self._slices.pop(key, None)
            else:
                self._slices[key] = item

    def service_changed(self, event: str, item: Manifest) -> None:
        """Listen where a Service is to be found, or no longer."""
        metadata, spec = item["metadata"], item["spec"]
        place, address = (metadata["namespace"], metadata["name"]), spec.get("clusterIP", "None")
        if address in ("", "None") or place == ("default", "kubernetes"):
            return
        with self._lock:
            for port in spec.get("ports") or ():
                self._listen(event, (address, port["port"]), (*place, port.get("name", "")))
            if event == DELETED:
                self._names.pop(place, None)
            else:
                self._names[place] = address
            self._write()

    def _listen(self, event: str, where: tuple[str, int], key: Key) -> None:
        if event == DELETED:
            found = self._listeners.pop(where, None)
            if found:
                # closing alone would not end the accept that waits for it
                found.shutdown(socket.SHUT_RDWR)
                found.close()
        elif where not in self._listeners:
            self._listeners[where] = forward.listen(where)
            forward.serve(self._listeners[where], lambda: self.choose(key))

    def _write(self) -> None:
        lines = []
        for (namespace, name), address in sorted(self._names.items()):
            short = f"{name}.{namespace}"
            lines.append(f"{address} {short} {short}.svc {short}.svc.cluster.local\n")
        # in place: another file of this name would not be the one that is mounted
        with self._hosts.open("r+") as file:
            file.write(self._fixed + "".join(lines))
            file.truncate()

    def choose(self, key: Key) -> forward.Address | None:
        """Choose a ready endpoint, one after the other; wait a little for the first."""
        limit = time.monotonic() + _PATIENCE_S
        while time.monotonic() < limit:
            with self._lock:
                found = self._ready(key)
                self._turn += 1
                if found:
                    return found[self._turn % len(found)]
            time.sleep(0.02)
        return None

    def _ready(self, key: Key) -> list[forward.Address]:
        namespace, service, name = key
        found: set[forward.Address] = set()
        for (place, _), item in self._slices.items():
            if place != namespace or item["metadata"].get("labels", {}).get("kubernetes.io/service-name") != service:
                continue
            ports = [port["port"] for port in item.get("ports") or () if (port.get("name") or "") == name]
            for endpoint in item.get("endpoints") or ():
                if endpoint.get("conditions", {}).get("ready"):
                    found |= {(address, port) for address in endpoint["addresses"] for port in ports}
        return sorted(found)
