"""What an admin may do to an owner, whichever way they come: what gives rights, only an owner."""

from typing import Any
from uuid import uuid4

import pytest

from tests.http.people.test_api_tokens import make, program
from tests.http.people.test_scim import SCIM, patch, provider_of
from tests.support.cast import AMIR, NETWORK, OLIVE, ZOE, Member
from tests.support.desk import Desk


async def put(desk: Desk, by: Member, who: Member, **changed: Any) -> int:
    body = {"email": who.email, "name": who.name, "role": "owner"} | changed
    answer = await desk.http(by).put(f"/directory/users/{who.id}", json=body)
    return answer.status_code


@pytest.mark.parametrize(
    "changed",
    [
        {"role": "admin"},
        {"is_active": False},
        {"email": "amir2@acme.test"},
        {"email": OLIVE.email.upper()},
    ],
    ids=str,
)
async def test_an_admin_takes_nothing_from_an_owner(desk: Desk, changed: dict[str, Any]) -> None:
    assert await put(desk, AMIR, OLIVE, **changed) == 403


async def test_an_admin_renames_and_moves_an_owner(desk: Desk) -> None:
    assert await put(desk, AMIR, OLIVE, name="Olive O.", team_id=str(NETWORK)) == 200


async def test_an_owner_who_is_away_stays_an_owners_business(desk: Desk) -> None:
    assert await put(desk, OLIVE, ZOE, is_active=False) == 200
    away = f"/directory/users/{ZOE.id}"
    assert await put(desk, AMIR, ZOE) == 403
    assert await put(desk, AMIR, ZOE, role="viewer", is_active=False) == 403
    assert (await desk.http(AMIR).delete(away)).status_code == 403
    assert (await desk.http(OLIVE).delete(away)).status_code == 204
    for role in ("owner", "viewer"):
        assert await put(desk, AMIR, ZOE, role=role) == 403
    assert await put(desk, OLIVE, ZOE) == 200


async def test_nor_does_an_admins_directory(desk: Desk) -> None:
    async with await provider_of(desk, AMIR) as scim:
        for path, value in (
            ("externalId", "okta|amir"), ("userName", "amir2@acme.test"), ("active", False),
        ):  # fmt: skip
            step = {"op": "replace", "path": path, "value": value}
            answer = await patch(scim, f"/Users/{OLIVE.id}", step)
            assert answer.status_code == 403, path
        assert (await scim.delete(f"{SCIM}/Users/{OLIVE.id}")).status_code == 403


async def test_an_admin_ends_an_owners_token_and_makes_none(desk: Desk) -> None:
    assert (await make(desk, AMIR, user_id=str(OLIVE.id))).status_code == 403
    lost = (await make(desk, OLIVE)).json()
    ended = await desk.http(AMIR).delete(f"/api-tokens/{lost['api_token']['id']}")
    assert ended.status_code == 204
    async with program(desk, lost["token"]) as http:
        assert (await http.get("/ai-sessions")).status_code == 401


async def test_an_account_is_not_left_to_a_programs_user(desk: Desk) -> None:
    bot = uuid4()
    body = {"email": "bot@acme.test", "name": "Bot", "role": "owner", "kind": "service"}
    made = await desk.http(OLIVE).put(f"/directory/users/{bot}", json=body)
    assert made.status_code == 201
    assert await put(desk, OLIVE, OLIVE, role="admin") == 409
