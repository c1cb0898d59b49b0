"""One handoff: its page, and the piece of it that is read again when it rings.

The piece is the same template as in the page, so nothing is drawn twice.
"""

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from api.console.handoff.story import Story, read_story
from api.console.shared.rendering import IN_OUR_FRAME, page
from api.console.shared.routing import page_router, piece_router
from api.identity.callers import Caller, Parts
from api.services import Services
from handoff.temporal import queues

router = page_router()
pieces = piece_router()


@router.get("/handoffs/{handoff_id}")
async def handoff_page(
    request: Request, handoff_id: UUID, me: Caller, parts: Parts, beside: bool = False
) -> Response:
    """One handoff; `beside` the list of the queue, in its frame, without what stands around a
    page."""
    story = await read_story(parts.database, me, handoff_id)
    content = {**_story(story, parts), "number": story.number, "beside": beside}
    headers = IN_OUR_FRAME if beside else None
    return page(request, "handoff/page.html", content, me=me, headers=headers)


@pieces.get("/handoffs/{handoff_id}")
async def handoff_piece(request: Request, handoff_id: UUID, me: Caller, parts: Parts) -> Response:
    """What changes on a handoff's page, as it is now."""
    story = await read_story(parts.database, me, handoff_id)
    return page(request, "handoff/story.html", _story(story, parts), me=me)


def _story(story: Story, parts: Services) -> dict[str, Any]:
    ui = parts.settings.temporal_ui_url
    workflow = queues.workflow_id(story.handoff.id)
    audit = f"{ui}/namespaces/{parts.temporal.namespace}/workflows/{workflow}" if ui else None
    return {"story": story, "handoff": story.handoff, "audit": audit}
