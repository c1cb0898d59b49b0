"""The programs that act, or would act, in the reader's name. The module beside it fills the list in
and carries out what is chosen."""

from fastapi import Request, Response

from api.console.shared.framed import framed
from api.console.shared.routing import page_router
from api.identity.callers import Caller, Parts

router = page_router()


@router.get("/settings/programs")
async def programs_page(request: Request, me: Caller, parts: Parts) -> Response:
    """Whom they have said yes to, and who waits for it."""
    return await framed(request, "settings/programs/page.html", me, parts)
