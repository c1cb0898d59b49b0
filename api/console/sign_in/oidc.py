"""Sign-in by OpenID Connect: authorization code with PKCE, carried out by Authlib.

Says who somebody is according to the provider; who of our users that is, `page.py` finds out.
Loaded by the first sign-in, because its libraries take long to load.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import structlog
from authlib.integrations.base_client import OAuthError
from fastapi import Request, Response
from joserfc.errors import JoseError

from api.console.sign_in.kept import CALLBACK, Claimed, flow_of, keep, kept
from api.console.sign_in.provider_client import ProviderClient, Providers
from api.identity.bearer_tokens import subject_of
from handoff.contract.people import Subject
from handoff.errors import Unauthenticated, Unreachable
from handoff.settings import Settings

logger = structlog.get_logger(__name__)


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
        said = {"flow": flow, "next": next_page, "choose": choose}
        state = parse_qs(urlsplit(response.headers["location"]).query)["state"][0]
        keep(response, self._settings, flow_of(state), said)
        return response

    async def finish(self, request: Request) -> Claimed:
        """Takes the provider's answer.

        Raises:
            Unauthenticated: it proves nothing, for a reason that only the log tells.
            Unreachable: the provider does not answer.
        """
        way = flow_of(request.query_params.get("state", ""))
        was = kept(request, self._settings, way)
        request.scope["session"] = was["flow"]
        try:
            token = await self._client.authorize_access_token(request)
            claims = token["userinfo"]
            address = _verified(claims) or _verified(await self._told(token, claims))
            who = subject_of(claims, self._settings)
            subject = Subject(str(claims["iss"]).rstrip("/"), who, address)
            return Claimed(subject, was["next"], bool(was.get("choose")))
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


def _silent(fault: Exception) -> Unreachable:
    logger.warning("sign_in.unreachable", cause=type(fault).__name__)
    return Unreachable("The identity provider does not answer.")
