"""The claim link of a mail: GET and HEAD only show, POST claims, and only for the link's person."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from api.console.claim.page import claim_page
from api.console.shared.routing import PageRoute
from api.endpoints.answers import answered, conflicts, problems
from api.endpoints.idempotency import idempotent, keep_within
from api.identity import browser_session
from api.identity.callers import Parts, bearer_token, identify
from api.services import Services
from handoff import claim_links
from handoff.claim_links import ClaimLink
from handoff.contract.people import Actor
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import FINAL, Command
from handoff.database import people
from handoff.database.gate import Tenant
from handoff.database.handoffs import transitions
from handoff.database.handoffs.transitions import Changed
from handoff.database.records import find_record
from handoff.errors import (
    AlreadyClaimed,
    Forbidden,
    HandoffClosed,
    LinkDead,
    NotFound,
    OwnEscalation,
)
from handoff.rules.commands import claim
from handoff.wire import jsonable


class _Route(PageRoute):
    """A page for people; a problem document for whoever asks for JSON."""

    def get_route_handler(self) -> Any:
        """Programs are spared the pages."""
        for_people = super().get_route_handler()
        for_programs = idempotent(super(PageRoute, self).get_route_handler())

        async def handle(request: Request) -> Response:
            answer: Response = await (for_people if _is_person(request) else for_programs)(request)
            return answer

        return handle


router = APIRouter(prefix="/c", tags=["claim links"], route_class=_Route)

Token = Annotated[str, Path(max_length=1024)]
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def _is_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


@router.get("/{token}", operation_id="showClaimLink", responses=problems(404, 410, 429))
@router.head("/{token}", include_in_schema=False)
async def show_link(token: Token, request: Request, parts: Parts) -> Response:
    """What the link is about. Changes nothing, whoever opens it and however often."""
    link = claim_links.read_link(token, parts.settings)
    await parts.limits.link(link.user_id or link.handoff_id)
    record = await _find(parts, link)
    me = await _reader(request, parts)
    # Whoever comes too late reads what became of it.
    if _is_person(request):
        is_theirs = me is not None and _is_for(link, me)
        return claim_page(request, record, token=token, is_theirs=is_theirs, me=me, headers=HEADERS)
    if record.status in FINAL:
        raise LinkDead(f"This handoff is {record.status.value}.")
    return JSONResponse(_outline(record), headers=HEADERS)


@router.post(
    "/{token}",
    operation_id="claimByLink",
    openapi_extra={"security": [{"HTTPBearer": []}]},
    response_model=HandoffView,
    responses={
        **problems(403, 404, 410),
        **conflicts(AlreadyClaimed, HandoffClosed, OwnEscalation),
    },
)
async def claim_by_link(token: Token, request: Request, parts: Parts) -> Any:
    """Claims, for the person to whom the mail went, once they are signed in."""
    link = claim_links.read_link(token, parts.settings)
    caller = await identify(request, parts, bearer_token(request))
    if caller.account_id != link.account_id:
        raise NotFound("This link is not valid, or not any more.")
    if not _is_for(link, caller):
        raise Forbidden("This link was made for somebody else. Claim it from the queue.")

    async def keep(tenant: Tenant, changed: Changed) -> None:
        await keep_within(request, tenant, answered(changed.record, caller))

    try:
        changed = await transitions.command(
            parts.database,
            caller,
            link.handoff_id,
            claim,
            session_id=link.session_id,
            keep=keep,
        )
    except (AlreadyClaimed, HandoffClosed):
        if _is_person(request):
            return _to_handoff(link)
        raise
    parts.announce(changed, name=Command.CLAIM)
    if _is_person(request):
        return _to_handoff(link)
    return answered(changed.record, caller)


def _is_for(link: ClaimLink, who: Actor) -> bool:
    return who.account_id == link.account_id and link.user_id in (None, who.id)


def _to_handoff(link: ClaimLink) -> Response:
    """Its page tells who has it, and what became of it."""
    return RedirectResponse(f"/handoffs/{link.handoff_id}", 303, HEADERS)


async def _find(parts: Services, link: ClaimLink) -> Record:
    """What the link is about, for as long as whoever it was made for is there."""
    async with parts.database.account(link.account_id) as tenant:
        found = await find_record(tenant, link.handoff_id, session_id=link.session_id)
        gone = link.user_id and await people.find_living(tenant, link.user_id) is None
    if found is None or gone:
        raise NotFound("This link is not valid, or not any more.")
    return found[0]


async def _reader(request: Request, parts: Services) -> Actor | None:
    if browser_session.read(request, parts.settings) is None:
        return None
    return await identify(request, parts, None)


def _outline(record: Record) -> dict[str, Any]:
    """What the mail said anyway: no notes, no context."""
    outline: dict[str, Any] = jsonable(
        {
            "handoff_id": record.id,
            "session_title": record.session_title,
            "priority": record.priority,
            "status": record.status,
            "escalator": record.escalator,
            "claimed_by": record.claimed_by,
        }
    )
    return outline
