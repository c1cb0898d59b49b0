"""A filter of SCIM's (RFC 7644, 3.4.2.2) as a condition on users or teams. Its text is read
elsewhere; here are the attributes that can be asked for, and what each comparison means in SQL.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, exists, false, func, literal, not_, or_

from handoff.database.tables import TeamRow, UserRow
from handoff.errors import ScimInvalid
from handoff.mailboxes import same_as
from handoff.names import composed


@dataclass(frozen=True, slots=True)
class Compared:
    """`name`, in lower case, stands in this relation to the value: eq, ne, co, sw, ew, gt, …"""

    name: str
    operator: str
    value: str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Present:
    """It has a value."""

    name: str


@dataclass(frozen=True, slots=True)
class Negated:
    """The contrary."""

    term: "Condition"


@dataclass(frozen=True, slots=True)
class Joined:
    """All of them (`every`), or any."""

    every: bool
    terms: tuple["Condition", ...]


Condition = Compared | Present | Negated | Joined


@dataclass(frozen=True, slots=True)
class _Attribute:
    """Where its value is, whether its case counts, and whether it may be an address."""

    column: ColumnElement[Any]
    is_exact: bool = False
    is_address: bool = False


_ADDRESS = _Attribute(UserRow.email.expression, is_address=True)
_ROLE = _Attribute(cast(UserRow.role, String))
_TEAM = _Attribute(cast(UserRow.team_id, String))
_TRUE = _Attribute(literal(True))
_PERSON = _Attribute(literal("User"))


def _part(name: str) -> _Attribute:
    return _Attribute(UserRow.profile["name"][name].astext)


OF_USERS: Mapping[str, _Attribute] = {
    "id": _Attribute(cast(UserRow.id, String)),
    "username": _Attribute(func.coalesce(UserRow.user_name, UserRow.email), is_address=True),
    "externalid": _Attribute(UserRow.external_id.expression, is_exact=True),
    "displayname": _Attribute(UserRow.name.expression),
    "name.formatted": _Attribute(UserRow.name.expression),
    "name.givenname": _part("givenName"),
    "name.familyname": _part("familyName"),
    "active": _Attribute(UserRow.is_active.expression),
    "emails": _ADDRESS,
    "emails.value": _ADDRESS,
    "emails.type": _Attribute(literal("work")),
    "emails.primary": _TRUE,
    "roles": _ROLE,
    "roles.value": _ROLE,
    "roles.primary": _TRUE,
    "groups": _TEAM,
    "groups.value": _TEAM,
    "groups.display": _Attribute(TeamRow.name.expression),
    "meta.resourcetype": _PERSON,
}
OF_TEAMS: Mapping[str, _Attribute] = {
    "id": _Attribute(cast(TeamRow.id, String)),
    "externalid": _Attribute(TeamRow.external_id.expression, is_exact=True),
    "displayname": _Attribute(TeamRow.name.expression),
    "meta.resourcetype": _Attribute(literal("Group")),
}
_MEMBERS = ("members", "members.value")


def of_users(condition: Condition) -> ColumnElement[bool]:
    """The users who fit, joined with their teams.

    Raises:
        ScimInvalid: it names what nobody can be found by, or compares what cannot be.
    """
    return _clause(condition, OF_USERS)


def of_teams(condition: Condition) -> ColumnElement[bool]:
    """The teams that fit. Raises as `of_users`."""
    return _clause(condition, OF_TEAMS)


def _clause(condition: Condition, known: Mapping[str, _Attribute]) -> ColumnElement[bool]:
    match condition:
        case Joined(every, terms):
            parts = [_clause(term, known) for term in terms]
            return and_(*parts) if every else or_(*parts)
        case Negated(term):
            return not_(_clause(term, known))
        case Present(name):
            return _found(name, known).column.is_not(None)
        case Compared(name) if name in _MEMBERS and known is OF_TEAMS:
            return _has_member(condition)
        case Compared(name):
            return _compared(_found(name, known), condition)


def _found(name: str, known: Mapping[str, _Attribute]) -> _Attribute:
    if name not in known:
        names = ", ".join(known)
        raise ScimInvalid(f"Nobody is found by {name[:100]}; by {names}", kind="invalidFilter")
    return known[name]


def _has_member(wanted: Compared) -> ColumnElement[bool]:
    """Who is in it. Of the same account as the team by the tables' own rule."""
    person = _compared(OF_USERS["id"], wanted)
    return exists().where(
        UserRow.account_id == TeamRow.account_id,
        UserRow.team_id == TeamRow.id,
        UserRow.deleted_at.is_(None),
        person,
    )


def _compared(attribute: _Attribute, wanted: Compared) -> ColumnElement[bool]:
    """True or false, never NULL: else a `not` around it would find nobody."""
    column, value = attribute.column, wanted.value
    if value is None:
        return _none(column, wanted)
    is_truth = column.type.python_type is bool
    if is_truth != isinstance(value, bool) or not isinstance(value, str | bool):
        raise _cannot(wanted)
    if is_truth and wanted.operator not in ("eq", "ne"):
        raise _cannot(wanted)
    if isinstance(value, str) and not attribute.is_exact:
        column, value = func.lower(column), _spelled(attribute, wanted.operator, value)
    return func.coalesce(_relation(column, wanted, value), wanted.operator == "ne")


def _spelled(attribute: _Attribute, relation: str, value: str) -> str:
    """As it is kept, so that whoever has another spelling finds it all the same."""
    is_whole = relation in ("eq", "ne")
    text = composed(value)
    return same_as(text) if attribute.is_address and is_whole else text.lower()


def _none(column: ColumnElement[Any], wanted: Compared) -> ColumnElement[bool]:
    if wanted.operator == "eq":
        return column.is_(None)
    return column.is_not(None) if wanted.operator == "ne" else false()


def _relation(column: ColumnElement[Any], wanted: Compared, value: Any) -> ColumnElement[bool]:
    if wanted.operator not in _RELATIONS:
        raise _cannot(wanted)
    relation: ColumnElement[bool] = _RELATIONS[wanted.operator](column, value)
    return relation


_RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "co": lambda column, value: column.contains(value, autoescape=True),
    "sw": lambda column, value: column.startswith(value, autoescape=True),
    "ew": lambda column, value: column.endswith(value, autoescape=True),
}


def _cannot(wanted: Compared) -> ScimInvalid:
    return ScimInvalid(f"{wanted.name[:100]} cannot be compared like that.", kind="invalidFilter")
