"""What a log tells of an exception: its kind and where it came from, but not its words.

The words of PostgreSQL, pydantic or a codec quote what they were given: notes, addresses, tokens.
Only the words of errors that are about machines, or that we wrote ourselves, are kept.
"""

import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

from handoff.errors import HandoffError

PLAIN_SPOKEN = (HandoffError, OSError, ImportError, NotImplementedError, RecursionError)
DEEPEST = 8
"""Causes of causes that are told."""


def without_words(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """A structlog processor: turns `exc_info` into `exception`."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    fault = found[1] if isinstance(found, tuple) else found
    if isinstance(fault, BaseException):
        event["exception"] = "\n".join(_chain(fault))
    return event


def _chain(fault: BaseException | None) -> Iterator[str]:
    for _ in range(DEEPEST):
        if fault is None:
            return
        yield _named(fault)
        for frame in traceback.extract_tb(fault.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        if isinstance(fault, BaseExceptionGroup):
            for inner in fault.exceptions[:DEEPEST]:
                yield from _chain(inner)
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def _named(fault: BaseException) -> str:
    kind = f"{type(fault).__module__}.{type(fault).__qualname__}"
    # PostgreSQL's five characters say what happened, and nothing about whom.
    code = getattr(fault, "sqlstate", None)
    words = f": {fault}" if isinstance(fault, PLAIN_SPOKEN) else ""
    return f"{kind}{f' ({code})' if code else ''}{words}"
