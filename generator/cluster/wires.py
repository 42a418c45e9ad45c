"""The network of one pod: a namespace of its own that holds the pod's address, and a pair of wires to it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from generator.cluster.setup import NODE_ADDRESS

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class PodNetwork:
    """A thread that lives in a network of its own; what it starts lives there too.

    Namespaces belong to threads, so no name of one has to be kept anywhere: it ends with its last process.
    """

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._thread = ThreadPoolExecutor(1)
        number = self._thread.submit(_separate).result()
        _ip(
            f"link add {name} type veth peer name eth0 netns {number}",
            f"link set {name} up",
            # in the table of local addresses, where the whole range of the pods stands as ours
            f"route replace {address}/32 dev {name} src {NODE_ADDRESS} table local",
        )
        self._thread.submit(
            _ip,
            "link set lo up",
            f"addr add {address}/32 dev eth0",
            "link set eth0 up",
            f"route add {NODE_ADDRESS} dev eth0",
            f"route add default via {NODE_ADDRESS} dev eth0",
        ).result()

    def start(self, command: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a process at the pod's address; it ends when this network does."""
        with log.open("ab") as output:
            return self._thread.submit(
                lambda: subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(environment),
                )
            ).result()

    def end(self) -> None:
        """Take the wires down."""
        with contextlib.suppress(OSError):
            _ip(f"link del {self.name}")
        self._thread.shutdown()


def _separate() -> int:
    if _LIBC.unshare(_CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return threading.get_native_id()


def _ip(*lines: str) -> None:
    """Run several commands of `ip` in one process.

    Raises: OSError when one of them fails.
    """
    program = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise OSError("`ip` (iproute2) is not installed: pods that are real processes need it")
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run([program, "-batch", "-"], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{program}: {done.stderr.strip()}")
