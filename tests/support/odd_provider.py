"""An OpenID provider that does what real ones do now and then: odd keys, words for truth, an answer
at UserInfo alone, only one way to prove a client. It says what the test tells it to say."""

import base64
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tests.support.provider import free_port
from tests.support.serving import serving
from tests.unit.identity.test_tokens_provider import EC_KEY, published


@dataclass(slots=True)
class OddProvider:
    """What it publishes and says of whoever signs in next; the test changes it."""

    address: str
    key: Any = EC_KEY
    keys: list[Any] = field(default_factory=lambda: [published(EC_KEY, "a")])
    claims: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] | None = None
    """At UserInfo."""
    ways: list[str] | None = None
    proven_by: list[str] = field(default_factory=list)
    """How the client proved itself, each time."""
    nonces: dict[str, str] = field(default_factory=dict)
    key_fetches: int = 0

    def description(self) -> dict[str, Any]:
        """Its discovery document."""
        found: dict[str, Any] = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        }
        if self.told is not None:
            found["userinfo_endpoint"] = f"{self.address}/userinfo"
        if self.ways is not None:
            found["token_endpoint_auth_methods_supported"] = self.ways
        return found

    async def begin(self, browser: httpx.AsyncClient, next_page: str = "/") -> str:
        """Starts a sign-in; the state that leads back to it."""
        begun = await browser.get("/sign-in/start", params={"next": next_page})
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        state = asked["state"][0]
        self.nonces[state] = asked["nonce"][0]
        return state

    async def finish(self, browser: httpx.AsyncClient, state: str) -> str:
        """Comes back with it; where that leads."""
        back = await browser.get("/sign-in/callback", params={"code": state, "state": state})
        assert back.status_code == 303, back.text
        return back.headers["location"]

    def id_token(self, code: str) -> str:
        """For the sign-in that bears this code."""
        now = int(time.time())
        usual = {"iss": self.address, "aud": "handoff", "iat": now, "exp": now + 600}
        said = usual | {"nonce": self.nonces[code]} | self.claims
        return jwt.encode(said, self.key, "ES256", headers={"kid": "a"})


def _app(provider: OddProvider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    async def describe() -> dict[str, Any]:
        return provider.description()

    @app.get("/jwks")
    async def keys() -> dict[str, Any]:
        provider.key_fetches += 1
        return {"keys": provider.keys}

    @app.get("/userinfo")
    async def userinfo(request: Request) -> Any:
        assert request.headers["authorization"] == "Bearer access"
        return provider.told

    @app.post("/token")
    async def token(request: Request) -> Any:
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        basic = request.headers.get("authorization", "").removeprefix("Basic ")
        way = "client_secret_post" if "client_secret" in form else "none"
        if basic:
            assert base64.b64decode(basic).decode() == "handoff:of the tests"
            way = "client_secret_basic"
        provider.proven_by.append(way)
        if provider.ways is not None and way not in provider.ways:
            return JSONResponse({"error": "invalid_client"}, 401)
        code = form["code"]
        return {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": provider.id_token(code),
        }

    return app


@contextlib.asynccontextmanager
async def odd_provider() -> AsyncIterator[OddProvider]:
    """Runs while the test does."""
    port = free_port()
    provider = OddProvider(f"http://127.0.0.1:{port}")
    async with serving(_app(provider), port=port):
        yield provider
