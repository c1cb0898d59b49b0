"""An identity provider that rotates its keys, vanishes, dawdles or answers nonsense, over a real
socket, and what the verifier makes of it. Forged tokens and poisoned key sets are in
`tests/http/attacks/test_token_attacks.py`.
"""

import asyncio
import base64
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from structlog.testing import capture_logs

from api.identity.bearer_tokens import TokenVerifier
from handoff.contract.people import Subject
from handoff.errors import ConfigurationError, Unauthenticated, Unreachable
from handoff.settings import Settings

SECRET = "not-a-secret-but-long-enough-for-a-test"
USER = UUID("01890000-0000-7000-8000-00000000b0b0")
SUBJECT = Subject("", str(USER))

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
KEYS: dict[str, Any] = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def published(key: Any, kid: str | None, **more: Any) -> dict[str, Any]:
    """The public half as the provider shows it."""
    families = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    family = next((alg for kind, alg in families.items() if isinstance(key, kind)), "EdDSA")
    shown = dict(jwt.get_algorithm_by_name(family).to_jwk(key.public_key(), as_dict=True))
    shown.pop("key_ops", None)
    return shown | ({} if kid is None else {"kid": kid}) | more


def good_claims() -> dict[str, Any]:
    now = int(time.time())
    return {"sub": str(USER), "iat": now, "exp": now + 600}


def signed(algorithm: str, kid: str | None = None, *, key: Any = None) -> str:
    """A token as the provider gives it."""
    return jwt.encode(
        good_claims(),
        key or KEYS[algorithm],
        algorithm,
        headers={} if kid is None else {"kid": kid},
    )


