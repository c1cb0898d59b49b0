"""What somebody presses in Slack: Claim, as themselves, with the role that they have now.

Nobody is signed in here. Slack signs the request with the account's own secret, and tells whose
finger it was; who that is to us, their mail address in Slack says.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response

from api.endpoints import acts
from api.endpoints.answers import problems
from api.identity.callers import Parts, peer
from api.services import Services
from handoff.database import integrations, people
from handoff.errors import AlreadyClaimed, HandoffError, Unauthenticated
from handoff.keys import keyring_of
from handoff.loading import load
from handoff.rules.channels import SLACK
from handoff.sealing import Unsealable
from handoff.slack_words import CLAIM, SIGNATURE, TIMESTAMP, plain

logger = structlog.get_logger(__name__)

FRESH = 5 * 60
"""Seconds for which a signature holds."""

router = APIRouter(prefix="/integrations/slack", tags=["integrations"])


@dataclass(frozen=True, slots=True)
class _Press:
    """A button that was pressed. Believed only once the signature is."""

    action: str
    account_id: UUID
    handoff_id: UUID
    presser: str
    channel: str
    response_url: str | None


@router.post(
    "/actions",
    operation_id="pressInSlack",
    responses=problems(401, 429),
    openapi_extra={
        "security": [],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "properties": {"payload": {"type": "string"}},
                        "required": ["payload"],
                    }
                }
            },
        },
    },
)
async def press(request: Request, parts: Parts) -> Response:
    """For Slack alone. Whoever pressed is answered there, within three seconds."""
    body = await request.body()
    pressed = _read(body) if _may_be_signed(request.headers) else None
    secrets = None if pressed is None else await _secrets(parts, pressed.account_id)
    # Its libraries are large, and needed only where an account has connected Slack.
    await load("api.identity.slack")
    from api.identity import slack

    if (
        pressed is None
        or secrets is None
        or not slack.is_signed(body, request.headers, secrets["signing_secret"])
    ):
        # Behind a proxy all have one address: who is signed for is not refused for what others do.
        parts.limits.stranger(peer(request))
        await parts.limits.failure(peer(request))
        raise Unauthenticated("This request is not signed by Slack, or not any more.")
    if pressed.action == CLAIM:
        async with slack.workspace(parts.settings, secrets["bot_token"]) as workspace:
            said = await _claim(parts, pressed, await workspace.mail_address(pressed.presser))
            await workspace.whisper(
                said, to=pressed.presser, channel=pressed.channel, at=pressed.response_url
            )
    return Response(status_code=200)


def _may_be_signed(headers: Mapping[str, str]) -> bool:
    """Known without asking anybody: whether it says when it was signed, lately, and how."""
    timestamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    is_fresh = abs(time.time() - int(timestamp)) <= FRESH
    return is_fresh and signature.isascii() and signature.startswith("v0=")


def _read(body: bytes) -> _Press | None:
    """The first button of the payload; None where it is none of ours."""
    try:
        [payload] = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)["payload"]
        told = json.loads(payload)
        action = told["actions"][0]
        account_id, _, handoff_id = action["value"].partition(".")
        return _Press(
            action=str(action["action_id"]),
            account_id=UUID(account_id),
            handoff_id=UUID(handoff_id),
            presser=str(told["user"]["id"]),
            channel=str((told.get("channel") or {}).get("id") or ""),
            response_url=told.get("response_url") or None,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


async def _secrets(parts: Services, account_id: UUID) -> dict[str, str] | None:
    with suppress(Unsealable):
        async with parts.database.account(account_id) as tenant:
            return await integrations.secrets_of(tenant, SLACK.name, keyring_of(parts.settings))
    return None


async def _claim(parts: Services, pressed: _Press, address: str | None) -> str:
    """Claims as whoever has this address in the account; what they are told."""
    async with parts.database.account(pressed.account_id) as tenant:
        presser = None if address is None else await people.by_address(tenant, address)
    if presser is None:
        return "Nobody in Handoff has the mail address that Slack has for you."
    try:
        changed = await acts.carry_out(acts.claim(), parts, presser, pressed.handoff_id)
    except AlreadyClaimed as refusal:
        return plain(f"{refusal.facts['claimed_by']['name']} has it.")
    except HandoffError as refusal:
        return plain(str(refusal))
    logger.info("slack.claimed", handoff_id=str(changed.record.id), actor_id=str(presser.id))
    return f"You have it: {parts.settings.public_url}/handoffs/{changed.record.id}"
