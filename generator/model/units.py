"""Units: one canonical spelling of a quantity, and sizes as whole MiB or GiB."""

from __future__ import annotations

import re
from fractions import Fraction

MIB_PER_GIB = 1024

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_FACTOR: dict[str | None, Fraction] = {
    None: Fraction(1),
    "m": Fraction(1, 1000),
    **{unit: Fraction(1000**power) for power, unit in enumerate(("k", "M", "G", "T", "P"), 1)},
    **{unit: Fraction(1024**power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), 1)},
}
_BINARY = ("Pi", "Ti", "Gi", "Mi", "Ki")
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"


def amount(quantity: str) -> Fraction:
    """Read a Kubernetes quantity.

    Raises: ValueError when it is none.
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is not a quantity such as 2Gi, 500m or 8")
    return Fraction(match[1]) * _FACTOR[match[2]]


def is_quantity(text: str) -> bool:
    """Tell whether a text is a quantity."""
    return _QUANTITY.fullmatch(text) is not None


def canonical(quantity: str) -> str:
    """Spell a quantity as the API server does: `2048Mi` gives `2Gi`, `1500m` stays, `1000m` is `1`."""
    value = amount(quantity)
    if value == 0:
        return "0"
    if quantity.endswith("i"):
        for unit in _BINARY:
            if (value / _FACTOR[unit]).denominator == 1:
                return f"{value / _FACTOR[unit]}{unit}"
    if value.denominator == 1 and not quantity.endswith(("k", "M", "G", "T", "P")):
        return str(value)
    if value.denominator != 1:
        return f"{-(-value * 1000 // 1)}m"
    for unit in ("P", "T", "G", "M", "k"):
        if (value / _FACTOR[unit]).denominator == 1:
            return f"{value / _FACTOR[unit]}{unit}"
    return str(value)


def gib(quantity: str) -> float:
    """Read a quantity in GiB."""
    return float(amount(quantity) / _FACTOR["Gi"])


def of_gib(value: float) -> str:
    """Write whole GiB, rounded up."""
    return f"{-int(-value // 1)}Gi"
