"""What a night held, for whoever asks in the morning."""

from __future__ import annotations

import pytest

from tests.cluster import proof
from tests.cluster.conftest import ROOT


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write what was noted, if everything held."""
    if exitstatus == 0:
        proof.write(ROOT / ".cache" / "proof-nightly.md", "make test-nightly")
