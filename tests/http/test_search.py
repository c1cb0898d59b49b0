"""Old work is found again: by words, people and time, and by nobody who may not read it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from handoff.rules.policy import default_policy, policy_to_json
from tests.http.people.test_api_tokens import agreed, program
from tests.support.cast import ACME, AMIR, BO, CHEN, GINA, HUGO, NETWORK, OLIVE, VERA, Member
from tests.support.desk import Desk, Handoff

PATH = "/ai-sessions/handoffs"
NOTES = "Rekey fails on gw-200 (10.0.0.1:443), see /var/log/racoon.log. Ärger in Zürich: ERR_1042"


async def found(desk: Desk, who: Member, q: str | None = None, **wanted: Any) -> list[UUID]:
    """The ids of the first page."""
    asked = {"q": q, **wanted}
    answer = await desk.http(who).get(
        PATH, params={name: value for name, value in asked.items() if value is not None}
    )
    assert answer.status_code == 200, answer.text
    return [UUID(row["id"]) for row in answer.json()]


SAID = {
    "drops": "a word of the title",
    "vpn rekey": "words of title and notes together",
    "VPN REKEY": "letters of either case",
    "reke": "the beginning of the last word",
    "gw-200": "a code",
    "gw 200": "its parts",
    "gw-2": "its beginning",
    "10.0.0.1": "an address",
    "10.0.0": "its beginning",
    "10.0.0.1:443": "with its port",
    "/var/log/racoon.log": "a path",
    "racoon": "a part of it",
    "err_1042": "an error's code",
    "ärger zürich": "letters that are not ASCII",
    "zu\u0308rich": "the same, decomposed",
    '"rekey fails"': "words in this order",
    "rekey -billing": "without a word",
    "billing or rekey": "one of them",
    "rekey OR": "a word that leads nowhere",
    '"rekey fails': "a quote that is never closed",
}
UNSAID = {
    '"fails rekey"': "words in another order",
    "rekey billing": "not all of them",
    "rekey -gw-200": "one that must not be there",
    "eke": "the middle of a word",
    "vpn' | 'billing": "an operator in quotes is no word",
    "10.0.0.2": "another address",
    "%": "no pattern",
    "_": "no pattern",
    '" - ! & | ( ) <-> :*': "operators alone",
    "\\": "nothing",
    "' OR 7=7 --": "words that are not there",
}


async def test_it_is_found_by_what_it_says(desk: Desk) -> None:
    desk.mail_matters = False
    ours = await desk.escalate(BO, engineer_notes=NOTES)
    other = await desk.escalate(BO, title="Printer on fire")
    theirs = await desk.escalate(HUGO, title="VPN drops", engineer_notes=NOTES)
    for said, why in SAID.items():
        assert await found(desk, AMIR, said) == [ours.id], f"{said}: {why}"
    for said, why in UNSAID.items():
        assert await found(desk, AMIR, said) == [], f"{said}: {why}"
    assert await found(desk, AMIR) == [other.id, ours.id]
    assert await found(desk, AMIR, " ") == [other.id, ours.id]
    for beginning in (str(ours.id), str(ours.id)[:30], str(ours.id).upper()):
        assert await found(desk, VERA, beginning) == [ours.id]
    assert ours.id in await found(desk, VERA, str(ours.id)[:8])
    assert await found(desk, AMIR, str(theirs.id)) == []
    assert await found(desk, GINA, "rekey") == [theirs.id]


INSIDE = {
    "接続": "a word inside a run",
    "東京都": "a longer one",
    "都": "a single letter",
    "切": "the last letter of a run",
    "vpn": "what stands against a run",
    "gw-200": "a code that does",
    "ルータ 東京": "several",
    "로그": "what a particle is joined to",
    "เชื่อม": "Thai",
    '"東京都 VPN"': "between quotes",
    "ﾙｰﾀ": "letters of half the width",
    "接続 -大阪": "without a word",
}


async def test_words_are_found_where_no_space_divides_them(desk: Desk) -> None:
    desk.mail_matters = False
    notes = "東京都のVPN接続が切。gw-200のルータを再起動。서울에서 로그를 봤다. การเชื่อมต่อหลุด"
    ours = await desk.escalate(BO, engineer_notes=notes)
    await desk.escalate(BO, title="京東のプリンタ")
    for said, why in INSIDE.items():
        assert await found(desk, AMIR, said) == [ours.id], f"{said}: {why}"
    for said in ("大阪", "接切", "京接", "東京都 -接続"):
        assert await found(desk, AMIR, said) == [], said
    page = await desk.http(AMIR).get("/search", params={"q": "接続"})
    assert "<mark>接続</mark>" in page.text


async def test_what_comes_later_is_found_and_what_it_was_called_is_not(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(BO, title="Printer")
    assert (await desk.command(CHEN, handoff, "notes", {"text": "Try the mango key"})).is_success
    assert await found(desk, VERA, "mango") == [handoff.id]
    assert (await desk.command(BO, handoff, "change", {"title": "Scanner"})).is_success
    assert await found(desk, VERA, "scanner mango") == [handoff.id]
    assert await found(desk, VERA, "printer") == []
    assert (await desk.claim(AMIR, handoff)).is_success
    done = {"outcome": "fixed", "note": "Replaced the papaya"}
    assert (await desk.command(AMIR, handoff, "resolve", done)).is_success
    assert await found(desk, VERA, "papaya mango") == [handoff.id]


async def test_a_parked_handoffs_notes_are_searched_for_its_parker_alone(desk: Desk) -> None:
    desk.mail_matters = False
    parked = await desk.park(BO, title="Tunnel", engineer_notes="The secret guava")
    assert (await desk.command(BO, parked, "notes", {"text": "and a kiwi"})).is_success
    for word in ("guava", "kiwi", "tunnel guava", "tunnel -nothing"):
        assert await found(desk, BO, word) == [parked.id]
    token = await agreed(desk, BO, scopes=["handoffs:read"])
    for who in (AMIR, OLIVE, VERA):
        assert await found(desk, who, "guava") == []
        assert await found(desk, who, "kiwi") == []
        # Not even by what it does not say.
        assert await found(desk, who, "tunnel -guava") == [parked.id]
    async with program(desk, token) as http:
        assert (await http.get(PATH, params={"q": "guava"})).json() == []
        assert len((await http.get(PATH, params={"q": "tunnel"})).json()) == 1
    assert (await desk.claim(AMIR, parked)).is_success
    for who in (BO, AMIR, VERA):
        assert await found(desk, who, "guava kiwi") == [parked.id]


async def test_filters(desk: Desk) -> None:
    desk.mail_matters = False
    urgent = await desk.escalate(BO, priority="urgent")
    middle = (await desk.see(urgent))["created_at"]
    session = await desk.start_session(CHEN, team_id=str(NETWORK))
    answer = await desk.hand_off(session, CHEN)
    teams = Handoff(UUID(answer.json()["id"]), session, CHEN)
    assert (await desk.claim(AMIR, urgent)).is_success
    after = (datetime.fromisoformat(middle) + timedelta(microseconds=1)).isoformat()
    ours = (await desk.see(urgent))["team_id"] == str(NETWORK)
    expected: dict[str, tuple[dict[str, Any], list[Handoff]]] = {
        "status": ({"status": "claimed"}, [urgent]),
        "statuses": ({"status": ["claimed", "open"]}, [teams, urgent]),
        "priority": ({"priority": "urgent"}, [urgent]),
        "team": ({"team": str(NETWORK)}, [teams, urgent] if ours else [teams]),
        "who has it": ({"person": str(AMIR.id)}, [urgent]),
        "who handed it off": ({"person": str(BO.id)}, [urgent]),
        "nobody": ({"person": str(HUGO.id)}, []),
        "from": ({"from": middle}, [teams, urgent]),
        "after": ({"from": after}, [teams]),
        "to": ({"to": middle}, []),
        "until after": ({"to": after}, [urgent]),
        "all of them": ({"q": "vpn", "status": "open", "person": str(CHEN.id)}, [teams]),
    }
    for name, (wanted, those) in expected.items():
        assert await found(desk, AMIR, **wanted) == [one.id for one in those], name
    assert (await desk.command(AMIR, urgent, "release", {})).is_success
    assert await found(desk, AMIR, person=str(AMIR.id)) == [urgent.id]


async def test_by_what_the_analytics_count(desk: Desk) -> None:
    desk.mail_matters = False
    parked = await desk.park(BO)
    passed, done = await desk.escalate(BO), await desk.escalate(CHEN)
    assert (await desk.claim(CHEN, passed)).is_success
    assert (await desk.command(CHEN, passed, "release", {})).is_success
    for handoff in (passed, done):
        assert (await desk.claim(AMIR, handoff)).is_success
    assert (await desk.command(AMIR, done, "resolve", {"outcome": "fixed"})).is_success
    expected: dict[str, tuple[dict[str, Any], list[Handoff]]] = {
        "escalated": ({"intent": "escalate"}, [done, passed]),
        "parked": ({"intent": "park"}, [parked]),
        "outcome": ({"outcome": "fixed"}, [done]),
        "outcomes": ({"outcome": ["other", "fixed"]}, [done]),
        "another": ({"outcome": "duplicate"}, []),
        "has it": ({"claimed_by": str(AMIR.id), "status": "claimed"}, [passed]),
        "had it": ({"claimed_by": str(AMIR.id)}, [done, passed]),
        "first": ({"claimed_first_by": str(CHEN.id)}, [passed]),
    }
    for name, (wanted, those) in expected.items():
        assert await found(desk, VERA, **wanted) == [one.id for one in those], name


BAD: list[dict[str, Any]] = [
    {"q": "x" * 201},
    {"q": "x" * 10_000},
    {"q": "a\x00b"},
    {"status": "gone"},
    {"priority": "loud"},
    {"team": "network"},
    {"person": "bo"},
    {"claimed_by": "bo"},
    {"intent": "leave"},
    {"outcome": "luck"},
    {"from": "yesterday"},
    {"to": "2026-01-01T00:00:00"},
    {"limit": 0},
    {"limit": 201},
    {"cursor": "x"},
    {"cursor": "x" * 201},
]


@pytest.mark.desk(worker=False)
async def test_what_cannot_be_asked(desk: Desk) -> None:
    for wanted in BAD:
        answer = await desk.http(AMIR).get(PATH, params=wanted)
        assert answer.status_code == 422, f"{str(wanted)[:40]}: {answer.status_code}"
        assert answer.json()["errors"]


_MANY = """
WITH made AS (
    INSERT INTO sessions (id, account_id, title, holder_id, status)
    SELECT gen_random_uuid(), :account, :title || ' ' || number, :person, 'escalated'
    FROM generate_series(1, :many) AS number RETURNING id, account_id, holder_id
)
INSERT INTO handoffs (id, account_id, session_id, intent, priority, status, escalator_id,
                      created_at, policy, rounds_total, version, seen_version, deadline_at)
