"""Claim links: what a mail's button opens. Signed, for one person and one handoff, expiring.

A link proves what it names and nothing about who opens it: mail scanners open links, run scripts
and post forms. Whoever claims by it must be signed in as the person it was made for. Where many
read along, as in a chat, it is made for nobody, and whoever of the account is signed in claims.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt

from handoff.errors import NotFound
from handoff.keys import key_for
from handoff.settings import Settings

_ALGORITHM = "HS256"
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class ClaimLink:
    """Which handoff, for whom; None: for whoever of the account opens it."""

    account_id: UUID
    session_id: UUID
    handoff_id: UUID
    user_id: UUID | None = None


def address(link: ClaimLink, settings: Settings, *, until: datetime) -> str | None:
    """The link as it stands in a mail; None where no secret is configured to sign it with."""
    key = key_for(settings, "claim link")
    if key is None:
        return None
    claims: dict[str, Any] = {
        "a": link.account_id.hex,
        "s": link.session_id.hex,
        "h": link.handoff_id.hex,
        "exp": until,
    }
    if link.user_id is not None:
        claims["u"] = link.user_id.hex
    return f"{settings.public_url}/c/{jwt.encode(claims, key, _ALGORITHM)}"


def read_link(token: str, settings: Settings) -> ClaimLink:
    """What the link names.

    Raises:
        NotFound: it is not one of ours, or has expired.
    """
    key = key_for(settings, "claim link")
    try:
        if key is None or len(token) > _LONGEST:
            raise jwt.InvalidTokenError
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], options={"require": ["exp"]})
        named = (UUID(hex=claims[name]) for name in ("a", "s", "h", "u") if name in claims)
        return ClaimLink(*named)
    except (jwt.PyJWTError, KeyError, ValueError, AttributeError, TypeError):
        raise NotFound("This link is not valid, or not any more.") from None
