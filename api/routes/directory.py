"""The account's directory: its users and teams, kept by admins and owners."""

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, Response

from api.endpoints.answers import conflicts, problems
from api.identity.callers import LeadingCaller, Parts
from api.schemas.directory import TeamBody, UserBody
from api.schemas.texts import Text
from handoff.contract.words import Command
from handoff.database.directory import teams, users
from handoff.database.directory.teams import DirectoryTeam
from handoff.database.directory.users import DirectoryUser
from handoff.errors import AddressTaken, LastOwner, NotFound

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/directory", tags=["directory"])

REFUSALS = problems(403, 404)

Search = Annotated[Text | None, Query(alias="q", max_length=200, description="Part of a name")]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/users", operation_id="listUsers", responses=problems(403))
async def list_users(
    request: Request,
    response: Response,
    caller: LeadingCaller,
    parts: Parts,
    search: Search = None,
    include_deleted: bool = False,
    limit: Limit = 50,
    cursor: UUID | None = None,
) -> list[DirectoryUser]:
    """The account's users, by id. `q` finds parts of names and addresses."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await users.users(
            tenant, search=search, include_deleted=include_deleted, after=cursor, limit=limit
        )
    _link(request, response, [user.id for user in found], limit)
    return found


@router.get("/users/{user_id}", operation_id="getUser", responses=REFUSALS)
async def get_user(user_id: UUID, caller: LeadingCaller, parts: Parts) -> DirectoryUser:
    """One user of the account, deleted ones included."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await users.find_user(tenant, user_id)
    if found is None:
        raise NotFound("There is no such user.")
    return found


@router.put(
    "/users/{user_id}",
    operation_id="putUser",
    responses={
        201: {"model": DirectoryUser, "description": "A new user"},
        **REFUSALS,
        **conflicts(LastOwner, AddressTaken),
    },
)
async def put_user(
    user_id: UUID, body: UserBody, response: Response, caller: LeadingCaller, parts: Parts
) -> DirectoryUser:
    """Makes, changes or brings back a user. What they can no longer hold returns to the queue."""
    put = await users.put_user(parts.database, caller, user_id, body.to_wanted())
    for changed in put.released:
        parts.announce(changed, command=Command.RELEASE)
    parts.people_changed(caller.account_id)
    logger.info("user.put", user_id=str(user_id), actor_id=str(caller.id), created=put.created)
    response.status_code = 201 if put.created else 200
    return put.user


@router.delete(
    "/users/{user_id}",
    status_code=204,
    operation_id="deleteUser",
    responses={**REFUSALS, **conflicts(LastOwner)},
)
async def delete_user(user_id: UUID, caller: LeadingCaller, parts: Parts) -> None:
    """Soft: history keeps the name. What they have claimed returns to the queue."""
    for changed in await users.delete_user(parts.database, caller, user_id):
        parts.announce(changed, command=Command.RELEASE)
    parts.people_changed(caller.account_id)
    logger.info("user.deleted", user_id=str(user_id), actor_id=str(caller.id))


@router.get("/teams", operation_id="listTeams", responses=problems(403))
async def list_teams(
    request: Request,
    response: Response,
    caller: LeadingCaller,
    parts: Parts,
    search: Search = None,
    include_deleted: bool = False,
    limit: Limit = 50,
    cursor: UUID | None = None,
) -> list[DirectoryTeam]:
    """The account's teams, by id."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await teams.teams(
            tenant, search=search, include_deleted=include_deleted, after=cursor, limit=limit
        )
    _link(request, response, [team.id for team in found], limit)
    return found


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


def _link(request: Request, response: Response, ids: list[UUID], limit: int) -> None:
    if len(ids) == limit:
        link = request.url.include_query_params(cursor=str(ids[-1]))
        response.headers["Link"] = f'<{link.path}?{link.query}>; rel="next"'
