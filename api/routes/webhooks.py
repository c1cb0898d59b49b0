"""Webhooks: endpoints that follow the account's events, kept by admins and owners."""

from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.endpoints.allowances import TRIALS
from api.endpoints.answers import conflicts, problems, whole
from api.endpoints.idempotency import IdempotentRoute, keep_within, resource_id
from api.engine import followers
from api.identity.callers import LeadingCaller, Parts
from api.schemas.me import UnderWay
from api.schemas.webhooks import MadeWebhook, Replay, ShownSecret, WebhookBody
from api.services import Services
from handoff.contract.people import Actor
from handoff.contract.webhooks import WebhookTried
from handoff.database.directory import webhooks
from handoff.database.directory.webhooks import WebhookAttempt, WebhookView, purpose
from handoff.errors import EngineUnreachable, TooManyWebhooks, WebhookDisabled
from handoff.keys import keyring_of
from handoff.sealing import new_signing_secret

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=IdempotentRoute)


@router.post(
    "",
    status_code=201,
    operation_id="createWebhook",
    response_model=MadeWebhook,
    responses={**problems(403), **conflicts(TooManyWebhooks)},
)
async def create_webhook(
    body: WebhookBody, request: Request, caller: LeadingCaller, parts: Parts
) -> Response:
    """A new endpoint: it is told of what happens from now on. Its secret is shown this once."""
    webhook_id = resource_id(request)
    secret, sealed = new_signing_secret(keyring_of(parts.settings), purpose=purpose(webhook_id))
    async with parts.database.account(caller.account_id) as tenant:
        found = await webhooks.make(tenant, caller, webhook_id, body.wanted(), secret=sealed)
        await keep_within(request, tenant, _made(found, None))
    await _changed(parts, caller, webhook_id, "made")
    return _made(found, secret)


def _made(found: WebhookView, secret: str | None) -> Response:
    headers = {"Location": f"/webhooks/{found.id}"}
    return whole(MadeWebhook.of(found, secret), status=201, headers=headers)


@router.get("", operation_id="listWebhooks", responses=problems(403))
async def list_webhooks(caller: LeadingCaller, parts: Parts) -> list[WebhookView]:
    """The account's endpoints, oldest first, and how each of them stands."""
    async with parts.database.account(caller.account_id) as tenant:
        return await webhooks.of_account(tenant)


@router.get("/{webhook_id}", operation_id="getWebhook", responses=problems(403, 404))
async def get_webhook(webhook_id: UUID, caller: LeadingCaller, parts: Parts) -> WebhookView:
    """One endpoint; never its secret."""
    async with parts.database.account(caller.account_id) as tenant:
        return await webhooks.find(tenant, webhook_id)


@router.put("/{webhook_id}", operation_id="putWebhook", responses=problems(403, 404))
async def put_webhook(
    webhook_id: UUID, body: WebhookBody, caller: LeadingCaller, parts: Parts
) -> WebhookView:
    """Another address, other events. What is owed goes there, at once; the secret stays."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await webhooks.replace(tenant, caller, webhook_id, body.wanted())
    await _changed(parts, caller, webhook_id, "set")
    return found


@router.delete(
    "/{webhook_id}", status_code=204, operation_id="deleteWebhook", responses=problems(403, 404)
)
async def delete_webhook(webhook_id: UUID, caller: LeadingCaller, parts: Parts) -> None:
    """Gone, with its secret and its attempts. What is on its way at this moment may still come."""
    async with parts.database.account(caller.account_id) as tenant:
        await webhooks.remove(tenant, caller, webhook_id)
    await _changed(parts, caller, webhook_id, "deleted")


@router.post(
    "/{webhook_id}/rotate-secret",
    operation_id="rotateWebhookSecret",
    response_model=ShownSecret,
    responses=problems(403, 404),
)
async def rotate_secret(
    webhook_id: UUID, request: Request, caller: LeadingCaller, parts: Parts
) -> Response:
    """A new secret, shown this once. For 24 h the one before signs, too."""
    secret, sealed = new_signing_secret(keyring_of(parts.settings), purpose=purpose(webhook_id))
    async with parts.database.account(caller.account_id) as tenant:
        await webhooks.rotate(tenant, caller, webhook_id, secret=sealed)
        await keep_within(request, tenant, whole(ShownSecret(secret=None)))
    await _changed(parts, caller, webhook_id, "rotated")
    return whole(ShownSecret(secret=secret))


@router.post(
    "/{webhook_id}/test",
    operation_id="testWebhook",
    dependencies=[TRIALS],
    response_model=WebhookTried,
    responses={
        202: {"model": UnderWay, "description": "The engine has it, but it is not done yet"},
        **problems(403, 404, also=(EngineUnreachable,)),
    },
)
async def test_webhook(
    webhook_id: UUID, request: Request, caller: LeadingCaller, parts: Parts
) -> Any:
    """Posts a `handoff.test` now, beside whatever is followed, and tells how it was answered."""
    async with parts.database.account(caller.account_id) as tenant:
        await webhooks.find(tenant, webhook_id)
    tried = await followers.try_out(
        parts.temporal,
        parts.settings,
        caller.account_id,
        webhook_id,
        test_id=resource_id(request),
    )
    return JSONResponse(UnderWay().model_dump(), 202) if tried is None else tried


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    operation_id="replayWebhook",
    response_model=Replay,
    responses={**problems(403, 404), **conflicts(WebhookDisabled)},
)
async def replay_webhook(
    webhook_id: UUID, body: Replay, request: Request, caller: LeadingCaller, parts: Parts
) -> Response:
    """Goes back to an event by its number; all from there on comes again, under the same ids. One
    that is disabled has to be enabled first."""
    answer = whole(body, status=202)
    async with parts.database.account(caller.account_id) as tenant:
        await webhooks.replay(tenant, caller, webhook_id, first=body.first)
        await keep_within(request, tenant, answer)
    await _changed(parts, caller, webhook_id, "replayed")
    return answer


@router.post(
    "/{webhook_id}/enable",
    operation_id="enableWebhook",
    response_model=WebhookView,
    responses=problems(403, 404),
)
async def enable_webhook(
    webhook_id: UUID, request: Request, caller: LeadingCaller, parts: Parts
) -> Response:
    """It goes on where it stood: nothing that happened meanwhile is left out."""
    async with parts.database.account(caller.account_id) as tenant:
        answer = whole(await webhooks.enable(tenant, caller, webhook_id))
        await keep_within(request, tenant, answer)
    await _changed(parts, caller, webhook_id, "enabled")
    return answer


@router.get(
    "/{webhook_id}/attempts", operation_id="listWebhookAttempts", responses=problems(403, 404)
)
async def list_attempts(
    webhook_id: UUID,
    caller: LeadingCaller,
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[WebhookAttempt]:
    """The last attempts, newest first: about which event, the answer, and how long it took."""
    async with parts.database.account(caller.account_id) as tenant:
        return await webhooks.attempts(tenant, webhook_id, limit=limit)


async def _changed(parts: Services, caller: Actor, webhook_id: UUID, what: str) -> None:
    logger.info(f"webhook.{what}", webhook_id=str(webhook_id), actor_id=str(caller.id))
    await followers.changed(parts, caller.account_id, webhook_id)
