"""Sign-in by OpenID Connect: authorization code with PKCE, carried out by Authlib.

Says who somebody is according to the provider; who of our users that is, `page.py` finds out.
While they choose among several, a short-lived signed cookie keeps what the provider has said.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import structlog
from authlib.integrations.base_client import OAuthError
from fastapi import Request, Response
from joserfc.errors import JoseError

from api.console.sign_in.provider_client import ProviderClient, Providers
from api.identity.bearer_tokens import subject_of
from api.identity.browser_session import is_secure, signing_key
from handoff.contract.people import Subject
from handoff.errors import Unauthenticated, Unreachable
from handoff.settings import Settings

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


def flow_of(state: str) -> Way:
    """Each sign-in has a cookie of its own: two tabs may be on their way at once."""
    return replace(FLOW, cookie=f"{FLOW.cookie}_{hashlib.sha256(state.encode()).hexdigest()[:16]}")


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
        self._client: ProviderClient = Providers().register(
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
        for kept_by_authlib in flow.values():
            kept_by_authlib["data"].pop("url", None)  # Long, and wanted by nobody any more.
        kept = {"flow": flow, "next": next_page, "choose": choose}
        state = parse_qs(urlsplit(response.headers["location"]).query)["state"][0]
        _keep(response, self._settings, flow_of(state), kept)
        return response

    async def finish(self, request: Request) -> Claimed:
        """Takes the provider's answer.

        Raises:
            Unauthenticated: it proves nothing, for a reason that only the log tells.
            Unreachable: the provider does not answer.
        """
        way = flow_of(request.query_params.get("state", ""))
        kept = _kept(request, self._settings, way)
        request.scope["session"] = kept["flow"]
        try:
            token = await self._client.authorize_access_token(request)
            claims = token["userinfo"]
            address = _verified(claims) or _verified(await self._told(token, claims))
            who = subject_of(claims, self._settings)
            subject = Subject(str(claims["iss"]).rstrip("/"), who, address)
            return Claimed(subject, kept["next"], bool(kept.get("choose")))
        except httpx.HTTPError as fault:
            raise _silent(fault) from None
        except (OAuthError, JoseError, jwt.PyJWTError, ValueError, KeyError, TypeError) as fault:
            logger.warning("sign_in.refused", cause=type(fault).__name__)
            raise Unauthenticated("The identity provider did not vouch for you.") from None

    async def _told(self, token: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """What UserInfo adds, of the same subject. Who is bound already comes in without it."""
        try:
            described = await self._client.load_server_metadata()
            if "userinfo_endpoint" not in described:
                return {}
            told = await self._client.userinfo(token=token)
        except (httpx.HTTPError, OAuthError, ValueError, TypeError) as fault:
            logger.warning("sign_in.userinfo_unreadable", cause=type(fault).__name__)
            return {}
        return told if told.get("sub") == claims["sub"] else {}


def _verified(claims: Mapping[str, Any]) -> str | None:
    """The address that the provider has verified, and says so; some say it as a word."""
    said = str(claims.get("email_verified")).lower() == "true"
    return str(claims["email"]) if said and claims.get("email") else None


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
