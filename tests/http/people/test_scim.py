"""SCIM as identity providers speak it: people come, change, move and leave, in one account only."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.support.cast import (
    AMIR,
    BILLING,
    BO,
    CHEN,
    DORA,
    GINA,
    HUGO,
    NETWORK,
    OLIVE,
    PLATFORM,
    VERA,
    ZOE,
    Member,
)
from tests.support.desk import Desk

SCIM = "/scim/v2"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


async def provider_of(desk: Desk, by: Member = OLIVE, *scopes: str) -> httpx.AsyncClient:
    desk.mail_matters = False
    body = {"name": "Directory", "scopes": [*scopes] or ["scim"]}
    made = await desk.http(by).post("/api-tokens", json=body)
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    return httpx.AsyncClient(base_url=desk.base_url, headers=headers, timeout=20, trust_env=False)


@pytest.fixture
async def scim(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """Acme's identity provider, by an owner's token."""
    async with await provider_of(desk) as provider:
        yield provider


@pytest.fixture(scope="module")
async def refusing(front_desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """The same, where nothing is changed by what is asked."""
    async with await provider_of(front_desk) as provider:
        yield provider


def is_scim(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    found: dict[str, Any] = answer.json()
    return found


def refused(answer: httpx.Response, status: int, kind: str | None = None) -> None:
    error = is_scim(answer, status)
    assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert error["status"] == str(status)
    assert error["detail"]
    assert error.get("scimType") == kind


async def patch(scim: httpx.AsyncClient, path: str, *steps: dict[str, Any]) -> httpx.Response:
    body = {"schemas": [PATCH_OP], "Operations": list(steps)}
    headers = {"Content-Type": "application/scim+json"}
    return await scim.patch(f"{SCIM}{path}", json=body, headers=headers)


async def user(scim: httpx.AsyncClient, user_id: UUID | str) -> dict[str, Any]:
    return is_scim(await scim.get(f"{SCIM}/Users/{user_id}"))


async def create(scim: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    wanted = {"userName": "nina@acme.test", "displayName": "Nina"} | body
    return is_scim(await scim.post(f"{SCIM}/Users", json=wanted), 201)


async def found_by(scim: httpx.AsyncClient, kind: str, filter: str) -> list[str]:
    page = is_scim(await scim.get(f"{SCIM}/{kind}", params={"filter": filter}))
    assert page["totalResults"] == len(page["Resources"])
    return [resource["id"] for resource in page["Resources"]]


# Users.


async def test_a_user_comes(desk: Desk, scim: httpx.AsyncClient) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "nina@acme.test",
        "name": {"givenName": "Nina", "familyName": "Okafor", "formatted": "Nina Okafor"},
        "emails": [{"value": "nina@acme.test", "primary": True}],
        "active": True,
        "externalId": "00u42",
        "title": "not kept",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Support"},
    }
    answer = await scim.post(f"{SCIM}/Users", json=body)
    made = is_scim(answer, 201)
    assert answer.headers["location"] == made["meta"]["location"]
    assert made["userName"] == "nina@acme.test"
    assert made["displayName"] == made["name"]["formatted"] == "Nina Okafor"
    assert made["roles"] == [{"value": "engineer", "primary": True}]
    assert made["active"] is True
    assert made["externalId"] == "00u42"
    assert await user(scim, made["id"]) == made
    known = (await desk.http(OLIVE).get(f"/directory/users/{made['id']}")).json()
    assert (known["email"], known["name"], known["role"]) == (
        "nina@acme.test", "Nina Okafor", "engineer",
    )  # fmt: skip
    # They are told of the next escalation like anybody else.
    nina = Member(UUID(made["id"]), "Nina", BO.role)
    handoff = await desk.escalate(BO)
    assert (await desk.claim(nina, handoff)).status_code == 200


async def test_who_is_there_is_not_made_again(scim: httpx.AsyncClient) -> None:
    for name in ("bo@acme.test", "BO@ACME.test"):
        refused(await scim.post(f"{SCIM}/Users", json={"userName": name}), 409, "uniqueness")


@pytest.mark.parametrize(
    "filter",
    [
        'userName eq "NINA@xn--bcher-kva.example"',
        'emails.value eq "nina@bu\u0308cher.example"',
        'displayName eq "zoe\u0308\u3000li"',
        'displayName sw "Zoe\u0308"',
    ],
    ids=["punycode", "decomposed_domain", "decomposed_name", "decomposed_beginning"],
)
async def test_who_is_asked_for_in_another_spelling_is_found(
    scim: httpx.AsyncClient, filter: str
) -> None:
    nina = await create(scim, userName="nina@bücher.example", displayName="Zoë\u3000Li")
    assert await found_by(scim, "Users", filter) == [nina["id"]]


async def test_a_repeated_creation_is_one_user(scim: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "n"}
    body = {"userName": "nina@acme.test"}
    first, again = [await scim.post(f"{SCIM}/Users", json=body, headers=headers) for _ in range(2)]
    assert is_scim(first, 201) == is_scim(again, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = {"userName": "other@acme.test"}
    refused(await scim.post(f"{SCIM}/Users", json=other, headers=headers), 400, "invalidValue")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"userName": ""},
        {"userName": 5},
        {"userName": "no address"},
        {"userName": "n@acme.test", "active": "maybe"},
        {"userName": "n@acme.test", "roles": [{"value": "emperor"}]},
        {"userName": "n@acme.test", "displayName": "a\nb"},
        {"userName": "n@acme.test", "displayName": "x" * 201},
        {"userName": "n@acme.test", "externalId": "x" * 256},
        {"userName": "n@acme.test", "name": "Nina"},
    ],
)
async def test_a_user_that_cannot_be(refusing: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await refusing.post(f"{SCIM}/Users", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["scimType"] in ("invalidValue", "invalidSyntax")


async def test_users_are_found_by_name(scim: httpx.AsyncClient) -> None:
    assert await found_by(scim, "Users", 'userName eq "bo@acme.test"') == [str(BO.id)]
    assert await found_by(scim, "Users", 'USERNAME EQ "Bo@Acme.Test"') == [str(BO.id)]
    for nobody in ("nobody@acme.test", DORA.email, HUGO.email, 'x\\" or \\"1'):
        assert await found_by(scim, "Users", f'userName eq "{nobody}"') == []
    made = await create(scim, externalId="00u1")
    assert await found_by(scim, "Users", 'externalId eq "00u1"') == [made["id"]]


@pytest.mark.parametrize(
    "filter",
    [
        'title eq "x"',
        'userName eq "a" and title pr',
        "userName eq bo",
        'userName is "bo"',
        'active eq "x"',
        "active gt true",
        "userName gt 5",
        "(" * 40 + "id pr" + ")" * 39,
        "not (" * 40 + "id pr" + ")" * 40,
        " or ".join(["id pr"] * 51),
        "",
        'userName eq "a\x00"',
        'displayName eq "\\u0000"',
        'displayName eq "\\ud800"',
    ],
)
async def test_other_filters_are_refused(refusing: httpx.AsyncClient, filter: str) -> None:
    for kind in ("Users", "Groups"):
        answer = await refusing.get(f"{SCIM}/{kind}", params={"filter": filter})
        refused(answer, 400, "invalidFilter")


async def test_users_have_pages(refusing: httpx.AsyncClient) -> None:
    whole = is_scim(await refusing.get(f"{SCIM}/Users"))
    ours = {str(member.id) for member in (BO, AMIR, CHEN, OLIVE, VERA, ZOE)}
    assert {resource["id"] for resource in whole["Resources"]} == ours
    assert whole["totalResults"] == whole["itemsPerPage"] == 6
    seen: list[str] = []
    for start in (1, 3, 5, 7):
        page = is_scim(
            await refusing.get(f"{SCIM}/Users", params={"startIndex": start, "count": 2})
        )
        assert (page["totalResults"], page["startIndex"]) == (6, start)
        seen += [resource["id"] for resource in page["Resources"]]
    assert seen == [resource["id"] for resource in whole["Resources"]]
    none = is_scim(await refusing.get(f"{SCIM}/Users", params={"startIndex": -5, "count": -1}))
    assert (none["startIndex"], none["itemsPerPage"], none["totalResults"]) == (1, 0, 6)
    far = is_scim(
        await refusing.get(f"{SCIM}/Users", params={"startIndex": 10**18, "count": 10**9})
    )
    assert far["Resources"] == []
    refused(await refusing.get(f"{SCIM}/Users", params={"count": "many"}), 400, "invalidSyntax")


async def test_a_user_is_replaced(scim: httpx.AsyncClient) -> None:
    body = {"userName": "chen.li@acme.test", "displayName": "Chen Li", "externalId": "7"}
    replaced = is_scim(await scim.put(f"{SCIM}/Users/{CHEN.id}", json=body))
    assert replaced["userName"] == "chen.li@acme.test"
    assert replaced["displayName"] == "Chen Li"
    # What the provider does not send is no wish of its: neither the role nor the team.
    assert replaced["roles"][0]["value"] == "engineer"
    assert replaced["groups"][0]["value"] == str(NETWORK)
    assert replaced["active"] is True
    refused(await scim.put(f"{SCIM}/Users/{CHEN.id}", json={"active": True}), 400, "invalidValue")


@pytest.mark.parametrize(
    "step",
    [
        {"op": "replace", "path": "active", "value": False},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "value": {"active": False}},
        {"op": "Add", "path": "ACTIVE", "value": "false"},
        {
            "op": "replace",
            "path": "urn:ietf:params:scim:schemas:core:2.0:User:active",
            "value": False,
        },
    ],
    ids=["rfc", "azure", "okta", "add", "urn"],
)
async def test_who_leaves_has_no_access_any_more(
    desk: Desk, scim: httpx.AsyncClient, step: dict[str, Any]
) -> None:
    handoff = await desk.escalate(BO)
    async with desk.listen(CHEN) as chen:
        assert (await desk.claim(CHEN, handoff)).status_code == 200
        gone = is_scim(await patch(scim, f"/Users/{CHEN.id}", step))
        assert gone["active"] is False
        assert (await chen.hear("bye")).data["reason"] == "rights"
    assert (await desk.http(CHEN).get("/me")).status_code == 401
    # What they had claimed is back in the queue, and they are still in the list.
    seen = await desk.see(handoff)
    assert (seen["status"], seen["claimed_by"]) == ("open", None)
    assert str(CHEN.id) in await found_by(scim, "Users", f'userName eq "{CHEN.email}"')
    back = await patch(scim, f"/Users/{CHEN.id}", {"op": "replace", "value": {"active": "True"}})
    assert is_scim(back)["active"] is True
    assert (await desk.http(CHEN).get("/me")).status_code == 200


async def test_a_user_changes_in_pieces(scim: httpx.AsyncClient) -> None:
    steps: list[dict[str, Any]] = [
        {"op": "add", "path": "name.givenName", "value": "Chenguang"},
        {"op": "Replace", "path": "name.familyName", "value": "Li"},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "elsewhere@acme.test"},
        {"op": "replace", "path": 'roles[primary eq "True"].value', "value": "Admin"},
        {"op": "add", "path": "externalId", "value": "9"},
        {"op": "add", "path": "title", "value": "passed over"},
        {"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:nickName": "C"}},
    ]
    changed = is_scim(await patch(scim, f"/Users/{CHEN.id}", *steps))
    assert changed["displayName"] == "Chenguang Li"
    assert changed["userName"] == CHEN.email
    assert changed["roles"][0]["value"] == "admin"
    assert changed["externalId"] == "9"
    fewer = is_scim(
        await patch(
            scim,
            f"/Users/{CHEN.id}",
            {"op": "remove", "path": "externalId"},
            {"op": "remove", "path": "roles"},
            {"op": "replace", "value": {"name.formatted": "Chen L."}},
        )
    )
    assert "externalId" not in fewer
    assert fewer["roles"][0]["value"] == "engineer"
    assert fewer["displayName"] == "Chen L."


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, "invalidSyntax"),
        ({"Operations": []}, "invalidSyntax"),
        ({"Operations": "all"}, "invalidSyntax"),
        ({"Operations": [5]}, "invalidSyntax"),
        ({"Operations": [{"op": "explode", "path": "active"}]}, "invalidSyntax"),
        ({"Operations": [{"op": "replace", "value": True}]}, "invalidSyntax"),
        ({"Operations": [{"op": "remove"}]}, "noTarget"),
        ({"Operations": [{"op": "remove", "path": "userName"}]}, "mutability"),
        ({"Operations": [{"op": "replace", "path": "active", "value": 1}]}, "invalidValue"),
        ({"Operations": [{"op": "replace", "path": "userName", "value": None}]}, "invalidValue"),
    ],
)
async def test_a_patch_that_cannot_be(
    refusing: httpx.AsyncClient, body: dict[str, Any], kind: str
) -> None:
    refused(await refusing.patch(f"{SCIM}/Users/{CHEN.id}", json=body), 400, kind)
    assert (await user(refusing, CHEN.id))["active"] is True


async def test_all_of_a_patch_or_nothing(scim: httpx.AsyncClient) -> None:
    answer = await patch(
        scim,
        f"/Users/{CHEN.id}",
        {"op": "replace", "path": "displayName", "value": "Somebody"},
        {"op": "replace", "path": "active", "value": "perhaps"},
    )
    refused(answer, 400, "invalidValue")
    assert (await user(scim, CHEN.id))["displayName"] == CHEN.name


async def test_a_user_is_deleted_softly(desk: Desk, scim: httpx.AsyncClient) -> None:
    assert (await scim.delete(f"{SCIM}/Users/{CHEN.id}")).status_code == 204
    for answer in (
        await scim.get(f"{SCIM}/Users/{CHEN.id}"),
        await scim.delete(f"{SCIM}/Users/{CHEN.id}"),
        await scim.put(f"{SCIM}/Users/{CHEN.id}", json={"userName": CHEN.email}),
        await patch(scim, f"/Users/{CHEN.id}", {"op": "replace", "value": {"active": True}}),
    ):
        refused(answer, 404)
    assert (await desk.http(CHEN).get("/me")).status_code == 401
    known = (await desk.http(OLIVE).get(f"/directory/users/{CHEN.id}")).json()
    assert known["deleted_at"]
    again = await create(scim, userName=CHEN.email)
    assert again["id"] != str(CHEN.id)


async def test_the_last_owner_stays(desk: Desk, scim: httpx.AsyncClient) -> None:
    for answer in (
        await scim.delete(f"{SCIM}/Users/{OLIVE.id}"),
        await patch(scim, f"/Users/{OLIVE.id}", {"op": "replace", "value": {"active": False}}),
        await patch(scim, f"/Users/{OLIVE.id}", {"op": "remove", "path": "roles"}),
    ):
        refused(answer, 409)
    assert (await desk.http(OLIVE).get("/me")).json()["role"] == "owner"


async def test_an_admins_provider_makes_no_owners(desk: Desk) -> None:
    async with await provider_of(desk, AMIR) as scim:
        owner = {"op": "replace", "path": "roles", "value": [{"value": "owner"}]}
        refused(await patch(scim, f"/Users/{CHEN.id}", owner), 403)
        refused(await scim.put(f"{SCIM}/Users/{OLIVE.id}", json={"userName": "o@acme.test"}), 403)
        body = {"userName": "o@acme.test", "roles": ["owner"]}
        refused(await scim.post(f"{SCIM}/Users", json=body), 403)
        assert (await desk.http(OLIVE).get("/me")).json()["email"] == OLIVE.email


# Groups.


async def members(scim: httpx.AsyncClient, group_id: UUID | str) -> set[str]:
    group = is_scim(await scim.get(f"{SCIM}/Groups/{group_id}"))
    return {member["value"] for member in group["members"]}


def ids(*people: Member) -> set[str]:
    return {str(member.id) for member in people}


async def test_a_group_comes_and_goes(desk: Desk, scim: httpx.AsyncClient) -> None:
    body = {
        "displayName": "Night shift",
        "externalId": "g1",
        "members": [{"value": str(CHEN.id)}, {"value": str(VERA.id)}],
    }
    made = is_scim(await scim.post(f"{SCIM}/Groups", json=body), 201)
    assert await members(scim, made["id"]) == ids(CHEN, VERA)
    # One team a person: they have left the ones that they were in.
    assert await members(scim, NETWORK) == ids(BO, AMIR)
    assert await members(scim, BILLING) == set()
    assert (await user(scim, CHEN.id))["groups"][0]["display"] == "Night shift"
    assert (await desk.http(CHEN).get("/me")).json()["team"]["name"] == "Night shift"
    same = {"displayName": "night SHIFT"}
    refused(await scim.post(f"{SCIM}/Groups", json=same), 409, "uniqueness")
    assert await found_by(scim, "Groups", 'displayName eq "Night Shift"') == [made["id"]]
    assert await found_by(scim, "Groups", 'externalId eq "g1"') == [made["id"]]
    assert (await scim.delete(f"{SCIM}/Groups/{made['id']}")).status_code == 204
    refused(await scim.get(f"{SCIM}/Groups/{made['id']}"), 404)
    refused(await scim.delete(f"{SCIM}/Groups/{made['id']}"), 404)
    assert (await user(scim, CHEN.id))["groups"] == []


THEM = {"value": str(VERA.id)}


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ({"op": "add", "path": "members", "value": [THEM]}, (BO, AMIR, CHEN, VERA)),
        ({"op": "Add", "value": {"members": [THEM]}}, (BO, AMIR, CHEN, VERA)),
        ({"op": "remove", "path": f'members[value eq "{BO.id}"]'}, (AMIR, CHEN)),
        ({"op": "Remove", "path": "members", "value": [{"value": str(BO.id)}]}, (AMIR, CHEN)),
        ({"op": "remove", "path": "members"}, ()),
        ({"op": "remove", "path": "members", "value": []}, (BO, AMIR, CHEN)),
        ({"op": "add", "path": "members", "value": []}, (BO, AMIR, CHEN)),
        ({"op": "replace", "path": "members", "value": [THEM]}, (VERA,)),
        ({"op": "replace", "value": {"members": []}}, ()),
        ({"op": "replace", "path": "displayName", "value": "Networks"}, (BO, AMIR, CHEN)),
        ({"op": "replace", "value": {"id": str(NETWORK), "displayName": "N"}}, (BO, AMIR, CHEN)),
        ({"op": "remove", "path": f'members[value eq "{VERA.id}"]'}, (BO, AMIR, CHEN)),
    ],
)  # fmt: skip
async def test_members_come_and_go(
    scim: httpx.AsyncClient, step: dict[str, Any], left: tuple[Member, ...]
) -> None:
    changed = is_scim(await patch(scim, f"/Groups/{NETWORK}", step))
    assert {member["value"] for member in changed["members"]} == ids(*left)
    assert await members(scim, NETWORK) == ids(*left)


async def test_a_group_is_replaced(scim: httpx.AsyncClient) -> None:
    body = {"displayName": "Networks", "members": [{"value": str(VERA.id)}]}
    replaced = is_scim(await scim.put(f"{SCIM}/Groups/{NETWORK}", json=body))
    assert replaced["displayName"] == "Networks"
    assert await members(scim, NETWORK) == ids(VERA)
    renamed = is_scim(await scim.put(f"{SCIM}/Groups/{NETWORK}", json={"displayName": "Net"}))
    assert {member["value"] for member in renamed["members"]} == ids(VERA)


@pytest.mark.parametrize("who", [str(HUGO.id), str(DORA.id), str(UUID(int=7)), "bo", 5, None])
async def test_only_our_own_people_are_members(refusing: httpx.AsyncClient, who: Any) -> None:
    steps = {"op": "add", "path": "members", "value": [{"value": who}]}
    refused(await patch(refusing, f"/Groups/{NETWORK}", steps), 400, "invalidValue")
    body = {"displayName": "New", "members": [{"value": who}]}
    refused(await refusing.post(f"{SCIM}/Groups", json=body), 400, "invalidValue")
    assert await members(refusing, NETWORK) == ids(BO, AMIR, CHEN)
    assert await found_by(refusing, "Groups", 'displayName eq "New"') == []


async def test_groups_without_their_members(refusing: httpx.AsyncClient) -> None:
    page = is_scim(await refusing.get(f"{SCIM}/Groups", params={"excludedAttributes": "members"}))
    assert page["totalResults"] == 2
    assert all("members" not in group for group in page["Resources"])


# Who may.


async def test_nothing_of_another_account(desk: Desk, scim: httpx.AsyncClient) -> None:
    for answer in (
        await scim.get(f"{SCIM}/Users/{HUGO.id}"),
        await scim.put(f"{SCIM}/Users/{HUGO.id}", json={"userName": "h@acme.test"}),
        await patch(scim, f"/Users/{HUGO.id}", {"op": "replace", "value": {"active": False}}),
        await scim.delete(f"{SCIM}/Users/{HUGO.id}"),
        await scim.get(f"{SCIM}/Groups/{PLATFORM}"),
        await scim.put(f"{SCIM}/Groups/{PLATFORM}", json={"displayName": "Ours"}),
        await patch(scim, f"/Groups/{PLATFORM}", {"op": "remove", "path": "members"}),
        await scim.delete(f"{SCIM}/Groups/{PLATFORM}"),
        await scim.get(f"{SCIM}/Users/{uuid4()}"),
        await scim.get(f"{SCIM}/Users/nobody"),
    ):
        refused(answer, 404)
    theirs = (await desk.http(GINA).get("/directory/users")).json()
    assert {person["email"] for person in theirs} == {HUGO.email, GINA.email}
    async with await provider_of(desk, GINA) as other:
        page = is_scim(await other.get(f"{SCIM}/Users"))
        assert {resource["id"] for resource in page["Resources"]} == ids(HUGO, GINA)


async def test_only_programs_with_the_scope(desk: Desk, scim: httpx.AsyncClient) -> None:
    refused(await desk.http().get(f"{SCIM}/Users"), 401)
    for person in (OLIVE, AMIR, BO, VERA):
        refused(await desk.http(person).get(f"{SCIM}/Users"), 403)
    async with await provider_of(desk, OLIVE, "sessions:read", "handoffs:read") as other:
        refused(await other.get(f"{SCIM}/Users"), 403)
    assert (await scim.get("/ai-sessions")).status_code == 403


async def test_a_token_loses_scim_with_its_user(desk: Desk) -> None:
    async with await provider_of(desk, AMIR) as scim:
        is_scim(await scim.get(f"{SCIM}/Users"))
        body = {"email": AMIR.email, "name": AMIR.name, "role": "engineer"}
        put = await desk.http(OLIVE).put(f"/directory/users/{AMIR.id}", json=body)
        assert put.status_code == 200
        refused(await scim.get(f"{SCIM}/Users"), 403)


async def test_what_clients_ask_first(refusing: httpx.AsyncClient) -> None:
    config = is_scim(await refusing.get(f"{SCIM}/ServiceProviderConfig"))
    assert config["patch"]["supported"] is True
    assert config["bulk"]["supported"] is False
    kinds = is_scim(await refusing.get(f"{SCIM}/ResourceTypes"))["Resources"]
    assert [kind["endpoint"] for kind in kinds] == ["/Users", "/Groups"]
    described = is_scim(await refusing.get(f"{SCIM}/Schemas"))["Resources"]
    assert {schema["id"] for schema in described} == {kind["schema"] for kind in kinds}


async def test_bodies_that_are_none(refusing: httpx.AsyncClient) -> None:
    for body in (b"[]", b'"x"', b"null"):
        headers = {"Content-Type": "application/scim+json"}
        answer = await refusing.post(f"{SCIM}/Users", content=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert answer.json()["scimType"] == "invalidSyntax"
    text = {"Content-Type": "text/plain"}
    answer = await refusing.post(f"{SCIM}/Users", content=b"{}", headers=text)
    assert answer.status_code == 400
