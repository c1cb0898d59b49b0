"""Until when what a caller has shown is good: a stream must not outlive its own permission.

Only to be asked about a caller who has been identified: nothing is proved here.
"""

from datetime import UTC, datetime

import jwt
from starlette.requests import HTTPConnection

from api import browser_session
from api.identity import bearer_token
from handoff.settings import Settings


def good_until(request: HTTPConnection, settings: Settings) -> datetime:
    """When the bearer token or the browser's session ends."""
    if token := bearer_token(request):
        claims = jwt.decode(token, options={"verify_signature": False})
        return datetime.fromtimestamp(claims["exp"], UTC) + settings.auth_leeway
    session = browser_session.read(request, settings)
    return session.until if session is not None else datetime.now(UTC)
