"""SCIM Groups: an identity provider keeps the account's teams, and who is in them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Body, Request

from api.endpoints.idempotency import keep_within, resource_id
from api.identity.callers import Parts
from api.scim.documented import GROUP_EXAMPLE, SCIM_ERRORS
from api.scim.expressions import read_filter
from api.scim.groups import GroupDraft, group_resource
from api.scim.protocol import Provisioner, Resource, ScimResponse, ScimRoute, listed
from api.scim.reading import patch_steps
from api.scim.shown import Asked, Shown
from api.scim.user_routes import Count, Filter, Start, base_of, page_of
from api.services import Services
from handoff.contract.people import Actor
from handoff.database.directory import scim, teams
from handoff.database.directory.scim import ScimTeam, WantedTeam
from handoff.database.gate import Tenant
from handoff.errors import NotFound

logger = structlog.get_logger(__name__)

router = APIRouter(
    prefix="/scim/v2/Groups",
    tags=["scim"],
    route_class=ScimRoute,
    default_response_class=ScimResponse,
    responses=SCIM_ERRORS,
)

Given = Annotated[Resource, Body(media_type="application/scim+json", examples=[GROUP_EXAMPLE])]


@router.get("", operation_id="scimListGroups")
async def list_groups(
    caller: Provisioner,
    parts: Parts,
    shown: Asked,
    filter: Filter = None,
    start: Start = 1,
    count: Count = 100,
) -> Any:
    """The account's teams, or those that a filter chooses."""
    wanted, page = read_filter(filter), page_of(start, count)
    async with parts.database.account(caller.account_id) as tenant:
        found, total = await scim.page_of_teams(tenant, wanted, page)
    resources = [shown.of(group_resource(team, base_of(parts))) for team in found]
    return ScimResponse(listed(resources, total=total, start=page.start))


@router.post("", status_code=201, operation_id="scimCreateGroup")
async def create_group(
    body: Given, request: Request, caller: Provisioner, parts: Parts, shown: Asked
) -> Any:
    """A new team, and who is in it. Who is in one team is in no other."""
    wanted = GroupDraft().filled(body).wanted()

    async def keep(tenant: Tenant, team: ScimTeam) -> None:
        await keep_within(request, tenant, _answer(parts, team, shown, status=201))

    team = await _put(parts, caller, resource_id(request), lambda _: wanted, keep)
    return _answer(parts, team, shown, status=201)


@router.get("/{group_id}", operation_id="scimGetGroup")
async def get_group(group_id: UUID, caller: Provisioner, parts: Parts, shown: Asked) -> Any:
    """One team, with its people."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await scim.living_team(tenant, group_id)
    return ScimResponse(shown.of(group_resource(_there(found), base_of(parts))))


@router.put("/{group_id}", operation_id="scimReplaceGroup")
async def replace_group(
    group_id: UUID, body: Given, caller: Provisioner, parts: Parts, shown: Asked
) -> Any:
    """The team as the provider has it. What it does not send stays as it is."""
    team = await _put(
        parts, caller, group_id, lambda known: GroupDraft.of(_there(known)).filled(body).wanted()
    )
    return _answer(parts, team, shown)


@router.patch("/{group_id}", operation_id="scimPatchGroup")
async def patch_group(
    group_id: UUID, body: Given, caller: Provisioner, parts: Parts, shown: Asked
) -> Any:
    """Step by step: members come and go, the name changes."""
    steps = list(patch_steps(body))
    team = await _put(
        parts, caller, group_id, lambda known: GroupDraft.of(_there(known)).patched(steps).wanted()
    )
    return _answer(parts, team, shown)


@router.delete("/{group_id}", status_code=204, operation_id="scimDeleteGroup", response_model=None)
async def delete_group(group_id: UUID, caller: Provisioner, parts: Parts) -> None:
    """Its people and sessions are of no team afterwards."""
    async with parts.database.account(caller.account_id) as tenant:
        _there(await scim.living_team(tenant, group_id))
    await teams.delete_team(parts.database, caller, group_id)
    logger.info("scim.team_deleted", team_id=str(group_id), token_id=str(caller.token_id))


def _there(team: ScimTeam | None) -> ScimTeam:
    if team is None:
        raise NotFound("There is no such group.")
    return team


async def _put(
    parts: Services,
    caller: Actor,
    team_id: UUID,
    decide: Callable[[ScimTeam | None], WantedTeam],
    keep: Callable[[Tenant, ScimTeam], Awaitable[None]] | None = None,
) -> ScimTeam:
    team = await scim.put_with_members(parts.database, caller, team_id, decide, keep=keep)
    logger.info("scim.team_put", team_id=str(team_id), token_id=str(caller.token_id))
    return team


def _answer(parts: Services, team: ScimTeam, shown: Shown, *, status: int = 200) -> ScimResponse:
    resource = group_resource(team, base_of(parts))
    location = {"Location": resource["meta"]["location"]}
    return ScimResponse(shown.of(resource), status, location)
