"""What a role may do, in two sets."""

from handoff.contract.words import Role

WORKING_ROLES = frozenset({Role.OWNER, Role.ADMIN, Role.ENGINEER})
"""Those who may be told of an escalation and may claim it. Never viewers."""


LEADING_ROLES = frozenset({Role.OWNER, Role.ADMIN})
