"""Which of our users an identity provider's subject is, for bearer tokens and for the console.

Whom the provider vouches for is proven elsewhere; what is bound, and by whose word, is in the
record.
"""

from collections.abc import Sequence
from uuid import UUID

from api.services import Services
from handoff.contract.people import Actor, Subject
from handoff.contract.words import SubjectKind
from handoff.database.directory import sign_ins
from handoff.errors import Unauthenticated
from handoff.rules.sign_ins import Known, each_once, the_one
from handoff.settings import Settings

_UNKNOWN = "This identity is not valid here. Sign in again."
_SEVERAL = (
    "This identity belongs to several accounts. Name the one that you mean by its id, in the "
    "header Handoff-Account."
)


async def by_subject(parts: Services, subject: Subject, account: str | None) -> Actor:
    """The user of a bearer token. `account`: the id of the one whose user they want to be.

    Raises:
        Unauthenticated: it is bound to nobody, or to several and `account` names none of them.
    """
    async with parts.database.glance() as connection:
        found = await sign_ins.bound(connection, subject, named_by=named_by(parts.settings))
    if account is not None:
        found = [known for known in found if str(known.user.account_id) == account.lower()]
    chosen = found[0] if account is not None and found else the_one(found)
    if chosen is None:
        raise Unauthenticated(_SEVERAL if found else _UNKNOWN)
    await _note(parts, chosen, subject)
    return chosen.user


async def candidates(parts: Services, subject: Subject) -> list[Known]:
    """Everybody whom somebody at the console may be: bound, or invited by a verified address."""
    async with parts.database.glance() as connection:
        found = await sign_ins.bound(connection, subject, named_by=named_by(parts.settings))
        return each_once([*found, *await sign_ins.invited(connection, subject)])


async def enter(
    parts: Services, subject: Subject, found: Sequence[Known], user_id: UUID | None
) -> UUID | None:
    """Signs in as the one that was chosen, or as the only one; None where they have to choose.

    Raises:
        Unauthenticated: there is nobody, or the chosen one is not among them.
    """
    named = [known for known in found if known.user.id == user_id]
    if not found or (user_id is not None and not named):
        raise Unauthenticated("You are not known here.")
    chosen = named[0] if named else the_one(list(found))
    if chosen is None:
        return None
    await _note(parts, chosen, subject)
    return chosen.user.id


async def _note(parts: Services, chosen: Known, subject: Subject) -> None:
    """That they came is their own word. What somebody else was bound to meanwhile stays theirs."""
    if not chosen.is_to_be_noted(named_by(parts.settings)):
        return
    async with parts.database.account(chosen.user.account_id) as tenant:
        accepted = await sign_ins.accept(tenant, chosen.user.id, subject)
    if not accepted and not chosen.is_established:
        raise Unauthenticated(_UNKNOWN)


def named_by(settings: Settings) -> SubjectKind:
    """What a subject is beside what was bound to it, by the operator's setting."""
    kinds = {"id": SubjectKind.ID, "email": SubjectKind.EMAIL}
    return kinds.get(settings.auth_subject, SubjectKind.SUBJECT)
