"""All writers against each other: one order of locks, so nobody is ended for the others' sake."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import count

import httpx
import pytest
from sqlalchemy import text

from handoff.contract.words import Role
from handoff.database import outages
from handoff.database.directory import importing
from handoff.database.directory.importing import bring_in
from handoff.database.operations import upkeep
from tests.faults.test_done_once import locked, until_somebody_waits
from tests.support.cast import ACME, AMIR, BILLING, BO, CHEN, OLIVE, SENIORS, directory
from tests.support.desk import Desk
from tests.support.staff import hire

SECONDS = 12.0


class Work:
    """What everybody does until the time is up, and how it was answered."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.answers: Counter[tuple[str, int]] = Counter()
        self.imports = 0
        self._until = asyncio.get_running_loop().time() + SECONDS

    @property
    def goes_on(self) -> bool:
        return asyncio.get_running_loop().time() < self._until

    def note(self, what: str, answer: httpx.Response) -> httpx.Response:
        self.answers[what, answer.status_code] += 1
        return answer

    async def escalate_and_resolve(self) -> None:
        while self.goes_on:
            handoff = await self.desk.escalate(BO, priority="urgent")
            for by in SENIORS:
                self.note("claim", await self.desk.claim(by, handoff))
            self.note("release", await self.desk.command(AMIR, handoff, "release", {}))
            self.note("claim", await self.desk.claim(CHEN, handoff))
            ended = await self.desk.command(OLIVE, handoff, "resolve", {"outcome": "fixed"})
            self.note("resolve", ended)

    async def bring_in(self) -> None:
        """The file changes somebody, who loses what they have claimed, and the account's name."""
        for turn in count():
            if not self.goes_on:
                return
            changed = directory()
            acme = changed.accounts[0]
            acme.name = f"Acme {turn}"
            for user in acme.users:
                if user.id in (CHEN.id, AMIR.id):
                    user.name = f"{user.name} {turn}"
                if user.id == CHEN.id and turn % 2:
                    user.role = Role.VIEWER
            acme.users.reverse()
            await bring_in(self.desk.database, changed)
            self.imports += 1
            await asyncio.sleep(0.02)

    async def put_people(self) -> None:
        for turn in count():
            if not self.goes_on:
                return
            body = {"email": CHEN.email, "name": f"Chen {turn}", "role": "engineer"}
            url = f"/directory/users/{CHEN.id}"
            self.note("put", await self.desk.http(OLIVE).put(url, json=body))
            team = f"/directory/teams/{BILLING}"
            self.note("team", await self.desk.http(OLIVE).delete(team))
            self.note("team", await self.desk.http(OLIVE).put(team, json={"name": "Billing"}))

    async def clean_up(self) -> None:
        while self.goes_on:
            await upkeep.purge_closed(self.desk.database, closed_for=timedelta(milliseconds=1))
            await asyncio.sleep(0.05)


async def deadlocks(desk: Desk) -> int:
    async with desk.database.engine_room() as connection:
        found: int = await connection.scalar(
            text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        )
    return found


@pytest.mark.alone
@pytest.mark.timeout(120)
@pytest.mark.desk(claim_timeout="2s")
async def test_all_writers_at_once(desk: Desk) -> None:
    desk.mail_matters = False
    work = Work(desk)
    await asyncio.gather(
        *(work.escalate_and_resolve() for _ in range(6)),
        work.bring_in(),
        work.bring_in(),
        work.put_people(),
        work.clean_up(),
    )
    assert work.imports >= 10
    failed = {key: number for key, number in work.answers.items() if key[1] >= 500}
    assert not failed, failed
    # The statistics are written down when a transaction is over, and a moment later.
    await asyncio.sleep(1)
    assert await deadlocks(desk) == 0


async def test_a_repeated_import_waits_for_nobody(desk: Desk) -> None:
    rows = "SELECT 1 FROM users, accounts FOR UPDATE"
    async with locked(desk, rows), asyncio.timeout(5):
        await bring_in(desk.database, directory())


async def test_a_long_import_keeps_nobody_from_their_work(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still in the middle, with new people written: everybody else goes on."""
    desk.mail_matters = False
    reached, go_on = asyncio.Event(), asyncio.Event()
    give_back = importing._give_back

    async def slowly(*arguments: object) -> None:
        reached.set()
        await go_on.wait()
        await give_back(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "_give_back", slowly)
    handoff = await desk.escalate()
    bringing = asyncio.create_task(hire(desk, 50))
    await reached.wait()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    another = await desk.escalate()
    go_on.set()
    await bringing
    assert (await desk.see(another))["status"] == "open"


async def test_a_collision_is_tried_again_and_is_no_outage(desk: Desk) -> None:
    """Somebody from outside locks in the other order: a deadlock, of which we are the victim."""
    desk.mail_matters = False
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    await desk.stop_worker()
    async with desk.database.engine_room() as connection:
        # The claim waits first, so it is the first to look for a deadlock, and the one to end.
        row = text("SELECT 1 FROM accounts WHERE id = :id FOR UPDATE")
        await connection.execute(row, {"id": ACME})
        claiming = asyncio.create_task(desk.claim(CHEN, handoff))
        await until_somebody_waits(desk)
        row = text("SELECT 1 FROM handoffs WHERE id = :id FOR UPDATE")
        await connection.execute(row, {"id": handoff.id})
    assert (await claiming).status_code == 200
    assert (await desk.history(handoff)).count("claimed") == 1


def test_what_is_a_collision() -> None:
    assert not outages.is_collision(OSError())
    assert outages.is_outage(outages.ConnectionLost())
