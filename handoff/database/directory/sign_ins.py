"""Sign-ins: by which provider's subject somebody is one of our users, found, bound and ended.

An id or an address that an account's admin wrote binds nobody. The operator's import does, SCIM's
`externalId`, and the person's own yes. Which of several it is, `rules.sign_ins` says.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.contract.people import Actor, Subject
from handoff.contract.words import BoundBy, SubjectKind
from handoff.database.gate import Tenant
from handoff.database.people import ACTOR, PEOPLE
from handoff.database.tables import AccountRow, SignInRow, UserRow
from handoff.errors import AddressTaken
from handoff.ids import new_id
from handoff.mailboxes import same_as
from handoff.rules.sign_ins import Known, each_once

ANY_ISSUER = ""
"""Holds for whichever provider the operator has configured."""

_STANDS = SignInRow.ended_at.is_(None)


async def bound(
    connection: AsyncConnection, subject: Subject, *, named_by: SubjectKind
) -> list[Known]:
    """Whom the subject is bound to, over all accounts. `named_by`: what else its value is."""
    query = _users(SignInRow.kind, SignInRow.bound_by, SignInRow.accepted_at).join(
        SignInRow, SignInRow.user_id == UserRow.id
    )
    query = query.where(_STANDS, or_(_is_its_own(subject), *_is_imported(subject, named_by)))
    rows = (await connection.execute(query)).all()
    return each_once(
        Known(_actor(row), row.account_name, row.kind, row.bound_by, row.accepted_at is not None)
        for row in rows
    )


async def invited(connection: AsyncConnection, subject: Subject) -> list[Known]:
    """Who bears the address that the provider has verified, and signs in as nobody here yet."""
    if subject.address is None:
        return []
    query = _users().where(
        func.lower(UserRow.email) == same_as(subject.address), ~_is_bound(subject.issuer)
    )
    rows = (await connection.execute(query)).all()
    return each_once(Known(_actor(row), row.account_name) for row in rows)


def _users(*more: Any) -> Select[Any]:
    account = AccountRow.name.label("account_name")
    query = select(*ACTOR, account, *more).join(AccountRow, AccountRow.id == UserRow.account_id)
    return query.where(*PEOPLE)


def _actor(row: Any) -> Actor:
    return Actor(**{column.key: getattr(row, column.key) for column in ACTOR})


def _is_its_own(subject: Subject) -> ColumnElement[bool]:
    return and_(
        SignInRow.kind == SubjectKind.SUBJECT,
        SignInRow.issuer.in_((ANY_ISSUER, subject.issuer)),
        SignInRow.subject == subject.value,
    )


def _is_imported(subject: Subject, named_by: SubjectKind) -> list[ColumnElement[bool]]:
    """What the operator's file said. An address counts while the directory still has it."""
    found = []
    if named_by is SubjectKind.ID:
        named = SignInRow.subject == subject.value.lower()
        found.append(and_(SignInRow.kind == SubjectKind.ID, named))
    same = func.lower(UserRow.email) == SignInRow.subject
    if named_by is SubjectKind.EMAIL:
        named = SignInRow.subject == same_as(subject.value)
        found.append(and_(SignInRow.kind == SubjectKind.EMAIL, named, same))
    if subject.address is not None:
        named = SignInRow.subject == same_as(subject.address)
        fresh = ~_is_bound(subject.issuer)
        found.append(and_(SignInRow.kind == SubjectKind.EMAIL, named, same, fresh))
    return found


def _is_bound(issuer: str) -> ColumnElement[bool]:
    """Whether the user has a subject at this provider: from then on no address counts."""
    other = SignInRow.__table__.alias("other")
    return exists().where(
        other.c.user_id == UserRow.id,
        other.c.kind == SubjectKind.SUBJECT,
        other.c.issuer.in_((ANY_ISSUER, issuer)),
        other.c.ended_at.is_(None),
    )


async def accept(tenant: Tenant, user_id: UUID, subject: Subject) -> bool:
    """The person's own yes: from now on the subject is this user.

    False where it is bound to another user of the account already.
    """
    await _end(tenant, _of_the_deleted(subject.value))
    noted = await tenant.connection.execute(
        update(SignInRow)
        .where(_own(tenant), SignInRow.user_id == user_id, _STANDS, _is_its_own(subject))
        .values(accepted_at=func.coalesce(SignInRow.accepted_at, func.clock_timestamp()))
    )
    return noted.rowcount > 0 or await _bind(tenant, user_id, subject, by=BoundBy.PERSON)


