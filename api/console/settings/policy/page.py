"""Whom the account tells, by which ways, for how long. The module beside it fills the form in."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import LeadingCaller, Parts
from handoff.database.reading import offers

router = page_router()


@router.get("/settings/policy")
async def policy_page(request: Request, me: LeadingCaller, parts: Parts) -> Response:
    """The account's policy, with whom it can name."""
    async with parts.database.account(me.account_id) as tenant:
        people, teams = await offers.colleagues(tenant), await offers.team_names(tenant)
    return await framed(request, "settings/policy/page.html", me, parts, people=people, teams=teams)
