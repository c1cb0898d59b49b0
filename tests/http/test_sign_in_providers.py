"""Signing in at providers as they are: odd keys, rotations, words for truth, UserInfo, two tabs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from api.console.sign_in import provider_client
from tests.http.people.test_scim import create, provider_of
from tests.support.cast import AMIR, BO
from tests.support.desk import PLAIN, Desk
from tests.support.odd_provider import OddProvider, odd_provider
from tests.support.provider import issued, move_to_provider, restart
from tests.unit.identity.test_tokens_provider import EC_KEY, RSA_KEY, Provider, published

FAILED = "/sign-in?failed=1"

ODD_MEMBERS: list[Any] = [
    {},
    "key",
    None,
    {"kty": "RSA", "kid": "b", "n": "AQ", "e": "!"},
    {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "b"},
    {"kty": "OKP", "crv": "X25519", "x": "AA", "use": "enc"},
    {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA", "kid": "b"},
    {"kty": "oct", "k": "AA", "kid": "a"},
    {"kty": 5, "kid": 7},
]


@pytest.fixture
async def provider(desk: Desk) -> AsyncIterator[OddProvider]:
    async with odd_provider() as running:
        running.claims = {"sub": "okta|amir", "email": AMIR.email, "email_verified": True}
        await move_to_provider(desk, running.address)
        yield running


@asynccontextmanager
async def fresh_browser(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=desk.base_url, timeout=20, trust_env=False, verify=PLAIN
    ) as http:
        yield http


async def sign_in(desk: Desk, provider: OddProvider) -> str | None:
    """Whom that leads to, or nobody."""
    async with fresh_browser(desk) as browser:
        where = await provider.finish(browser, await provider.begin(browser))
        if where != "/":
            assert where == FAILED
            return None
        found: str = (await browser.get("/me")).json()["id"]
        return found


# Keys.


async def test_an_odd_key_keeps_nobody_out(desk: Desk, provider: OddProvider) -> None:
    provider.keys = [*ODD_MEMBERS, published(RSA_KEY, "c"), published(EC_KEY, "a")]
    assert await sign_in(desk, provider) == str(AMIR.id)


async def test_many_at_once_share_one_question(desk: Desk, provider: OddProvider) -> None:
    found = await asyncio.gather(*(sign_in(desk, provider) for _ in range(5)))
    assert found == [str(AMIR.id)] * 5
    assert provider.key_fetches == 1


async def test_a_key_replaced_under_its_own_name(
    desk: Desk, provider: OddProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await sign_in(desk, provider) == str(AMIR.id)
    monkeypatch.setattr(provider_client, "ASK_AGAIN_AFTER", 0.0)
    provider.key = ec.generate_private_key(ec.SECP256R1())
    provider.keys = [published(provider.key, "a")]
    assert await sign_in(desk, provider) == str(AMIR.id)


async def test_a_key_without_a_name(desk: Desk, provider: OddProvider) -> None:
    provider.keys = [published(RSA_KEY, None), published(EC_KEY, None)]
    assert await sign_in(desk, provider) == str(AMIR.id)


async def test_a_strangers_key_lets_nobody_in_and_costs_one_question(
    desk: Desk, provider: OddProvider
) -> None:
    provider.key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(4):
        assert await sign_in(desk, provider) is None
    assert provider.key_fetches == 1


async def test_what_is_for_others_lets_nobody_in(desk: Desk, provider: OddProvider) -> None:
    good = provider.claims
    for wrong in ({"aud": "other"}, {"iss": "https://other.test"}, {"nonce": "x"}, {"exp": 1}):
        provider.claims = good | wrong
        assert await sign_in(desk, provider) is None


async def test_bearer_tokens_outlive_a_replaced_key(desk: Desk) -> None:
    server = Provider()
    server.keys = [published(EC_KEY, "a")]
    await server.up()
    try:
        await restart(desk, auth_jwks_url=server.url, auth_issuer="https://id.test")
        other = ec.generate_private_key(ec.SECP256R1())
        assert await _me(desk, issued(EC_KEY, str(AMIR.id))) == str(AMIR.id)
        server.keys = [published(other, "a")]
        assert await _me(desk, issued(other, str(AMIR.id))) == str(AMIR.id)
    finally:
        await server.down()


async def _me(desk: Desk, token: str) -> str | None:
    async with fresh_browser(desk) as http:
        answer = await http.get("/me", headers={"Authorization": f"Bearer {token}"})
    return answer.json()["id"] if answer.status_code == 200 else None


# What a provider says.


@pytest.mark.parametrize(
    ("said", "known"), [("true", True), ("True", True), ("false", False), (1, False), (None, False)]
)
async def test_a_verified_address_may_be_said_as_a_word(
    desk: Desk, provider: OddProvider, said: Any, known: bool
) -> None:
    provider.claims["email_verified"] = said
    assert await sign_in(desk, provider) == (str(AMIR.id) if known else None)


async def test_userinfo_is_asked_for_what_the_token_does_not_say(
    desk: Desk, provider: OddProvider
) -> None:
    provider.claims = {"sub": "okta|amir"}
    provider.told = {"sub": "okta|amir", "email": AMIR.email, "email_verified": True}
    assert await sign_in(desk, provider) == str(AMIR.id)


async def test_userinfo_of_somebody_else_counts_for_nothing(
    desk: Desk, provider: OddProvider
) -> None:
    provider.claims = {"sub": "okta|amir"}
    provider.told = {"sub": "okta|bo", "email": BO.email, "email_verified": True}
    assert await sign_in(desk, provider) is None


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
async def test_the_client_proves_itself_as_the_provider_wants_it(
    desk: Desk, provider: OddProvider, way: str
) -> None:
    provider.ways = ["private_key_jwt", way]
    assert await sign_in(desk, provider) == str(AMIR.id)
    assert provider.proven_by == [way]


async def test_entras_object_id_is_scims_external_id(desk: Desk, provider: OddProvider) -> None:
    await restart(desk, port=int(desk.base_url.rpartition(":")[2]), auth_subject="oid")
    async with await provider_of(desk) as scim:
        nina = await create(scim, externalId="0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef")
    provider.claims = {"sub": "pairwise", "oid": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"}
    assert await sign_in(desk, provider) == nina["id"]
    for nobody in ({"sub": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"}, {"sub": "x", "oid": 5}):
        provider.claims = nobody
        assert await sign_in(desk, provider) is None


# Tabs.


async def test_two_tabs_both_arrive(desk: Desk, provider: OddProvider) -> None:
    async with fresh_browser(desk) as browser:
        first = await provider.begin(browser, "/analytics")
        second = await provider.begin(browser, "/new")
        assert await provider.finish(browser, first) == "/analytics"
        assert await provider.finish(browser, second) == "/new"
        # Each of them once.
        assert await provider.finish(browser, first) == FAILED
