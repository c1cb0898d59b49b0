"""Identity providers of the tests: one that people sign in at, one that signs bearer tokens."""

import contextlib
import socket
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from pydantic import SecretStr

from tests.support.desk import PLAIN, Desk

with warnings.catch_warnings():
    # It stands on parts of Authlib that are to go.
    warnings.simplefilter("ignore", DeprecationWarning)
    import oidc_provider_mock


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_provider() -> Iterator[str]:
    """An OpenID provider where everybody may sign in under any name; its address."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://127.0.0.1:{server.server_port}"


async def move_to_provider(desk: Desk, provider: str) -> None:
    """The desk again, with an identity provider and an address that leads back."""
    port = free_port()
    await restart(
        desk,
        port=port,
        oidc_issuer=provider,
        oidc_client_secret=SecretStr("of the tests"),
        public_url=f"http://127.0.0.1:{port}",
    )


async def restart(desk: Desk, *, port: int = 0, **changed: Any) -> None:
    """The desk's API again, with other settings."""
    await desk.stop_api()
    desk.settings = desk.settings.model_copy(update=changed)
    await desk.start_api(port=port, temporal=desk.temporal)


@dataclass(frozen=True, slots=True)
class Browser:
    """Somebody at a browser, as the provider knows them."""

    http: httpx.AsyncClient
    provider: str

    async def sign_in(
        self, subject: str, *, email: str | None = None, verified: bool = True, choose: bool = False
    ) -> str:
        """Signs in at the provider; the path of ours to which that leads."""
        claims = {"email": email, "email_verified": verified} if email else {}
        user = f"{self.provider}/users/{subject}"
        (await self.http.put(user, json={"sub": subject} | claims)).raise_for_status()
        begun = await self.http.get("/sign-in/start", params={"choose": choose})
        asked = await self.http.post(begun.headers["location"], data={"sub": subject})
        back = await self.http.get(asked.headers["location"])
        assert back.status_code == 303, back.text
        return back.headers["location"]

    async def choose(self, user_id: object, **headers: str) -> httpx.Response:
        """Presses one of the buttons there."""
        ours = {"Origin": str(self.http.base_url).rstrip("/")} | headers
        return await self.http.post("/sign-in/choose", data={"user_id": str(user_id)}, headers=ours)

    async def me(self) -> str | None:
        """The id of the user who is signed in here."""
        answer = await self.http.get("/me")
        return answer.json()["id"] if answer.status_code == 200 else None


@contextlib.asynccontextmanager
async def browser(desk: Desk, provider: str) -> AsyncIterator[Browser]:
    """A fresh one, without any cookie."""
    async with httpx.AsyncClient(
        base_url=desk.base_url, timeout=20, trust_env=False, verify=PLAIN
    ) as http:
        yield Browser(http, provider)


def issued(key: Any, subject: str, issuer: str = "https://id.test", **claims: Any) -> str:
    """A bearer token as the provider with this key gives it."""
    return jwt.encode({"sub": subject, "iss": issuer, "exp": 4_000_000_000} | claims, key, "ES256")
