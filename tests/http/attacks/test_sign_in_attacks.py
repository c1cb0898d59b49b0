"""Whom an account's admin writes is nobody's sign-in: strangers, colleagues, their directories."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.http.people.test_scim import SCIM, create, patch, provider_of
from tests.support.cast import AMIR, BO, CHEN, GINA, OLIVE, VERA, Member
from tests.support.clocks import skewed
from tests.support.desk import PLAIN, Desk
from tests.support.listener import Listener
from tests.support.provider import (
    Browser,
    browser,
    issued,
    move_to_provider,
    restart,
    running_provider,
)
from tests.unit.identity.test_tokens_provider import EC_KEY, Provider, published

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FAILED = "/sign-in?failed=1"
CHOICE = "/sign-in/choose"


async def put(desk: Desk, by: Member, user_id: Any, **body: Any) -> None:
    wanted = {"name": "Somebody", "role": "viewer"} | body
    answer = await desk.http(by).put(f"/directory/users/{user_id}", json=wanted)
    assert answer.status_code in (200, 201), answer.text


@pytest.fixture
def provider() -> Iterator[str]:
    with running_provider() as address:
        yield address


@pytest.fixture
async def somebody(desk: Desk, provider: str) -> AsyncIterator[Browser]:
    """At a browser, at a desk where people sign in by a provider."""
    await move_to_provider(desk, provider)
    async with browser(desk, provider) as one:
        yield one


# What a stranger writes.


async def test_a_strangers_user_with_my_address_is_not_in_my_way(
    desk: Desk, somebody: Browser
) -> None:
    await put(desk, GINA, uuid4(), email=AMIR.email)
    for _ in range(2):
        assert await somebody.sign_in("okta|amir", email=AMIR.email) == "/"
        assert await somebody.me() == str(AMIR.id)


@pytest.mark.parametrize("known", [True, False], ids=["known", "not yet"])
async def test_a_strangers_user_with_my_subject_for_its_id_is_not_me(
    desk: Desk, somebody: Browser, known: bool
) -> None:
    subject = str(uuid4())
    if known:
        assert await somebody.sign_in(subject, email=AMIR.email) == "/"
    await put(desk, GINA, subject, email="spy@globex.test")
    assert await somebody.sign_in(subject, email=AMIR.email) == "/"
    assert await somebody.me() == str(AMIR.id)


async def test_an_id_that_somebody_wrote_signs_nobody_in(desk: Desk, somebody: Browser) -> None:
    subject = str(uuid4())
    await put(desk, GINA, subject, email="spy@globex.test")
    assert await somebody.sign_in(subject) == FAILED
    assert await somebody.me() is None


async def test_a_strangers_directory_does_not_take_me_over(desk: Desk, somebody: Browser) -> None:
    assert await somebody.sign_in("okta|amir", email=AMIR.email) == "/"
    async with await provider_of(desk, GINA) as globex:
        await create(globex, userName="spy@globex.test", externalId="okta|amir")
    assert await somebody.sign_in("okta|amir", email=AMIR.email) == "/"
    assert await somebody.me() == str(AMIR.id)


# What a colleague writes.


async def test_whoever_gets_an_owners_old_address_is_not_the_owner(
    desk: Desk, somebody: Browser
) -> None:
    assert await somebody.sign_in("okta|olive", email=OLIVE.email) == "/"
    await put(desk, OLIVE, OLIVE.id, email="o.owen@acme.test", role="owner", name="Olive")
    await put(desk, AMIR, VERA.id, email=OLIVE.email)
    assert await somebody.sign_in("okta|olive", email=OLIVE.email) == "/"
    assert await somebody.me() == str(OLIVE.id)


async def test_an_admins_directory_gives_an_owners_subject_to_nobody(
    desk: Desk, somebody: Browser
) -> None:
    assert await somebody.sign_in("okta|olive", email=OLIVE.email) == "/"
    async with await provider_of(desk, AMIR) as scim:
        step = {"op": "replace", "path": "externalId", "value": "okta|olive"}
        refused = await patch(scim, f"/Users/{VERA.id}", step)
        assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
        taken = {"op": "replace", "path": "externalId", "value": "okta|other"}
        assert (await patch(scim, f"/Users/{OLIVE.id}", taken)).status_code == 403
    assert await somebody.sign_in("okta|olive", email=OLIVE.email) == "/"
    assert await somebody.me() == str(OLIVE.id)


async def test_an_admins_directory_does_not_come_in_as_a_colleague(
    desk: Desk, somebody: Browser
) -> None:
    assert await somebody.sign_in("okta|bo", email=BO.email) == "/"
    async with await provider_of(desk, AMIR) as scim:
        step = {"op": "replace", "path": "externalId", "value": "okta|spy"}
        assert (await patch(scim, f"/Users/{BO.id}", step)).status_code == 200
    assert await somebody.sign_in("okta|spy") == FAILED
    assert await somebody.sign_in("okta|bo") == "/"
    assert await somebody.me() == str(BO.id)


@pytest.mark.parametrize("subject", ["okta|olive", str(OLIVE.id), OLIVE.email])
async def test_a_directory_that_was_first_is_in_nobodys_way(
    desk: Desk, somebody: Browser, subject: str
) -> None:
    async with await provider_of(desk, AMIR) as scim:
        step = {"op": "replace", "path": "externalId", "value": subject}
        answer = await patch(scim, f"/Users/{VERA.id}", step)
        assert answer.status_code == (200 if subject == "okta|olive" else 409)
    for _ in range(2):
        assert await somebody.sign_in(subject, email=OLIVE.email) == "/"
        assert await somebody.me() == str(OLIVE.id)


# The person's own yes.


async def test_an_invited_person_says_yes_once(desk: Desk, somebody: Browser) -> None:
    nina = uuid4()
    await put(desk, AMIR, nina, email="nina@acme.test", role="engineer")
    assert await somebody.sign_in("okta|nina", email="Nina@acme.test") == CHOICE
    assert await somebody.me() is None
    page = await somebody.http.get(CHOICE)
    assert str(nina) in page.text
    assert (await somebody.choose(nina)).headers["location"] == "/"
    assert await somebody.me() == str(nina)
    # From now on it is the subject that counts.
    await put(desk, AMIR, nina, email="n.okafor@acme.test", role="engineer")
    assert await somebody.sign_in("okta|nina", email="nina@acme.test") == "/"
    assert await somebody.me() == str(nina)


async def test_an_address_that_nobody_verified_invites_nobody(
    desk: Desk, somebody: Browser
) -> None:
    await put(desk, AMIR, uuid4(), email="nina@acme.test")
    for email in ("nina@acme.test", AMIR.email):
        assert await somebody.sign_in("okta|x", email=email, verified=False) == FAILED


async def test_an_invitation_is_for_whom_it_names(desk: Desk, somebody: Browser) -> None:
    nina = uuid4()
    await put(desk, AMIR, nina, email="nina@acme.test")
    assert await somebody.sign_in("okta|nina", email="nina@acme.test") == CHOICE
    for wanted in (OLIVE.id, uuid4()):
        assert (await somebody.choose(wanted)).headers["location"] == FAILED
    assert (await somebody.choose(nina, Origin="https://evil.test")).status_code == 403
    somebody.http.cookies.clear()
    assert (await somebody.choose(nina)).headers["location"] == FAILED
    assert await somebody.me() is None


async def test_who_is_bound_is_invited_to_no_second_person(desk: Desk, somebody: Browser) -> None:
    """Whoever gets an address after somebody else does not get their user with it."""
    assert await somebody.sign_in("okta|bo", email=BO.email) == "/"
    assert await somebody.sign_in("okta|heir", email=BO.email) == FAILED


async def test_who_belongs_to_several_accounts_chooses(desk: Desk, somebody: Browser) -> None:
    theirs = uuid4()
    await put(desk, GINA, theirs, email=AMIR.email)
    assert await somebody.sign_in("okta|amir", email=AMIR.email, choose=True) == CHOICE
    assert (await somebody.choose(theirs)).headers["location"] == "/"
    assert await somebody.me() == str(theirs)
    # They are of both by their own yes, so nobody chooses for them.
    assert await somebody.sign_in("okta|amir", email=AMIR.email) == CHOICE
    assert (await somebody.choose(AMIR.id)).headers["location"] == "/"
    assert await somebody.me() == str(AMIR.id)


async def test_nobody_signs_in_as_a_programs_user(desk: Desk, somebody: Browser) -> None:
    await put(desk, AMIR, uuid4(), email="bot@acme.test", kind="service")
    assert await somebody.sign_in("okta|bot", email="bot@acme.test") == FAILED


# The account's own directory.


async def test_a_directory_binds_and_ends_a_sign_in(desk: Desk, somebody: Browser) -> None:
    async with await provider_of(desk) as scim:
        nina = await create(scim, externalId="okta|nina")
        assert await somebody.sign_in("okta|nina") == "/"
        assert await somebody.me() == nina["id"]
        step = {"op": "replace", "path": "externalId", "value": "okta|nina-2"}
        await patch(scim, f"/Users/{nina['id']}", step)
        assert await somebody.sign_in("okta|nina") == FAILED
        assert await somebody.sign_in("okta|nina-2") == "/"
        assert (await scim.delete(f"{SCIM}/Users/{nina['id']}")).status_code == 204
        assert await somebody.sign_in("okta|nina-2") == FAILED
        # The subject is free for whom the directory makes of them next.
        again = await create(scim, externalId="okta|nina-2")
        assert await somebody.sign_in("okta|nina-2") == "/"
        assert await somebody.me() == again["id"]


async def test_a_sign_in_that_ends_signs_out(desk: Desk, somebody: Browser) -> None:
    async with await provider_of(desk) as scim:
        nina = await create(scim, externalId="okta|nina")
        assert await somebody.sign_in("okta|nina") == "/"
        async with Listener(somebody.http) as listener:
            await patch(scim, f"/Users/{nina['id']}", {"op": "remove", "path": "externalId"})
            assert (await listener.hear("bye", within=15)).data["reason"] == "rights"
        assert await somebody.me() is None


@pytest.mark.parametrize("ahead", [20, -20])
async def test_whether_a_sign_in_has_ended_postgresqls_clock_decides(
    desk: Desk, somebody: Browser, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    skewed(monkeypatch)(timedelta(seconds=ahead), "api.")
    async with await provider_of(desk) as scim:
        nina = await create(scim, externalId="okta|nina")
        assert await somebody.sign_in("okta|nina") == "/"
        await patch(scim, f"/Users/{nina['id']}", {"op": "remove", "path": "externalId"})
        assert await somebody.me() is None
        step = {"op": "replace", "path": "externalId", "value": "okta|nina"}
        await patch(scim, f"/Users/{nina['id']}", step)
        assert await somebody.sign_in("okta|nina") == "/"
        assert await somebody.me() == nina["id"]


# Bearer tokens of a provider.


@pytest.fixture
async def keys() -> AsyncIterator[Provider]:
    server = Provider()
    server.keys = [published(EC_KEY, "a")]
    await server.up()
    yield server
    await server.down()


@pytest.fixture
async def bearers(desk: Desk, keys: Provider) -> "Bearers":
    """At a desk that can be told to believe a provider's tokens."""
    return Bearers(desk, keys)


