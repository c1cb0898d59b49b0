"""SCIM's paths and filters by the grammar of scim2-models, the only thing here that is taken of it.

Its models take longer to load than the rest of the API together, so what reads no SCIM never loads
this; see `expressions.py`.
"""

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


def condition_of(text: str) -> Condition:
    """A filter.

    Raises:
        ScimInvalid: it is none.
    """
    try:
        return _condition(ScimFilter(text).ast)
    except InvalidFilterException as fault:
        raise ScimInvalid(f"filter: {fault.detail}"[:300], kind="invalidFilter") from None


def target_of(text: str) -> tuple[str, Condition | None]:
    """Which attribute a path names, and which of its entries.

    Raises:
        ScimInvalid: none.
    """
    try:
        node = Path(text).ast
    except InvalidPathException as fault:
        raise ScimInvalid(f"path: {fault.detail}"[:300], kind="invalidPath") from None
    match node:
        case AttrPath():
            return _name(node), None
        case ValuePath(attr_path, chosen, part):
            name = _name(attr_path)
            # The value is what an entry is: its other parts stand beside it.
            named = name if part in (None, "value") else f"{name}.{part}".lower()
            return named, _condition(chosen)
    raise ScimInvalid("path: an attribute is needed", kind="invalidPath")


def name_of(text: str) -> str | None:
    """The attribute that is named, in lower case; None where none is."""
    try:
        node = Path(text).ast
    except InvalidPathException:
        return None
    return _name(node) if isinstance(node, AttrPath) else None


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


def _name(path: AttrPath) -> str:
    """Of another schema's attributes, the schema stands before the name: nothing here has it."""
    name = path.attr if path.sub_attr is None else f"{path.attr}.{path.sub_attr}"
    whole = f"{path.uri}:{name}".lower() if path.uri else name.lower()
    for schema in CORE:
        if whole == schema:
            return ""
        whole = whole.removeprefix(f"{schema}:")
    return whole
