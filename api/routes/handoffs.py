"""Handoffs: hand a session off, look at what became of it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from api.endpoints import callbacks
from api.endpoints.allowances import CREATES
from api.endpoints.answers import conflicts, problems, shown
from api.endpoints.idempotency import IdempotentRoute, resource_id
from api.endpoints.paging import PAGES, Page, read_cursor, write_cursor
from api.engine import starting
from api.identity.callers import Caller, Parts, WorkingCaller
from api.schemas.handoffs import Accepted, DeliveryView, HandOff, Recipient
from api.schemas.texts import storable
from api.services import Services
from handoff.contract.messages import Envelope, NewHandoff, Recorded
from handoff.contract.people import Actor
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import Verdict
from handoff.database import deliveries, events, files, outages, records, sessions
from handoff.database.deliveries import LedgerPlace
from handoff.database.gate import Tenant
from handoff.database.handoffs import standing
from handoff.errors import (
    CallbackHost,
    EngineUnreachable,
    Forbidden,
    HandoffAlreadyOpen,
    NotFound,
    OutcomeUnknown,
    Refusal,
    Unreachable,
    WrongState,
)
from handoff.rules.roles import LEADING_ROLES
from handoff.rules.times import must_lie_ahead

router = APIRouter(
    prefix="/ai-sessions/{session_id}", tags=["handoffs"], route_class=IdempotentRoute
)


@router.post(
    "/handoff",
    status_code=201,
    operation_id="createHandoff",
    dependencies=[CREATES],
    responses={
        202: {
            "model": Accepted,
            "description": "The engine has it; it is recorded and told once a worker is back",
        },
        **problems(403, 404, 413, also=(EngineUnreachable, CallbackHost)),
        **conflicts(HandoffAlreadyOpen, WrongState),
    },
)
async def create_handoff(
    session_id: UUID,
    body: HandOff,
    request: Request,
    response: Response,
    caller: WorkingCaller,
    parts: Parts,
) -> Any:
    """Escalates or parks a session. 201 means recorded and running."""
    handoff_id = resource_id(request)
    now, is_repeat = await _must_be_free(parts, caller, session_id, handoff_id, body)
    callback = await callbacks.sealed(parts, caller, handoff_id, body.callback, again=is_repeat)
    new = NewHandoff(
        id=handoff_id,
        session_id=session_id,
        account_id=caller.account_id,
        escalator_id=caller.id,
        intent=body.intent,
        priority=body.priority,
        engineer_notes=body.engineer_notes,
        context=body.context,
        # By PostgreSQL's clock, as all that follows: ours may be wrong.
        created_at=now,
        remind_at=body.remind_at,
        token_id=caller.token_id,
        files=tuple(body.files),
        callback=callback,
    )
    spoken = await starting.start_handoff(
        parts.temporal,
        parts.own_worker,
        new,
        task_queue=parts.settings.task_queue,
        wait=parts.settings.create_wait,
    )
    if spoken is not None and spoken.recorded.verdict is not Verdict.RECORDED:
        raise _refusal(spoken.recorded)
    location = f"/ai-sessions/{session_id}/handoffs/{new.id}"
    found = spoken.record if spoken is not None else None
    if found is None:
        found = await _find_or_accept(parts, caller, new)
    if found is None:
        accepted = Accepted(id=new.id, session_id=session_id)
        return JSONResponse(accepted.model_dump(mode="json"), 202, {"Location": location})
    response.headers["Location"] = location
    return shown(response, found, caller)


async def _find_or_accept(parts: Services, caller: Actor, new: NewHandoff) -> Record | None:
    """What has been recorded; else the session is kept for it.

    Raises:
        OutcomeUnknown: the engine has it, and the record does not answer us.
    """
    try:
        found = await _find(parts, caller, new.session_id, new.id)
        if found is None:
            await _accept(parts, caller, new)
        return found
    except (Unreachable, *outages.MAYBE) as fault:
        if not (isinstance(fault, Unreachable) or outages.is_outage(fault)):
            raise
        raise OutcomeUnknown(
            "The engine has it, but the record does not answer yet. Send it again with the same "
            f"Idempotency-Key, or look for the handoff {new.id} in a moment."
        ) from fault


async def _must_be_free(
    parts: Services,
    caller: Actor,
    session_id: UUID,
    handoff_id: UUID,
    body: HandOff,
) -> tuple[datetime, bool]:
    """Answers the common refusals without troubling the engine; the record has the last word.

    The time, by PostgreSQL, and whether it is a repeat whose first try got through.
    """
    remind_at = body.remind_at
    async with parts.database.account(caller.account_id) as tenant:
        foreseen, now = await standing.foresee(tenant, session_id, caller.id)
        is_free = foreseen.verdict is Verdict.RECORDED and (remind_at is None or remind_at > now)
        if is_free:
            await files.must_name(tenant, session_id, body.files)
            return now, False
        # A repeat whose first try was recorded gets its handoff, whatever became of it since.
        if foreseen.other_id == handoff_id or await records.find_record(
            tenant, handoff_id, session_id=session_id
        ):
            return now, True
    must_lie_ahead(remind_at, now, name="remind_at")
    if foreseen.verdict is Verdict.ACCEPTED and await _is_lost(parts, caller, session_id, foreseen):
        return now, False
    raise _refusal(foreseen)


async def _is_lost(parts: Services, caller: Actor, session_id: UUID, foreseen: Recorded) -> bool:
    """Whether what was accepted for the session will not be recorded any more: it was already, or
    the engine has lost it. The session is then free."""
    assert foreseen.other_id is not None  # noqa: S101 - the verdict names it
    async with parts.database.account(caller.account_id) as tenant:
        is_recorded = await standing.is_recorded(tenant, foreseen.other_id)
    if not is_recorded and await starting.is_running(parts.temporal, foreseen.other_id):
        return False
    async with parts.database.account(caller.account_id) as tenant:
        await standing.forget(tenant, session_id, foreseen.other_id)
    return True


async def _accept(parts: Services, caller: Actor, new: NewHandoff) -> None:
    """Of two that no worker has recorded yet, the first one is the session's. What the record has
    refused meanwhile is not promised."""
    async with parts.database.account(caller.account_id) as tenant:
        said = await standing.accept(tenant, new.session_id, new.id)
    if said.verdict is not Verdict.RECORDED:
        raise _refusal(said)


def _refusal(recorded: Recorded) -> Refusal:
    match recorded.verdict:
        case Verdict.ALREADY_OPEN | Verdict.ACCEPTED:
            return HandoffAlreadyOpen(
                "Claim, cancel or resolve the one that is there first.",
                handoff_id=recorded.other_id,
            )
        case Verdict.SESSION_CLOSED:
            return WrongState("The session is closed.", session_status="closed")
        case Verdict.FORBIDDEN:
            return Forbidden("Viewers can look, but not act. Ask an admin for another role.")
        case _:
            return NotFound("You hold no such session.")


async def _find(
    parts: Services, caller: Actor, session_id: UUID, handoff_id: UUID
) -> Record | None:
    async with parts.database.account(caller.account_id) as tenant:
        found = await records.find_record(tenant, handoff_id, session_id=session_id)
    return None if found is None else found[0]


async def _must_find(tenant: Tenant, session_id: UUID, handoff_id: UUID) -> Record:
    found = await records.find_record(tenant, handoff_id, session_id=session_id)
    if found is None:
        raise NotFound("There is no such handoff.")
    return found[0]


@router.get("/handoffs", operation_id="listHandoffs", responses={**PAGES, **problems(404)})
async def list_handoffs(
    session_id: UUID, caller: Caller, parts: Parts, page: Page, cursor: UUID | None = None
) -> list[HandoffView]:
    """The session's handoffs, newest first."""
    async with parts.database.account(caller.account_id) as tenant:
        if await sessions.find_session(tenant, session_id) is None:
            raise NotFound("There is no such session.")
        found, more = await records.of_session(tenant, session_id, limit=page.limit, before=cursor)
    if more:
        page.goes_on(found[-1].id)
    return [records.view(record, reader_id=caller.reader_id) for record in found]


