"""AI sessions: make one, list them, look at one."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row

from api.endpoints.answers import problems
from api.endpoints.idempotency import IdempotentRoute, reserved_id, resource_id
from api.endpoints.paging import PAGES, link_to_next
from api.identity.callers import Caller, Parts, WorkingCaller
from api.schemas.sessions import NewSession, SessionView
from handoff.contract.people import Person
from handoff.database import sessions
from handoff.errors import Invalid, NotFound

router = APIRouter(prefix="/ai-sessions", tags=["sessions"], route_class=IdempotentRoute)


def _view(row: Row[Any]) -> SessionView:
    fields = {name: getattr(row, name) for name in SessionView.model_fields if name != "holder"}
    return SessionView(**fields, holder=Person(row.holder_id, row.holder_name))


@router.post(
    "",
    status_code=201,
    operation_id="createSession",
    responses={**problems(403, 409, 413)},
)
async def create_session(
    body: NewSession, request: Request, response: Response, caller: WorkingCaller, parts: Parts
) -> SessionView:
    """Makes a session that the caller holds."""
    async with parts.database.account(caller.account_id) as tenant:
        made = resource_id(request)
        response.headers["Location"] = f"/ai-sessions/{made}"
        if reserved_id(request) and (known := await sessions.find_session(tenant, made)):
            # A repeat: what it asked for was done, whatever became of its team since.
            return _view(known)
        if body.team_id is not None and not await sessions.has_team(tenant, body.team_id):
            fault = {"path": "body/team_id", "message": "no such team", "type": "unknown_team"}
            raise Invalid("Mend body/team_id and send it again.", errors=[fault])
        row = await sessions.create(
            tenant,
            session_id=made,
            holder_id=caller.id,
            title=body.title,
            context=body.context,
            team_id=body.team_id,
        )
    return _view(row)


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
