"""Who is there: online in the account, or looking at a handoff. Advisory, and never history."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from api.endpoints.answers import problems
from api.endpoints.idempotency import IdempotentRoute
from api.identity.callers import Caller, Parts
from api.schemas.live import Present, Viewer, Viewing
from handoff.contract.people import Actor
from handoff.database import readers, records
from handoff.database.gate import Database, Tenant
from handoff.errors import NotFound

router = APIRouter(tags=["presence"], route_class=IdempotentRoute)

OF_HANDOFF = "/ai-sessions/{session_id}/handoffs/{handoff_id}"


@router.get("/presence", operation_id="listOnline", responses=problems())
async def list_online(caller: Caller, parts: Parts) -> list[Present]:
    """Who of the account has a live stream, by name. Empty while Redis is away."""
    there = await parts.presence.online(caller.account_id)
    async with parts.database.account(caller.account_id) as tenant:
        return await _named(tenant, there)


@router.get(f"{OF_HANDOFF}/presence", operation_id="listViewers", responses=problems(404))
async def list_viewers(
    session_id: UUID, handoff_id: UUID, caller: Caller, parts: Parts
) -> list[Viewer]:
    """Who else looks at this handoff, by name, and whether they write a note."""
    await _must_exist(parts.database, caller, session_id, handoff_id)
    there = await parts.presence.viewing(caller.account_id, handoff_id)
    there.pop(caller.id, None)
    write = await parts.presence.writing(caller.account_id, handoff_id) if there else {}
    async with parts.database.account(caller.account_id) as tenant:
        named = await _named(tenant, there)
    return [Viewer(**one.model_dump(), writing=one.id in write) for one in named]


@router.post(
    f"{OF_HANDOFF}/viewing",
    status_code=204,
    operation_id="viewHandoff",
    responses=problems(404),
)
async def view_handoff(
    session_id: UUID,
    handoff_id: UUID,
    caller: Caller,
    parts: Parts,
    body: Viewing | None = None,
) -> None:
    """The caller's page shows this handoff. Said again every 15 s, it stands for 30; that a note is
    being written on it, for 8."""
    await _must_exist(parts.database, caller, session_id, handoff_id)
    writes = body is not None and body.writing
    await parts.presence.look(caller.account_id, handoff_id, caller.id, writes=writes)


async def _must_exist(
    database: Database, caller: Actor, session_id: UUID, handoff_id: UUID
) -> None:
    async with database.account(caller.account_id) as tenant:
        if await records.find_record(tenant, handoff_id, session_id=session_id) is None:
            raise NotFound("There is no such handoff.")


async def _named(tenant: Tenant, there: Mapping[UUID, datetime]) -> list[Present]:
    """With names, and without those who have left the account."""
    if not there:
        return []
    names = await readers.living_names(tenant, there)
    found = [
        Present(id=user_id, name=name, since=there[user_id]) for user_id, name in names.items()
    ]
    return sorted(found, key=lambda present: (present.name.casefold(), present.id))
