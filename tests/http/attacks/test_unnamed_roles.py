"""A directory's request gives nobody more than it names, and takes nothing that it does not."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.http.people.test_scim import SCIM, create, is_scim, patch, provider_of
from tests.support.cast import AMIR, CHEN, OLIVE, VERA, Member
from tests.support.desk import Desk

NAMES_NOTHING: list[Any] = [
    {"op": "replace", "path": "roles", "value": []},
    {"op": "replace", "path": "roles", "value": None},
    {"op": "replace", "path": "roles", "value": [{}]},
    {"op": "replace", "path": "roles", "value": [{"value": ""}]},
    {"op": "replace", "path": "roles", "value": [{"primary": True}]},
    {"op": "replace", "path": "roles.value", "value": ""},
    {"op": "replace", "value": {"roles": []}},
    {"op": "add", "path": "roles", "value": []},
    {"op": "add", "path": "roles"},
    {"op": "add", "value": {"roles": None}},
    {"op": "add", "path": 'roles[primary eq "True"].value', "value": ""},
    {"op": "replace", "path": 'roles[primary eq "True"].display', "value": "owner"},
    {"op": "add", "path": 'roles[value eq "viewer"].type', "value": "owner"},
    {"op": "add", "path": "roles.display", "value": "owner"},
    {"op": "remove", "path": 'roles[value eq "nothing of the kind"]'},
    {"op": "remove", "path": 'roles[primary eq "False"]'},
    {"op": "remove", "path": "roles[primary eq false]"},
    {"op": "remove", "path": 'roles[type eq "admin"]'},
    {"op": "remove", "path": "roles[]"},
    {"op": "remove", "path": "roles", "value": []},
    {"op": "remove", "path": "roles", "value": [{"value": "engineer"}]},
    {"op": "remove", "path": 'roles[primary eq "True"].display'},
]


@pytest.fixture(scope="module")
async def scim(front_desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with await provider_of(front_desk, OLIVE) as provider:
        yield provider


async def has(scim: httpx.AsyncClient, who: Member) -> None:
    """Whatever another test has done to it: they have the role that they have."""
    step = {"op": "replace", "path": "roles", "value": [{"value": who.role}]}
    is_scim(await patch(scim, f"/Users/{who.id}", step))


@pytest.mark.parametrize("who", [VERA, AMIR, OLIVE], ids=lambda who: who.role)
@pytest.mark.parametrize("step", NAMES_NOTHING, ids=str)
async def test_a_patch_that_names_no_role(
    scim: httpx.AsyncClient, who: Member, step: dict[str, Any]
) -> None:
    await has(scim, who)
    answer = await patch(scim, f"/Users/{who.id}", step)
    if answer.status_code == 200:
        assert answer.json()["roles"][0]["value"] == who.role
    found = is_scim(await scim.get(f"{SCIM}/Users/{who.id}"))
    assert found["roles"][0]["value"] == who.role


@pytest.mark.parametrize("who", [VERA, AMIR], ids=lambda who: who.role)
@pytest.mark.parametrize("said", [{}, {"roles": []}, {"roles": None}, {"roles": [{}]}], ids=str)
async def test_a_put_that_names_no_role(
    scim: httpx.AsyncClient, who: Member, said: dict[str, Any]
) -> None:
    await has(scim, who)
    body = {"userName": who.email, "displayName": who.name} | said
    found = is_scim(await scim.put(f"{SCIM}/Users/{who.id}", json=body))
    assert found["roles"][0]["value"] == who.role


@pytest.mark.parametrize(
    "step",
    [
        {"op": "remove", "path": "roles"},
        {"op": "remove", "path": 'roles[value eq "viewer"]'},
        {"op": "remove", "path": "roles[primary eq true]"},
        {"op": "remove", "path": "roles", "value": [{"value": "viewer"}]},
    ],
    ids=str,
)
async def test_a_viewer_does_not_rise_by_losing_their_role(
    scim: httpx.AsyncClient, step: dict[str, Any]
) -> None:
    await has(scim, VERA)
    found = is_scim(await patch(scim, f"/Users/{VERA.id}", step))
    assert found["roles"][0]["value"] == "viewer"


async def test_a_role_that_is_named_and_removed_is_gone(desk: Desk) -> None:
    async with await provider_of(desk, OLIVE) as scim:
        step = {"op": "remove", "path": "roles", "value": [{"value": "Admin"}]}
        found = is_scim(await patch(scim, f"/Users/{AMIR.id}", step))
        assert found["roles"][0]["value"] == "engineer"
        step = {"op": "replace", "path": "roles", "value": [{"value": "viewer"}]}
        found = is_scim(await patch(scim, f"/Users/{CHEN.id}", step))
        assert found["roles"][0]["value"] == "viewer"


@pytest.mark.parametrize(
    ("said", "role"), [({}, "engineer"), ({"roles": []}, "viewer"), ({"roles": None}, "viewer")]
)
async def test_somebody_new_without_a_role(
    front_desk: Desk, scim: httpx.AsyncClient, said: dict[str, Any], role: str
) -> None:
    made = await create(scim, userName=f"{len(str(said))}@acme.test", **said)
    assert made["roles"][0]["value"] == role
