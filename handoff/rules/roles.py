"""What a role may do, in two sets."""

from handoff.contract.people import Actor
from handoff.contract.words import Role
from handoff.errors import Forbidden

WORKING_ROLES = frozenset({Role.OWNER, Role.ADMIN, Role.ENGINEER})
"""Those who may be told of an escalation and may claim it. Never viewers."""


LEADING_ROLES = frozenset({Role.OWNER, Role.ADMIN})


_RISING = (Role.VIEWER, Role.ENGINEER, Role.ADMIN, Role.OWNER)


def rank(role: Role) -> int:
    """How much it allows: each role may do what those below it may."""
    return _RISING.index(role)


def lower(one: Role, other: Role) -> Role:
    """The one that allows less."""
    return min(one, other, key=rank)


def must_still_be(caller: Actor, role: Role | None) -> None:
    """Raises `Forbidden` for who has lost rights since they had this role."""
    if role is not None and rank(caller.role) < rank(role):
        raise Forbidden("Your role allows less than when this was answered. Ask anew.")