@router.get("/handoffs/{handoff_id}", operation_id="getHandoff", responses=problems(404))
async def get_handoff(
    session_id: UUID, handoff_id: UUID, response: Response, caller: Caller, parts: Parts
) -> HandoffView:
    """One handoff, with what happens next. The ETag is its version."""
    async with parts.database.account(caller.account_id) as tenant:
        record = await _must_find(tenant, session_id, handoff_id)
    return shown(response, record, caller)


@router.get(
    "/handoffs/{handoff_id}/events",
    operation_id="listHandoffEvents",
    responses={**PAGES, **problems(404)},
)
async def list_events(
    session_id: UUID,
    handoff_id: UUID,
    caller: Caller,
    parts: Parts,
    page: Page,
    cursor: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
) -> list[Envelope]:
    """The append-only history, oldest first. Notes and context stand in its first event alone."""
    async with parts.database.account(caller.account_id) as tenant:
        await _must_find(tenant, session_id, handoff_id)
        found = await events.of_handoff(
            tenant,
            handoff_id,
            after=cursor,
            limit=page.limit + 1,
            reader_id=caller.reader_id,
        )
    if len(found) > page.limit:
        page.goes_on(found[page.limit - 1].id)
    return found[: page.limit]


@router.get(
    "/handoffs/{handoff_id}/deliveries",
    operation_id="listHandoffDeliveries",
    responses={**PAGES, **problems(404)},
)
async def list_deliveries(
    session_id: UUID,
    handoff_id: UUID,
    caller: Caller,
    parts: Parts,
    page: Page,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> list[DeliveryView]:
    """What happened to every message, attempt by attempt."""
    async with parts.database.account(caller.account_id) as tenant:
        await _must_find(tenant, session_id, handoff_id)
        place = read_cursor(cursor, _place) if cursor else None
        rows = await deliveries.ledger(tenant, handoff_id, limit=page.limit + 1, after=place)
    shown = rows[: page.limit]
    if len(rows) > page.limit:
        last = shown[-1]
        page.goes_on(
            write_cursor(last.event_number, last.name, last.channel, str(last.destination_id))
        )
    return [_delivery(row, with_address=caller.role in LEADING_ROLES) for row in shown]


def _place(number: Any, name: Any, channel: Any, destination_id: Any) -> LedgerPlace:
    return LedgerPlace(int(number) % 2**63, storable(name), storable(channel), UUID(destination_id))


def _delivery(row: Row[Any], *, with_address: bool) -> DeliveryView:
    email = row.email if with_address else None
    return DeliveryView(
        recipient=Recipient(
            id=row.destination_id,
            name=row.name,
            kind="person" if row.endpoint_id is None else "endpoint",
            email=email,
        ),
        event=row.event_type.value,
        **{
            name: getattr(row, name)
            for name in ("channel", "round", "state", "reason", "message_id", "attempts")
        },
    )
