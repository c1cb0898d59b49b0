"""The chats that an account has connected."""

from contextlib import suppress

import structlog
from fastapi import APIRouter

from api.endpoints.answers import problems
from api.endpoints.idempotency import IdempotentRoute
from api.identity.callers import LeadingCaller, Parts
from api.schemas.integrations import (
    IntegrationView,
    SlackBody,
    TeamsBody,
    no_such_team,
    team_of,
)
from api.services import Services
from handoff.contract.people import Actor
from handoff.database import integrations, people, sessions
from handoff.database.gate import Tenant
from handoff.database.integrations import Integration, Place
from handoff.errors import Invalid, NotFound
from handoff.keys import keyring_of
from handoff.rules.channels import SLACK, TEAMS, Channel
from handoff.rules.directory import must_lead
from handoff.sealing import Unsealable

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/integrations", tags=["integrations"], route_class=IdempotentRoute)

REFUSALS = problems(403, 404)


@router.get("/slack", operation_id="getSlack", responses=REFUSALS)
async def get_slack(caller: LeadingCaller, parts: Parts) -> IntegrationView:
    """How Slack is connected."""
    async with parts.database.account(caller.account_id) as tenant:
        return IntegrationView.of(await _connected(tenant, SLACK, parts))


@router.put("/slack", operation_id="putSlack", responses=problems(403))
async def put_slack(body: SlackBody, caller: LeadingCaller, parts: Parts) -> IntegrationView:
    """Connects Slack, or changes how. Handoffs to come are shown there."""
    async with parts.database.account(caller.account_id) as tenant:
        must_lead(await people.act_as(tenant, caller))
        known = await _known_secrets(tenant, SLACK, parts)
        given = {"bot_token": body.bot_token, "signing_secret": body.signing_secret}
        secrets = {
            name: secret.get_secret_value() if secret else known.get(name, "")
            for name, secret in given.items()
        }
        _must_be_given(secrets)
        view = IntegrationView.of(
            await _connect(tenant, SLACK, parts, secrets=secrets, channels=body.channels)
        )
    _log("connected", SLACK, caller)
    return view


@router.delete("/slack", status_code=204, operation_id="deleteSlack", responses=REFUSALS)
async def delete_slack(caller: LeadingCaller, parts: Parts) -> None:
    """Nothing leaves by Slack any more, and its secrets are forgotten."""
    await _disconnect(SLACK, caller, parts)


@router.get("/teams", operation_id="getMicrosoftTeams", responses=REFUSALS)
async def get_teams(caller: LeadingCaller, parts: Parts) -> IntegrationView:
    """How Microsoft Teams is connected: of each address, what is no secret."""
    async with parts.database.account(caller.account_id) as tenant:
        connected = await _connected(tenant, TEAMS, parts)
    return IntegrationView.of(connected)


@router.put("/teams", operation_id="putMicrosoftTeams", responses=problems(403))
async def put_teams(body: TeamsBody, caller: LeadingCaller, parts: Parts) -> IntegrationView:
    """Connects Microsoft Teams, or changes how. Handoffs to come are shown there."""
    async with parts.database.account(caller.account_id) as tenant:
        must_lead(await people.act_as(tenant, caller))
        known = await integrations.find(tenant, TEAMS.name, keyring_of(parts.settings))
        kept = {one.shown: one.address for one in known.places} if known else {}
        channels = {key: kept.get(address, address) for key, address in body.channels.items()}
        view = IntegrationView.of(
            await _connect(tenant, TEAMS, parts, secrets={}, channels=channels)
        )
    _log("connected", TEAMS, caller)
    return view


@router.delete("/teams", status_code=204, operation_id="deleteMicrosoftTeams", responses=REFUSALS)
async def delete_teams(caller: LeadingCaller, parts: Parts) -> None:
    """Nothing leaves by Microsoft Teams any more, and its addresses are forgotten."""
    await _disconnect(TEAMS, caller, parts)


async def _connected(tenant: Tenant, channel: Channel, parts: Services) -> Integration:
    found = await integrations.find(tenant, channel.name, keyring_of(parts.settings))
    if found is None:
        raise NotFound(f"{channel.label} is not connected.")
    return found


async def _connect(
    tenant: Tenant,
    channel: Channel,
    parts: Services,
    *,
    secrets: dict[str, str],
    channels: dict[str, str],
) -> Integration:
    """`channels`: addresses by `account` or a team's id."""
    places = [
        Place(address, f"{channel.label} {await _name_of(tenant, key)}", team_of(key))
        for key, address in channels.items()
    ]
    keyring = keyring_of(parts.settings)
    await integrations.connect(
        tenant, channel.name, secrets=secrets, places=places, keyring=keyring
    )
    return await _connected(tenant, channel, parts)


async def _name_of(tenant: Tenant, key: str) -> str:
    team_id = team_of(key)
    if team_id is None:
        return "for everybody"
    name = await sessions.team_name(tenant, team_id)
    if name is None:
        raise no_such_team(key)
    return f"of {name}"


async def _disconnect(channel: Channel, caller: Actor, parts: Services) -> None:
    async with parts.database.account(caller.account_id) as tenant:
        must_lead(await people.act_as(tenant, caller))
        if not await integrations.disconnect(tenant, channel.name):
            raise NotFound(f"{channel.label} is not connected.")
    _log("disconnected", channel, caller)


async def _known_secrets(tenant: Tenant, channel: Channel, parts: Services) -> dict[str, str]:
    """Those whose key is gone have to be given anew."""
    with suppress(Unsealable):
        return await integrations.secrets_of(tenant, channel.name, keyring_of(parts.settings)) or {}
    return {}


def _must_be_given(secrets: dict[str, str]) -> None:
    faults = [
        {"path": f"body/{name}", "message": "is needed to connect it", "type": "missing"}
        for name, secret in secrets.items()
        if not secret
    ]
    if faults:
        raise Invalid("A secret is missing.", errors=faults)


def _log(verb: str, channel: Channel, caller: Actor) -> None:
    logger.info(
        f"{channel.name}.{verb}", account_id=str(caller.account_id), actor_id=str(caller.id)
    )
