"""Throw-away keys: a certificate authority, and what the processes of one cluster need of it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from generator.errors import Location, Problem, ProblemsFound

_USES = "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n"
_CA_USES = "keyUsage=critical,keyCertSign,digitalSignature,cRLSign"
_DAYS = "7"
_LOOPBACK = "IP:127.0.0.1"


def make(folder: Path, names: Iterable[str]) -> None:
    """Make all keys of a cluster; `names` are the host names that its servers answer to.

    `ca` signs everybody but the API server's own client (`front-proxy`), which must have an authority of its
    own: whoever holds a certificate of that authority may speak for anyone.

    Raises: ProblemsFound when openssl is missing or refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _authority(folder, "ca", "modelyard")
    _authority(folder, "front-proxy-ca", "modelyard-front-proxy")
    _signed(folder, "server", "ca", "/CN=modelyard", names)
    _signed(folder, "admin", "ca", "/O=system:masters/CN=admin")
    _signed(folder, "front-proxy", "front-proxy-ca", "/CN=front-proxy-client")
    _openssl("genrsa", "-out", str(folder / "accounts.key"), "2048")
    # controllers read a folder with these names in it
    served = folder / "served"
    served.mkdir(exist_ok=True)
    for source, name in (("ca.crt", "ca.crt"), ("server.crt", "tls.crt"), ("server.key", "tls.key")):
        (served / name).write_bytes((folder / source).read_bytes())


def kubeconfig(folder: Path, server: str) -> str:
    """Write a kubeconfig of the administrator, with its keys inside; JSON is YAML too."""
    cluster = {"server": server, "certificate-authority-data": _inline(folder / "ca.crt")}
    user = {
        "client-certificate-data": _inline(folder / "admin.crt"),
        "client-key-data": _inline(folder / "admin.key"),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "modelyard",
        "clusters": [{"name": "modelyard", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "modelyard", "context": {"cluster": "modelyard", "user": "admin"}}],
    }
    return json.dumps(config, indent=1) + "\n"


def _inline(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _key(folder: Path, name: str) -> str:
    file = str(folder / f"{name}.key")
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file)
    return file


def _authority(folder: Path, name: str, common_name: str) -> None:
    key = _key(folder, name)
    subject = ["-subj", f"/CN={common_name}", "-days", _DAYS, "-addext", _CA_USES]
    _openssl("req", "-x509", "-new", "-key", key, *subject, "-out", str(folder / f"{name}.crt"))


def _signed(folder: Path, name: str, authority: str, subject: str, hosts: Iterable[str] = ()) -> None:
    key = _key(folder, name)
    request, uses = folder / f"{name}.csr", folder / f"{name}.ext"
    alternatives = [f"DNS:{host}" for host in sorted(set(hosts))]
    names = f"subjectAltName={','.join((*alternatives, _LOOPBACK, 'IP:10.96.0.1'))}\n" if alternatives else ""
    uses.write_text(_USES + names)
    _openssl("req", "-new", "-key", key, "-subj", subject, "-out", str(request))
    signer = ["-CA", str(folder / f"{authority}.crt"), "-CAkey", str(folder / f"{authority}.key"), "-CAcreateserial"]
    result = ["-days", _DAYS, "-extfile", str(uses), "-out", str(folder / f"{name}.crt")]
    _openssl("x509", "-req", "-in", str(request), *signer, *result)
    request.unlink()
    uses.unlink()


def _openssl(*arguments: str) -> None:
    command = ["openssl", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        problem = Problem(
            Location("tools"), "openssl", "openssl is not on PATH", "install the package openssl", "tools"
        )
        raise ProblemsFound((problem,)) from None
    if done.returncode != 0:
        message = f"exit code {done.returncode} of `{' '.join(command)}`: {done.stderr.strip()[-500:]}"
        raise ProblemsFound((Problem(Location("tools"), "openssl", message, "", "tools"),))
