"""Files of a session: added whole, read in pieces, taken away."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, delete, func, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.contract.words import LIVING, EventType
from handoff.database.gate import ANY, Tenant
from handoff.database.tables import (
    EventRow,
    FileChunkRow,
    FileRow,
    HandoffRow,
    LeftObjectRow,
    SessionRow,
    UserRow,
)
from handoff.errors import Invalid, NotFound, TooManyFiles
from handoff.rules.files import MOST_FILES, Session

CHUNK_BYTES = 256 * 1024
"""So much is in one row, and in memory at once."""

_SHOWN = ("id", "name", "size", "media_type")


@dataclass(frozen=True, slots=True)
class NewFile:
    """What is known of a file before it is written. `digest`: its SHA-256; `kept_at`: which object
    of a bucket it is, None where its content goes with the row."""

    id: UUID
    session_id: UUID
    added_by_id: UUID
    name: str
    size: int
    media_type: str
    digest: bytes
    kept_at: str | None = None


async def must_find_session(tenant: Tenant, session_id: UUID) -> Session:
    """Whose the session is, and whether a handoff of it lives.

    Raises:
        NotFound: unknown, or another account's.
    """
    living = and_(
        HandoffRow.account_id == tenant.account_id,
        HandoffRow.session_id == SessionRow.id,
        HandoffRow.status.in_(LIVING),
    )
    query = (
        tenant.select(SessionRow, SessionRow.holder_id, HandoffRow.id, HandoffRow.escalator_id)
        .outerjoin(HandoffRow, living)
        .where(SessionRow.id == session_id)
    )
    row = (await tenant.connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("There is no such session.")
    return Session(row.holder_id, is_alive=row.id is not None, escalator_id=row.escalator_id)


async def must_have_room(tenant: Tenant, session_id: UUID, *, beside: UUID | None = None) -> None:
    """Raises `TooManyFiles` where the session holds as many as it may, `beside` this one."""
    query = tenant.select(FileRow, func.count()).where(
        FileRow.session_id == session_id, FileRow.id != beside
    )
    if (await tenant.connection.scalar(query) or 0) >= MOST_FILES:
        raise TooManyFiles(
            f"It has {MOST_FILES} files. Remove one that nobody needs, or put some into one.",
            limit=MOST_FILES,
        )


async def add(tenant: Tenant, new: NewFile, chunks: AsyncIterator[bytes]) -> Row[Any]:
    """The file with its content. Two at once see each other before they are done.

    Raises:
        TooManyFiles: others have taken the last places.
    """
    values = {name: getattr(new, name) for name in NewFile.__slots__}
    await tenant.connection.execute(insert(FileRow).values(**values, account_id=tenant.account_id))
    place = 0
    async for content in chunks:
        await tenant.connection.execute(
            insert(FileChunkRow).values(
                file_id=new.id, place=place, account_id=tenant.account_id, content=content
            )
        )
        place += 1
    # Last, and until the commit: whoever adds to the same session counts after us.
    lock = func.pg_advisory_xact_lock(func.hashtextextended(str(new.session_id), 0))
    await tenant.connection.execute(lock)
    await must_have_room(tenant, new.session_id, beside=new.id)
    return await must_find(tenant, new.session_id, new.id)


def _files(tenant: Tenant, session_id: UUID) -> Select[Any]:
    return (
        tenant.select(
            FileRow,
            *(getattr(FileRow, name) for name in _SHOWN),
            FileRow.digest,
            FileRow.kept_at,
            FileRow.created_at,
            FileRow.added_by_id,
            UserRow.name.label("added_by_name"),
        )
        .join(UserRow, UserRow.id == FileRow.added_by_id)
        .where(FileRow.session_id == session_id)
        .order_by(FileRow.created_at, FileRow.id)
    )


async def find(tenant: Tenant, session_id: UUID, file_id: UUID) -> Row[Any] | None:
    """One file of that session, or None: unknown and foreign look alike."""
    query = _files(tenant, session_id).where(FileRow.id == file_id)
    row: Row[Any] | None = (await tenant.connection.execute(query)).one_or_none()
    return row


async def must_find(tenant: Tenant, session_id: UUID, file_id: UUID) -> Row[Any]:
    """The same; raises `NotFound`."""
    row = await find(tenant, session_id, file_id)
    if row is None:
        raise NotFound("There is no such file.")
    return row


async def of_session(tenant: Tenant, session_id: UUID) -> Sequence[Row[Any]]:
    """All of a session's files, the oldest first: they are few."""
    found: Sequence[Row[Any]] = (await tenant.connection.execute(_files(tenant, session_id))).all()
    return found


async def chunk(tenant: Tenant, file_id: UUID, place: int) -> bytes | None:
    """One piece of the content; None where it has been taken away meanwhile."""
    query = tenant.select(FileChunkRow, FileChunkRow.content).where(
        FileChunkRow.file_id == file_id, FileChunkRow.place == place
    )
    content: bytes | None = await tenant.connection.scalar(query)
    return content


async def remove(tenant: Tenant, file_id: UUID) -> None:
    """Takes it away, with its content. Events that name it still do."""
    gone = (
        delete(FileRow)
        .where(FileRow.account_id == tenant.account_id, FileRow.id == file_id)
        .returning(FileRow.account_id, FileRow.kept_at)
    )
    await leave_objects(tenant.connection, (await tenant.connection.execute(gone)).all())


async def leave_objects(connection: AsyncConnection, gone: Sequence[Row[UUID, str | None]]) -> None:
    """Which objects of a bucket are left of these files is written in the transaction that takes
    them away, so that they are deleted whatever ends here. `gone`: account_id, kept_at."""
    left = [
        {"account_id": row.account_id, "kept_at": row.kept_at}
        for row in gone
        if row.kept_at is not None
    ]
    if left:
        await connection.execute(insert(LeftObjectRow).values(left))


async def named(tenant: Tenant, session_id: UUID, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """These files of the session as events tell of them, in the order in which they are named;
    those that are not there are left out."""
    wanted = [*dict.fromkeys(ids)]
    if not wanted:
        return []
    query = _files(tenant, session_id).where(FileRow.id.in_(wanted))
    found = {row.id: row for row in (await tenant.connection.execute(query)).all()}
    return [{name: getattr(found[one], name) for name in _SHOWN} for one in wanted if one in found]


async def of_handoff(tenant: Tenant, handoff_id: UUID, session_id: UUID) -> list[dict[str, Any]]:
    """Those that went with it when it was handed off, and are still there."""
    told = (await tenant.run(_first_files(), handoff=handoff_id)).scalar()
    return await named(tenant, session_id, [UUID(one["id"]) for one in told or ()])


@cache
def _first_files() -> Select[Any]:
    return ANY.select(EventRow, EventRow.data["details"]["files"]).where(
        EventRow.handoff_id == bindparam("handoff"),
        EventRow.type.in_((EventType.CREATED, EventType.PARKED)),
    )


async def must_name(tenant: Tenant, session_id: UUID, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """The same of files that must all be there.

    Raises:
        Invalid: one of them is none of the session's; where it stands.
    """
    found = await named(tenant, session_id, ids)
    known = {one["id"] for one in found}
    faults = [
        {"path": f"body/files/{at}", "message": "no such file", "type": "unknown_file"}
        for at, one in enumerate(ids)
        if one not in known
    ]
    if faults:
        raise Invalid("`files` must be files of this session.", errors=faults)
    return found
