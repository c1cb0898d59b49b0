"""The account's policy over HTTP: shown, set, reset, refused with the path to each fault."""

from typing import Any
from uuid import uuid4

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
)
from tests.support.cast import Member as Person
from tests.support.desk import Desk


def level(*targets: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {
        "targets": list(targets) or [{"kind": "account"}],
        "channels": ["email", "push"],
        "wait": "15m",
        "repeat": 1,
    } | rest


def user(who: Person) -> dict[str, str]:
    return {"kind": "user", "value": str(who.id)}


ADMINS_FIRST = {
    "levels": [
        level({"kind": "role", "value": "admin"}, wait={"normal": "10m", "urgent": "1m"}),
        level({"kind": "team", "value": str(NETWORK)}, user(OLIVE), repeat=2),
    ],
    "claim_lease": "2h",
}


async def put(desk: Desk, policy: Any, who: Person = AMIR, **headers: str) -> Any:
    return await desk.http(who).put("/policy", json=policy, headers=headers)


async def faults(desk: Desk, policy: Any) -> list[tuple[str, str]]:
    answer = await put(desk, policy)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [(error["path"], error["type"]) for error in answer.json()["errors"]]


@pytest.mark.desk(worker=False)
async def test_without_one_of_its_own_the_default_is_shown(desk: Desk) -> None:
    shown = (await desk.http(AMIR).get("/policy")).json()
    assert shown["is_default"] is True
    assert shown["faults"] == []
    assert shown["rounds_total"] == 5
    [only] = shown["levels"]
    assert only["targets"] == [{"kind": "account", "value": None}]
    assert only["wait"] == {"urgent": 300, "high": 600, "normal": 900, "low": 3600}


@pytest.mark.desk(worker=False)
async def test_set_shown_sent_back_and_reset(desk: Desk) -> None:
    answer = await put(desk, ADMINS_FIRST, OLIVE)
    assert answer.status_code == 200, answer.text
    shown = (await desk.http(AMIR).get("/policy")).json()
    assert shown == answer.json()
    assert shown["is_default"] is False
    assert shown["levels"][0]["wait"] == {"urgent": 60, "high": 400, "normal": 600, "low": 2400}
    assert (shown["rounds_total"], shown["claim_lease"]) == (3, 7200)
    assert (await put(desk, shown)).json() == shown
    other = (await desk.http(GINA).get("/policy")).json()
    assert other["is_default"] is True
    reset = await desk.http(AMIR).delete("/policy")
    assert reset.status_code == 200
    assert reset.json()["is_default"] is True
    assert (await desk.http(AMIR).get("/policy")).json() == reset.json()


async def test_a_new_handoff_takes_a_copy_and_keeps_it(desk: Desk) -> None:
    desk.mail_matters = False
    assert (await put(desk, ADMINS_FIRST)).status_code == 200
    handoff = await desk.escalate(BO)
    seen = await desk.until_handoff(handoff, round=1)
    assert seen["rounds_total"] == 3
    assert {row["recipient"]["name"] for row in await desk.deliveries(handoff)} == {"Amir"}
    await desk.http(AMIR).delete("/policy")
    assert (await desk.see(handoff))["rounds_total"] == 3


@pytest.mark.desk(worker=False)
async def test_only_admins_and_owners_see_and_change_it(desk: Desk) -> None:
    for who in (BO, VERA):
        http = desk.http(who)
        answers = [
            await http.get("/policy"),
            await http.put("/policy", json=ADMINS_FIRST),
            await http.delete("/policy"),
            await http.post("/policy/preview", json={}),
        ]
        assert [answer.status_code for answer in answers] == [403] * 4
    assert (await desk.http().get("/policy")).status_code == 401


@pytest.mark.desk(worker=False)
@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (user(HUGO), "unknown_user"),
        (user(DORA), "unknown_user"),
        ({"kind": "user", "value": str(uuid4())}, "unknown_user"),
        (user(VERA), "not_eligible"),
        (user(ZOE), "not_eligible"),
        ({"kind": "team", "value": str(PLATFORM)}, "unknown_team"),
        ({"kind": "team", "value": str(uuid4())}, "unknown_team"),
        ({"kind": "role", "value": "viewer"}, "not_eligible"),
    ],
)
async def test_whom_a_target_may_not_name(desk: Desk, target: Any, kind: str) -> None:
    wrong = {"levels": [level(), level(target)]}
    assert await faults(desk, wrong) == [("body/levels/1/targets/0/value", kind)]
    assert (await desk.http(AMIR).get("/policy")).json()["is_default"] is True


