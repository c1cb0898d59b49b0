"""What a mail's claim link opens. Its route is the API's as well: `api/routes/claim_links.py`."""

from collections.abc import Mapping

from fastapi import Request, Response

from api.console.shared.rendering import page
from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import FINAL


def claim_page(
    request: Request,
    record: Record,
    *,
    token: str,
    is_theirs: bool,
    me: Actor | None,
    headers: Mapping[str, str],
) -> Response:
    """What waits, and one button, for whoever the link was made for; or who was there first."""
    content = {"record": record, "token": token, "is_theirs": is_theirs, "final": FINAL}
    return page(request, "claim/page.html", content, me=me, headers=headers)
