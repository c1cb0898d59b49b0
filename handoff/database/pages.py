"""Where a page of a list ends: at its limit, or when what people typed in it is long enough."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

CHARACTERS = 1024 * 1024
"""A page ends after so many characters of notes and contexts, with one row at least."""

_LONG = ("engineer_notes", "resolution_note")

Found = TypeVar("Found")


def page_of(rows: Sequence[Found], limit: int) -> tuple[Sequence[Found], bool]:
    """What of these rows is shown, and whether more follows: read one more than `limit`."""
    size = 0
    for shown, row in enumerate(rows[:limit], start=1):
        size += _size(row)
        if size > CHARACTERS:
            return rows[:shown], shown < len(rows)
    return rows[:limit], len(rows) > limit


def _size(row: Any) -> int:
    texts = (getattr(row, name, None) or "" for name in _LONG)
    context = getattr(row, "context", None)
    return sum(map(len, texts)) + (len(json.dumps(context)) if context else 0)
