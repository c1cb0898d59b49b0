"""Who may change whom in an account's directory. Pure; role checks come first."""

from dataclasses import dataclass

from handoff.contract.people import Actor
from handoff.contract.words import Role
from handoff.errors import Forbidden, LastOwner
from handoff.rules.roles import LEADING_ROLES, WORKING_ROLES


@dataclass(frozen=True, slots=True)
class Standing:
    """What gives a user their rights, and what decides who they are."""

    email: str
    role: Role
    is_active: bool
    """A deleted user is not."""
    external_id: str | None = None
    is_deleted: bool = False

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


def must_not_outrank(actor: Actor, *roles: Role) -> None:
    """Raises `Forbidden` where an admin would make, unmake or become an owner.

    The one rule for what an admin may do to an owner. Not to be touched is whatever gives an owner
    their rights or decides who they are: role, address, directory id, being active, being there,
    and a token in their name. That holds for owners who are deactivated or deleted, too: only an
    owner brings them back, or sees to it that nobody can. Free is what gives nobody a right and
    what any owner can set straight: their name, their team, and ending a token of theirs, because
    a lost one must not wait for an owner.
    """
    if Role.OWNER in roles and actor.role is not Role.OWNER:
        raise Forbidden("Only an owner can do this to an owner.")


def must_be_allowed(
    actor: Actor, before: Standing | None, after: Standing, *, other_owners: int
) -> None:
    """Raises the refusal of a change that must not be. `before` None: the user is new."""
    must_lead(actor)
    if before != after:
        must_not_outrank(actor, after.role, *([before.role] if before else []))
    if before is not None and before.is_owner and not after.is_owner and other_owners == 0:
        raise LastOwner("Make somebody else an owner first.")
