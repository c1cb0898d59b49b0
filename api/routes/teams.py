"""The account's directory: its teams, kept by admins and owners."""

from uuid import UUID

import structlog
from fastapi import APIRouter, Response

from api.endpoints.answers import problems
from api.endpoints.paging import Listing
from api.identity.callers import LeadingCaller, Parts
from api.schemas.directory import TeamBody
from handoff.database.directory import teams
from handoff.database.directory.teams import DirectoryTeam
from handoff.errors import NotFound

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/directory", tags=["directory"])

REFUSALS = problems(403, 404)


@router.get("/teams", operation_id="listTeams", responses=problems(403))
async def list_teams(caller: LeadingCaller, parts: Parts, listing: Listing) -> list[DirectoryTeam]:
    """The account's teams, by id."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await teams.teams(tenant, **listing.wanted)
    return listing.shown(found)


@router.get("/teams/{team_id}", operation_id="getTeam", responses=REFUSALS)
async def get_team(team_id: UUID, caller: LeadingCaller, parts: Parts) -> DirectoryTeam:
    """One team of the account, deleted ones included."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await teams.find_team(tenant, team_id)
    if found is None:
        raise NotFound("There is no such team.")
    return found


@router.put(
    "/teams/{team_id}",
    operation_id="putTeam",
    responses={201: {"model": DirectoryTeam, "description": "A new team"}, **REFUSALS},
)
async def put_team(
    team_id: UUID, body: TeamBody, response: Response, caller: LeadingCaller, parts: Parts
) -> DirectoryTeam:
    """Makes, renames or brings back a team."""
    team, created = await teams.put_team(parts.database, caller, team_id, name=body.name)
    logger.info("team.put", team_id=str(team_id), actor_id=str(caller.id), created=created)
    response.status_code = 201 if created else 200
    return team


@router.delete("/teams/{team_id}", status_code=204, operation_id="deleteTeam", responses=REFUSALS)
async def delete_team(team_id: UUID, caller: LeadingCaller, parts: Parts) -> None:
    """Soft. Its people and sessions are of no team afterwards."""
    await teams.delete_team(parts.database, caller, team_id)
    logger.info("team.deleted", team_id=str(team_id), actor_id=str(caller.id))