class Bearers:
    """People with a provider's token."""

    def __init__(self, desk: Desk, keys: Provider) -> None:
        self._desk, self._keys = desk, keys

    async def believe(self, **settings: Any) -> None:
        """From now on the desk takes the provider's tokens, and no others."""
        issuer = {"auth_issuer": "https://id.test"}
        await restart(self._desk, auth_jwks_url=self._keys.url, **issuer | settings)

    async def me(self, subject: str, **headers: str) -> str | None:
        """Whom somebody is with this subject."""
        bearer = {"Authorization": f"Bearer {issued(EC_KEY, subject)}"}
        async with httpx.AsyncClient(
            base_url=self._desk.base_url, trust_env=False, verify=PLAIN, headers=bearer | headers
        ) as http:
            answer = await http.get("/me")
        assert answer.status_code in (200, 401), answer.text
        return answer.json()["id"] if answer.status_code == 200 else None


async def test_whom_the_operator_imported_is_known_by_id(desk: Desk, bearers: Bearers) -> None:
    written = uuid4()
    await put(desk, GINA, written, email="spy@globex.test")
    await bearers.believe()
    assert await bearers.me(str(AMIR.id)) == str(AMIR.id)
    assert await bearers.me(str(written)) is None
    assert await bearers.me("okta|nobody") is None


