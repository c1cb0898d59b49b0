"""Which chats the account has connected, and which team is told where. The module saves it."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import LeadingCaller, Parts
from api.schemas.integrations import IntegrationView
from handoff.database import integrations
from handoff.database.integrations import Integration
from handoff.database.reading import offers
from handoff.keys import keyring_of
from handoff.rules.channels import SLACK, TEAMS

router = page_router()


@router.get("/settings/chat")
async def chat_page(request: Request, me: LeadingCaller, parts: Parts) -> Response:
    """What is connected, without its secrets."""
    keyring = keyring_of(parts.settings)
    async with parts.database.account(me.account_id) as tenant:
        teams = await offers.team_names(tenant)
        slack = await integrations.find(tenant, SLACK.name, keyring)
        microsoft = await integrations.find(tenant, TEAMS.name, keyring)
    return await framed(
        request,
        "settings/chat/page.html",
        me,
        parts,
        teams=teams,
        slack=_channels(slack),
        microsoft=_channels(microsoft),
        actions=f"{parts.settings.public_url}/integrations/slack/actions",
    )


def _channels(connected: Integration | None) -> dict[str, str] | None:
    """As the API shows them."""
    return None if connected is None else IntegrationView.of(connected).channels
