"""Forged tokens and poisoned key sets: every trick against bearer tokens that we know of, with an
identity provider on a real socket. Its outages and rotations are in `tests/unit/identity`, where
what needs no provider is, too.
"""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.identity.bearer_tokens import TokenVerifier
from handoff.tokens import mint
from tests.unit.identity.test_tokens_provider import (
    EC_KEY,
    ED_KEY,
    KEYS,
    RSA_KEY,
    SECRET,
    SUBJECT,
    USER,
    Provider,
    configured,
    good_claims,
    part,
    published,
    refused,
    signed,
)


def forged(sign: Callable[[bytes], bytes], **header: Any) -> str:
    """A token with this header, good claims and whatever signature."""
    body = f"{part(header)}.{part(good_claims())}"
    return f"{body}.{part(sign(body.encode()))}"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    server = Provider()
    await server.up()
    yield server
    await server.down()


@pytest.fixture
async def verifier(provider: Provider) -> AsyncIterator[TokenVerifier]:
    async with httpx.AsyncClient() as http:
        judge = TokenVerifier(configured(provider.url), http)
        yield judge
        await judge.aclose()


# What is right.


@pytest.mark.parametrize("algorithm", KEYS)
async def test_each_kind_of_key_is_taken(verifier: TokenVerifier, algorithm: str) -> None:
    assert await verifier.subject(signed(algorithm, algorithm)) == SUBJECT
    # Where only one key fits, no id is needed.
    assert await verifier.subject(signed(algorithm)) == SUBJECT


@pytest.mark.parametrize("more", [{"use": "sig"}, {"alg": "ES256"}, {"key_ops": ["verify"]}])
async def test_a_key_may_say_what_it_is_for(
    verifier: TokenVerifier, provider: Provider, more: dict[str, Any]
) -> None:
    provider.keys = ["nonsense", None, {}, published(EC_KEY, "a", x5t="ignored", **more)]
    assert await verifier.subject(signed("ES256", "a")) == SUBJECT


# Forged tokens.


async def test_the_secret_signs_nothing_beside_a_provider(
    verifier: TokenVerifier, provider: Provider
) -> None:
    token = signed("HS256", key=SECRET)
    assert await refused(verifier, token) == "InvalidAlgorithmError"
    assert provider.hits == 0


def public_forms(key: Any) -> dict[str, bytes]:
    public = key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = published(key, None)
    return {
        "pem": pem,
        "pem stripped": pem.strip(),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "ssh": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "jwk": json.dumps(jwk).encode(),
        "number": base64.urlsafe_b64decode(jwk.get("n", jwk.get("x", "")) + "=="),
        "empty": b"",
    }


@pytest.mark.parametrize("form", public_forms(ED_KEY))
@pytest.mark.parametrize("owner", KEYS)
@pytest.mark.parametrize("alg", ["HS256", "same"])
async def test_a_public_key_is_no_hmac_secret(
    verifier: TokenVerifier, owner: str, form: str, alg: str
) -> None:
    secret = public_forms(KEYS[owner])[form]
    named = owner if alg == "same" else alg
    await refused(
        verifier,
        forged(lambda body: hmac.digest(secret, body, "sha256"), alg=named, kid=owner),
    )


@pytest.mark.parametrize("named", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", [b"", b"\0", b"none"])
async def test_none_is_no_algorithm(
    verifier: TokenVerifier, provider: Provider, named: str, signature: bytes
) -> None:
    await refused(verifier, forged(lambda _: signature, alg=named, kid="RS256"))
    assert provider.hits == 0


@pytest.mark.parametrize("signing", ["RS384", "RS512", "PS256", "PS384", "PS512"])
@pytest.mark.parametrize("honest", [True, False], ids=["named so", "named RS256"])
async def test_an_rsa_key_signs_rs256_only(
    verifier: TokenVerifier, signing: str, honest: bool
) -> None:
    sign = jwt.get_algorithm_by_name(signing).sign
    named = signing if honest else "RS256"
    await refused(verifier, forged(lambda body: sign(body, RSA_KEY), alg=named, kid="RS256"))


@pytest.mark.parametrize("named", ["RS256", "ES256", "EdDSA", "ES384", "ES256K", "Ed25519"])
@pytest.mark.parametrize("owner", KEYS)
async def test_the_keys_type_rules_not_the_header(
    verifier: TokenVerifier, named: str, owner: str
) -> None:
    if named == owner:
        return
    sign = jwt.get_algorithm_by_name(owner).sign
    token = forged(lambda body: sign(body, KEYS[owner]), alg=named, kid=owner)
    assert await refused(verifier, token) in {"InvalidAlgorithmError", "UnknownKey"}


def der_signature(body: bytes) -> bytes:
    raw = jwt.get_algorithm_by_name("ES256").sign(body, EC_KEY)
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SIGNATURES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "psychic ES256": ("ES256", lambda _: bytes(64)),
    "ES256 of order n": ("ES256", lambda _: ORDER.to_bytes(32) * 2),
    "ES256 in DER": ("ES256", der_signature),
    "ES256 too short": ("ES256", lambda _: b"\1"),
    "ES256 too long": ("ES256", lambda _: b"\1" * 65),
    "ES256 on P-384": (
        "ES256",
        lambda body: jwt.get_algorithm_by_name("ES384").sign(
            body, ec.generate_private_key(ec.SECP384R1())
        ),
    ),
    "EdDSA of zeros": ("EdDSA", lambda _: bytes(64)),
    "EdDSA of the neutral point": ("EdDSA", lambda _: b"\1" + bytes(63)),
    "RS256 of zeros": ("RS256", lambda _: bytes(256)),
    "RS256 of one": ("RS256", lambda _: bytes(255) + b"\1"),
    "RS256 cubed": ("RS256", lambda _: b"\1" * 256),
    "a stranger's ES256": (
        "ES256",
        lambda body: jwt.get_algorithm_by_name("ES256").sign(
            body, ec.generate_private_key(ec.SECP256R1())
        ),
    ),
}


