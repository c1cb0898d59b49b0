"""What each operation needs to be tried on: something of the caller's own, foreign and unknown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import update

from handoff import claim_links
from handoff.claim_links import ClaimLink
from handoff.contract.words import TokenScope
from handoff.database.tables import SessionRow
from handoff.ids import new_id
from tests.support.cast import (
    AMIR,
    BO,
    CHEN,
    GINA,
    HUGO,
    NETWORK,
    OLIVE,
    PLATFORM,
    VERA,
    ZOE,
    Member,
)
from tests.support.desk import Desk, Handoff

ROLES = {"viewer": VERA, "engineer": CHEN, "admin": AMIR, "owner": OLIVE, "token": OLIVE}
"""The token acts as the owner, so that nothing but its being a token is in its way."""

Path = dict[str, str]
"""The values of a path's parameters."""

POLICY = {
    "levels": [
        {"targets": [{"kind": "account"}], "channels": ["email"], "wait": "15m", "repeat": 5}
    ]
}

WEBHOOK = {"url": "https://127.0.0.1:9/hook"}
"""Where nobody listens, and nothing may be sent."""

BODIES: dict[str, Any] = {
    "createSession": {"title": "VPN drops"},
    "giveSession": {"to": str(CHEN.id)},
    "createHandoff": {"intent": "park"},
    "resolveHandoff": {"outcome": "fixed"},
    "escalateHandoffNow": {"round": 1},
    "transferHandoff": {"to": str(OLIVE.id)},
    "callHandoff": {"to": str(OLIVE.id)},
    "changeHandoff": {"priority": "urgent"},
    "writeHandoffNote": {"text": "Look at the log."},
    "addSessionFile": b"what the log says",
    "markEventsSeen": {"numbers": [1]},
    "putAccount": {},
    "createWebhook": WEBHOOK,
    "putWebhook": WEBHOOK,
    "replayWebhook": {"from": 1},
    "putPolicy": POLICY,
    "putSlack": {
        "bot_token": "xoxb-of-the-tests",
        "signing_secret": "of-the-tests",
        "channels": {"account": "C0EVERYBODY"},
    },
    "putMicrosoftTeams": {"channels": {"account": WEBHOOK["url"]}},
    "previewPolicy": {},
    "putTeam": {"name": "Field"},
    "createApiToken": {"name": "Program", "scopes": ["sessions:read"]},
    "putMyNotifications": {},
    "scimSearch": {},
    "scimSearchUsers": {},
    "scimSearchGroups": {},
    "scimPatchUser": {"Operations": [{"op": "replace", "value": {"displayName": "Chen"}}]},
    "scimPatchGroup": {"Operations": [{"op": "add", "path": "externalId", "value": "x"}]},
}


NAMED = {"Content-Disposition": "attachment; filename*=UTF-8''a.log"}
"""What a file is sent with."""


