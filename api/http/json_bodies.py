"""JSON that means the same to every reader, judged before anything else looks at a body.

Python's own reader takes a name twice, NaN, UTF-16 and numbers that no other reader can hold.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from handoff.errors import Invalid

DEPTH = 64
"""How deep a body may be nested. A free-form `context` has a lower bound of its own."""

DIGITS = 300
"""Of an integer. A longer one is infinite to most readers."""


def is_json(content_type: str) -> bool:
    """Whether a body calls itself JSON."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def must_be_plain(body: bytes) -> None:
    """Passes what every reader understands alike.

    Raises:
        Invalid: with the path to the fault, as far as there is one.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except UnicodeDecodeError:
        raise _fault("body", "must be UTF-8", "json_encoding") from None
    except RecursionError:
        raise _too_deep("body") from None
    except _Unfit as fault:
        raise _fault("body", str(fault), "json_value") from None
    except ValueError:
        raise _fault("body", "is not JSON", "json_invalid") from None
    # Only these can hide what is looked for, and most bodies have neither.
    if rb"\u" in body or body.count(b"[") + body.count(b"{") > DEPTH:
        _look_into(value)


class _Unfit(ValueError):
    """JSON by its grammar, but not the same to every reader."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unfit("must not have a name twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise _Unfit(f"must not contain {name}")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Unfit("must not contain a number that is out of range")
    return number


def _bounded(text: str) -> int:
    if len(text) > DIGITS:
        raise _Unfit("must not contain a number that is out of range")
    return int(text)


def _look_into(root: Any) -> None:
    """Depth, NUL and lone surrogates; without recursion, in the time and memory of the value."""
    names: list[object] = [""]
    levels = [iter([("body", root)])]
    while levels:
        for name, value in levels[-1]:
            _judge(names, name, value)
            if isinstance(value, list | dict):
                names.append("")
                levels.append(_items(value))
                break
        else:
            names.pop()
            levels.pop()


def _judge(names: list[Any], name: object, value: Any) -> None:
    """One value at the end of `names`, the way to it. A path is made for a fault alone."""
    if isinstance(name, str):
        names.pop()
        _storable(names, name)
        names.append(name)
    else:
        names[-1] = name
    if len(names) > DEPTH + 1:
        raise _too_deep(_path(names)[:100])
    if isinstance(value, str):
        _storable(names, value)


def _items(value: list[Any] | dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _path(names: list[object]) -> str:
    """Cut short: a name may be as long as a body."""
    return "/".join(str(name)[:200] for name in names)[:200]


def _storable(names: list[object], text: str) -> None:
    """PostgreSQL stores no NUL, and UTF-8 knows no lone surrogates."""
    if "\x00" in text:
        raise _fault(_path(names), "must not contain NUL", "text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _fault(_path(names), "must not contain lone surrogates", "text") from None


def _too_deep(path: str) -> Invalid:
    return _fault(path, "is nested too deep", "json_depth")


def _fault(path: str, message: str, kind: str) -> Invalid:
    return Invalid(
        f"Mend {path}: it {message}.",
        errors=[{"path": path, "message": message, "type": kind}],
    )
