"""SCIM Groups: an identity provider keeps the account's teams, and who is in them."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Body, Query, Request

from api.endpoints.idempotency import resource_id
from api.identity.callers import Parts
from api.scim.documented import GROUP_EXAMPLE, SCIM_ERRORS
from api.scim.groups import GroupDraft, group_resource
from api.scim.protocol import Provisioner, Resource, ScimResponse, ScimRoute, listed
from api.scim.reading import patch_steps, read_filter
from api.scim.user_routes import Count, Filter, Start, base_of, page_of
from api.services import Services
from handoff.contract.people import Actor
from handoff.database.directory import scim, teams
from handoff.database.directory.scim import ScimTeam, WantedTeam
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
Excluded = Annotated[str, Query(alias="excludedAttributes", max_length=1000)]


@router.get("", operation_id="scimListGroups")
async def list_groups(
    caller: Provisioner,
    parts: Parts,
    filter: Filter = None,
    start: Start = 1,
    count: Count = 100,
    excluded: Excluded = "",
) -> Any:
    """The account's teams; or the one that a filter names."""
    wanted, page = read_filter(filter, ("displayname", "externalid")), page_of(start, count)
    async with parts.database.account(caller.account_id) as tenant:
        found, total = await scim.page_of_teams(tenant, wanted, page)
    base, members = base_of(parts), _with_members(excluded)
    resources = [group_resource(team, base, with_members=members) for team in found]
    return ScimResponse(listed(resources, total=total, start=page.start))


@router.post("", status_code=201, operation_id="scimCreateGroup")
async def create_group(body: Given, request: Request, caller: Provisioner, parts: Parts) -> Any:
    """A new team, and who is in it. Who is in one team is in no other."""
    wanted = GroupDraft().filled(body).wanted()
    team = await _put(parts, caller, resource_id(request), lambda _: wanted)
    return _answer(parts, team, status=201)


@router.get("/{group_id}", operation_id="scimGetGroup")
async def get_group(
    group_id: UUID, caller: Provisioner, parts: Parts, excluded: Excluded = ""
) -> Any:
    """One team, with its people."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await scim.living_team(tenant, group_id)
    team = _there(found)
    return ScimResponse(group_resource(team, base_of(parts), with_members=_with_members(excluded)))


@router.put("/{group_id}", operation_id="scimReplaceGroup")
async def replace_group(group_id: UUID, body: Given, caller: Provisioner, parts: Parts) -> Any:
    """The team as the provider has it. What it does not send stays as it is."""
    team = await _put(
        parts, caller, group_id, lambda known: GroupDraft.of(_there(known)).filled(body).wanted()
    )
    return _answer(parts, team)


@router.patch("/{group_id}", operation_id="scimPatchGroup")
async def patch_group(group_id: UUID, body: Given, caller: Provisioner, parts: Parts) -> Any:
    """Step by step: members come and go, the name changes."""
    steps = list(patch_steps(body))
    team = await _put(
        parts, caller, group_id, lambda known: GroupDraft.of(_there(known)).patched(steps).wanted()
    )
    return _answer(parts, team)


@router.delete("/{group_id}", status_code=204, operation_id="scimDeleteGroup", response_model=None)
async def delete_group(group_id: UUID, caller: Provisioner, parts: Parts) -> None:
    """Its people and sessions are of no team afterwards."""
    async with parts.database.account(caller.account_id) as tenant:
        _there(await scim.living_team(tenant, group_id))
    await teams.delete_team(parts.database, caller, group_id)
    logger.info("scim.team_deleted", team_id=str(group_id), token_id=str(caller.token_id))


def _with_members(excluded: str) -> bool:
    return "members" not in {name.strip().lower() for name in excluded.split(",")}


def _there(team: ScimTeam | None) -> ScimTeam:
    if team is None:
        raise NotFound("There is no such group.")
    return team


async def _put(
    parts: Services,
    caller: Actor,
    team_id: UUID,
    decide: Callable[[ScimTeam | None], WantedTeam],
) -> ScimTeam:
    team = await scim.put_with_members(parts.database, caller, team_id, decide)
    logger.info("scim.team_put", team_id=str(team_id), token_id=str(caller.token_id))
    return team


def _answer(parts: Services, team: ScimTeam, *, status: int = 200) -> ScimResponse:
    resource = group_resource(team, base_of(parts))
    return ScimResponse(resource, status, {"Location": resource["meta"]["location"]})