async def bind_by_scim(
    tenant: Tenant, user_id: UUID, external_id: str | None, *, issuer: str
) -> None:
    """The subject is what the account's directory says, and no longer what it said before.

    Somebody who has come in by their own word, or the operator's, gets no second subject: with it
    whoever keeps the directory could come in as them, unseen.

    Raises:
        AddressTaken: it is another user of the account.
    """
    before = and_(SignInRow.user_id == user_id, SignInRow.bound_by == BoundBy.SCIM)
    if external_id is None:
        await _end(tenant, before)
        return
    await _end(tenant, and_(before, SignInRow.subject != external_id))
    await _end(tenant, _of_the_deleted(external_id))
    taken = tenant.select(SignInRow, SignInRow.user_id).where(
        _STANDS, SignInRow.subject.in_((external_id, external_id.lower()))
    )
    owners = set((await tenant.connection.scalars(taken)).all())
    if owners - {user_id}:
        raise _taken()
    own = tenant.select(SignInRow, SignInRow.id).where(
        _STANDS,
        SignInRow.user_id == user_id,
        SignInRow.bound_by != BoundBy.SCIM,
        SignInRow.accepted_at.is_not(None),
    )
    if (await tenant.connection.scalars(own)).first() is not None:
        return
    if not await _bind(tenant, user_id, Subject(issuer, external_id), by=BoundBy.SCIM):
        # By their own yes, since we looked.
        raise _taken()


def _taken() -> AddressTaken:
    return AddressTaken("Another user has this externalId. Take it from them first.")


async def vouch(tenant: Tenant, user_id: UUID, kind: SubjectKind, value: str | None) -> None:
    """The operator's word: this, and nothing that the file said of the kind before."""
    told = and_(
        SignInRow.user_id == user_id, SignInRow.kind == kind, SignInRow.bound_by == BoundBy.IMPORT
    )
    if value is None:
        await _end(tenant, told)
        return
    standing = tenant.select(SignInRow, SignInRow.subject, SignInRow.issuer).where(told, _STANDS)
    known = (await tenant.connection.execute(standing)).all()
    if [(row.subject, row.issuer) for row in known] == [(value, ANY_ISSUER)]:
        return
    await _end(tenant, and_(told, SignInRow.subject != value))
    await _bind(tenant, user_id, Subject(ANY_ISSUER, value), by=BoundBy.IMPORT, kind=kind)


async def _bind(
    tenant: Tenant,
    user_id: UUID,
    subject: Subject,
    *,
    by: BoundBy,
    kind: SubjectKind = SubjectKind.SUBJECT,
) -> bool:
    """False where another user has it, unless the operator says so: theirs is the last word."""
    values = {"user_id": user_id, "bound_by": by}
    statement = insert(SignInRow).values(
        id=new_id(),
        account_id=tenant.account_id,
        kind=kind,
        issuer=subject.issuer,
        subject=subject.value,
        accepted_at=func.clock_timestamp() if by is BoundBy.PERSON else None,
        **values,
    )
    statement = statement.on_conflict_do_update(
        index_elements=["account_id", "kind", "issuer", "subject"],
        index_where=_STANDS,
        set_=values if by is BoundBy.IMPORT else {"user_id": user_id},
        where=None if by is BoundBy.IMPORT else SignInRow.user_id == user_id,
    )
    return (await tenant.connection.execute(statement)).rowcount == 1


def _own(tenant: Tenant) -> ColumnElement[bool]:
    return SignInRow.account_id == tenant.account_id


def _of_the_deleted(value: str) -> ColumnElement[bool]:
    gone = select(UserRow.id).where(
        UserRow.account_id == SignInRow.account_id, UserRow.deleted_at.is_not(None)
    )
    return and_(
        SignInRow.kind == SubjectKind.SUBJECT,
        SignInRow.subject == value,
        SignInRow.user_id.in_(gone),
    )


async def _end(tenant: Tenant, which: ColumnElement[bool]) -> None:
    """No more of these. Whoever came in by one is signed out, their open streams included."""
    ended = await tenant.connection.scalars(
        update(SignInRow)
        .where(_own(tenant), _STANDS, which)
        .values(ended_at=func.clock_timestamp())
        .returning(SignInRow.user_id)
    )
    if users := set(ended.all()):
        await tenant.connection.execute(
            update(UserRow)
            .where(UserRow.account_id == tenant.account_id, UserRow.id.in_(users))
            .values(signed_out_at=func.clock_timestamp())
        )
