"""Sign-in by OpenID Connect: authorization code with PKCE, carried out by Authlib.

Says who somebody is according to the provider; who of our users that is, `page.py` finds out.
While they choose among several, a short-lived signed cookie keeps what the provider has said.
"""

import time
import warnings
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import structlog
from authlib.deprecate import AuthlibDeprecationWarning
from fastapi import Request, Response
from joserfc.errors import JoseError

from api.identity.browser_session import is_secure, signing_key
from handoff.contract.people import Subject
from handoff.errors import Unauthenticated, Unreachable
from handoff.settings import Settings

with warnings.catch_warnings():
    # It would rather have httpx2, and says so at every import; httpx serves it as well.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import OAuth, OAuthError

logger = structlog.get_logger(__name__)

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


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who the provider says it is. `choose`: they want to say themselves as whom."""

    subject: Subject
    next: str
    choose: bool = False


class Provider:
    """The configured identity provider. Asked at the first sign-in, not at the start."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer is not None  # noqa: S101 - the caller has just looked
        secret = settings.oidc_client_secret
        self._settings = settings
        self._client = OAuth().register(
            name="provider",
            server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
            client_id=settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else None,
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "timeout": 5,
                **({} if secret else {"token_endpoint_auth_method": "none"}),
            },
        )

    async def begin(self, request: Request, next_page: str, *, choose: bool = False) -> Response:
        """Sends the browser to the provider; a short-lived signed cookie keeps the way back."""
        flow: dict[str, Any] = {}
        request.scope["session"] = flow
        try:
            response: Response = await self._client.authorize_redirect(
                request, f"{self._settings.public_url}{CALLBACK}"
            )
        except (httpx.HTTPError, ValueError, KeyError, RuntimeError) as fault:
            raise _silent(fault) from None
        kept = {"flow": flow, "next": next_page, "choose": choose}
        _keep(response, self._settings, FLOW, kept)
        return response

    async def finish(self, request: Request) -> Claimed:
        """Takes the provider's answer.

        Raises:
            Unauthenticated: it proves nothing, for a reason that only the log tells.
            Unreachable: the provider does not answer.
        """
        kept = _kept(request, self._settings, FLOW)
        request.scope["session"] = kept["flow"]
        try:
            token = await self._client.authorize_access_token(request)
            claims = token["userinfo"]
            verified = claims.get("email_verified") is True
            address = str(claims["email"]) if verified and claims.get("email") else None
            subject = Subject(str(claims["iss"]).rstrip("/"), str(claims["sub"]), address)
            return Claimed(subject, kept["next"], bool(kept.get("choose")))
        except httpx.HTTPError as fault:
            raise _silent(fault) from None
        except (OAuthError, JoseError, ValueError, KeyError, TypeError) as fault:
            logger.warning("sign_in.refused", cause=type(fault).__name__)
            raise Unauthenticated("The identity provider did not vouch for you.") from None


def keep_choice(response: Response, settings: Settings, claimed: Claimed) -> None:
    """Keeps what the provider has said, until they have chosen as whom they sign in."""
    subject = claimed.subject
    kept = {"iss": subject.issuer, "sub": subject.value, "address": subject.address}
    _keep(response, settings, CHOICE, {**kept, "next": claimed.next})


def kept_choice(request: Request, settings: Settings) -> Claimed:
    """What was kept.

    Raises:
        Unauthenticated: nothing, or it took too long.
    """
    kept = _kept(request, settings, CHOICE)
    return Claimed(Subject(kept["iss"], kept["sub"], kept["address"]), kept["next"])


def forget(response: Response, way: "Way") -> None:
    """It has been used."""
    response.delete_cookie(way.cookie, path=way.path)


def _keep(response: Response, settings: Settings, way: "Way", kept: dict[str, Any]) -> None:
    claims = {**kept, "exp": int(time.time()) + _WITHIN}
    value = jwt.encode(claims, signing_key(settings, way.purpose), algorithm="HS256")
    secure = is_secure(settings)
    response.set_cookie(
        way.cookie, value, _WITHIN, path=way.path, secure=secure, httponly=True, samesite="lax"
    )


def _kept(request: Request, settings: Settings, way: "Way") -> dict[str, Any]:
    try:
        return jwt.decode(
            request.cookies.get(way.cookie, ""),
            signing_key(settings, way.purpose),
            algorithms=["HS256"],
            options={"require": ["exp"]},
        )
    except jwt.PyJWTError:
        raise Unauthenticated("The sign-in took too long. Start again.") from None


def _silent(fault: Exception) -> Unreachable:
    logger.warning("sign_in.unreachable", cause=type(fault).__name__)
    return Unreachable("The identity provider does not answer.")
