"""Pages that are frames: their modules ask the JSON API for what stands in them."""

from typing import Any

from fastapi import Request, Response

from api.console.shared.rendering import page
from api.services import Services
from handoff.contract.people import Actor
from handoff.database import events


async def framed(
    request: Request, template: str, me: Actor, parts: Services, **content: Any
) -> Response:
    """The frame, and where live events go on from."""
    async with parts.database.account(me.account_id) as tenant:
        _, number = await events.bounds(tenant)
    return page(request, template, {"number": number, **content}, me=me)