@pytest.mark.desk(worker=False)
async def test_a_foreign_user_is_refused_in_the_very_words_of_an_unknown_one(desk: Desk) -> None:
    foreign = await put(desk, {"levels": [level(user(HUGO))]})
    unknown = await put(desk, {"levels": [level({"kind": "user", "value": str(uuid4())})]})
    assert foreign.json() == unknown.json()


@pytest.mark.desk(worker=False)
@pytest.mark.parametrize(
    ("policy", "path", "kind"),
    [
        ({"levels": []}, "body/levels", "empty"),
        ({}, "body/levels", "missing"),
        ({"levels": [level(repeat=21)]}, "body/levels", "too_many_rounds"),
        ({"levels": [level(repeat=0)]}, "body/levels/0/repeat", "out_of_range"),
        ({"levels": [level(channels=[])]}, "body/levels/0/channels", "empty"),
        ({"levels": [level() | {"targets": []}]}, "body/levels/0/targets", "empty"),
        ({"levels": [level(channels=["sms"])]}, "body/levels/0/channels/0", "enum"),
        ({"levels": [level(wait="8d")]}, "body/levels/0/wait/normal", "out_of_range"),
        ({"levels": [level(wait="4s")]}, "body/levels/0/wait/normal", "out_of_range"),
        (
            {"levels": [level(wait={"normal": "1m", "urgent": "4s"})]},
            "body/levels/0/wait/urgent",
            "out_of_range",
        ),
        ({"levels": [level(wait="soon")]}, "body/levels/0/wait", "value_error"),
        ({"levels": [level()], "accept_window": "1s"}, "body/accept_window", "out_of_range"),
        ({"levels": [level()], "surprise": 1}, "body/surprise", "extra_forbidden"),
        (
            {"levels": [level({"kind": "team", "value": str(BILLING)})]},
            "body/levels/0/targets",
            "unreachable_level",
        ),
        (
            {"levels": [level({"kind": "account"}, {"kind": "account"})]},
            "body/levels/0/targets/1",
            "duplicate",
        ),
    ],
)
async def test_other_faults_by_their_path(desk: Desk, policy: Any, path: str, kind: str) -> None:
    assert (path, kind) in await faults(desk, policy)


@pytest.mark.desk(worker=False)
async def test_if_match_keeps_one_admin_from_undoing_another(desk: Desk) -> None:
    read = await desk.http(AMIR).get("/policy")
    seen = read.headers["ETag"]
    first = await put(desk, ADMINS_FIRST, OLIVE, **{"If-Match": seen})
    assert first.status_code == 200
    late = await put(desk, {"levels": [level()]}, AMIR, **{"If-Match": seen})
    assert late.status_code == 412
    assert late.json()["type"] == "/problems/stale-version"
    assert late.json()["etag"] == first.headers["ETag"]
    gone = await desk.http(AMIR).delete("/policy", headers={"If-Match": seen})
    assert gone.status_code == 412
    again = await put(desk, {"levels": [level()]}, AMIR, **{"If-Match": late.json()["etag"]})
    assert again.status_code == 200
    assert (await put(desk, ADMINS_FIRST, AMIR, **{"If-Match": "*"})).status_code == 200


@pytest.mark.desk(worker=False)
async def test_people_who_leave_make_a_stored_policy_faulty_and_it_says_so(desk: Desk) -> None:
    assert (await put(desk, {"levels": [level(user(CHEN))]})).status_code == 200
    assert (await desk.http(OLIVE).delete(f"/directory/users/{CHEN.id}")).status_code == 204
    shown = (await desk.http(AMIR).get("/policy")).json()
    assert [fault["path"] for fault in shown["faults"]] == ["levels/0/targets/0/value"]
    preview = (await desk.http(AMIR).post("/policy/preview", json={})).json()
    assert [warned["type"] for warned in preview["warnings"]] == ["fault"]
    assert [warned["type"] for warned in preview["rounds"][0]["warnings"]] == ["nobody"]


async def test_the_shortest_wait_is_taken_whatever_the_proportion_makes_of_it(desk: Desk) -> None:
    answer = await put(desk, {"levels": [level(wait="5s")]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["levels"][0]["wait"]["urgent"] == 5
