"""Part of a file: `Range` as RFC 9110 has it. One range is served; several are the whole, which the
RFC allows."""

import re

from starlette.datastructures import Headers

from handoff.errors import RangeNotSatisfiable

_ONE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE | re.ASCII)


def asked_for(headers: Headers, size: int, etag: str) -> range | None:
    """The bytes that are asked for; None for all of them.

    Raises:
        RangeNotSatisfiable: there are no such bytes.
    """
    found = _ONE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < begin:
            return None
    if begin >= size:
        raise RangeNotSatisfiable(f"It has {size} bytes.", size=size)
    return range(begin, end)


def is_known(headers: Headers, etag: str) -> bool:
    """Whether the client has this very file already."""
    known = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known
