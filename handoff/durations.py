"""Lengths of time as people write them: `300ms`, `2s`, `15m`, `1h30m`, `7d`, or ISO 8601."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

_SHORT_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: Any) -> Any:
    """Reads `300ms`, `2s`, `15m`, `1h30m`, `7d`; leaves ISO 8601 (`PT15M`) to pydantic."""
    if not isinstance(value, str) or value.strip().upper().startswith("P"):
        return value
    text = value.strip().lower()
    parts = _SHORT_DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("must look like 15m, 2s, 300ms or PT15M")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than zero, such as 15m or 2s")
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(_positive)]
"""A length of time longer than zero: `15m`, `2s`, `300ms`, or ISO 8601 (`PT15M`)."""


MaybeNone = Annotated[timedelta, BeforeValidator(parse_duration), Field(ge=timedelta(0))]
"""The same, or `0s` for none."""
