"""SCIM Users: an identity provider makes, changes and deactivates the account's people."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Body, Query, Request

from api.endpoints.idempotency import keep_within, resource_id
from api.identity.callers import Parts
from api.scim.documented import SCIM_ERRORS, USER_EXAMPLE
from api.scim.expressions import read_filter
from api.scim.protocol import Provisioner, Resource, ScimResponse, ScimRoute, listed
from api.scim.reading import patch_steps
from api.scim.shown import Asked, Shown
from api.scim.users import UserDraft, user_resource
from api.services import Services
from handoff.contract.people import Actor
from handoff.contract.words import Command
from handoff.database.directory import scim, users
from handoff.database.directory.scim import Page, ScimUser
from handoff.database.directory.users import KnownUser, WantedUser
from handoff.database.gate import Tenant
from handoff.errors import NotFound

logger = structlog.get_logger(__name__)

router = APIRouter(
    prefix="/scim/v2/Users",
    tags=["scim"],
    route_class=ScimRoute,
    default_response_class=ScimResponse,
    responses=SCIM_ERRORS,
)

Given = Annotated[Resource, Body(media_type="application/scim+json", examples=[USER_EXAMPLE])]
Filter = Annotated[str | None, Query(max_length=1000, examples=['userName eq "bo@acme.test"'])]
Start = Annotated[int, Query(alias="startIndex")]
Count = Annotated[int, Query()]

DecideUser = Callable[[KnownUser | None], WantedUser]

LARGEST_PAGE = 200


def page_of(start: int, count: int) -> Page:
    """What is out of bounds is brought into them, as RFC 7644, 3.4.2.4 wants it."""
    return Page(min(max(start, 1), 2**31), min(max(count, 0), LARGEST_PAGE))


def base_of(parts: Services) -> str:
    """Where resources say they are."""
    return f"{parts.settings.public_url}/scim/v2"


@router.get("", operation_id="scimListUsers")
async def list_users(
    caller: Provisioner,
    parts: Parts,
    shown: Asked,
    filter: Filter = None,
    start: Start = 1,
    count: Count = 100,
) -> Any:
    """The account's users, deactivated ones included; or those that a filter chooses."""
    wanted, page = read_filter(filter), page_of(start, count)
    async with parts.database.account(caller.account_id) as tenant:
        found, total = await scim.page_of_users(tenant, wanted, page)
    resources = [shown.of(user_resource(user, base_of(parts))) for user in found]
    return ScimResponse(listed(resources, total=total, start=page.start))


@router.post("", status_code=201, operation_id="scimCreateUser")
async def create_user(
    body: Given, request: Request, caller: Provisioner, parts: Parts, shown: Asked
) -> Any:
    """A new user; an engineer unless `roles` says otherwise."""
    user_id = resource_id(request)
    wanted = UserDraft().filled(body).wanted()
    answers: list[ScimResponse] = []

    async def keep(tenant: Tenant) -> None:
        answers.append(await _answer_in(tenant, parts, user_id, shown, status=201))
        await keep_within(request, tenant, answers[-1])

    await _change(parts, caller, user_id, lambda _: wanted, keep)
    return answers[-1]


@router.get("/{user_id}", operation_id="scimGetUser")
async def get_user(user_id: UUID, caller: Provisioner, parts: Parts, shown: Asked) -> Any:
    """One user."""
    return await _answer(parts, caller, user_id, shown)


@router.put("/{user_id}", operation_id="scimReplaceUser")
async def replace_user(
    user_id: UUID, body: Given, caller: Provisioner, parts: Parts, shown: Asked
) -> Any:
    """The user as the provider has them. What it does not send stays as it is."""
    await _draw(parts, caller, user_id, lambda draft: draft.filled(body))
    return await _answer(parts, caller, user_id, shown)


@router.patch("/{user_id}", operation_id="scimPatchUser")
async def patch_user(
    user_id: UUID, body: Given, caller: Provisioner, parts: Parts, shown: Asked
) -> Any:
    """Step by step. `active: false` takes every right at once, and gives back what they claimed."""
    steps = list(patch_steps(body))
    await _draw(parts, caller, user_id, lambda draft: draft.patched(steps))
    return await _answer(parts, caller, user_id, shown)


@router.delete("/{user_id}", status_code=204, operation_id="scimDeleteUser", response_model=None)
async def delete_user(user_id: UUID, caller: Provisioner, parts: Parts) -> None:
    """Soft, like any deletion: history keeps the name. To SCIM they do not exist any more."""
    async with parts.database.account(caller.account_id) as tenant:
        await _find(tenant, user_id)
    for changed in await users.delete_user(parts.database, caller, user_id):
        parts.announce(changed, name=Command.RELEASE)
    parts.people_changed(caller.account_id)
    logger.info("scim.user_deleted", user_id=str(user_id), token_id=str(caller.token_id))


async def _find(tenant: Tenant, user_id: UUID) -> ScimUser:
    found = await scim.living_user(tenant, user_id)
    if found is None:
        raise NotFound("There is no such user.")
    return found


async def _draw(
    parts: Services, caller: Actor, user_id: UUID, draw: Callable[[UserDraft], UserDraft]
) -> None:
    """Changes a user who is there, on what they are at that moment."""

    def decide(before: KnownUser | None) -> WantedUser:
        if before is None or before.deleted_at is not None:
            raise NotFound("There is no such user.")
        return draw(UserDraft.of(before)).wanted()

    await _change(parts, caller, user_id, decide)


async def _change(
    parts: Services,
    caller: Actor,
    user_id: UUID,
    decide: DecideUser,
    keep: Callable[[Tenant], Awaitable[None]] | None = None,
) -> None:
    put = await users.change_user(
        parts.database, caller, user_id, decide, binds_to=parts.settings.issuer, keep=keep
    )
    for changed in put.released:
        parts.announce(changed, name=Command.RELEASE)
    parts.people_changed(caller.account_id)
    logger.info("scim.user_put", user_id=str(user_id), token_id=str(caller.token_id))


async def _answer(parts: Services, caller: Actor, user_id: UUID, shown: Shown) -> ScimResponse:
    async with parts.database.account(caller.account_id) as tenant:
        return await _answer_in(tenant, parts, user_id, shown)


async def _answer_in(
    tenant: Tenant, parts: Services, user_id: UUID, shown: Shown, *, status: int = 200
) -> ScimResponse:
    resource = user_resource(await _find(tenant, user_id), base_of(parts))
    location = {"Location": resource["meta"]["location"]}
    return ScimResponse(shown.of(resource), status, location)
