"""Who may change whom in an account's directory. Pure; role checks come first."""

from dataclasses import dataclass

from handoff.contract.people import Actor
from handoff.contract.words import Role
from handoff.errors import Forbidden, LastOwner
from handoff.rules.roles import LEADING_ROLES, WORKING_ROLES


@dataclass(frozen=True, slots=True)
class Standing:
    """What gives a user their rights. A deleted user is not active."""

    email: str
    role: Role
    is_active: bool

    @property
    def can_hold(self) -> bool:
        """Whether they may have a claimed handoff."""
        return self.is_active and self.role in WORKING_ROLES

    @property
    def is_owner(self) -> bool:
        """Whether they own the account at this moment."""
        return self.is_active and self.role is Role.OWNER


def must_lead(actor: Actor) -> None:
    """Raises `Forbidden` for everybody but admins and owners."""
    if actor.role not in LEADING_ROLES:
        raise Forbidden("Only admins and owners can do this.")


def must_not_outrank(actor: Actor, named: Actor) -> None:
    """Raises `Forbidden` where acting as `named` would give the actor more than they have."""
    if named.role is Role.OWNER and actor.role is not Role.OWNER:
        raise Forbidden("Only an owner can let a program act as an owner.")


def must_be_allowed(
    actor: Actor, before: Standing | None, after: Standing, *, other_owners: int
) -> None:
    """Raises the refusal of a change that must not be. `before` None: the user is new.

    An owner's address counts too: mail with claim links goes there.
    """
    must_lead(actor)
    owners = Role.OWNER in (after.role, before.role if before else None)
    if owners and before != after and actor.role is not Role.OWNER:
        raise Forbidden("Only an owner can make, unmake or change an owner.")
    if before is not None and before.is_owner and not after.is_owner and other_owners == 0:
        raise LastOwner("Make somebody else an owner first.")