class Clock:
    """Moves when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Provider:
    """An identity provider's key server on loopback, which also misbehaves on request."""

    def __init__(self) -> None:
        self.keys: list[Any] = [published(key, alg) for alg, key in KEYS.items()]
        self.answer: Answer = self.well
        self.hits = 0
        self.reached = asyncio.Event()
        self.released = asyncio.Event()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def up(self) -> None:
        self.released.clear()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        self.released.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    async def well(self, writer: asyncio.StreamWriter) -> None:
        await plain(json.dumps({"keys": self.keys}).encode())(writer)

    async def never(self, writer: asyncio.StreamWriter) -> None:
        del writer
        self.reached.set()
        await self.released.wait()

    async def late(self, writer: asyncio.StreamWriter) -> None:
        await self.never(writer)
        await self.well(writer)

    async def drip(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not self.released.is_set():
            writer.write(b" ")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.released.wait(), 0.1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.answer(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # The verifier hung up, as it should on nonsense.
        finally:
            writer.close()


def plain(body: bytes, *, status: str = "200 OK", header: str = "") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{header}{length}\r\n".encode() + body)
        await writer.drain()

    return answer


def configured(url: str) -> Settings:
    dependencies: dict[str, Any] = {
        "database_url": "postgresql://handoff@127.0.0.1/handoff",
        "redis_url": "redis://127.0.0.1",
        "smtp_url": "smtp://127.0.0.1",
        "payload_keys": "none",
        "auth_secret": SECRET,
        "auth_jwks_url": url,
    }
    return Settings(**dependencies)


async def refused(verifier: TokenVerifier, token: str) -> str:
    """Expects the one refusal, and returns the cause that only the log tells."""
    with capture_logs() as logs, pytest.raises(Unauthenticated) as caught:
        await verifier.subject(token)
    assert caught.value.detail == "The bearer token is not valid here. Sign in again."
    told = [entry for entry in logs if entry["event"] == "token.refused"]
    assert len(told) == 1
    assert not any(piece in str(logs) for piece in token.split(".") if len(piece) > 8)
    return str(told[0]["cause"])


async def unanswered(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await verifier.subject(token)
    assert caught.value.status == 503
    assert caught.value.detail == "the identity provider does not answer"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    server = Provider()
    await server.up()
    yield server
    await server.down()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def verifier(provider: Provider, clock: Clock) -> AsyncIterator[TokenVerifier]:
    # Redirects and the environment's proxies are on in the client, and must be of no use.
    async with httpx.AsyncClient(follow_redirects=True) as http:
        judge = TokenVerifier(configured(provider.url), http, clock=clock)
        yield judge
        await judge.aclose()


async def test_keys_are_fetched_once_and_kept(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    for _ in range(5):
        assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
        clock.advance(100)
    assert provider.hits == 1


# Rotation.


async def test_a_new_key_is_taken_as_soon_as_it_is_used(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    fresh = ec.generate_private_key(ec.SECP256R1())
    provider.keys.append(published(fresh, "next"))
    clock.advance(1)
    assert await verifier.subject(signed("ES256", "next", key=fresh)) == SUBJECT
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    assert provider.hits == 2


async def test_a_withdrawn_key_is_refused_once_the_set_is_renewed(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    provider.keys = [published(RSA_KEY, "RS256")]
    clock.advance(599)
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    clock.advance(2)
    assert await refused(verifier, signed("ES256", "ES256")) == "UnknownKey"
    assert await verifier.subject(signed("RS256", "RS256")) == SUBJECT


async def test_an_emptied_set_withdraws_every_key(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    provider.keys = []
    clock.advance(601)
    assert await refused(verifier, signed("ES256", "ES256")) == "UnknownKey"


async def test_a_key_replaced_under_its_own_id(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    fresh = ec.generate_private_key(ec.SECP256R1())
    provider.keys = [published(fresh, "ES256")]
    clock.advance(601)
    assert await refused(verifier, signed("ES256", "ES256")) == "InvalidSignatureError"
    assert await verifier.subject(signed("ES256", "ES256", key=fresh)) == SUBJECT


async def test_a_flood_of_invented_ids_costs_one_fetch(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    provider.answer = provider.late
    flood = [
        asyncio.create_task(verifier.subject(signed("ES256", f"invented-{number}")))
        for number in range(100)
    ]
    await provider.reached.wait()
    # While they all wait for the provider, everybody else passes.
    started = time.perf_counter()
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    assert time.perf_counter() - started < 1
    assert not any(task.done() for task in flood)
    provider.released.set()
    verdicts = await asyncio.gather(*flood, return_exceptions=True)
    assert {type(verdict) for verdict in verdicts} == {Unauthenticated}
    for _ in range(20):
        clock.advance(0.4)
        await refused(verifier, signed("ES256", "invented"))
    assert provider.hits == 2
    clock.advance(3)
    await refused(verifier, signed("ES256", "invented"))
    await refused(verifier, signed("ES256", "invented"))
    assert provider.hits == 3


# A provider that is not there.


async def test_no_provider_at_first_use_is_no_verdict(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    await provider.down()
    await unanswered(verifier, signed("ES256", "ES256"))
    await provider.up()
    await unanswered(verifier, signed("ES256", "ES256"))  # It is not asked twice in a second.
    assert provider.hits == 0
    clock.advance(1)
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT


async def test_what_no_key_could_save_is_refused_without_the_provider(
    verifier: TokenVerifier, provider: Provider
) -> None:
    await provider.down()
    await refused(verifier, "nonsense")
    await refused(verifier, signed("HS256", key=SECRET))


async def test_old_keys_serve_for_a_day(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    await provider.down()
    for _ in range(23):
        clock.advance(3600)
        assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
        await unanswered(verifier, signed("ES256", "next"))
        assert await refused(verifier, signed("ES256", "ES256", key=P256_OF_A_STRANGER))
    clock.advance(3601)
    await unanswered(verifier, signed("ES256", "ES256"))
    await provider.up()
    clock.advance(1)
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT


P256_OF_A_STRANGER = ec.generate_private_key(ec.SECP256R1())


async def test_an_id_unknown_in_an_outage_asks_no_more_than_every_ten_seconds(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    provider.answer = plain(b"", status="503 Service Unavailable")
    for _ in range(10):
        clock.advance(1)
        await unanswered(verifier, signed("ES256", "next"))
    assert provider.hits == 2
    provider.answer = provider.well
    clock.advance(1)
    await refused(verifier, signed("ES256", "next"))
    assert provider.hits == 3


async def test_a_try_in_vain_counts_for_unknown_ids_too(
    verifier: TokenVerifier, provider: Provider, clock: Clock
) -> None:
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    provider.answer = plain(b"", status="503 Service Unavailable")
    clock.advance(601)
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    await unanswered(verifier, signed("ES256", "next"))
    assert provider.hits == 2


def nonsense(provider: Provider, target: Provider) -> dict[str, Answer]:
    good = json.dumps({"keys": provider.keys}).encode()
    twice = b'{"keys":[],"keys":' + good.removeprefix(b'{"keys":')
    return {
        "silence": provider.never,
        "one byte at a time": provider.drip,
        "garbage": plain(b"\xff\xfe\0garbage"),
        "a web page": plain(b"<!doctype html><p>Sign in"),
        "nothing": plain(b""),
        "a list": plain(b"[]"),
        "no keys": plain(b"{}"),
        "keys that are an object": plain(b'{"keys": {}}'),
        "keys twice": plain(twice),
        "deep nesting": plain(b"[" * 200_000),
        "too many keys": plain(json.dumps({"keys": provider.keys * 40}).encode()),
        "ten megabytes": plain(good[:-1] + b" " * 10_000_000 + b"}"),
        "a bomb": plain(gzip.compress(bytes(50_000_000)), header="Content-Encoding: gzip\r\n"),
        "compressed": plain(gzip.compress(good), header="Content-Encoding: gzip\r\n"),
        "an error": plain(good, status="500 Internal Server Error"),
        "not found": plain(good, status="404 Not Found"),
        "partial": plain(good, status="206 Partial Content"),
        "a redirect": plain(good, status="302 Found", header=f"Location: {target.url}\r\n"),
        "a lasting redirect": plain(
            good, status="308 Permanent Redirect", header=f"Location: {target.url}\r\n"
        ),
        "a cut answer": plain(good, header=f"Content-Length: {len(good) + 5}\r\n"),
        "no HTTP": send(b"SSH-2.0-OpenSSH\r\n\r\n"),
        "a closed line": send(b""),
    }


def send(raw: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return answer


NONSENSE = list(nonsense(Provider(), Provider()))


@pytest.mark.parametrize("name", NONSENSE)
async def test_a_provider_that_talks_nonsense(
    verifier: TokenVerifier, provider: Provider, clock: Clock, name: str
) -> None:
    target = Provider()
    await target.up()
    provider.answer = nonsense(provider, target)[name]
    started = time.perf_counter()
    await unanswered(verifier, signed("ES256", "ES256"))
    assert time.perf_counter() - started < 5

    provider.answer = provider.well
    clock.advance(1)
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT

    # With keys in hand, even old ones, nobody waits for it.
    provider.answer = nonsense(provider, target)[name]
    clock.advance(601)
    started = time.perf_counter()
    assert await verifier.subject(signed("ES256", "ES256")) == SUBJECT
    assert time.perf_counter() - started < 1.5
    assert target.hits == 0
    await target.down()


async def test_who_hangs_up_does_not_take_the_keys_from_the_others(
    verifier: TokenVerifier, provider: Provider
) -> None:
    provider.answer = provider.late
    first = asyncio.create_task(verifier.subject(signed("ES256", "ES256")))
    second = asyncio.create_task(verifier.subject(signed("RS256", "RS256")))
    await provider.reached.wait()
    first.cancel()
    await asyncio.wait({first})
    assert first.cancelled()
    assert not second.done()
    provider.released.set()
    assert await second == SUBJECT
    assert provider.hits == 1


async def test_closing_gives_up_the_fetch(verifier: TokenVerifier, provider: Provider) -> None:
    provider.answer = provider.never
    waiting = asyncio.create_task(verifier.subject(signed("ES256", "ES256")))
    await provider.reached.wait()
    await verifier.aclose()
    with pytest.raises(Unreachable):
        await waiting


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com/jwks.json",
        "http://10.0.0.1/jwks.json",
        "http://127.0.0.1.example.com/jwks.json",
        "http://localhost.example.com/jwks.json",
        "http://user:password@127.0.0.1/jwks.json",
        "https://user:password@id.example.com/jwks.json",
        "http://127.0.0.1@id.example.com/jwks.json",
        "http://[::ffff:10.0.0.1]/jwks.json",
        "file:///etc/jwks.json",
        "ftp://127.0.0.1/jwks.json",
        "https://",
        "https:///jwks.json",
        "//127.0.0.1/jwks.json",
        "jwks.json",
        "",
        "http://[",
        "https://id.example.com:port/",
    ],
)
async def test_an_address_that_is_not_safe_stops_the_start(url: str) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(ConfigurationError, match="HANDOFF_AUTH_JWKS_URL") as caught:
            TokenVerifier(configured(url), http)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example.com/jwks.json",
        "https://id.example.com:8443/keys?tenant=a",
        "http://localhost:9000/jwks.json",
        "http://127.0.0.2/jwks.json",
        "http://[::1]:9000/jwks.json",
    ],
)
async def test_an_address_that_is_safe(url: str) -> None:
    async with httpx.AsyncClient() as http:
        TokenVerifier(configured(url), http)
