"""AI sessions: make one, list them, look at one, give one to somebody."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row

from api.endpoints.answers import conflicts, problems, whole
from api.endpoints.idempotency import IdempotentRoute, keep_within, resource_id
from api.endpoints.paging import PAGES, link_to_next
from api.identity.callers import Caller, LeadingCaller, Parts, WorkingCaller
from api.schemas.sessions import Given, NewSession, SessionView
from handoff.contract.people import Person
from handoff.database import people, sessions
from handoff.database.gate import Tenant
from handoff.errors import Invalid, NotFound, WrongState
from handoff.rules.commands.requirements import must_work
from handoff.rules.directory import must_lead
from handoff.rules.roles import WORKING_ROLES

router = APIRouter(prefix="/ai-sessions", tags=["sessions"], route_class=IdempotentRoute)


def _view(row: Row[Any]) -> SessionView:
    fields = {name: getattr(row, name) for name in SessionView.model_fields if name != "holder"}
    return SessionView(**fields, holder=Person(row.holder_id, row.holder_name))


@router.post(
    "",
    status_code=201,
    operation_id="createSession",
    response_model=SessionView,
    responses={**problems(403, 409, 413)},
)
async def create_session(
    body: NewSession, request: Request, caller: WorkingCaller, parts: Parts
) -> Response:
    """Makes a session that the caller holds."""
    async with parts.database.account(caller.account_id) as tenant:
        made = resource_id(request)
        if body.team_id is not None and await sessions.team_name(tenant, body.team_id) is None:
            fault = {"path": "body/team_id", "message": "no such team", "type": "unknown_team"}
            raise Invalid("Mend body/team_id and send it again.", errors=[fault])
        await _must_follow_one(tenant, body.follows_id)
        must_work(await people.act_as(tenant, caller))
        row = await sessions.create(
            tenant,
            session_id=made,
            holder_id=caller.id,
            title=body.title,
            context=body.context,
            team_id=body.team_id,
            follows_id=body.follows_id,
        )
        answer = whole(_view(row), status=201, headers={"Location": f"/ai-sessions/{made}"})
        await keep_within(request, tenant, answer)
    return answer


async def _must_follow_one(tenant: Tenant, session_id: UUID | None) -> None:
    if session_id is not None and await sessions.find_session(tenant, session_id) is None:
        fault = {"path": "body/follows_id", "message": "no such session", "type": "unknown_session"}
        raise Invalid("Mend body/follows_id and send it again.", errors=[fault])


@router.get("", operation_id="listSessions", responses={**PAGES, **problems()})
async def list_sessions(
    request: Request,
    response: Response,
    caller: Caller,
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
) -> list[SessionView]:
    """The account's sessions, newest first."""
    async with parts.database.account(caller.account_id) as tenant:
        rows, more = await sessions.newest_sessions(tenant, limit=limit, before=cursor)
    if more:
        link_to_next(request, response, str(rows[-1].id))
    return [_view(row) for row in rows]


@router.get("/{session_id}", operation_id="getSession", responses=problems(404))
async def get_session(session_id: UUID, caller: Caller, parts: Parts) -> SessionView:
    """One session of the account."""
    async with parts.database.account(caller.account_id) as tenant:
        row = await sessions.find_session(tenant, session_id)
    if row is None:
        raise NotFound("There is no such session.")
    return _view(row)


@router.put(
    "/{session_id}/holder",
    operation_id="giveSession",
    responses={**problems(403, 404), **conflicts(WrongState)},
)
async def give_session(
    session_id: UUID, body: Given, caller: LeadingCaller, parts: Parts
) -> SessionView:
    """Gives a session whose holder is gone to somebody, the caller included, to work on it or to
    hand it off."""
    async with parts.database.account(caller.account_id) as tenant:
        actor, named = await people.act_towards(tenant, caller, body.to)
        must_lead(actor)
        if (row := await sessions.find_session(tenant, session_id)) is None:
            raise NotFound("There is no such session.")
        if named is None or named.role not in WORKING_ROLES:
            fault = {"path": "body/to", "message": "no such user", "type": "unknown_user"}
            raise Invalid("`to` must be an active engineer, admin or owner.", errors=[fault])
        if row.holder_id != named.id and not await sessions.give(tenant, session_id, named.id):
            raise WrongState(
                f"{row.holder_name} has it, or it has been handed off.", session_status=row.status
            )
        given = await sessions.find_session(tenant, session_id)
    assert given is not None  # noqa: S101 - found a moment ago, and sessions stay
    return _view(given)
