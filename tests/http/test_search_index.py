"""How a search finds: by an index of all accounts, for one account alone, in few questions."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.http.test_search import found, pages, write
from tests.support.cast import ACME, AMIR, HUGO
from tests.support.desk import Desk
from tests.support.questions import Questions, overheard, transaction

pytestmark = pytest.mark.desk(worker=False)


async def _plan(desk: Desk) -> str:
    """How the function that asks the index does it."""
    known = text("SELECT prosrc FROM pg_proc WHERE proname = 'handoffs_with_words'")
    async with desk.database.engine_room() as connection:
        asks = (await connection.execute(known)).scalar_one()
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = text("EXPLAIN " + asks.replace("sought", "'rare'::tsquery"))
        return "\n".join((await connection.execute(explain)).scalars())


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
    assert len(await found(desk, AMIR, "rare")) == 1
    assert len(await found(desk, AMIR, "-hello bir")) == 1
    assert len(await pages(desk, lambda _: asyncio.sleep(0), q="gateway", limit=200)) == 1499
    steps = await _plan(desk)
    assert "ix_handoff_texts_whole" in steps, steps
    assert "Seq Scan" not in steps, steps


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


async def test_what_a_search_asks_postgresql(asked: Questions, desk: Desk) -> None:
    """One question where the newest answer it, a second by the index where they do not."""
    await write(desk, 60, "Gateway")
    for q, questions in (("gateway", 1), ("nothing", 2), (None, 1)):
        asked.clear()
        await found(desk, AMIR, q)
        # Beside its beginning and its end.
        assert len(transaction(asked, "FROM handoffs")) == questions + 2, asked


async def test_no_text_is_too_long_to_be_kept(desk: Desk) -> None:
    """Not even one of nothing but different words, which no vector of PostgreSQL's can hold."""
    long = " ".join(f"{number:x}-{number}" for number in range(60_000))
    await write(desk, 1, "Gateway")
    async with desk.database.engine_room() as connection:
        await connection.execute(
            text("UPDATE handoffs SET engineer_notes = :long WHERE account_id = :account"),
            {"long": f"mango {long} {'x' * 5000}", "account": ACME},
        )
    assert len(await found(desk, AMIR, "gateway mango")) == 1


async def test_pages_are_whole_where_a_list_has_more_than_a_page(desk: Desk) -> None:
    await write(desk, 120, "Gateway")
    for path, shown in (("/", 120), ("/search", 50), ("/search?q=gateway", 50), ("/closed", 0)):
        answer = await desk.http(AMIR).get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, f"{path}: {answer.text[:200]}"
        assert answer.text.count('href="/handoffs/') == shown, path
