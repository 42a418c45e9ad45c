"""Just enough of a Kubernetes client: client certificates, server-side apply, lists and watches."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

Manifest = dict[str, Any]

T = TypeVar("T")
R = TypeVar("R")

MANAGER = "modelyard"
_AT_ONCE = 4
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Refused(Exception):
    """The API server said no: its status code, its reason, and its message."""

    def __init__(self, code: int, answer: Mapping[str, Any]) -> None:
        self.code = code
        self.reason = str(answer.get("reason", ""))
        self.message = str(answer.get("message", answer))
        super().__init__(f"{code} {self.reason}: {self.message}")


class Api:
    """One API server, spoken to as its administrator; safe to use from several threads."""

    def __init__(self, server: str, keys: Path) -> None:
        self.server = server
        self.closed = False
        self._address = urlsplit(server).netloc
        self._context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
        self._context.load_cert_chain(str(keys / "admin.crt"), str(keys / "admin.key"))
        self._local = threading.local()
        self._open: list[http.client.HTTPSConnection] = []
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._resources: dict[tuple[str, str], tuple[str, bool]] = {}

    def request(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Any:
        """Send one request, a text as it stands and everything else as JSON, and read the JSON of the answer.

        Raises: Refused when the answer is an error.
        """
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        code, text = self._send(method, path, data, {"Content-Type": content_type})
        answer = json.loads(text) if text[:1] in (b"{", b"[") else {"message": text.decode(errors="replace")}
        if code >= 400:
            raise Refused(code, answer)
        return answer

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        for fresh in (False, True):
            connection = self._connection(fresh=fresh)
            try:
                connection.request(method, path, data, headers)
                response = connection.getresponse()
                return response.status, response.read()
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                # an idle connection that the server has closed meanwhile; a body, sent by itself, meets that in TLS
                if fresh:
                    raise
        raise AssertionError("the second try returns or raises")

    def _connection(self, *, fresh: bool) -> http.client.HTTPSConnection:
        found: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if found is None or fresh:
            if found is not None:
                found.close()
            found = http.client.HTTPSConnection(self._address, context=self._context, timeout=60)
            self._open.append(found)
            self._local.connection = found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection, watches included."""
        self.closed = True
        self._pool.shutdown()
        for connection in self._open:
            if connection.sock is not None:
                # else closing would wait for whoever reads, and he for the next change
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def ready(self) -> bool:
        """Tell whether the server answers and calls itself ready."""
        try:
            return self._send("GET", "/readyz", None, {})[0] == 200
        except OSError:
            self._connection(fresh=True)
            return False

    def discover(self) -> None:
        """Learn the path of every kind; again, when definitions were added."""
        found: dict[tuple[str, str], tuple[str, bool]] = {}
        for root in ("/api", "/apis"):
            _, text = self._send("GET", root, None, {"Accept": _AGGREGATED})
            for group in json.loads(text)["items"]:
                name = group["metadata"].get("name", "")
                for version in group["versions"]:
                    api_version = f"{name}/{version['version']}" if name else version["version"]
                    for resource in version.get("resources", ()):
                        kind = resource["responseKind"]["kind"]
                        path = f"{root}/{api_version}"
                        found[api_version, kind] = (f"{path}|{resource['resource']}", resource["scope"] == "Namespaced")
        self._resources = found

    def path(self, api_version: str, kind: str, namespace: str = "", name: str = "") -> str:
        """Name the path of an object, of the objects of a namespace, or of all objects of a kind."""
        if (api_version, kind) not in self._resources:
            self.discover()
        if (api_version, kind) not in self._resources:
            raise Refused(404, {"reason": "NoKind", "message": f'no kind "{kind}" in "{api_version}"'})
        where, namespaced = self._resources[api_version, kind]
        root, _, resource = where.partition("|")
        inside = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{root}{inside}/{resource}" + (f"/{name}" if name else "")

    def knows(self, kind: Mapping[str, str]) -> bool:
        """Tell whether a kind of a group's version is there, as of the last discovery."""
        return (kind["apiGroup"], kind["kind"]) in self._resources

    def describes(self, kind: Mapping[str, str]) -> bool:
        """Tell whether the OpenAPI of a group's version has a kind: it follows a definition by a moment."""
        code, text = self._send("GET", f"/openapi/v3/apis/{kind['apiGroup']}", None, {"Accept": "application/json"})
        if code != 200:
            return False
        schemas = json.loads(text).get("components", {}).get("schemas", {}).values()
        kinds = (one for schema in schemas for one in schema.get("x-kubernetes-group-version-kind", ()))
        return any(one["kind"] == kind["kind"] for one in kinds)

    def path_of(self, manifest: Manifest) -> str:
        """Name the path of an object."""
        metadata = manifest["metadata"]
        where = metadata.get("namespace", "default"), metadata["name"]
        return self.path(manifest["apiVersion"], manifest["kind"], *where)

    def apply(self, manifest: Manifest, *, text: str = "", dry_run: bool = False, manager: str = MANAGER) -> Manifest:
        """Apply an object on the server's side; unknown and doubled fields are refused.

        With its `text`, the server reads that, as the YAML reader of the server understands it.
        """
        query = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        path = f"{self.path_of(manifest)}?{urlencode(query)}"
        answer: Manifest = self.request("PATCH", path, text or manifest, content_type=_APPLY)
        return answer

    def apply_all(
        self, manifests: Iterable[Manifest], *, dry_run: bool = False, manager: str = MANAGER
    ) -> list[tuple[Manifest, Refused]]:
        """Apply many objects, several at a time; give those that were refused."""

        def one(manifest: Manifest) -> tuple[Manifest, Refused] | None:
            try:
                self.apply(manifest, dry_run=dry_run, manager=manager)
            except Refused as refused:
                return manifest, refused
            return None

        return [found for found in self.at_once(one, manifests) if found]

    def at_once(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Do something with many items, several at a time."""
        return list(self._pool.map(do, items))

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object, its status too where the server lets it pass."""
        metadata = manifest["metadata"]
        path = self.path(manifest["apiVersion"], manifest["kind"], metadata.get("namespace", "default"))
        answer: Manifest = self.request("POST", path, manifest)
        return answer

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        """Read one object, or nothing."""
        try:
            answer: Manifest = self.request("GET", self.path(api_version, kind, namespace, name))
        except Refused as refused:
            if refused.code == 404:
                return None
            raise
        return answer

    def list(self, api_version: str, kind: str, namespace: str = "", *, selector: str = "") -> list[Manifest]:
        """Read all objects of a kind."""
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        answer = self.request("GET", self.path(api_version, kind, namespace) + query)
        items: list[Manifest] = answer["items"]
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def merge(self, manifest: Manifest, change: Manifest, *, part: str = "") -> Manifest:
        """Change some fields of an object, or of its part such as `scale`."""
        path = self.path_of(manifest) + (f"/{part}" if part else "")
        answer: Manifest = self.request("PATCH", path, change, content_type=_MERGE)
        return answer

    def delete(self, manifest: Manifest, *, now: bool = False) -> None:
        """Delete an object; one that is gone already is fine."""
        options: Manifest = {"propagationPolicy": "Background"}
        if now:
            options["gracePeriodSeconds"] = 0
        try:
            self.request("DELETE", self.path_of(manifest), options)
        except Refused as refused:
            if refused.code != 404:
                raise

    def watch(self, path: str) -> Iterator[tuple[str, Manifest]]:
        """Give every object below a path, then every change, until the connection ends."""
        listed = self.request("GET", path)
        for item in listed["items"]:
            yield "ADDED", item
        connection = http.client.HTTPSConnection(self._address, context=self._context)
        self._open.append(connection)
        version = listed["metadata"]["resourceVersion"]
        connection.request("GET", f"{path}?watch=1&resourceVersion={version}")
        response = connection.getresponse()
        while line := response.readline():
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            yield event["type"], event["object"]
