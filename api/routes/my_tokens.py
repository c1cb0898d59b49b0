"""The programs that act in one's own name: seen, agreed to, and ended by the person themselves."""

from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response

from api.endpoints.answers import problems, whole
from api.endpoints.idempotency import IdempotentRoute, keep_within
from api.identity.callers import Caller, Parts
from handoff import live
from handoff.database.directory import api_tokens
from handoff.database.directory.api_tokens import ApiToken

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/me/api-tokens", tags=["me"], route_class=IdempotentRoute)

MOST = 200


@router.get("", operation_id="listMyApiTokens", responses=problems())
async def list_my_tokens(caller: Caller, parts: Parts) -> list[ApiToken]:
    """The newest 200 tokens that act as the caller, or wait for their yes."""
    async with parts.database.account(caller.account_id) as tenant:
        return await api_tokens.newest_tokens(tenant, limit=MOST, acts_as=caller.id)


@router.post(
    "/{token_id}/agree",
    operation_id="agreeToApiToken",
    response_model=ApiToken,
    responses=problems(404),
)
async def agree_to_token(
    token_id: UUID, request: Request, caller: Caller, parts: Parts
) -> Response:
    """The caller's yes: from now on it acts in their name, within its scopes."""
    async with parts.database.account(caller.account_id) as tenant:
        answer = whole(await api_tokens.agree(tenant, caller, token_id))
        await keep_within(request, tenant, answer)
    logger.info("api_token.agreed", token_id=str(token_id), actor_id=str(caller.id))
    return answer


@router.delete(
    "/{token_id}", status_code=204, operation_id="endMyApiToken", responses=problems(403, 404)
)
async def end_my_token(token_id: UUID, caller: Caller, parts: Parts) -> None:
    """Ends a token that acts as the caller, or was to."""
    async with parts.database.account(caller.account_id) as tenant:
        await api_tokens.revoke(tenant, caller, token_id, own=True)
    logger.info("api_token.revoked", token_id=str(token_id), actor_id=str(caller.id))
    await live.people_changed(parts.redis, caller.account_id)
