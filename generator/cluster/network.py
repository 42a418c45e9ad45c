"""The network of a namespace of our own: loopback up, one more address, and service addresses that are local."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import struct
import subprocess
from pathlib import Path

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_NEWADDR, _NEWROUTE = 20, 24
# request, acknowledge, create, fail if it is there
_FLAGS = 0x1 | 0x4 | 0x400 | 0x200
_LOCAL_TABLE, _STATIC, _SCOPE_HOST, _TYPE_LOCAL = 255, 4, 254, 2
_IFA_ADDRESS, _IFA_LOCAL, _RTA_DST, _RTA_OIF = 1, 2, 1, 4


def start_loopback() -> None:
    """Set the loopback interface up; a new namespace has it down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16xh14x", fcntl.ioctl(channel, _SIOCGIFFLAGS, request))[0]
        fcntl.ioctl(channel, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def add_address(address: str) -> None:
    """Give the loopback interface one more address, which counts as no loopback address."""
    packed = ipaddress.ip_address(address).packed
    head = struct.pack("BBBBi", socket.AF_INET, 32, 0, 0, socket.if_nametoindex("lo"))
    _ask(_NEWADDR, head + _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed))


def make_local(network: str) -> None:
    """Let every address of a network be bound and reached on this machine, without adding any."""
    parsed = ipaddress.ip_network(network)
    head = struct.pack(
        "BBBBBBBBI", socket.AF_INET, parsed.prefixlen, 0, 0, _LOCAL_TABLE, _STATIC, _SCOPE_HOST, _TYPE_LOCAL, 0
    )
    index = struct.pack("i", socket.if_nametoindex("lo"))
    _ask(_NEWROUTE, head + _attribute(_RTA_DST, parsed.network_address.packed) + _attribute(_RTA_OIF, index))


def _attribute(kind: int, data: bytes) -> bytes:
    text = struct.pack("HH", 4 + len(data), kind) + data
    return text + b"\0" * (-len(text) % 4)


def _ask(kind: int, body: bytes) -> None:
    message = struct.pack("IHHII", 16 + len(body), kind, _FLAGS, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as channel:
        channel.bind((0, 0))
        channel.send(message)
        code = -struct.unpack("i", channel.recv(4096)[16:20])[0]
    if code not in (0, errno.EEXIST):
        raise OSError(code, os.strerror(code))


def use_hosts(file: Path) -> None:
    """Let this file be the hosts file of the namespace; it is then rewritten in place, never renamed."""
    subprocess.run(["mount", "--bind", str(file), "/etc/hosts"], check=True, capture_output=True)
