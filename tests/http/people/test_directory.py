"""The directory over HTTP: who keeps it, and what a change needs. Other accounts are not there."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from handoff.contract.words import Role
from tests.support.cast import (
    ACME,
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
    Member,
)
from tests.support.desk import Desk

pytestmark = pytest.mark.desk(worker=False)


def body(who: Member, **changed: Any) -> dict[str, Any]:
    return {
        "email": who.email,
        "name": who.name,
        "role": who.role.value,
        "team_id": str(who.team_id) if who.team_id else None,
        "is_active": who.is_active,
    } | changed


def path(who: Member | UUID) -> str:
    return f"/directory/users/{who.id if isinstance(who, Member) else who}"


async def put(desk: Desk, by: Member, who: Member, **changed: Any) -> Any:
    return await desk.http(by).put(path(who), json=body(who, **changed))


async def test_the_accounts_people_and_nobody_elses(desk: Desk) -> None:
    listed = (await desk.http(AMIR).get("/directory/users")).json()
    assert [user["name"] for user in listed] == ["Bo", "Amir", "Chen", "Olive", "Vera", "Zoe"]
    assert listed[0] == body(BO) | {"id": str(BO.id), "deleted_at": None}
    everybody = await desk.http(AMIR).get("/directory/users", params={"include_deleted": True})
    assert [user["name"] for user in everybody.json()][-1] == "Dora"
    found = await desk.http(AMIR).get("/directory/users", params={"q": "OLIVE@"})
    assert [user["name"] for user in found.json()] == ["Olive"]
    assert (await desk.http(AMIR).get("/directory/users", params={"q": "%"})).json() == []


async def test_page_by_page(desk: Desk) -> None:
    names, link = [], "/directory/users?limit=2&q=acme"
    while link:
        answer = await desk.http(OLIVE).get(link)
        names += [user["name"] for user in answer.json()]
        link = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert names == ["Bo", "Amir", "Chen", "Olive", "Vera", "Zoe"]


async def test_only_admins_and_owners_keep_it(desk: Desk) -> None:
    team = f"/directory/teams/{NETWORK}"
    for who in (BO, VERA):
        http = desk.http(who)
        answers = [
            await http.get("/directory/users"),
            await http.get(path(BO)),
            await http.put(path(BO), json=body(BO, role="admin")),
            await http.delete(path(CHEN)),
            await http.get("/directory/teams"),
            await http.get(team),
            await http.put(team, json={"name": "Ours"}),
            await http.delete(team),
        ]
        assert [answer.status_code for answer in answers] == [403] * len(answers)


async def test_a_new_user_is_at_work_at_once(desk: Desk) -> None:
    eva = Member(uuid4(), "Eva", Role.ENGINEER, team_id=BILLING)
    made = await put(desk, AMIR, eva)
    assert made.status_code == 201
    assert made.json() == body(eva) | {"id": str(eva.id), "deleted_at": None}
    again = await put(desk, AMIR, eva, name="Eva E.")
    assert (again.status_code, again.json()["name"]) == (200, "Eva E.")
    assert (await desk.http(eva).get("/me")).json()["name"] == "Eva E."


async def test_a_foreign_user_looks_like_none(desk: Desk) -> None:
    for who in (HUGO.id, uuid4()):
        assert (await desk.http(OLIVE).get(path(who))).status_code == 404
        assert (await desk.http(OLIVE).delete(path(who))).status_code == 404
    taken_over = await put(desk, OLIVE, HUGO, email="hugo@acme.test", team_id=None)
    assert taken_over.status_code == 404
    unknown = await desk.http(OLIVE).get(path(uuid4()))
    assert taken_over.json() == unknown.json()
    hugo = (await desk.http(GINA).get(path(HUGO))).json()
    assert (hugo["email"], hugo["name"]) == ("hugo@globex.test", "Hugo")


async def test_an_address_belongs_to_one_living_user_of_the_account(desk: Desk) -> None:
    taken = await put(desk, AMIR, BO, email="CHEN@acme.test")
    assert taken.status_code == 409
    assert taken.json()["type"] == "/problems/address-taken"
    assert (await put(desk, AMIR, BO, email="BO@acme.test")).status_code == 200
    assert (await put(desk, AMIR, BO, email="dora@acme.test")).status_code == 200
    assert (await put(desk, AMIR, CHEN, email="hugo@globex.test")).status_code == 200
    assert (await put(desk, AMIR, DORA)).status_code == 409


@pytest.mark.parametrize(
    ("changed", "at"),
    [
        ({"email": "nobody"}, "body/email"),
        ({"email": "a@b\u2028c"}, "body/email"),
        ({"name": " "}, "body/name"),
        ({"name": "Bo\nBcc: all"}, "body/name"),
        ({"role": "boss"}, "body/role"),
        ({"team_id": str(PLATFORM)}, "body/team_id"),
        ({"team_id": str(uuid4())}, "body/team_id"),
        ({"account_id": str(ACME)}, "body/account_id"),
    ],
)
async def test_what_is_refused_by_its_path(desk: Desk, changed: Any, at: str) -> None:
    answer = await put(desk, AMIR, BO, **changed)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [at]


async def test_an_admin_neither_makes_nor_unmakes_owners(desk: Desk) -> None:
    await put(desk, OLIVE, CHEN, role="owner")
    answers = [
        await put(desk, AMIR, BO, role="owner"),
        await put(desk, AMIR, AMIR, role="owner"),
        await put(desk, AMIR, OLIVE, role="admin"),
        await put(desk, AMIR, OLIVE, is_active=False),
        await put(desk, AMIR, OLIVE, email="amir2@acme.test"),
        await desk.http(AMIR).delete(path(OLIVE)),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert (await put(desk, AMIR, OLIVE, name="Olive O.")).status_code == 200
    assert (await put(desk, OLIVE, BO, role="owner")).status_code == 200


async def test_the_last_owner_stays(desk: Desk) -> None:
    answers = [
        await put(desk, OLIVE, OLIVE, role="admin"),
        await put(desk, OLIVE, OLIVE, is_active=False),
        await desk.http(OLIVE).delete(path(OLIVE)),
    ]
    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (409, "/problems/last-owner")
    }
    assert (await put(desk, OLIVE, CHEN, role="owner")).status_code == 200
    assert (await put(desk, OLIVE, OLIVE, role="admin")).status_code == 200


async def test_two_owners_cannot_unmake_each_other_at_once(desk: Desk) -> None:
    for _ in range(5):
        assert (await put(desk, OLIVE, CHEN, role="owner")).status_code == 200
        both = await asyncio.gather(
            put(desk, OLIVE, CHEN, role="engineer"), put(desk, CHEN, OLIVE, role="engineer")
        )
        assert sorted(answer.status_code for answer in both) == [200, 403]
        owner = OLIVE if both[0].status_code == 200 else CHEN
        assert (await put(desk, owner, OLIVE, role="owner")).status_code == 200


async def test_deleted_softly_gone_at_once_and_brought_back(desk: Desk) -> None:
    for _ in range(2):
        assert (await desk.http(AMIR).delete(path(BO))).status_code == 204
    assert (await desk.http(BO).get("/me")).status_code == 401
    assert (await desk.http(AMIR).get(path(BO))).json()["deleted_at"] is not None
    back = await put(desk, AMIR, BO)
    assert (back.status_code, back.json()["deleted_at"]) == (200, None)
    assert (await desk.http(BO).get("/me")).status_code == 200


async def test_teams_alike(desk: Desk) -> None:
    http, team = desk.http(AMIR), f"/directory/teams/{uuid4()}"
    made = await http.put(team, json={"name": "Storage"})
    assert (made.status_code, made.json()["name"]) == (201, "Storage")
    renamed = await http.put(team, json={"name": "Disks"})
    assert (renamed.status_code, (await http.get(team)).json()["name"]) == (200, "Disks")
    names = [one["name"] for one in (await http.get("/directory/teams")).json()]
    assert sorted(names) == ["Billing", "Disks", "Network"]
    assert (await http.get("/directory/teams", params={"q": "disk"})).json() == [renamed.json()]
    for _ in range(2):
        assert (await http.delete(team)).status_code == 204
    assert (await http.get("/directory/teams", params={"q": "disk"})).json() == []
    assert (await http.put(team, json={"name": "Disks"})).json()["deleted_at"] is None


async def test_a_foreign_team_looks_like_none(desk: Desk) -> None:
    http = desk.http(OLIVE)
    for team in (PLATFORM, uuid4()):
        assert (await http.get(f"/directory/teams/{team}")).status_code == 404
        assert (await http.delete(f"/directory/teams/{team}")).status_code == 404
    taken_over = await http.put(f"/directory/teams/{PLATFORM}", json={"name": "Ours"})
    assert taken_over.status_code == 404
    theirs = await desk.http(GINA).get(f"/directory/teams/{PLATFORM}")
    assert theirs.json()["name"] == "Platform"


async def test_who_was_of_a_deleted_team_is_of_none_and_sees_everything(desk: Desk) -> None:
    session = await desk.start_session(BO, team_id=str(NETWORK))
    assert (await desk.http(AMIR).delete(f"/directory/teams/{NETWORK}")).status_code == 204
    for who in (BO, AMIR, CHEN):
        assert (await desk.http(who).get("/me")).json()["team"] is None
    seen = (await desk.http(BO).get(f"/ai-sessions/{session}")).json()
    assert seen["team_id"] is None
    answer = await put(desk, AMIR, BO)
    assert [error["type"] for error in answer.json()["errors"]] == ["unknown_team"]
