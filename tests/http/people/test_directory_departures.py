"""Nothing hangs on a person who is gone: what they have claimed returns to the queue."""

from typing import Any

import pytest

from handoff.database.directory.importing import bring_in
from handoff.errors import ImportRefused
from tests.support.cast import AMIR, BO, CHEN, HUGO, OLIVE, SENIORS, Member, directory
from tests.support.desk import Desk, Handoff


def body(who: Member, **changed: Any) -> dict[str, Any]:
    return {
        "email": who.email,
        "name": who.name,
        "role": who.role.value,
        "team_id": str(who.team_id) if who.team_id else None,
    } | changed


async def let_go(desk: Desk, who: Member, how: str, by: Member = OLIVE) -> None:
    http, path = desk.http(by), f"/directory/users/{who.id}"
    match how:
        case "deleted":
            answer = await http.delete(path)
        case "deactivated":
            answer = await http.put(path, json=body(who, is_active=False))
        case _:
            answer = await http.put(path, json=body(who, role="viewer"))
    assert answer.status_code in (200, 204), answer.text


async def claimed_by_amir(desk: Desk) -> Handoff:
    handoff = await desk.escalate(BO)
    await desk.expect_mails(SENIORS, handoff, round=1)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    return handoff


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("deactivated", "Amir was deactivated"),
        ("deleted", "Amir was deleted"),
        ("made a viewer", "Amir is a viewer now"),
    ],
)
async def test_their_claim_returns_to_the_queue_and_everybody_is_told(
    desk: Desk, how: str, words: str
) -> None:
    handoff = await claimed_by_amir(desk)
    async with desk.listen(CHEN) as chen:
        await let_go(desk, AMIR, how)
        released = await chen.hear("released")
    assert words in released.data["data"]["details"]["reason"]
    assert released.data["data"]["actor"]["name"] == "Olive"
    assert [row["id"] for row in await desk.queue(CHEN, scope="account")] == [str(handoff.id)]
    for member in (BO, CHEN):
        assert words in (await desk.expect_mail(member, handoff, says="Released by Olive")).text
    await desk.expect_mails((CHEN, OLIVE), handoff, round=1)
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    desk.mail_matters = False


async def test_all_of_their_claims_and_nobody_elses(desk: Desk) -> None:
    desk.mail_matters = False
    first, second, other = [await desk.escalate(BO) for _ in range(3)]
    for who, handoff in ((AMIR, first), (AMIR, second), (CHEN, other)):
        assert (await desk.claim(who, handoff)).status_code == 200
    await let_go(desk, AMIR, "deleted")
    for handoff in (first, second):
        assert (await desk.see(handoff))["status"] == "open"
        assert (await desk.history(handoff)).count("released") == 1
    assert (await desk.see(other))["claimed_by"]["name"] == "Chen"


async def test_a_change_that_takes_no_right_takes_no_claim(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(BO)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    path = f"/directory/users/{AMIR.id}"
    answer = await desk.http(OLIVE).put(path, json=body(AMIR, role="engineer", name="Amir A."))
    assert answer.status_code == 200
    assert (await desk.see(handoff))["claimed_by"]["name"] == "Amir A."


async def test_an_admin_who_lets_themselves_go_leaves_nothing_behind(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(BO)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await let_go(desk, AMIR, "deactivated", by=AMIR)
    assert (await desk.see(handoff))["status"] == "open"
    assert (await desk.http(AMIR).get("/me")).status_code == 401


async def test_a_refused_change_releases_nothing(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(BO)
    assert (await desk.claim(OLIVE, handoff)).status_code == 200
    answer = await desk.http(OLIVE).delete(f"/directory/users/{OLIVE.id}")
    assert answer.status_code == 409
    assert (await desk.see(handoff))["claimed_by"]["name"] == "Olive"


async def test_an_import_leaves_no_claim_with_somebody_who_is_gone(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    cast = directory()
    [chen] = [user for user in cast.accounts[0].users if user.id == CHEN.id]
    chen.is_active = False
    await bring_in(desk.database, cast)
    released = await desk.until_handoff(handoff, status="open")
    assert released["claimed_by"] is None
    assert "released" in await desk.history(handoff)


@pytest.mark.parametrize(
    ("member", "changes", "complaint"),
    [
        (CHEN, {"email": AMIR.email}, "accounts/0/users/2: another living user of the account"),
        (CHEN, {"team_id": HUGO.team_id}, "accounts/0/users/2: its team_id names no team"),
        (CHEN, {"id": HUGO.id}, "accounts/0/users/2: another account has the id"),
    ],
)
async def test_an_import_that_does_not_fit_says_where_and_changes_nothing(
    desk: Desk, member: Member, changes: dict[str, Any], complaint: str
) -> None:
    cast = directory()
    cast.accounts[0].name = "Renamed"
    [user] = [user for user in cast.accounts[0].users if user.id == member.id]
    for name, value in changes.items():
        setattr(user, name, value)
    with pytest.raises(ImportRefused, match=complaint):
        await bring_in(desk.database, cast)
    assert (await desk.http(AMIR).get("/me")).json()["account"]["name"] == "Acme"
