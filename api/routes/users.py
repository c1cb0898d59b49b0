"""The account's directory: its users, kept by admins and owners."""

from uuid import UUID

import structlog
from fastapi import APIRouter, Response

from api.endpoints.answers import conflicts, problems
from api.endpoints.paging import Listing
from api.identity.callers import LeadingCaller, Parts
from api.schemas.directory import UserBody
from handoff.contract.words import Command
from handoff.database.directory import users
from handoff.database.directory.users import DirectoryUser
from handoff.errors import AddressTaken, LastOwner, NotFound

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/directory", tags=["directory"])

REFUSALS = problems(403, 404)


@router.get(
    "/users",
    operation_id="listUsers",
    responses=problems(403),
    response_model_exclude_defaults=True,
)
async def list_users(caller: LeadingCaller, parts: Parts, listing: Listing) -> list[DirectoryUser]:
    """The account's users, by id. `q` finds parts of names and addresses."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await users.users(tenant, **listing.wanted)
    return listing.shown(found)


@router.get(
    "/users/{user_id}",
    operation_id="getUser",
    responses=REFUSALS,
    response_model_exclude_defaults=True,
)
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
    response_model_exclude_defaults=True,
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
        parts.announce(changed, name=Command.RELEASE)
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
        parts.announce(changed, name=Command.RELEASE)
    parts.people_changed(caller.account_id)
    logger.info("user.deleted", user_id=str(user_id), actor_id=str(caller.id))
