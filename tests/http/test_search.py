"""Old work is found again: by words, people and time, and by nobody who may not read it."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from handoff.rules.policy import default_policy, policy_to_json
from tests.http.people.test_api_tokens import agreed, program
from tests.support.cast import ACME, AMIR, BO, CHEN, GINA, HUGO, NETWORK, OLIVE, VERA, Member
from tests.support.desk import Desk, Handoff
from tests.support.questions import Questions, overheard, transaction

PATH = "/ai-sessions/handoffs"
NOTES = "Rekey fails on gw-200 (10.0.0.1:443), see /var/log/racoon.log. Ärger in Zürich: ERR_1042"


async def _found(desk: Desk, who: Member, q: str | None = None, **wanted: Any) -> list[UUID]:
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
        assert await _found(desk, AMIR, said) == [ours.id], f"{said}: {why}"
    for said, why in UNSAID.items():
        assert await _found(desk, AMIR, said) == [], f"{said}: {why}"
    assert await _found(desk, AMIR) == [other.id, ours.id]
    assert await _found(desk, AMIR, " ") == [other.id, ours.id]
    for beginning in (str(ours.id), str(ours.id)[:30], str(ours.id).upper()):
        assert await _found(desk, VERA, beginning) == [ours.id]
    assert ours.id in await _found(desk, VERA, str(ours.id)[:8])
    assert await _found(desk, AMIR, str(theirs.id)) == []
    assert await _found(desk, GINA, "rekey") == [theirs.id]


async def test_what_comes_later_is_found_and_what_it_was_called_is_not(desk: Desk) -> None:
    desk.mail_matters = False
    handoff = await desk.escalate(BO, title="Printer")
    assert (await desk.command(CHEN, handoff, "notes", {"text": "Try the mango key"})).is_success
    assert await _found(desk, VERA, "mango") == [handoff.id]
    assert (await desk.command(BO, handoff, "change", {"title": "Scanner"})).is_success
    assert await _found(desk, VERA, "scanner mango") == [handoff.id]
    assert await _found(desk, VERA, "printer") == []
    assert (await desk.claim(AMIR, handoff)).is_success
    done = {"outcome": "fixed", "note": "Replaced the papaya"}
    assert (await desk.command(AMIR, handoff, "resolve", done)).is_success
    assert await _found(desk, VERA, "papaya mango") == [handoff.id]


async def test_a_parked_handoffs_notes_are_searched_for_its_parker_alone(desk: Desk) -> None:
    desk.mail_matters = False
    parked = await desk.park(BO, title="Tunnel", engineer_notes="The secret guava")
    assert (await desk.command(BO, parked, "notes", {"text": "and a kiwi"})).is_success
    for word in ("guava", "kiwi", "tunnel guava", "tunnel -nothing"):
        assert await _found(desk, BO, word) == [parked.id]
    token = await agreed(desk, BO, scopes=["handoffs:read"])
    for who in (AMIR, OLIVE, VERA):
        assert await _found(desk, who, "guava") == []
        assert await _found(desk, who, "kiwi") == []
        # Not even by what it does not say.
        assert await _found(desk, who, "tunnel -guava") == [parked.id]
    async with program(desk, token) as http:
        assert (await http.get(PATH, params={"q": "guava"})).json() == []
        assert len((await http.get(PATH, params={"q": "tunnel"})).json()) == 1
    assert (await desk.claim(AMIR, parked)).is_success
    for who in (BO, AMIR, VERA):
        assert await _found(desk, who, "guava kiwi") == [parked.id]


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
    for name, (wanted, found) in expected.items():
        assert await _found(desk, AMIR, **wanted) == [one.id for one in found], name
    assert (await desk.command(AMIR, urgent, "release", {})).is_success
    assert await _found(desk, AMIR, person=str(AMIR.id)) == [urgent.id]


BAD: list[dict[str, Any]] = [
    {"q": "x" * 201},
    {"q": "x" * 10_000},
    {"q": "a\x00b"},
    {"status": "gone"},
    {"priority": "loud"},
    {"team": "network"},
    {"person": "bo"},
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


async def _pages(desk: Desk, between: Any, **wanted: Any) -> list[UUID]:
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
    there = set(await _found(desk, AMIR, "gateway", limit=200))

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
        seen = await _pages(desk, move, limit=7, **wanted)
        assert len(seen) == len(set(seen))
        assert there <= set(seen)


async def _plan(desk: Desk) -> str:
    """How the function that asks the index does it."""
    known = text("SELECT prosrc FROM pg_proc WHERE proname = 'handoffs_with_words'")
    async with desk.database.engine_room() as connection:
        asks = (await connection.execute(known)).scalar_one()
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = text("EXPLAIN " + asks.replace("sought", "'rare'::tsquery"))
        return "\n".join((await connection.execute(explain)).scalars())


@pytest.mark.desk(worker=False)
async def test_what_few_have_is_found_by_the_index_behind_all_that_is_newer(desk: Desk) -> None:
    await write(desk, 1500, "Gateway")
    await write(desk, 1500, "Rare", by=HUGO)
    async with desk.database.engine_room() as connection:
        await connection.execute(
            text(
                "UPDATE sessions SET title = 'Rare bird' WHERE id ="
                " (SELECT session_id FROM handoffs WHERE account_id = :account"
                " ORDER BY created_at LIMIT 1)"
            ),
            {"account": ACME},
        )
    assert len(await _found(desk, AMIR, "rare")) == 1
    assert len(await _found(desk, AMIR, "-hello bir")) == 1
    assert len(await _pages(desk, lambda _: asyncio.sleep(0), q="gateway", limit=200)) == 1499
    steps = await _plan(desk)
    assert "ix_handoff_texts_whole" in steps, steps
    assert "Seq Scan" not in steps, steps


@pytest.mark.desk(worker=False)
async def test_the_owners_search_finds_for_nobody_else(desk: Desk) -> None:
    """It passes row-level security, so it looks at whose question it is itself."""
    await write(desk, 1, "Guava", by=HUGO)
    find = text("SELECT handoffs_with_words('guava'::tsquery)")
    async with desk.database.account(HUGO.account_id) as tenant:
        assert len(await tenant.connection.scalar(find)) == 1
    async with desk.database.account(ACME) as tenant:
        assert await tenant.connection.scalar(find) == []
        words = text("SELECT handoff_id FROM handoff_texts")
        assert (await tenant.connection.execute(words)).all() == []
    async with desk.database.engine_room() as connection:
        assert await connection.scalar(find) == []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Questions]:
    with overheard(monkeypatch) as asked:
        yield asked


@pytest.mark.desk(worker=False)
async def test_what_a_search_asks_postgresql(asked: Questions, desk: Desk) -> None:
    """One question where the newest answer it, a second by the index where they do not."""
    await write(desk, 60, "Gateway")
    for q, questions in (("gateway", 1), ("nothing", 2), (None, 1)):
        asked.clear()
        await _found(desk, AMIR, q)
        # Beside its beginning and its end.
        assert len(transaction(asked, "FROM handoffs")) == questions + 2, asked


@pytest.mark.desk(worker=False)
async def test_no_text_is_too_long_to_be_kept(desk: Desk) -> None:
    """Not even one of nothing but different words, which no vector of PostgreSQL's can hold."""
    long = " ".join(f"{number:x}-{number}" for number in range(60_000))
    await write(desk, 1, "Gateway")
    async with desk.database.engine_room() as connection:
        await connection.execute(
            text("UPDATE handoffs SET engineer_notes = :long WHERE account_id = :account"),
            {"long": f"mango {long} {'x' * 5000}", "account": ACME},
        )
    assert len(await _found(desk, AMIR, "gateway mango")) == 1


@pytest.mark.desk(worker=False)
async def test_pages_are_whole_where_a_list_has_more_than_a_page(desk: Desk) -> None:
    await write(desk, 120, "Gateway")
    for path, shown in (("/", 100), ("/search", 50), ("/search?q=gateway", 50), ("/closed", 0)):
        answer = await desk.http(AMIR).get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, f"{path}: {answer.text[:200]}"
        assert answer.text.count('href="/handoffs/') == shown, path
