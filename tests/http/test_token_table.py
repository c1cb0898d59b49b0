"""docs/routes.md, its tables of tokens: by what maker and person are now, and by moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from handoff.contract.words import Role
from tests.http.people.test_api_tokens import made, program
from tests.http.people.test_scim import SCIM, patch
from tests.support.cast import ACME, AMIR, OLIVE, Member
from tests.support.desk import Desk
from tests.support.route_table import tables_of_tokens

TABLE = tables_of_tokens()
PERSONS = ("owner", "admin", "engineer", "viewer", "gone")
MAKERS = {name: dict(zip(PERSONS, TABLE[name], strict=True)) for name in PERSONS}
MOMENTS = {name: int(cells[0]) for name, cells in TABLE.items() if name not in MAKERS}


@pytest.fixture(scope="module")
async def desk(front_desk: Desk) -> Desk:
    """One for all cells: each has people of its own."""
    return front_desk


async def somebody(desk: Desk, role: str = "owner", **more: str) -> Member:
    who = Member(uuid4(), f"N{uuid4().hex[:8]}", Role(role), account_id=ACME)
    body = {"email": who.email, "name": who.name, "role": role} | more
    answer = await desk.http(OLIVE).put(f"/directory/users/{who.id}", json=body)
    assert answer.status_code == 201, answer.text
    return who


async def become(desk: Desk, who: Member, what: str) -> None:
    role = what if what != "gone" else "owner"
    body = {"email": who.email, "name": who.name, "role": role, "is_active": what != "gone"}
    answer = await desk.http(OLIVE).put(f"/directory/users/{who.id}", json=body)
    assert answer.status_code == 200, answer.text


async def worth(desk: Desk, token: str) -> str:
    """What role the token acts in, by what it is let do."""
    target = await somebody(desk, "viewer")
    async with program(desk, token) as http:
        looked = await http.get("/ai-sessions")
        if looked.status_code != 200:
            return str(looked.status_code)
        if (await http.post("/ai-sessions", json={"title": "VPN"})).status_code != 201:
            return "viewer"
        if (await http.get(f"{SCIM}/Users")).status_code != 200:
            return "engineer"
        owner = {"op": "replace", "path": "roles", "value": "owner"}
        risen = await patch(http, f"/Users/{target.id}", owner)
        return "owner" if risen.status_code == 200 else "admin"


async def agree(desk: Desk, who: Member, shown: dict[str, Any]) -> httpx.Response:
    return await desk.http(who).post(f"/me/api-tokens/{shown['id']}/agree")


@pytest.mark.parametrize("person", PERSONS)
@pytest.mark.parametrize("maker", MAKERS)
async def test_by_maker_and_person(desk: Desk, maker: str, person: str) -> None:
    by, acts_as = await somebody(desk), await somebody(desk)
    scopes = ["sessions:read", "sessions:write", "scim"]
    token, shown = await made(desk, by, user_id=str(acts_as.id), scopes=scopes)
    assert (await agree(desk, acts_as, shown)).status_code == 200
    await become(desk, by, maker)
    await become(desk, acts_as, person)
    assert await worth(desk, token) == MAKERS[maker][person]


@dataclass(slots=True)
class Made:
    """A token, who made it, and whom it acts as."""

    desk: Desk
    by: Member
    acts_as: Member
    token: str
    shown: dict[str, Any]


async def _for(desk: Desk, kind: str) -> Made:
    by = await somebody(desk, "admin")
    acts_as = by if kind == "oneself" else await somebody(desk, "engineer", kind=kind)
    token, shown = await made(desk, by, user_id=str(acts_as.id), scopes=["sessions:read"])
    return Made(desk, by, acts_as, token, shown)


async def _agreed(desk: Desk) -> Made:
    one = await _for(desk, "person")
    assert (await agree(desk, one.acts_as, one.shown)).status_code == 200
    return one


async def at(desk: Desk, moment: str) -> Made:
    match moment:
        case "for oneself, just made":
            return await _for(desk, "oneself")
        case "for a program's own user, just made":
            return await _for(desk, "service")
        case "for another person, just made":
            return await _for(desk, "person")
    one = await _agreed(desk)
    match moment:
        case "ended by the person":
            path = f"/me/api-tokens/{one.shown['id']}"
            assert (await desk.http(one.acts_as).delete(path)).status_code == 204
        case "revoked by an admin":
            path = f"/api-tokens/{one.shown['id']}"
            assert (await desk.http(AMIR).delete(path)).status_code == 204
        case "expired":
            past = {"id": one.shown["id"], "at": datetime.now(UTC) - timedelta(seconds=1)}
            async with desk.database.engine_room() as connection:
                statement = text("UPDATE api_tokens SET expires_at = :at WHERE id = :id")
                await connection.execute(statement, past)
        case "its maker gone and back":
            await become(desk, one.by, "gone")
            await become(desk, one.by, "admin")
        case _:
            assert moment == "after the person's yes"
    return one


@pytest.mark.parametrize("moment", MOMENTS)
async def test_by_moment(desk: Desk, moment: str) -> None:
    one = await at(desk, moment)
    async with program(desk, one.token) as http:
        assert (await http.get("/ai-sessions")).status_code == MOMENTS[moment]