@pytest.mark.parametrize("name", SIGNATURES)
async def test_a_made_up_signature_is_refused(verifier: TokenVerifier, name: str) -> None:
    algorithm, sign = SIGNATURES[name]
    token = forged(sign, alg=algorithm, kid=algorithm)
    assert await refused(verifier, token) == "InvalidSignatureError"


@pytest.mark.parametrize("pointer", ["jku", "x5u", "jwk", "x5c", "iss"])
async def test_a_token_cannot_bring_its_key(verifier: TokenVerifier, pointer: str) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    attacker = Provider()
    attacker.keys = [published(stranger, kid) for kid in ("ES256", "mine")]
    await attacker.up()
    brought: dict[str, Any] = {
        "jku": attacker.url,
        "x5u": attacker.url,
        "jwk": published(stranger, "mine"),
        "x5c": [base64.b64encode(b"certificate").decode()],
        "iss": attacker.url,
    }
    sign = jwt.get_algorithm_by_name("ES256").sign
    header = {pointer: brought[pointer], "alg": "ES256"}
    for kid in ({"kid": "ES256"}, {"kid": "mine"}, {}):
        token = forged(lambda body: sign(body, stranger), **header, **kid)
        assert await refused(verifier, token) in {"InvalidSignatureError", "UnknownKey"}
    assert attacker.hits == 0
    # The right signature is right, whatever else the header says.
    token = forged(lambda body: sign(body, EC_KEY), **header, kid="ES256")
    assert await verifier.subject(token) == SUBJECT
    await attacker.down()


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "/dev/null",
        "../../../../etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1:1/jwks.json",
        "' OR 1=1 --",
        "| sleep 5",
        "ES256\0",
        "es256",
        "*",
        "\ud800",
        "k" * 4000,
        "0",
        "__class__",
    ],
    ids=lambda kid: repr(kid)[:30],
)
async def test_a_key_id_is_only_looked_up(
    verifier: TokenVerifier, provider: Provider, kid: str
) -> None:
    sign = jwt.get_algorithm_by_name("ES256").sign
    token = forged(lambda body: sign(body, EC_KEY), alg="ES256", kid=kid)
    assert await refused(verifier, token) == "UnknownKey"
    assert provider.hits == 1


# Poisoned key sets. Each of these keys signs, and must not count.

WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
P384 = ec.generate_private_key(ec.SECP384R1())
K256 = ec.generate_private_key(ec.SECP256K1())
ED448 = ed448.Ed448PrivateKey.generate()
X25519 = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
PRIVATE = part(EC_KEY.private_numbers().private_value.to_bytes(32))
OCTETS = {"kty": "oct", "k": part(SECRET.encode()), "kid": "a"}