def body_of(operation_id: str, path: Path) -> Any:
    """A body that is well-formed, whoever sends it."""
    if operation_id == "snoozeHandoff":
        return {"until": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    if operation_id == "commandHandoffs":
        return {"command": "claim", "ids": [path["handoff_id"]]}
    if operation_id in ("scimCreateUser", "scimReplaceUser"):
        return {"userName": f"{new_id()}@acme.test", "displayName": "Nina"}
    if operation_id in ("scimCreateGroup", "scimReplaceGroup"):
        return {"displayName": f"Field {new_id()}"}
    if operation_id == "putUser":
        email = f"{path['user_id']}@acme.test"
        return {"email": email, "name": "Nina", "role": "engineer"}
    return BODIES.get(operation_id)


@dataclass(slots=True)
class Scenes:
    """The desk, and what stands there for everybody to look at."""

    desk: Desk
    standing: Handoff
    foreign: Path
    program: httpx.AsyncClient
    _token_id: str = ""
    _file_id: str = ""
    _webhook_id: str = ""

    @classmethod
    @asynccontextmanager
    async def set(cls, desk: Desk) -> AsyncIterator["Scenes"]:
        """A handoff and a token in each account."""
        standing, theirs = await desk.escalate(BO), await desk.escalate(HUGO)
        token = await _make_token(desk, OLIVE, [scope.value for scope in TokenScope])
        foreign = {
            "session_id": str(theirs.session_id),
            "handoff_id": str(theirs.id),
            "user_id": str(GINA.id),
            "team_id": str(PLATFORM),
            "group_id": str(PLATFORM),
            "token_id": (await _make_token(desk, GINA, ["sessions:read"]))["api_token"]["id"],
            "file_id": await _add_file(desk.http(HUGO), theirs),
            "webhook_id": await _make_webhook(desk, GINA),
            "token": _link(desk, theirs, HUGO),
            "name": "Account",
            "urn": "urn:example:theirs",
        }
        file_id = await _add_file(desk.http(BO), standing)
        headers = {"Authorization": f"Bearer {token['token']}"}
        async with httpx.AsyncClient(
            base_url=desk.base_url, headers=headers, timeout=20, trust_env=False
        ) as program:
            made = cls(desk, standing, foreign, program, token["api_token"]["id"], file_id)
            made._webhook_id = await _make_webhook(desk, OLIVE)
            yield made

    def http(self, role: str) -> httpx.AsyncClient:
        """Who acts in this role."""
        return self.program if role == "token" else self.desk.http(ROLES.get(role))

    def unknown(self) -> Path:
        """What nobody has."""
        return {name: str(new_id()) for name in self.foreign if name.endswith("_id")} | {
            "token": "nonsense",
            "name": "Nothing",
            "urn": "urn:example:nothing",
        }

    async def own(self, operation_id: str, role: str) -> Path:
        """What the caller may do it to, if anybody in this role may."""
        who = ROLES.get(role, BO)
        path = self._path(self.standing, who)
        match operation_id:
            case "claimHandoff" | "snoozeHandoff" | "claimByLink" | "commandHandoffs":
                return self._path(await self.desk.escalate(BO), who)
            case "escalateHandoffNow":
                return self._path(await self._in_round_1(), who)
            case "releaseHandoff" | "resolveHandoff" | "transferHandoff":
                return self._path(await self._claimed(CHEN), who)
            case "cancelHandoff" | "changeHandoff":
                return self._path(await self.desk.escalate(CHEN), who)
            case "promoteHandoff":
                return self._path(await self.desk.park(CHEN), who)
            case "createHandoff":
                holder = BO if who is VERA else who
                return path | {"session_id": str(await self.desk.start_session(holder))}
            case "removeSessionFile" if who is not VERA:
                return path | {"file_id": await _add_file(self.desk.http(who), self.standing)}
            case "deleteWebhook" if role in ("admin", "owner"):
                return path | {"webhook_id": await _make_webhook(self.desk, OLIVE)}
            case "getSlack" | "deleteSlack":
                await self._connect("slack", body_of("putSlack", path))
                return path
            case "getMicrosoftTeams" | "deleteMicrosoftTeams":
                await self._connect("teams", body_of("putMicrosoftTeams", path))
                return path
            case "giveSession":
                return path | {"session_id": str(await self._left_alone())}
            case "scimReplaceUser" | "scimDeleteUser" | "putUser" | "deleteUser":
                return path | {"user_id": await self._user()}
            case "putTeam" | "deleteTeam":
                return path | {"team_id": await self._team()}
            case "scimReplaceGroup" | "scimPatchGroup" | "scimDeleteGroup":
                return path | {"group_id": await self._team()}
            case "agreeToApiToken" | "endMyApiToken":
                made = await _make_token(self.desk, OLIVE, ["sessions:read"], who)
                return path | {"token_id": made["api_token"]["id"]}
            case "revokeApiToken":
                made = await _make_token(self.desk, OLIVE, ["sessions:read"])
                return path | {"token_id": made["api_token"]["id"]}
            case _:
                return path

    def _path(self, handoff: Handoff, who: Member) -> Path:
        return {
            "session_id": str(handoff.session_id),
            "handoff_id": str(handoff.id),
            "user_id": str(CHEN.id),
            "team_id": str(NETWORK),
            "group_id": str(NETWORK),
            "token_id": self._token_id,
            "file_id": self._file_id,
            "webhook_id": self._webhook_id,
            "token": _link(self.desk, handoff, who),
            "name": "User",
            "urn": "urn:ietf:params:scim:schemas:core:2.0:User",
        }

    async def _in_round_1(self) -> Handoff:
        handoff = await self.desk.escalate(BO)
        await self.desk.until_handoff(handoff, round=1)
        return handoff

    async def _claimed(self, by: Member) -> Handoff:
        handoff = await self.desk.escalate(BO)
        assert (await self.desk.claim(by, handoff)).status_code == 200
        return handoff

    async def _left_alone(self) -> UUID:
        """A session whose holder is gone."""
        session_id = await self.desk.start_session(BO)
        async with self.desk.database.engine_room() as connection:
            of_zoe = update(SessionRow).where(SessionRow.id == session_id)
            await connection.execute(of_zoe.values(holder_id=ZOE.id))
        return session_id

    async def _user(self) -> str:
        path = {"user_id": str(new_id())}
        await self._put(f"/directory/users/{path['user_id']}", body_of("putUser", path))
        return path["user_id"]

    async def _team(self) -> str:
        team_id = str(new_id())
        await self._put(f"/directory/teams/{team_id}", {"name": f"Field {team_id}"})
        return team_id

    async def _connect(self, chat: str, body: Any) -> None:
        answer = await self.desk.http(OLIVE).put(f"/integrations/{chat}", json=body)
        assert answer.status_code == 200, answer.text

    async def _put(self, path: str, body: Any) -> None:
        answer = await self.desk.http(OLIVE).put(path, json=body)
        assert answer.status_code == 201, answer.text


async def _add_file(http: httpx.AsyncClient, to: Handoff) -> str:
    added = await http.post(
        f"/ai-sessions/{to.session_id}/files", content=b"what the log says", headers=NAMED
    )
    assert added.status_code == 201, added.text
    return str(added.json()["id"])


async def _make_webhook(desk: Desk, by: Member) -> str:
    made = await desk.http(by).post("/webhooks", json=WEBHOOK)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def _make_token(
    desk: Desk, by: Member, scopes: list[str], acts_as: Member | None = None
) -> dict[str, Any]:
    body = {"name": "Program", "scopes": scopes, "user_id": str((acts_as or by).id)}
    answer = await desk.http(by).post("/api-tokens", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _link(desk: Desk, handoff: Handoff, who: Member) -> str:
    link = ClaimLink(who.account_id, UUID(str(handoff.session_id)), handoff.id, who.id)
    until = datetime.now(UTC) + timedelta(hours=1)
    address = claim_links.address(link, desk.settings, until=until)
    assert address is not None
    return address.rpartition("/")[2]
