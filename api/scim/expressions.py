"""SCIM's paths and filters (RFC 7644, 3.4.2.2, 3.5.2, 3.10).

Names have no case, and may bear the URN of their schema. What a filter means in the record is
decided there; what it means for an entry that is at hand, here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handoff.database.directory.scim_filters import Condition, Joined, Negated, Present
from handoff.errors import ScimInvalid

GRAMMAR = "api.scim.grammar"
"""Loaded before a SCIM request is read, and by nothing else: its library takes long to load."""

MOST_TERMS = 50
"""Comparisons in one filter."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a path leads to: `name.givenname`, and which of the entries of a list."""

    name: str
    chosen: Condition | None = None


def read_filter(text: str | None) -> Condition | None:
    """A filter, or None where none was asked for.

    Raises:
        ScimInvalid: it is none.
    """
    if text is None:
        return None
    from api.scim import grammar

    condition = grammar.condition_of(text)
    if _size(condition) > MOST_TERMS:
        raise ScimInvalid(f"filter: at most {MOST_TERMS} terms", kind="invalidFilter")
    return condition


def read_path(text: str) -> Target:
    """Where a PATCH leads.

    Raises:
        ScimInvalid: nowhere.
    """
    from api.scim import grammar

    return Target(*grammar.target_of(text))


def read_names(text: str) -> frozenset[str]:
    """A list of attributes, in lower case, parts as `name.givenname`. What is no name is none."""
    from api.scim import grammar

    named = (grammar.name_of(item.strip()) for item in text.split(","))
    return frozenset(name for name in named if name is not None)


def fits(condition: Condition, entry: dict[str, Any]) -> bool:
    """Whether an entry of a list is one that a filter chooses."""
    match condition:
        case Joined(every, terms):
            return (all if every else any)(fits(term, entry) for term in terms)
        case Negated(term):
            return not fits(term, entry)
        case Present(name):
            return entry.get(name) is not None
    has, wanted = _plain(entry.get(condition.name)), _plain(condition.value)
    return _RELATIONS[condition.operator](has, wanted)


_RELATIONS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda has, wanted: has == wanted,
    "ne": lambda has, wanted: has != wanted,
    "co": lambda has, wanted: wanted in has,
    "sw": lambda has, wanted: has.startswith(wanted),
    "ew": lambda has, wanted: has.endswith(wanted),
    "gt": lambda has, wanted: has > wanted,
    "ge": lambda has, wanted: has >= wanted,
    "lt": lambda has, wanted: has < wanted,
    "le": lambda has, wanted: has <= wanted,
}


def _plain(value: Any) -> str:
    """Some providers write truth as a word, in any case."""
    return "" if value is None else str(value).lower()


def _size(condition: Condition) -> int:
    match condition:
        case Joined(_, terms):
            return sum(map(_size, terms))
        case Negated(term):
            return _size(term)
    return 1
