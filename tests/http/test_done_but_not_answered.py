"""A process dies after the commit and before its answer is kept or sent, at every POST there is:
a repeat with the same key learns what was done, and does nothing a second time."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client

from handoff.database.operations import idempotency
from tests.support.cast import CHEN, OLIVE
from tests.support.desk import open_desk
from tests.support.document import operations
from tests.support.route_scenes import NAMED, Path, Scenes, body_of
from tests.support.servers import Servers

BY_OTHERS = {"pressInSlack"}
"""Nobody of ours asks it, and whoever presses twice is told that they have it."""

POSTS = sorted(
    name
    for name, (method, _, _) in operations().items()
    if method == "POST" and name not in BY_OTHERS
)

ONLY_READ = ("previewPolicy", "scimSearch", "scimSearchUsers", "scimSearchGroups")
"""Nothing is done, so nothing is lost: a repeat reads again."""

WITH_A_SECRET = ("createWebhook", "makeCallbackSecret", "rotateWebhookSecret")
"""Nobody saw it, and a repeat makes no other one: whoever has to know one rotates it."""

DONE = """
SELECT 'handoffs', count(*)::text FROM handoffs
UNION ALL SELECT 'sessions', md5(string_agg(sessions::text, ',' ORDER BY id)) FROM sessions
UNION ALL SELECT 'tokens', string_agg(id || name || coalesce(agreed_at::text, ''), ',' ORDER BY id)
    FROM api_tokens
UNION ALL SELECT 'users', md5(string_agg(users::text, ',' ORDER BY id)) FROM users
UNION ALL SELECT 'webhooks', string_agg(
    concat_ws(' ', id, url, place, secret, old_secret, disabled_at), ',' ORDER BY id
    ) FROM webhooks
UNION ALL SELECT 'accounts', string_agg(
    concat_ws(' ', id, callback_secret, callback_old_secret), ',' ORDER BY id
    ) FROM accounts
UNION ALL SELECT 'teams', md5(string_agg(teams::text, ',' ORDER BY id)) FROM teams
UNION ALL SELECT type, count(*)::text FROM events
    WHERE type NOT IN ('notified', 're_escalated', 'delivery_failed') GROUP BY type
"""
"""Everything that a request does; what the engine does by itself goes on meanwhile."""


@pytest.fixture(scope="module")
async def scenes(
    servers: Servers,
    temporal: Client,
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[Scenes]:
    async with (
        new_database() as url,
        open_desk(database_url=url, redis_url=servers.redis_url, temporal=temporal) as desk,
    ):
        desk.mail_matters = False
        async with Scenes.set(desk) as made:
            yield made


def _role(operation_id: str) -> str:
    if operation_id.startswith("scim"):
        return "token"
    return "engineer" if operation_id == "promoteHandoff" else "owner"


async def _meanwhile(scenes: Scenes, operation_id: str, path: Path, first: httpx.Response) -> None:
    """Others go on: what was made is not as it was any more."""
    olive, chen = scenes.desk.http(OLIVE), scenes.desk.http(CHEN)
    match operation_id:
        case "scimCreateUser":
            done = await olive.delete(f"/directory/users/{first.json()['id']}")
        case "scimCreateGroup":
            done = await olive.delete(f"/directory/teams/{first.json()['id']}")
        case "agreeToApiToken":
            done = await olive.delete(f"/api-tokens/{path['token_id']}")
        case "createSession":
            url = f"{first.headers['Location']}/handoff"
            done = await olive.post(url, json={"intent": "park"})
        case "createHandoff":
            done = await chen.post(f"{first.headers['Location']}/claim")
        case "commandHandoffs":
            url = "/ai-sessions/{session_id}/handoffs/{handoff_id}/release".format(**path)
            done = await olive.post(url)
        case "createWebhook":
            done = await olive.delete(f"/webhooks/{first.json()['id']}")
        case "replayWebhook":
            return await _sql(scenes, "UPDATE webhooks SET place = 1")
        case "enableWebhook":
            gone = "disabled_at = now(), disabled_why = 'gone', told_at = now()"
            return await _sql(scenes, f"UPDATE webhooks SET {gone}")
        case _:
            return
    assert done.is_success, done.text


async def _done(scenes: Scenes) -> dict[str, str]:
    async with scenes.desk.database.engine_room() as connection:
        return {row[0]: row[1] for row in (await connection.execute(text(DONE))).all()}


async def _lapse(scenes: Scenes) -> None:
    late = "UPDATE idempotency_keys SET locked_until = now() - interval '1 second'"
    await _sql(scenes, f"{late} WHERE locked_until IS NOT NULL")


async def _sql(scenes: Scenes, statement: str) -> None:
    async with scenes.desk.database.engine_room() as connection:
        await connection.execute(text(statement))


@pytest.mark.parametrize("operation_id", POSTS)
async def test_a_repeat_finds_what_was_done(
    scenes: Scenes, operation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> None:
        raise OSError

    role = _role(operation_id)
    path = await scenes.own(operation_id, role)
    await _sql(scenes, "UPDATE webhooks SET disabled_at = NULL")
    body = body_of(operation_id, path)

    async def ask() -> httpx.Response:
        url = operations()[operation_id][1].format(**path)
        headers = {"Idempotency-Key": operation_id}
        if isinstance(body, bytes):
            headers |= NAMED
            return await scenes.http(role).post(url, headers=headers, content=body)
        request = {"json": body} if body is not None else {}
        return await scenes.http(role).post(url, headers=headers, **request)

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "keep", dies)
        first = await ask()
    assert first.is_success, first.text
    await _meanwhile(scenes, operation_id, path, first)
    await _lapse(scenes)
    before = await _done(scenes)
    again = await ask()
    assert await _done(scenes) == before
    assert again.status_code == first.status_code, again.text
    assert again.headers.get("Location") == first.headers.get("Location")
    if operation_id == "createHandoff":
        # The engine writes the record: a repeat is shown the same one, as it is by now.
        assert again.json()["id"] == first.json()["id"]
    elif operation_id == "createApiToken":
        # Nobody saw the secret: the same token gets another one.
        assert again.json()["api_token"] == first.json()["api_token"]
        assert again.json()["token"] is not None
    elif operation_id in WITH_A_SECRET:
        assert again.json() | {"secret": None} == first.json() | {"secret": None}
        assert again.json()["secret"] is None
    elif operation_id not in ONLY_READ:
        assert again.content == first.content