@pytest.mark.parametrize(
    ("setting", "known"), [("id", "id"), ("email", "email"), ("external_id", None)]
)
async def test_the_setting_says_what_a_subject_is(
    desk: Desk, bearers: Bearers, setting: str, known: str | None
) -> None:
    # An address that an admin has written is nobody's: neither a stranger's nor a colleague's.
    await put(desk, GINA, uuid4(), email=CHEN.email)
    await put(desk, AMIR, uuid4(), email="nina@acme.test")
    await bearers.believe(auth_subject=setting)
    found = {"id": await bearers.me(str(CHEN.id)), "email": await bearers.me(CHEN.email)}
    assert found == {name: str(CHEN.id) if name == known else None for name in found}
    assert await bearers.me("nina@acme.test") is None


async def test_a_directory_binds_a_subject_at_its_provider_alone(
    desk: Desk, bearers: Bearers
) -> None:
    async with await provider_of(desk) as before:
        token = before.headers["Authorization"]
    await bearers.believe()
    async with httpx.AsyncClient(
        base_url=desk.base_url, trust_env=False, verify=PLAIN, headers={"Authorization": token}
    ) as scim:
        nina = await create(scim, externalId="okta|nina")
    assert await bearers.me("okta|nina") == nina["id"]
    await bearers.believe(auth_issuer="https://other.test")
    other = issued(EC_KEY, "okta|nina", "https://other.test")
    answer = await desk.http().get("/me", headers={"Authorization": f"Bearer {other}"})
    assert answer.status_code == 401


