"""Keys: what openssl makes holds together."""

from __future__ import annotations

import subprocess
from pathlib import Path

from generator.cluster import keys


def test_keys_are_signed_and_name_the_hosts(tmp_path: Path) -> None:
    keys.make(tmp_path, {"git.example.com"})
    verify = ["openssl", "verify", "-CAfile", str(tmp_path / "ca.crt"), str(tmp_path / "server.crt")]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
    shown = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(tmp_path / "server.crt")]
    assert "DNS:git.example.com" in subprocess.run(shown, capture_output=True, text=True, check=True).stdout
