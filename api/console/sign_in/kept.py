"""What a browser keeps on its way in: signed cookies, short-lived, each for one path alone."""

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any

import jwt
from fastapi import Request, Response

from api.identity.browser_session import is_secure, signing_key
from handoff.contract.people import Subject
from handoff.errors import Unauthenticated
from handoff.settings import Settings

CALLBACK = "/sign-in/callback"
CHOOSE = "/sign-in/choose"
_WITHIN = 600
"""Seconds that somebody has at the provider, and again to choose."""


@dataclass(frozen=True, slots=True)
class Way:
    """A signed cookie on the way in: its name, the only path that gets it, its key's purpose."""

    cookie: str
    path: str
    purpose: str


FLOW = Way("handoff_sign_in", CALLBACK, "sign-in")
CHOICE = Way("handoff_choice", CHOOSE, "sign-in choice")


def flow_of(state: str) -> Way:
    """Each sign-in has a cookie of its own: two tabs may be on their way at once."""
    return replace(FLOW, cookie=f"{FLOW.cookie}_{hashlib.sha256(state.encode()).hexdigest()[:16]}")


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who the provider says it is. `choose`: they want to say themselves as whom."""

    subject: Subject
    next: str
    choose: bool = False


def keep_choice(response: Response, settings: Settings, claimed: Claimed) -> None:
    """Keeps what the provider has said, until they have chosen as whom they sign in."""
    subject = claimed.subject
    said = {"iss": subject.issuer, "sub": subject.value, "address": subject.address}
    keep(response, settings, CHOICE, {**said, "next": claimed.next})


def kept_choice(request: Request, settings: Settings) -> Claimed:
    """What was kept.

    Raises:
        Unauthenticated: nothing, or it took too long.
    """
    said = kept(request, settings, CHOICE)
    return Claimed(Subject(said["iss"], said["sub"], said["address"]), said["next"])


def forget(response: Response, way: Way) -> None:
    """It has been used."""
    response.delete_cookie(way.cookie, path=way.path)


def keep(response: Response, settings: Settings, way: Way, said: dict[str, Any]) -> None:
    """For ten minutes; `kept` reads it."""
    claims = {**said, "exp": int(time.time()) + _WITHIN}
    value = jwt.encode(claims, signing_key(settings, way.purpose), algorithm="HS256")
    secure = is_secure(settings)
    response.set_cookie(
        way.cookie, value, _WITHIN, path=way.path, secure=secure, httponly=True, samesite="lax"
    )


def kept(request: Request, settings: Settings, way: Way) -> dict[str, Any]:
    """What `keep` was given.

    Raises:
        Unauthenticated: nothing, or it took too long.
    """
    try:
        return jwt.decode(
            request.cookies.get(way.cookie, ""),
            signing_key(settings, way.purpose),
            algorithms=["HS256"],
            options={"require": ["exp"]},
        )
    except jwt.PyJWTError:
        raise Unauthenticated("The sign-in took too long. Start again.") from None
