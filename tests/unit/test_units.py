"""Quantities: one canonical spelling, read exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.model.units import amount, canonical, gib, of_gib

UNITS = st.sampled_from(["", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi"])
QUANTITY = st.tuples(st.integers(0, 10**6) | st.decimals(0, 1000, places=3).map(lambda d: f"{d:f}"), UNITS).map(
    lambda pair: f"{pair[0]}{pair[1]}"
)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("2048Mi", "2Gi"),
        ("1Gi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("1000k", "1M"),
        ("0Gi", "0"),
        ("8", "8"),
    ],
)
def test_a_quantity_has_one_spelling(written: str, spelled: str) -> None:
    assert canonical(written) == spelled


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1gb", "-1", "1e3", "1.", ".5", "1GiB"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity such as 2Gi"):
        amount(text)


@given(QUANTITY)
def test_the_canonical_spelling_is_stable_and_never_smaller(text: str) -> None:
    spelled = canonical(text)
    assert canonical(spelled) == spelled
    # below a thousandth the API server rounds up
    assert 0 <= amount(spelled) - amount(text) < Fraction(1, 1000)


@pytest.mark.parametrize(("value", "text"), [(1.0, "1Gi"), (1.01, "2Gi"), (0, "0Gi"), (599, "599Gi")])
def test_whole_gib_are_rounded_up(value: float, text: str) -> None:
    assert of_gib(value) == text


def test_a_quantity_is_read_in_gib() -> None:
    assert gib("512Mi") == 0.5 and gib("1Ti") == 1024
