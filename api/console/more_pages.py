"""The pages around the queue: settings, analytics. Frames; their modules ask the JSON API."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.console.rendering import page
from api.console.routing import PageRoute
from api.identity.callers import Caller, LeadingCaller, Parts, WorkingCaller
from api.services import Services
from handoff.contract.people import Actor
from handoff.database import events
from handoff.database.reading import offers

router = APIRouter(route_class=PageRoute, include_in_schema=False)


async def _framed(
    request: Request, template: str, me: Actor, parts: Services, **content: Any
) -> Response:
    """The frame, and where live events go on from."""
    async with parts.database.account(me.account_id) as tenant:
        _, number = await events.bounds(tenant)
    return page(request, template, {"number": number, **content}, me=me)


@router.get("/settings")
async def settings_page() -> Response:
    """The first of the settings, which everybody has."""
    return RedirectResponse("/settings/notifications", 303)


@router.get("/settings/notifications")
async def notifications_page(request: Request, me: Caller, parts: Parts) -> Response:
    """How the reader wants to be told."""
    return await _framed(request, "notifications.html", me, parts)


@router.get("/settings/policy")
async def policy_page(request: Request, me: LeadingCaller, parts: Parts) -> Response:
    """Whom the account tells, by which ways, for how long."""
    async with parts.database.account(me.account_id) as tenant:
        people, teams = await offers.colleagues(tenant), await offers.team_names(tenant)
    return await _framed(request, "policy.html", me, parts, people=people, teams=teams)


@router.get("/settings/people")
async def people_page(request: Request, me: LeadingCaller, parts: Parts) -> Response:
    """The account's people and teams."""
    return await _framed(request, "people.html", me, parts)


@router.get("/analytics")
async def analytics_page(request: Request, me: WorkingCaller, parts: Parts) -> Response:
    """How escalations were answered."""
    return await _framed(request, "analytics.html", me, parts)
