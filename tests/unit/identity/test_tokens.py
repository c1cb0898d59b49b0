"""Tokens by the shared secret: minting, what is checked, and the tricks that need no key server.

The identity provider's keys are in `tests/http/attacks/test_token_attacks.py`.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.identity.bearer_tokens import TokenVerifier
from handoff.errors import ConfigurationError, Unauthenticated
from handoff.settings import Settings
from handoff.tokens import LONGEST_TOKEN, mint, read_keys

SECRET = "not-a-secret-but-long-enough-for-a-test"
USER = UUID("01890000-0000-7000-8000-00000000b0b0")
LATER = 4_000_000_000
"""A time that lies ahead, the same in every process that collects these tests."""


def configured(**values: Any) -> Settings:
    dependencies: dict[str, Any] = {
        "database_url": "postgresql://handoff@127.0.0.1/handoff",
        "redis_url": "redis://127.0.0.1",
        "smtp_url": "smtp://127.0.0.1",
        "payload_keys": "none",
        "auth_secret": SECRET,
    }
    return Settings(**(dependencies | values))


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, claims: Any, *, secret: str = SECRET, digest: str = "sha256") -> str:
    """A token whose HMAC is right, whatever stands in it."""
    body = f"{part(header)}.{part(claims)}"
    return f"{body}.{part(hmac.digest(secret.encode(), body.encode(), digest))}"


def good_claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"sub": str(USER), "iat": now, "exp": now + 600} | more


def good_header(**more: Any) -> dict[str, Any]:
    return {"alg": "HS256", "typ": "JWT"} | more


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def verifier(http: httpx.AsyncClient) -> TokenVerifier:
    return TokenVerifier(configured(), http)


async def refused(verifier: TokenVerifier, token: str) -> str:
    """Expects the one refusal, and returns the cause that only the log tells."""
    with capture_logs() as logs, pytest.raises(Unauthenticated) as caught:
        await verifier.subject(token)
    assert caught.value.detail == "The bearer token is not valid here. Sign in again."
    assert caught.value.facts == {}
    assert [sorted(entry) for entry in logs] == [["cause", "event", "log_level"]]
    assert logs[0]["event"] == "token.refused"
    return str(logs[0]["cause"])


async def test_a_minted_token_is_the_users(verifier: TokenVerifier) -> None:
    token = mint(USER, secret=SECRET, lifetime=timedelta(minutes=5), now=datetime.now(UTC))
    assert await verifier.subject(token) == USER


async def test_issuer_and_audience_are_minted_and_checked(http: httpx.AsyncClient) -> None:
    strict = TokenVerifier(configured(auth_issuer="https://id.test", auth_audience="desk"), http)
    common: Mapping[str, Any] = {
        "secret": SECRET,
        "lifetime": timedelta(minutes=5),
        "now": datetime.now(UTC),
    }
    whole = mint(USER, issuer="https://id.test", audience="desk", **common)
    assert await strict.subject(whole) == USER
    for issuer, audience in [
        (None, "desk"),
        ("https://id.test", None),
        ("https://id.test/", "desk"),
    ]:
        await refused(strict, mint(USER, issuer=issuer, audience=audience, **common))


def test_minting_wants_an_aware_time() -> None:
    naive = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        mint(USER, secret=SECRET, lifetime=timedelta(minutes=5), now=naive)


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExample",
        '{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
    ],
    ids=["pem", "ssh", "jwk"],
)
def test_a_public_key_is_no_secret(secret: str, http: httpx.AsyncClient) -> None:
    with pytest.raises(ConfigurationError, match="HANDOFF_AUTH_SECRET") as caught:
        TokenVerifier(configured(auth_secret=secret), http)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://anyone.test"},
        {"aud": "anything"},
        {"aud": ["a", "b"]},
        {"exp": LATER + 0.5},
        {"sub": str(USER).upper()},
        {"role": "owner", "nested": {"deep": [1, 2.5, None]}},
    ],
    ids=str,
)
async def test_what_is_accepted(verifier: TokenVerifier, claims: dict[str, Any]) -> None:
    assert await verifier.subject(signed(good_header(), good_claims(**claims))) == USER


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
async def test_types_that_are_accepted(verifier: TokenVerifier, kind: str) -> None:
    assert await verifier.subject(signed(good_header(typ=kind), good_claims())) == USER
    assert await verifier.subject(signed({"alg": "HS256"}, good_claims())) == USER


@pytest.mark.parametrize(
    ("claim", "forgiven", "too_much"), [("exp", -20, -40), ("nbf", 20, 40), ("iat", 20, 40)]
)
async def test_the_leeway_has_an_end(
    verifier: TokenVerifier, claim: str, forgiven: int, too_much: int
) -> None:
    now = int(time.time())
    within = signed(good_header(), good_claims(**{claim: now + forgiven}))
    assert await verifier.subject(within) == USER
    await refused(verifier, signed(good_header(), good_claims(**{claim: now + too_much})))


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired long ago": {"exp": 1},
    "expired at the beginning": {"exp": 0},
    "not yet valid": {"nbf": LATER},
    "issued in the future": {"iat": LATER},
    **{
        f"{name} is {kind}": {name: value}
        for name in ("exp", "nbf", "iat")
        for kind, value in {
            "null": None,
            "true": True,
            "false": False,
            "text": str(LATER),
            "a list": [LATER],
            "an object": {"value": LATER},
            "negative": -1,
            "huge": 10**300,
            "milliseconds": LATER * 1000,
        }.items()
    },
    "sub is null": {"sub": None},
    "sub is empty": {"sub": ""},
    "sub is a number": {"sub": USER.int},
    "sub is a list": {"sub": [str(USER)]},
    "sub is an address": {"sub": "bo@acme.test"},
    "sub in braces": {"sub": f"{{{USER}}}"},
    "sub as an urn": {"sub": USER.urn},
    "sub without hyphens": {"sub": USER.hex},
    "sub with underscores": {"sub": "0189_000-0000-7000-8000-00000000b0b0"},
    "sub in other digits": {"sub": str(USER).replace("0", "\u0660")},
    "sub with a line end": {"sub": f"{USER}\n"},
    "jti is a number": {"jti": 5},
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
async def test_bad_claims_are_refused(verifier: TokenVerifier, name: str) -> None:
    await refused(verifier, signed(good_header(), good_claims(**BAD_CLAIMS[name])))


@pytest.mark.parametrize("missing", ["exp", "sub"])
async def test_a_claim_that_is_missing(verifier: TokenVerifier, missing: str) -> None:
    claims = good_claims()
    del claims[missing]
    await refused(verifier, signed(good_header(), claims))


@pytest.mark.parametrize(
    "claims",
    [
        f'{{"sub":"{USER}","exp":1e400}}',
        f'{{"sub":"{USER}","exp":-1e400}}',
        f'{{"sub":"{USER}","exp":Infinity}}',
        f'{{"sub":"{USER}","exp":NaN}}',
        f'{{"sub":"{USER}","exp":{"9" * 5000}}}',
        f'{{"sub":"{USER}","exp":1,"exp":{LATER}}}',
        f'{{"sub":"{UUID(int=1)}","sub":"{USER}","exp":{LATER}}}',
        f'{{"sub":"{USER}","exp":{LATER},"a":{{"b":1,"b":2}}}}',
        f'\ufeff{{"sub":"{USER}","exp":{LATER}}}',
        f'{{"sub":"{USER}","exp":{LATER},"a":NaN}}',
        f'["{USER}",{LATER}]',
        f'"{USER}"',
        "null",
        "",
        "{",
        "[" * 6000,
        '{"a":' * 1000,
    ],
    ids=lambda text: text[:60],
)
async def test_bad_json_is_refused(verifier: TokenVerifier, claims: str) -> None:
    await refused(verifier, signed(good_header(), claims.encode() or b" "))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
async def test_only_utf8_is_read(verifier: TokenVerifier, encoding: str) -> None:
    claims = json.dumps(good_claims()).encode(encoding)
    await refused(verifier, signed(good_header(), claims))


BAD_HEADERS: dict[str, Any] = {
    **{f"alg {name!r}": {"alg": name} for name in ("none", "None", "NONE", "nOnE", " none", "")},
    **{
        f"alg {name!r}": {"alg": name}
        for name in (
            "hs256",
            "HS256 ",
            "HS384",
            "HS512",
            "RS256",
            "ES256",
            "EdDSA",
            "dir",
            "A128KW",
        )
    },
    **{f"alg {value!r}": {"alg": value} for value in (None, True, 256, ["HS256"], {"HS256": 1})},
    "no alg": {"typ": "JWT"},
    "crit of the unknown": good_header(crit=["x"], x=1),
    "crit of what PyJWT knows": good_header(crit=["b64"], b64=True),
    "crit empty": good_header(crit=[]),
    "crit no list": good_header(crit="b64"),
    "b64 false": good_header(b64=False, crit=["b64"]),
    "b64 false, not critical": good_header(b64=False),
    "nested": good_header(cty="JWT"),
    "compressed": good_header(zip="DEF"),
    "encrypted": good_header(enc="A128GCM"),
    "a logout token": good_header(typ="logout+jwt"),
    "a proof of possession": good_header(typ="dpop+jwt"),
    "typ is a number": good_header(typ=1),
    "kid is a number": good_header(kid=1),
    "kid is null": good_header(kid=None),
    "kid is a list": good_header(kid=["a"]),
    "alg twice": b'{"alg":"none","alg":"HS256"}',
    "a list": ["HS256"],
    "text": "HS256",
    "no JSON": b"\xff\xfe",
}


@pytest.mark.parametrize("name", BAD_HEADERS)
async def test_bad_headers_are_refused(verifier: TokenVerifier, name: str) -> None:
    await refused(verifier, signed(BAD_HEADERS[name], good_claims()))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "HS256"])
@pytest.mark.parametrize("end", ["", ".", ".."])
async def test_no_signature_is_no_token(verifier: TokenVerifier, algorithm: str, end: str) -> None:
    await refused(verifier, f"{part({'alg': algorithm})}.{part(good_claims())}{end}")


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
async def test_the_header_does_not_choose_the_digest(verifier: TokenVerifier, digest: str) -> None:
    header = good_header(alg="HS" + digest[3:])
    assert "Algorithm" in await refused(verifier, signed(header, good_claims(), digest=digest))
    await refused(verifier, signed(good_header(), good_claims(), digest=digest))


@pytest.mark.parametrize("secret", ["", "\0", "secret", SECRET[:-1], SECRET + "\n", SECRET.upper()])
async def test_another_secret_signs_nothing(verifier: TokenVerifier, secret: str) -> None:
    token = signed(good_header(), good_claims(), secret=secret)
    assert await refused(verifier, token) == "InvalidSignatureError"


async def test_a_changed_token_is_refused(verifier: TokenVerifier) -> None:
    head, _, signature = signed(good_header(), good_claims()).split(".")
    other = part(good_claims(sub=str(UUID(int=1))))
    assert await refused(verifier, f"{head}.{other}.{signature}") == "InvalidSignatureError"


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: "Bearer " + token,
        lambda token: token.replace(".", "..", 1),
        lambda token: token + ".e30",
        lambda token: token + ".e30.e30",
        lambda token: token[:-2],
        lambda token: token.replace(".", "\uff0e"),
        lambda token: token[:9] + "\ud800" + token[9:],
        lambda token: token[:9] + "\0" + token[9:],
        lambda token: "",
        lambda token: "..",
    ],
)
async def test_a_bent_form_is_refused(verifier: TokenVerifier, change: Any) -> None:
    assert await refused(verifier, change(signed(good_header(), good_claims()))) == "DecodeError"


async def test_the_size_has_a_limit(verifier: TokenVerifier) -> None:
    def of_length(length: int) -> str:
        base = len(signed(good_header(), good_claims(pad="")))
        for pad in range((length - base) * 3 // 4 - 3, length):
            token = signed(good_header(), good_claims(pad="x" * pad))
            if len(token) >= length:
                return token
        raise AssertionError

    assert await verifier.subject(of_length(LONGEST_TOKEN - 8)) == USER
    await refused(verifier, of_length(LONGEST_TOKEN + 1))
    started = time.perf_counter()
    await refused(verifier, "a" * 50_000_000)
    assert time.perf_counter() - started < 1


async def test_a_secrets_hash_in_the_token_does_not_help(verifier: TokenVerifier) -> None:
    known = hashlib.sha256(SECRET.encode()).hexdigest()
    await refused(verifier, signed(good_header(kid=known), good_claims(), secret=known))


PARTS = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    ),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
            for name in (
                "alg",
                "typ",
                "kid",
                "crit",
                "exp",
                "nbf",
                "iat",
                "sub",
                "iss",
                "aud",
                "jti",
            )
        },
    ),
)
QUIET = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUIET
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@example("e30.e30.e30")
@example("\ud800.\ud800.\ud800")
async def test_any_text_is_refused_alike(verifier: TokenVerifier, text: str) -> None:
    await refused(verifier, text)


@QUIET
@given(header=PARTS, claims=PARTS)
async def test_any_signed_nonsense_is_refused_alike(
    verifier: TokenVerifier, header: Any, claims: Any
) -> None:
    await refused(verifier, signed(header, claims))
    # With a header that is right the claims are looked at, too.
    if not isinstance(claims, dict) or {"sub", "exp"} - set(claims):
        await refused(verifier, signed(good_header(), claims))


@QUIET
@given(st.data())
async def test_any_flipped_bit_is_refused(verifier: TokenVerifier, data: st.DataObject) -> None:
    token = signed(good_header(), good_claims())
    at = data.draw(st.integers(0, len(token) - 1))
    bit = 1 << data.draw(st.integers(0, 6))
    await refused(verifier, token[:at] + chr(ord(token[at]) ^ bit) + token[at + 1 :])


@QUIET
@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "alg", "use", "kid", "key_ops", "n", "e", "x", "y", "x5c"]),
        st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "sig", "verify", "RS256", "AQAB"])
        | st.none()
        | st.integers()
        | st.text(max_size=90)
        | st.lists(st.text(max_size=9), max_size=2),
    )
)
def test_no_published_key_breaks_the_reading(key: dict[str, Any]) -> None:
    assert isinstance(read_keys(json.dumps({"keys": [key]}).encode()), list)