SELECT gen_random_uuid(), account_id, id, 'escalate', 'normal', 'open', holder_id,
       CAST(:at AS timestamptz) - row_number() OVER () * CAST(CAST(:apart AS text) AS interval),
       CAST(:policy AS jsonb), 5, 1, 1, now() + interval '6 days'
FROM made
"""


_POLICY = json.dumps(policy_to_json(default_policy(timedelta(minutes=15), 5)))


async def write(
    desk: Desk, many: int, title: str, by: Member = BO, apart: str = "1 second"
) -> None:
    """So many handoffs that are open, the newest of now, the others each so much older."""
    async with desk.database.engine_room() as connection:
        values = {"account": by.account_id, "title": title, "person": by.id, "many": many}
        values |= {"at": datetime.now(UTC), "policy": _POLICY, "apart": apart}
        await connection.execute(text(_MANY), values)


async def pages(desk: Desk, between: Any, **wanted: Any) -> list[UUID]:
    """The ids of all pages; `between` any two of them something may happen."""
    seen: list[UUID] = []
    address: str | None = PATH
    while address is not None:
        answer = await desk.http(AMIR).get(address, params=None if "?" in address else wanted)
        assert answer.status_code == 200, answer.text
        seen += [UUID(row["id"]) for row in answer.json()]
        link = answer.headers.get("Link")
        address = link[1 : link.index(">")] if link else None
        await between(answer.json())
    return seen


@pytest.mark.desk(worker=False)
async def test_a_row_that_stands_still_is_seen_once_while_others_move(desk: Desk) -> None:
    """Between any two pages one is added, one of those that were shown moves, and one that waits
    to be shown does."""
    await write(desk, 60, "Gateway")
    await write(desk, 5, "Printer")
    there = set(await found(desk, AMIR, "gateway", limit=200))

    async def move(shown: list[dict[str, Any]]) -> None:
        await write(desk, 1, "Gateway fresh")
        async with desk.database.engine_room() as connection:
            await connection.execute(
                text(
                    "UPDATE handoffs SET priority = 'urgent', changed_at = now(),"
                    " version = version + 1 WHERE account_id = :account AND (id = ANY(:shown)"
                    " OR id IN (SELECT id FROM handoffs ORDER BY created_at LIMIT 3))"
                ),
                {"account": ACME, "shown": [UUID(row["id"]) for row in shown[:1]]},
            )

    for wanted in ({"q": "gateway"}, {}):
        seen = await pages(desk, move, limit=7, **wanted)
        assert len(seen) == len(set(seen))
        assert there <= set(seen)
