"""Until when what a caller has shown is good: a stream must not outlive its own permission.

Only to be asked about a caller who has been identified: nothing is proved here.
"""

from datetime import UTC, datetime, timedelta

import jwt
from starlette.requests import HTTPConnection

from api.identity import browser_session, machines
from api.identity.callers import bearer_token
from handoff.settings import Settings

NEVER = datetime.max.replace(tzinfo=UTC)


def good_until(request: HTTPConnection, settings: Settings) -> datetime:
    """When the bearer token or the browser's session ends.

    Whether an API token is still good only the record knows; the hub keeps asking it.
    """
    token = bearer_token(request)
    if token and token.startswith(machines.MARK):
        return NEVER
    if token:
        claims = jwt.decode(token, options={"verify_signature": False})
        return _after(claims["exp"], settings.auth_leeway)
    session = browser_session.read(request, settings)
    return session.until if session is not None else datetime.now(UTC)


def _after(seconds: float, leeway: timedelta) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC) + leeway
    except (ValueError, OverflowError, OSError):  # Valid, and longer than the calendar.
        return NEVER
