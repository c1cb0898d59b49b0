"""SCIM's paths and filters (RFC 7644, 3.4.2.2, 3.5.2, 3.10), read by the grammar of scim2-models.

Names have no case, and may bear the URN of their schema. What a filter means in the record is
decided there; what it means for an entry that is at hand, here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scim2_models import InvalidFilterException, InvalidPathException, Path, ScimFilter
from scim2_models.path import (
    AttrPath,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    ValuePath,
)
from scim2_models.path import Present as IsPresent

from api.schemas.texts import storable
from handoff.database.directory.scim_filters import Compared, Condition, Joined, Negated, Present
from handoff.errors import ScimInvalid

CORE = ("urn:ietf:params:scim:schemas:core:2.0:user", "urn:ietf:params:scim:schemas:core:2.0:group")
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
    try:
        condition = _condition(ScimFilter(text).ast)
    except InvalidFilterException as fault:
        raise ScimInvalid(f"filter: {fault.detail}"[:300], kind="invalidFilter") from None
    if _size(condition) > MOST_TERMS:
        raise ScimInvalid(f"filter: at most {MOST_TERMS} terms", kind="invalidFilter")
    return condition


def read_path(text: str) -> Target:
    """Where a PATCH leads.

    Raises:
        ScimInvalid: nowhere.
    """
    try:
        node = Path(text).ast
    except InvalidPathException as fault:
        raise ScimInvalid(f"path: {fault.detail}"[:300], kind="invalidPath") from None
    match node:
        case AttrPath():
            return Target(_name(node))
        case ValuePath(attr_path, chosen, part):
            name = _name(attr_path)
            # The value is what an entry is: its other parts stand beside it.
            named = name if part in (None, "value") else f"{name}.{part}".lower()
            return Target(named, _condition(chosen))
    raise ScimInvalid("path: an attribute is needed", kind="invalidPath")


def read_names(text: str) -> frozenset[str]:
    """A list of attributes, in lower case, parts as `name.givenname`. What is no name is none."""
    found = set()
    for item in text.split(","):
        try:
            node = Path(item.strip()).ast
        except InvalidPathException:
            continue
        if isinstance(node, AttrPath):
            found.add(_name(node))
    return frozenset(found)


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


def _condition(node: FilterNode, within: str = "") -> Condition:
    match node:
        case LogicalExpr(operator, terms):
            parts = tuple(_condition(term, within) for term in terms)
            return Joined(operator is LogicalOperator.and_, parts)
        case Not(term):
            return Negated(_condition(term, within))
        case IsPresent(path):
            return Present(within + _name(path))
        case ValuePath(path, chosen):
            return _condition(chosen, f"{_name(path)}.")
        case Comparison(path, operator, value):
            return Compared(within + _name(path), str(operator), _sound(value))
    raise ScimInvalid("filter: not known here", kind="invalidFilter")


def _sound(value: Any) -> Any:
    try:
        return storable(value) if isinstance(value, str) else value
    except ValueError as fault:
        raise ScimInvalid(f"filter: {fault}", kind="invalidFilter") from None


def _size(condition: Condition) -> int:
    match condition:
        case Joined(_, terms):
            return sum(map(_size, terms))
        case Negated(term):
            return _size(term)
    return 1


def _name(path: AttrPath) -> str:
    """Of another schema's attributes, the schema stands before the name: nothing here has it."""
    name = path.attr if path.sub_attr is None else f"{path.attr}.{path.sub_attr}"
    whole = f"{path.uri}:{name}".lower() if path.uri else name.lower()
    for schema in CORE:
        if whole == schema:
            return ""
        whole = whole.removeprefix(f"{schema}:")
    return whole
