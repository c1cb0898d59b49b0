"""One command for many handoffs: each result is the one that the command alone would have had."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client

from api.endpoints import acts
from api.endpoints.allowances import CALLING, CALLS
from api.routes import bulk, commands
from handoff.database.operations import idempotency
from handoff.errors import HandoffError, Unreachable
from tests.support.cast import AMIR, BILLING, BO, CHEN, HUGO, OLIVE, PLATFORM, VERA, ZOE, Member
from tests.support.desk import Desk, Handoff, open_desk
from tests.support.servers import Servers


@pytest.fixture(scope="module")
async def desk(
    servers: Servers,
    temporal: Client,
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[Desk]:
    """One for all of them: each story has handoffs of its own."""
    async with (
        new_database() as url,
        open_desk(database_url=url, redis_url=servers.redis_url, temporal=temporal) as opened,
    ):
        opened.mail_matters = False
        yield opened


def _in(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def ask(
    desk: Desk, by: Member, command: str, ids: list[Any], *, key: str = "", **words: Any
) -> httpx.Response:
    body = {"command": command, "ids": [str(one) for one in ids]} | words
    headers = {"Idempotency-Key": key} if key else {}
    return await desk.http(by).post("/ai-sessions/handoffs/bulk", json=body, headers=headers)


async def give(
    desk: Desk, by: Member, command: str, ids: list[Any], **words: Any
) -> list[dict[str, Any]]:
    answer = await ask(desk, by, command, ids, **words)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()
    assert [one["id"] for one in results] == [str(one) for one in ids]
    return results


async def claim_all(desk: Desk, by: Member, ids: list[UUID]) -> list[dict[str, Any]]:
    """What a full machine did not reach in time is asked for again, under the same key."""
    key = str(uuid4())
    for _ in range(5):
        results: list[dict[str, Any]] = (await ask(desk, by, "claim", ids, key=key)).json()
        if 503 not in statuses(results):
            return results
    raise AssertionError(f"{by.name} was told to come again five times")


async def escalated(desk: Desk, many: int, by: Member = BO) -> list[Handoff]:
    made: list[Handoff] = []
    for begun in range(0, many, 10):
        some = (desk.escalate(by) for _ in range(begun, min(many, begun + 10)))
        made += await asyncio.gather(*some)
    return made


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [one["status"] for one in results]


GIVEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "claim": ({}, {"status": "claimed"}),
    "resolve": ({"outcome": "duplicate", "note": "One outage."}, {"outcome": "duplicate"}),
    "cancel": ({"reason": "Not needed."}, {"status": "cancelled"}),
    "snooze": ({"until": _in(1)}, {"status": "open"}),
    "transfer": ({"to": str(CHEN.id)}, {"status": "claimed"}),
    "change": ({"priority": "urgent", "team_id": str(BILLING)}, {"priority": "urgent"}),
}
EVENTS = {
    "claim": "claimed",
    "resolve": "resolved",
    "cancel": "cancelled",
    "snooze": "snoozed",
    "transfer": "transferred",
    "change": "changed",
}


@pytest.mark.parametrize("command", GIVEN)
async def test_each_is_done_as_if_alone(desk: Desk, command: str) -> None:
    words, shown = GIVEN[command]
    made = await escalated(desk, 3)
    if command in ("resolve", "transfer"):
        for one in made:
            assert (await desk.claim(AMIR, one)).status_code == 200
    results = await give(desk, AMIR, command, [one.id for one in made], **words)
    assert statuses(results) == [200, 200, 200]
    for one, result in zip(made, results, strict=True):
        assert result.keys() == {"id", "status", "handoff"}
        assert shown.items() <= result["handoff"].items()
        seen = await desk.see(one, AMIR)
        # Its rounds go on meanwhile.
        assert result["handoff"].keys() == seen.keys()
        assert result["handoff"]["session_id"] == seen["session_id"]
        assert (await desk.history(one)).count(EVENTS[command]) == 1
    # Again: nothing is done a second time.
    assert statuses(await give(desk, AMIR, command, [one.id for one in made], **words)) == [200] * 3
    for one in made:
        assert (await desk.history(one)).count(EVENTS[command]) == 1


async def test_every_workflow_hears_of_it(desk: Desk) -> None:
    made = await escalated(desk, 2)
    await give(desk, AMIR, "cancel", [one.id for one in made])
    for one in made:
        assert (await asyncio.wait_for(desk.workflow(one).result(), 10)) is not None


async def test_mixed_results_stand_in_the_order_asked_for(desk: Desk) -> None:
    mine, theirs, closed, own = await escalated(desk, 4)
    foreign = await desk.escalate(HUGO)
    own = await desk.escalate(AMIR)
    await desk.claim(CHEN, theirs)
    await desk.command(BO, closed, "cancel")
    unknown = uuid4()
    asked = [theirs.id, unknown, mine.id, foreign.id, closed.id, own.id, mine.id]
    results = await give(desk, AMIR, "claim", asked)
    assert statuses(results) == [409, 404, 200, 404, 409, 409, 200]
    alone = {one.id: (await desk.claim(AMIR, one)).json() for one in (theirs, closed, own)}
    for result in results:
        if UUID(result["id"]) in alone:
            assert result["problem"] == alone[UUID(result["id"])]
    assert results[0]["problem"]["claimed_by"] == {"id": str(CHEN.id), "name": "Chen"}
    # What is another account's and what does not exist are told alike; a second time is a repeat.
    assert results[1]["problem"] == results[3]["problem"]
    assert results[2]["handoff"] == results[6]["handoff"]
    assert (await desk.history(mine)).count("claimed") == 1


async def test_a_viewer_reads_no_at_each(desk: Desk) -> None:
    made = await escalated(desk, 2)
    results = await give(desk, VERA, "claim", [one.id for one in made])
    assert [one["problem"]["type"] for one in results] == ["/problems/forbidden"] * 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "body/command"),
        ({"command": "claim"}, "body/ids"),
        ({"command": "release", "ids": []}, "body/command"),
        ({"command": "claim", "ids": ["nonsense"]}, "body/ids/0"),
        ({"command": "claim", "ids": None}, "body/ids"),
        ({"command": "claim", "outcome": "fixed"}, "body/outcome"),
        ({"command": "resolve"}, "body/outcome"),
        ({"command": "resolve", "outcome": "nonsense"}, "body/outcome"),
        ({"command": "resolve", "outcome": "fixed", "note": "\x00"}, "body/note"),
        ({"command": "cancel", "reason": 7}, "body/reason"),
        ({"command": "snooze"}, "body/until"),
        ({"command": "snooze", "until": _in(-1)}, "body/until"),
        ({"command": "snooze", "until": _in(24 * 400)}, "body/until"),
        ({"command": "transfer"}, "body/to"),
        ({"command": "transfer", "to": str(CHEN.id), "text": "a" * 2001}, "body/text"),
        ({"command": "transfer", "to": str(uuid4())}, "body/to"),
        ({"command": "transfer", "to": str(HUGO.id)}, "body/to"),
        ({"command": "transfer", "to": str(ZOE.id)}, "body/to"),
        ({"command": "change"}, "body"),
        ({"command": "change", "priority": None}, "body"),
        ({"command": "change", "priority": "nonsense"}, "body/priority"),
        ({"command": "change", "team_id": str(PLATFORM)}, "body/team_id"),
    ],
)
async def test_a_wrong_word_is_one_refusal_and_nothing_is_done(
    desk: Desk, standing: Handoff, body: dict[str, Any], path: str
) -> None:
    before = await desk.see(standing)
    given = body if "ids" in body or body in ({}, {"command": "claim"}) else _of(standing) | body
    answer = await desk.http(AMIR).post("/ai-sessions/handoffs/bulk", json=given)
    assert answer.status_code == 422, answer.text
    # Of a field that may be one of several kinds, the kind follows.
    named = [fault["path"] for fault in answer.json()["errors"]]
    assert path in (named[0], named[0].rpartition("/")[0]), named
    after = await desk.see(standing)
    assert (after["status"], after["priority"]) == (before["status"], before["priority"])


def _of(handoff: Handoff) -> dict[str, Any]:
    return {"ids": [str(handoff.id)]}


@pytest.fixture(scope="module")
async def standing(desk: Desk) -> Handoff:
    """What no wrong word does anything to."""
    return await desk.escalate(BO)


async def test_a_hundred_and_no_more(desk: Desk) -> None:
    assert (await ask(desk, AMIR, "claim", [uuid4() for _ in range(101)])).status_code == 422
    assert (await give(desk, AMIR, "claim", [])) == []


@pytest.mark.alone
async def test_two_claim_the_same_hundred_and_each_has_one_winner(desk: Desk) -> None:
    made = await escalated(desk, 100)
    ids = [one.id for one in made]
    amirs, chens = await asyncio.gather(
        claim_all(desk, AMIR, ids), claim_all(desk, CHEN, [*reversed(ids)])
    )
    won = Counter(one["id"] for one in (*amirs, *chens) if one["status"] == 200)
    assert won == {str(one): 1 for one in ids}
    for one in (*amirs, *chens):
        if one["status"] != 200:
            assert one["problem"]["type"] == "/problems/already-claimed"
    async with desk.database.engine_room() as connection:
        claims = text(
            "SELECT count(*), count(DISTINCT handoff_id) FROM events"
            " WHERE type = 'claimed' AND handoff_id = ANY(:ids)"
        )
        assert (await connection.execute(claims, {"ids": ids})).one() == (100, 100)


@pytest.mark.alone
async def test_others_go_on_meanwhile(desk: Desk) -> None:
    made = await escalated(desk, 20)
    many = asyncio.create_task(give(desk, AMIR, "claim", [one.id for one in made]))
    read = 0
    while not many.done():
        await desk.queue(CHEN)
        read += not many.done()
    assert statuses(await many) == [200] * 20
    assert read > 0


@pytest.mark.alone
async def test_killed_half_way_a_repeat_does_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await escalated(desk, 4)
    ids, key, done = [one.id for one in made], str(uuid4()), 0
    carry_out = acts.carry_out

    async def dies(*given: Any, **more: Any) -> Any:
        nonlocal done
        if done == 2:
            raise OSError("killed")
        done += 1
        return await carry_out(*given, **more)

    async def forgets(*_: Any) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(acts, "carry_out", dies)
        patched.setattr(bulk, "foreseen", lambda *_: HandoffError("It has been logged."))
        patched.setattr(idempotency, "keep", forgets)
        first = (await ask(desk, AMIR, "claim", ids, key=key)).json()
    assert sorted(statuses(first)) == [200, 200, 500, 500]
    again = await ask(desk, AMIR, "claim", ids, key=key)
    assert "Idempotency-Replayed" not in again.headers
    assert statuses(again.json()) == [200] * 4
    for one in made:
        assert (await desk.history(one)).count("claimed") == 1
    kept = await ask(desk, AMIR, "claim", ids, key=key)
    assert kept.headers["Idempotency-Replayed"] == "true"
    assert kept.content == again.content


async def test_what_was_done_is_not_done_again_by_a_repeat_that_does_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, later = await escalated(desk, 2)
    ids, key, carry_out = [done.id, later.id, done.id], str(uuid4()), acts.carry_out

    async def fails(*given: Any, **more: Any) -> Any:
        if given[3] == later.id:
            raise Unreachable("For now.")
        return await carry_out(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(acts, "carry_out", fails)
        first = (await ask(desk, AMIR, "change", ids, key=key, priority="low")).json()
    assert statuses(first) == [200, 503, 200]
    raised = await desk.command(OLIVE, done, "change", {"priority": "urgent"})
    assert raised.status_code == 200
    again = (await ask(desk, AMIR, "change", ids, key=key, priority="low")).json()
    assert statuses(again) == [200, 200, 200]
    assert (again[0], again[2]) == (first[0], first[2])
    assert (await desk.see(done))["priority"] == "urgent"
    assert (await desk.see(later))["priority"] == "low"


async def test_one_that_has_lost_the_right_is_not_told_what_was_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, key = await escalated(desk, 1), str(uuid4())
    monkeypatch.setattr(bulk, "tells_nothing", lambda _: True)
    ids = [made[0].id]
    assert statuses((await ask(desk, CHEN, "claim", ids, key=key)).json()) == [200]
    await _become(desk, CHEN, "viewer")
    try:
        refused = await ask(desk, CHEN, "claim", ids, key=key)
        assert refused.status_code == 403
    finally:
        await _become(desk, CHEN, "engineer")


async def test_what_is_not_reached_in_time_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await escalated(desk, 2)
    ids, key = [one.id for one in made], str(uuid4())
    with monkeypatch.context() as patched:
        patched.setattr(bulk, "WITHIN", -1.0)
        results = (await ask(desk, AMIR, "claim", ids, key=key)).json()
    assert statuses(results) == [503, 503]
    assert all(one["problem"]["retry_after"] >= 1 for one in results)
    # It is no answer to be kept: a repeat does it.
    assert statuses((await ask(desk, AMIR, "claim", ids, key=key)).json()) == [200, 200]


async def test_one_that_hangs_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, other = await escalated(desk, 2)
    carry_out = acts.carry_out

    async def slow(act: Any, parts: Any, caller: Any, handoff_id: UUID, **more: Any) -> Any:
        if handoff_id == hangs.id:
            await asyncio.Event().wait()
        return await carry_out(act, parts, caller, handoff_id, **more)

    monkeypatch.setattr(acts, "carry_out", slow)
    monkeypatch.setattr(bulk, "ENDED_AFTER", 0.2)
    monkeypatch.setattr(bulk, "WITHIN", 0.5)
    results = await give(desk, AMIR, "claim", [hangs.id, other.id])
    assert statuses(results) == [503, 200]
    assert results[0]["problem"]["type"] == "/problems/outcome-unknown"


async def test_who_falls_half_way_acts_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await escalated(desk, 2)
    carry_out = acts.carry_out
    monkeypatch.setattr(bulk, "AT_ONCE", 1)

    async def then_is_a_viewer(*given: Any, **more: Any) -> Any:
        changed = await carry_out(*given, **more)
        await _become(desk, CHEN, "viewer")
        return changed

    monkeypatch.setattr(acts, "carry_out", then_is_a_viewer)
    try:
        results = await give(desk, CHEN, "claim", [one.id for one in made])
        assert statuses(results) == [200, 403]
    finally:
        await _become(desk, CHEN, "engineer")


async def _become(desk: Desk, who: Member, role: str) -> None:
    body = {"email": who.email, "name": who.name, "role": role, "team_id": str(who.team_id)}
    answer = await desk.http(OLIVE).put(f"/directory/users/{who.id}", json=body)
    assert answer.status_code == 200, answer.text


async def test_it_counts_once_where_the_command_is_limited(
    servers: Servers,
    temporal: Client,
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> None:
    async with (
        new_database() as url,
        open_desk(
            database_url=url,
            redis_url=servers.redis_url,
            temporal=temporal,
            worker=False,
            rate_calls_per_user=2,
        ) as strict,
    ):
        ids = [uuid4() for _ in range(4)]
        for _ in range(2):
            assert statuses(await give(strict, VERA, "change", ids, priority="low")) == [404] * 4
        refused = await ask(strict, VERA, "change", ids, priority="low")
        assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (429, True)
        assert statuses(await give(strict, VERA, "claim", ids)) == [404] * 4


def test_the_limited_commands_are_those_whose_endpoints_say_so() -> None:
    limited = {
        route.path.rpartition("/")[2]  # type: ignore[attr-defined] # all are routes of ours
        for route in commands.router.routes
        if CALLS in route.dependencies  # type: ignore[attr-defined]
    }
    assert limited == set(CALLING)
