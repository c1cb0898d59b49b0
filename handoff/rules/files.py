"""Who may add files to a session, and who may take them away; how large they are, in words."""

from dataclasses import dataclass
from uuid import UUID

from handoff.contract.people import Actor
from handoff.errors import Forbidden
from handoff.rules.commands.requirements import must_work
from handoff.rules.roles import LEADING_ROLES

FILE_BYTES = 10 * 1024 * 1024
MOST_FILES = 50


@dataclass(frozen=True, slots=True)
class Session:
    """Whose a session is; `escalator_id` and `is_alive` tell of its handoff, while one lives."""

    holder_id: UUID
    is_alive: bool = False
    escalator_id: UUID | None = None


def must_add(session: Session, actor: Actor) -> None:
    """While a handoff lives its escalator, whatever they have become since, and everybody who may
    claim it; else whoever holds the session.

    Raises:
        Forbidden: it is not theirs to add to.
    """
    if session.is_alive and actor.id == session.escalator_id:
        return
    must_work(actor)
    if not session.is_alive and actor.id != session.holder_id:
        raise Forbidden("Only the one who holds the session adds files to it; hand it off first.")


def must_remove(added_by_id: UUID, actor: Actor) -> None:
    """Raises `Forbidden` for everybody but who added it, admins and owners."""
    if actor.id != added_by_id and actor.role not in LEADING_ROLES:
        raise Forbidden("Only the one who added it, an admin or an owner removes a file.")


def in_bytes(size: int) -> str:
    """A size that people can read: `812 bytes`, `14 KiB`, `3.2 MiB`."""
    if size < 1024:
        return f"{size} byte{'s' if size != 1 else ''}"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"
