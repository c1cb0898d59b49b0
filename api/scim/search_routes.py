"""SCIM's searches by POST (RFC 7644, 3.4.3): the same lists, asked for in a body, and one of users
and groups together. An address in a query stands in logs; in a body it does not.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body

from api.identity.callers import Parts
from api.scim.documented import SCIM_ERRORS, SEARCH_EXAMPLE
from api.scim.expressions import read_filter
from api.scim.groups import group_resource
from api.scim.protocol import Provisioner, Resource, ScimResponse, ScimRoute, listed
from api.scim.reading import lowered, text
from api.scim.shown import Shown, asked
from api.scim.user_routes import LARGEST_PAGE, base_of, page_of
from api.scim.users import user_resource
from handoff.database.directory import scim
from handoff.database.directory.scim import Page
from handoff.database.directory.scim_filters import Condition
from handoff.database.gate import Tenant
from handoff.errors import ScimInvalid

router = APIRouter(
    prefix="/scim/v2",
    tags=["scim"],
    route_class=ScimRoute,
    default_response_class=ScimResponse,
    responses=SCIM_ERRORS,
)

Given = Annotated[Resource, Body(media_type="application/scim+json", examples=[SEARCH_EXAMPLE])]

LONGEST = 1000
"""Characters of a filter, as in a query."""

Finder = Callable[[Tenant, Condition | None, Page, str], Awaitable[tuple[list[Resource], int]]]


async def _users(
    tenant: Tenant, wanted: Condition | None, page: Page, base: str
) -> tuple[list[Resource], int]:
    found, total = await scim.page_of_users(tenant, wanted, page)
    return [user_resource(user, base) for user in found], total


async def _groups(
    tenant: Tenant, wanted: Condition | None, page: Page, base: str
) -> tuple[list[Resource], int]:
    found, total = await scim.page_of_teams(tenant, wanted, page)
    return [group_resource(team, base) for team in found], total


@router.post("/.search", operation_id="scimSearch")
async def search(body: Given, caller: Provisioner, parts: Parts) -> Any:
    """Users, then groups. What one of them does not have, none of that kind is found by."""
    async with parts.database.account(caller.account_id) as tenant:
        return await _search(tenant, body, base_of(parts), _users, _groups)


@router.post("/Users/.search", operation_id="scimSearchUsers")
async def search_users(body: Given, caller: Provisioner, parts: Parts) -> Any:
    """The list of users."""
    async with parts.database.account(caller.account_id) as tenant:
        return await _search(tenant, body, base_of(parts), _users)


@router.post("/Groups/.search", operation_id="scimSearchGroups")
async def search_groups(body: Given, caller: Provisioner, parts: Parts) -> Any:
    """The list of groups."""
    async with parts.database.account(caller.account_id) as tenant:
        return await _search(tenant, body, base_of(parts), _groups)


async def _search(tenant: Tenant, body: Resource, base: str, *finders: Finder) -> ScimResponse:
    given = lowered(body)
    wanted, shown = read_filter(_text(given, "filter")), _shown(given)
    page = page_of(_number(given, "startindex", 1), _number(given, "count", 100))
    found: list[Resource] = []
    total, faults = 0, []
    for find in finders:
        left = Page(max(page.start - total, 1), page.count - len(found))
        try:
            some, more = await find(tenant, wanted, left, base)
        except ScimInvalid as fault:
            faults.append(fault)
            continue
        found += some
        total += more
    if len(faults) == len(finders):
        raise faults[0]
    resources = [shown.of(resource) for resource in found[:LARGEST_PAGE]]
    return ScimResponse(listed(resources, total=total, start=page.start))


def _text(given: Resource, name: str) -> str | None:
    value = given.get(name)
    if value is not None and len(text(value, name)) > LONGEST:
        raise ScimInvalid(f"{name}: at most {LONGEST} characters", kind="invalidFilter")
    return value


def _number(given: Resource, name: str, usual: int) -> int:
    value = given.get(name, usual)
    if not isinstance(value, int):
        raise ScimInvalid(f"{name} must be a number.", kind="invalidValue")
    return value


def _shown(given: Resource) -> Shown:
    return asked(_names(given.get("attributes")), _names(given.get("excludedattributes")))


def _names(value: Any) -> str | None:
    """A list of them; some write them as one text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(text(item, "attributes") for item in value)
    raise ScimInvalid("attributes must be a list.", kind="invalidValue")