async def test_a_program_of_somebody_in_two_accounts_names_one(
    desk: Desk, bearers: Bearers
) -> None:
    made: dict[UUID, str] = {}
    for owner in (OLIVE, GINA):
        async with await provider_of(desk, owner) as scim:
            user = await create(scim, userName="both@example.test", externalId="okta|both")
            made[owner.account_id] = user["id"]
    await bearers.believe()
    assert await bearers.me("okta|both") is None
    for account_id, user_id in made.items():
        assert await bearers.me("okta|both", **{"Handoff-Account": str(account_id)}) == user_id
    assert await bearers.me("okta|both", **{"Handoff-Account": str(uuid4())}) is None
    assert await bearers.me(str(AMIR.id), **{"Handoff-Account": str(GINA.account_id)}) is None


async def test_a_strangers_directory_is_not_in_the_way_of_a_program(
    desk: Desk, bearers: Bearers
) -> None:
    async with await provider_of(desk) as scim:
        nina = await create(scim, externalId="okta|nina")
    await bearers.believe()
    assert await bearers.me("okta|nina") == nina["id"]
    await restart(desk, auth_jwks_url=None, auth_issuer=None)
    async with await provider_of(desk, GINA) as globex:
        await create(globex, userName="spy@globex.test", externalId="okta|nina")
    await bearers.believe()
    assert await bearers.me("okta|nina") == nina["id"]
