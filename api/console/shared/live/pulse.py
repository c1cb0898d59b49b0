"""The pulse: what every page wants to know when it rings, whichever page it is."""

from fastapi.responses import JSONResponse

from api.console.shared.routing import piece_router
from api.identity.callers import Caller, Parts
from handoff.database import events
from handoff.database.reading import board, called
from handoff.wire import jsonable

pieces = piece_router()


@pieces.get("/pulse")
async def pulse(me: Caller, parts: Parts) -> JSONResponse:
    """Who calls the reader, and how many wait."""
    async with parts.database.account(me.account_id) as tenant:
        _, number = await events.bounds(tenant)
        waiting = await board.waiting(tenant, me.id, team_id=me.team_id)
        calls = await called.calls(tenant, me.id)
    body = {"number": number, "waiting": waiting, "calls": jsonable(calls)}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