POISONED: dict[str, tuple[dict[str, Any], str, Any, str]] = {
    # The key as it is published; what signs, with which key, under which name.
    "for encryption": (published(EC_KEY, "a", use="enc"), "ES256", EC_KEY, "ES256"),
    "for signing only": (published(EC_KEY, "a", key_ops=["sign"]), "ES256", EC_KEY, "ES256"),
    "for wrapping": (published(RSA_KEY, "a", key_ops=["wrapKey"]), "RS256", RSA_KEY, "RS256"),
    "for nothing": (published(EC_KEY, "a", key_ops=[]), "ES256", EC_KEY, "ES256"),
    "for text": (published(EC_KEY, "a", key_ops="verify"), "ES256", EC_KEY, "ES256"),
    "RSA of another algorithm": (published(RSA_KEY, "a", alg="PS256"), "RS256", RSA_KEY, "RS256"),
    "PS256 as it says": (published(RSA_KEY, "a", alg="PS256"), "PS256", RSA_KEY, "PS256"),
    "RSA for encryption": (published(RSA_KEY, "a", alg="RSA-OAEP"), "RS256", RSA_KEY, "RS256"),
    "RSA for HS256": (published(RSA_KEY, "a", alg="HS256"), "RS256", RSA_KEY, "RS256"),
    "RSA of none": (published(RSA_KEY, "a", alg="none"), "RS256", RSA_KEY, "RS256"),
    "alg null": (published(RSA_KEY, "a", alg=None), "RS256", RSA_KEY, "RS256"),
    "RSA of 1024 bits": (published(WEAK_RSA, "a"), "RS256", WEAK_RSA, "RS256"),
    "P-384": (published(P384, "a"), "ES384", P384, "ES384"),
    "P-384 named ES256": (published(P384, "a", alg="ES256"), "ES384", P384, "ES256"),
    "P-384 named P-256": (published(P384, "a", crv="P-256"), "ES384", P384, "ES256"),
    "secp256k1": (published(K256, "a"), "ES256K", K256, "ES256K"),
    "secp256k1 named P-256": (published(K256, "a", crv="P-256"), "ES256K", K256, "ES256"),
    "no curve": (published(EC_KEY, "a", crv=None), "ES256", EC_KEY, "ES256"),
    "Ed448": (published(ED448, "a"), "EdDSA", ED448, "EdDSA"),
    "X25519": (
        {"kty": "OKP", "crv": "X25519", "x": part(X25519), "kid": "a"},
        "EdDSA",
        ED_KEY,
        "EdDSA",
    ),
    "X25519 named Ed25519": (
        {"kty": "OKP", "crv": "Ed25519", "x": part(X25519), "kid": "a", "use": "enc"},
        "EdDSA",
        ED_KEY,
        "EdDSA",
    ),
    "a shared secret": (OCTETS, "HS256", SECRET.encode(), "HS256"),
    "a shared secret for RS256": (OCTETS | {"alg": "RS256"}, "HS256", SECRET.encode(), "RS256"),
    "the private half": (published(EC_KEY, "a", d=PRIVATE), "ES256", EC_KEY, "ES256"),
    "an id that is a number": (published(EC_KEY, None) | {"kid": 1}, "ES256", EC_KEY, "ES256"),
    "another type": (published(RSA_KEY, "a", kty="EC", crv="P-256"), "RS256", RSA_KEY, "RS256"),
    "type in small letters": (published(RSA_KEY, "a", kty="rsa"), "RS256", RSA_KEY, "RS256"),
    "exponent one": (published(RSA_KEY, "a", e="AQ"), "RS256", RSA_KEY, "RS256"),
    "number for text": (published(RSA_KEY, "a", n=5), "RS256", RSA_KEY, "RS256"),
    "off the curve": (published(EC_KEY, "a", x=part(bytes(32))), "ES256", EC_KEY, "ES256"),
}


@pytest.mark.parametrize("name", POISONED)
async def test_a_key_that_must_not_count(
    verifier: TokenVerifier, provider: Provider, name: str
) -> None:
    key, signing, private, named = POISONED[name]
    provider.keys = [key]
    sign = jwt.get_algorithm_by_name(signing).sign
    token = forged(lambda body: sign(body, private), alg=named, kid="a")
    assert await refused(verifier, token) in {"InvalidAlgorithmError", "UnknownKey"}


async def test_two_keys_that_fit_are_none(verifier: TokenVerifier, provider: Provider) -> None:
    other = published(ec.generate_private_key(ec.SECP256R1()), "a")
    provider.keys = [published(EC_KEY, "a"), other, published(RSA_KEY, "a")]
    assert await refused(verifier, signed("ES256", "a")) == "UnknownKey"
    assert await refused(verifier, signed("ES256")) == "UnknownKey"
    assert await verifier.subject(signed("RS256", "a")) == SUBJECT


# Anything at all.

QUIET = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUIET
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
async def test_any_text_is_refused_alike(verifier: TokenVerifier, text: str) -> None:
    await refused(verifier, text)


@QUIET
@given(
    algorithm=st.sampled_from([*KEYS, "HS256", "none", "ES384"]),
    kid=st.none() | st.sampled_from([*KEYS]) | st.text(max_size=10),
    signature=st.binary(max_size=300),
)
async def test_any_signature_is_refused_alike(
    verifier: TokenVerifier, algorithm: str, kid: str | None, signature: bytes
) -> None:
    header: dict[str, Any] = {"alg": algorithm} | ({} if kid is None else {"kid": kid})
    await refused(verifier, forged(lambda _: signature, **header))


async def test_a_minted_token_needs_the_shared_secret(verifier: TokenVerifier) -> None:
    token = mint(USER, secret=SECRET, lifetime=timedelta(minutes=5), now=datetime.now(UTC))
    await refused(verifier, token)
