"""SCIM as Okta and Entra ID send it: names in parts, addresses beside names, paths and filters."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.http.people.test_scim import (
    PATCH_OP,
    SCIM,
    create,
    found_by,
    ids,
    is_scim,
    members,
    patch,
    provider_of,
    refused,
    user,
)
from tests.support.cast import AMIR, BO, CHEN, NETWORK, OLIVE, VERA, ZOE
from tests.support.desk import Desk

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

OKTA: dict[str, Any] = {
    "schemas": [USER],
    "userName": "bjork@acme.test",
    "name": {"givenName": "Björk", "familyName": ""},
    "emails": [{"primary": True, "value": "bjork@acme.test", "type": "work"}],
    "displayName": "Björk",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}
ENTRA: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "van.der.berg@acme.onmicrosoft.test",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "anna@acme.test"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Anna van der Berg", "familyName": "van der Berg", "givenName": "Anna"},
    "roles": [],
    ENTERPRISE: {"department": "Support", "manager": "9"},
}


@pytest.fixture
async def scim(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with await provider_of(desk) as provider:
        yield provider


@pytest.fixture(scope="module")
async def reading(front_desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """Where nothing is changed by what is asked."""
    async with await provider_of(front_desk) as provider:
        yield provider


# Names.


async def test_one_name_stays_one(scim: httpx.AsyncClient) -> None:
    made = is_scim(await scim.post(f"{SCIM}/Users", json=OKTA), 201)
    assert made["name"] == {"givenName": "Björk"}
    assert made["displayName"] == "Björk"
    for _ in range(2):
        again = is_scim(await scim.put(f"{SCIM}/Users/{made['id']}", json=OKTA))
        assert again == made
    # What is read can be written back: nothing changes by it.
    assert is_scim(await scim.put(f"{SCIM}/Users/{made['id']}", json=made)) == made


async def test_parts_of_a_name_stay_parts(desk: Desk, scim: httpx.AsyncClient) -> None:
    made = is_scim(await scim.post(f"{SCIM}/Users", json=ENTRA), 201)
    assert made["name"] == ENTRA["name"]
    path = f"/Users/{made['id']}"
    # Marriage: one part changes, and what was made of the old ones is not true any more.
    changed = is_scim(
        await patch(scim, path, {"op": "Replace", "path": "name.familyName", "value": "de Vries"})
    )
    assert changed["name"] == {"givenName": "Anna", "familyName": "de Vries"}
    assert changed["displayName"] == "Anna de Vries"
    without = is_scim(await patch(scim, path, {"op": "remove", "path": "name.familyName"}))
    assert without["name"] == {"givenName": "Anna"}
    named = {"op": "add", "path": f"{USER}:name.middleName", "value": "M."}
    assert is_scim(await patch(scim, path, named))["displayName"] == "Anna M."
    seen = (await desk.http(OLIVE).get(f"/directory/users/{made['id']}")).json()
    assert seen["name"] == "Anna M."


async def test_who_is_renamed_here_is_not_called_by_an_old_name(
    desk: Desk, scim: httpx.AsyncClient
) -> None:
    made = is_scim(await scim.post(f"{SCIM}/Users", json=ENTRA), 201)
    body = {"email": "anna@acme.test", "name": "Anna B.", "role": "engineer"}
    put = await desk.http(OLIVE).put(f"/directory/users/{made['id']}", json=body)
    assert put.status_code == 200
    found = await user(scim, made["id"])
    assert (found["displayName"], found["name"]) == ("Anna B.", {"formatted": "Anna B."})
    assert found["userName"] == ENTRA["userName"]


@pytest.mark.parametrize("name", ["山田　太郎", "Zoë\u00a0D.", "نام\u200cها", "Ada 👩\u200d💻"])
async def test_names_of_every_script(scim: httpx.AsyncClient, name: str) -> None:
    made = await create(scim, displayName=name)
    assert made["displayName"] == name
    assert (await user(scim, made["id"]))["displayName"] == name


# The address, and what the provider calls them.


async def test_an_address_beside_the_name(desk: Desk, scim: httpx.AsyncClient) -> None:
    made = is_scim(await scim.post(f"{SCIM}/Users", json=ENTRA), 201)
    assert made["userName"] == ENTRA["userName"]
    assert made["emails"] == ENTRA["emails"]
    # `roles: []` says that they have none: they get none that they could act by.
    assert made["roles"][0]["value"] == "viewer"
    seen = (await desk.http(OLIVE).get(f"/directory/users/{made['id']}")).json()
    assert seen["email"] == "anna@acme.test"
    by_name = f'userName eq "{ENTRA["userName"]}"'
    assert await found_by(scim, "Users", by_name) == [made["id"]]
    assert await found_by(scim, "Users", 'emails.value eq "Anna@acme.test"') == [made["id"]]
    same = OKTA | {"userName": ENTRA["userName"].upper()}
    refused(await scim.post(f"{SCIM}/Users", json=same), 409, "uniqueness")
    moved = {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "a.v@acme.test"}
    changed = is_scim(await patch(scim, f"/Users/{made['id']}", moved))
    assert changed["emails"][0]["value"] == "a.v@acme.test"
    assert changed["userName"] == ENTRA["userName"]


async def test_an_address_of_another_kind_is_not_theirs(scim: httpx.AsyncClient) -> None:
    private = {"op": "Replace", "path": 'emails[type eq "home"].value', "value": "c@home.test"}
    kept = is_scim(await patch(scim, f"/Users/{CHEN.id}", private))
    assert [one["value"] for one in kept["emails"]] == [CHEN.email]


@pytest.mark.parametrize("kind", ["add", "replace"])
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ('roles[value eq "viewer"].value', "admin"),
        ('roles[value eq "viewer" and primary eq "True"]', [{"value": "admin"}]),
        ('emails[value eq "other@acme.test"].value', "new@acme.test"),
    ],
)
async def test_what_chooses_nothing_changes_nothing(
    scim: httpx.AsyncClient, kind: str, path: str, value: Any
) -> None:
    step = {"op": kind, "path": path, "value": value}
    refused(await patch(scim, f"/Users/{CHEN.id}", step), 400, "noTarget")
    seen = is_scim(await scim.get(f"{SCIM}/Users/{CHEN.id}"))
    assert (seen["emails"][0]["value"], seen["roles"][0]["value"]) == (CHEN.email, "engineer")


async def test_what_chooses_the_role_that_is_there_changes_it(scim: httpx.AsyncClient) -> None:
    step = {"op": "replace", "path": 'roles[value eq "Engineer"].value', "value": "admin"}
    changed = is_scim(await patch(scim, f"/Users/{CHEN.id}", step))
    assert changed["roles"][0]["value"] == "admin"


async def test_a_name_that_is_no_address_needs_one(scim: httpx.AsyncClient) -> None:
    refused(await scim.post(f"{SCIM}/Users", json={"userName": "jdoe"}), 400, "invalidValue")
    body = {"userName": "jdoe", "emails": [{"value": "jdoe@acme.test"}]}
    made = is_scim(await scim.post(f"{SCIM}/Users", json=body), 201)
    assert (made["userName"], made["emails"][0]["value"]) == ("jdoe", "jdoe@acme.test")


async def test_the_address_follows_a_name_that_is_one(scim: httpx.AsyncClient) -> None:
    step = {"op": "replace", "path": "userName", "value": "c.li@acme.test"}
    changed = is_scim(await patch(scim, f"/Users/{CHEN.id}", step))
    assert changed["emails"][0]["value"] == changed["userName"] == "c.li@acme.test"


async def test_an_admins_directory_does_not_move_an_owners_mail(desk: Desk) -> None:
    async with await provider_of(desk, AMIR) as scim:
        step = {"op": "replace", "path": 'emails[type eq "work"].value', "value": AMIR.email}
        refused(await patch(scim, f"/Users/{OLIVE.id}", step), 403)


async def test_two_spellings_are_one_mailbox(scim: httpx.AsyncClient) -> None:
    made = await create(scim, userName="bo@xn--bcher-kva.test")
    assert made["emails"][0]["value"] == "bo@bücher.test"
    for same in ("bo@bücher.test", "BO@BÜCHER.test", "bo@bu\u0308cher.test"):
        body = {"userName": same}
        refused(await scim.post(f"{SCIM}/Users", json=body), 409, "uniqueness")


# Filters.


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('userName sw "bo"', (BO,)),
        ('userName eq "\\u0062o@acme.test"', (BO,)),
        (f'{USER}:userName eq "BO@acme.test"', (BO,)),
        ('emails[type eq "work" and value eq "bo@acme.test"]', (BO,)),
        ('emails[type eq "work"].value eq "bo@acme.test"', (BO,)),
        ('emails eq "bo@acme.test"', (BO,)),
        ('emails[type eq "home"]', ()),
        ('userName eq "bo@acme.test" and active eq true', (BO,)),
        ('userName eq "bo@acme.test" or userName eq "chen@acme.test"', (BO, CHEN)),
        ('active eq false or userName eq "bo@acme.test"', (BO, ZOE)),
        ('not (active eq true) or id eq "nobody"', (ZOE,)),
        ('roles.value eq "Owner"', (OLIVE,)),
        ('roles[value eq "owner"] and not (externalId pr)', (OLIVE,)),
        (f'id eq "{BO.id}"', (BO,)),
        (f'groups[value eq "{NETWORK}"] and userName co "CHEN"', (CHEN,)),
        ('displayName eq "Bo" and externalId ne "x"', (BO,)),
        ('userName co "%"', ()),
        ("externalId pr", ()),
        ('name.familyName eq "Li"', ()),
    ],
)
async def test_what_a_filter_finds(
    reading: httpx.AsyncClient, filter: str, found: tuple[Any, ...]
) -> None:
    assert set(await found_by(reading, "Users", filter)) == ids(*found)


async def test_groups_are_found_by_who_is_in_them(reading: httpx.AsyncClient) -> None:
    for filter in (
        f'members eq "{BO.id}"',
        f'members[value eq "{BO.id}"]',
        f'id eq "{NETWORK}" and members.value eq "{BO.id}"',
    ):
        assert await found_by(reading, "Groups", filter) == [str(NETWORK)]


# What is shown.


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"attributes": "userName"}, {"userName"}),
        ({"attributes": f"{USER}:USERNAME, active ,nothing"}, {"userName", "active"}),
        ({"attributes": "emails.value"}, {"emails"}),
        (
            {"excludedAttributes": "groups,emails,roles,meta,displayName,id"},
            {"userName", "name", "active"},
        ),
    ],
)
async def test_a_request_says_what_it_wants_to_see(
    reading: httpx.AsyncClient, asked: dict[str, str], names: set[str]
) -> None:
    always = {"schemas", "id"}
    one = is_scim(await reading.get(f"{SCIM}/Users/{BO.id}", params=asked))
    page = is_scim(await reading.get(f"{SCIM}/Users", params=asked))
    searched = is_scim(await reading.post(f"{SCIM}/Users/.search", json=asked))
    for found in (one, page["Resources"][0], searched["Resources"][0]):
        assert found.keys() == always | names
    if "emails" in names:
        assert one["emails"] == [{"value": BO.email}]


async def test_a_search_of_everything(reading: httpx.AsyncClient) -> None:
    whole = is_scim(await reading.post(f"{SCIM}/.search", json={}))
    kinds = [found["meta"]["resourceType"] for found in whole["Resources"]]
    assert kinds == ["User"] * 6 + ["Group"] * 2
    assert whole["totalResults"] == 8
    seen = []
    for start in (1, 4, 7, 10):
        body = {"startIndex": start, "count": 3, "attributes": ["id"]}
        page = is_scim(await reading.post(f"{SCIM}/.search", json=body))
        assert page["totalResults"] == 8
        seen += [found["id"] for found in page["Resources"]]
    assert seen == [found["id"] for found in whole["Resources"]]
    only = {"filter": 'userName eq "bo@acme.test"'}
    page = is_scim(await reading.post(f"{SCIM}/.search", json=only))
    assert [found["id"] for found in page["Resources"]] == [str(BO.id)]
    refused(await reading.post(f"{SCIM}/.search", json={"filter": "x pr"}), 400, "invalidFilter")


# Steps.


async def test_steps_of_entra(scim: httpx.AsyncClient) -> None:
    made = is_scim(await scim.post(f"{SCIM}/Users", json=ENTRA), 201)
    steps: list[dict[str, Any]] = [
        {"op": "Add", "path": "nickName", "value": "Babs"},
        {"op": "Add", "path": f"{ENTERPRISE}:employeeNumber", "value": "701"},
        {"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": ""},
        {
            "op": "Replace",
            "value": {
                "active": "False",
                "name.givenName": "Ann",
                f"{ENTERPRISE}:department": "Sales",
                'emails[type eq "work"].value': "ann@acme.test",
            },
        },
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "engineer"},
    ]
    changed = is_scim(await patch(scim, f"/Users/{made['id']}", *steps))
    assert changed["active"] is False
    assert changed["name"]["givenName"] == "Ann"
    assert changed["emails"][0]["value"] == "ann@acme.test"
    assert changed["roles"][0]["value"] == "engineer"


async def test_groups_of_entra(scim: httpx.AsyncClient) -> None:
    them = f'members[value eq "{BO.id}" or value eq "{CHEN.id}"]'
    is_scim(await patch(scim, f"/Groups/{NETWORK}", {"op": "Remove", "path": them}))
    assert await members(scim, NETWORK) == ids(AMIR)
    added = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": str(VERA.id)}]}
    is_scim(await patch(scim, f"/Groups/{NETWORK}", added))
    assert await members(scim, NETWORK) == ids(AMIR, VERA)
    nobody = {"op": "add", "path": 'members[type eq "x"]', "value": [{"value": str(BO.id)}]}
    refused(await patch(scim, f"/Groups/{NETWORK}", nobody), 400, "noTarget")


@pytest.mark.parametrize("path", ["members[", "a b", "1", 'emails[type eq "work"', "name.a.b"])
async def test_a_path_that_is_none(reading: httpx.AsyncClient, path: str) -> None:
    step = {"op": "replace", "path": path, "value": "x"}
    refused(await patch(reading, f"/Users/{CHEN.id}", step), 400, "invalidPath")


# Beside the endpoints.


@pytest.mark.parametrize("path", ["", "/", "/Me", "/Bulk", "/Users/a/b", "/Nothing?x=1"])
async def test_what_is_not_there_is_said_in_scims_words(
    reading: httpx.AsyncClient, path: str
) -> None:
    refused(await reading.get(f"{SCIM}{path}"), 404)


async def test_what_cannot_be_done_is_said_in_scims_words(reading: httpx.AsyncClient) -> None:
    answer = await reading.delete(f"{SCIM}/Schemas")
    refused(answer, 405)
    assert answer.headers["allow"] == "GET"
    answer = await reading.put(f"{SCIM}/Users", json={})
    refused(answer, 405)
    assert {name.strip() for name in answer.headers["allow"].split(",")} == {"GET", "POST"}


async def test_a_slash_at_the_end(reading: httpx.AsyncClient) -> None:
    for path in ("/Users", f"/Users/{BO.id}", "/Schemas", "/ServiceProviderConfig"):
        assert is_scim(await reading.get(f"{SCIM}{path}/")) == is_scim(
            await reading.get(f"{SCIM}{path}")
        )


async def test_one_schema_and_one_resource_type(reading: httpx.AsyncClient) -> None:
    for kind in ("Schemas", "ResourceTypes"):
        for resource in is_scim(await reading.get(f"{SCIM}/{kind}"))["Resources"]:
            assert is_scim(await reading.get(f"{SCIM}/{kind}/{resource['id']}")) == resource
        refused(await reading.get(f"{SCIM}/{kind}/nothing"), 404)


async def test_a_body_that_cannot_be_read(reading: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/scim+json"}
    for body in (b"{", b'{"a": NaN}', b'{"schemas": ["' + PATCH_OP.encode() + b'"], "a": 1e999}'):
        answer = await reading.post(f"{SCIM}/Users", content=body, headers=headers)
        refused(answer, 400, "invalidSyntax")
    large = b'{"x": "' + b"x" * 170_000 + b'"}'
    refused(await reading.post(f"{SCIM}/Users", content=large, headers=headers), 413)
