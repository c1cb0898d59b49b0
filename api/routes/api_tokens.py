"""API tokens for programs: made, listed and revoked by admins and owners."""

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.endpoints.answers import problems
from api.endpoints.idempotency import IdempotentRoute, keep_instead, resource_id
from api.endpoints.paging import link_to_next
from api.identity.callers import LeadingCaller, Parts
from api.identity.machines import new_secret
from api.schemas.directory import Name
from api.schemas.texts import Body, Moment
from handoff import live
from handoff.contract.words import TokenScope
from handoff.database.directory import api_tokens
from handoff.database.directory.api_tokens import ApiToken, WantedToken
from handoff.errors import NotFound

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/api-tokens", tags=["api tokens"], route_class=IdempotentRoute)


class NewApiToken(Body):
    """What the program is called, what it may do, and as whom: by default its maker."""

    name: Name
    scopes: list[TokenScope] = Field(min_length=1, max_length=len(TokenScope))
    user_id: UUID | None = None
    expires_at: Moment | None = None


class MadeApiToken(BaseModel):
    """The token, shown this once; a replayed answer has null in its place."""

    token: str | None
    api_token: ApiToken


@router.post("", status_code=201, operation_id="createApiToken", responses=problems(403, 409))
async def create_api_token(
    body: NewApiToken, request: Request, response: Response, caller: LeadingCaller, parts: Parts
) -> MadeApiToken:
    """Makes a token that acts as a user of the account, within its scopes.

    In another person's name it is good once they have agreed (`POST /me/api-tokens/{id}/agree`).
    """
    secret = new_secret()
    wanted = WantedToken(
        id=resource_id(request),
        name=body.name,
        scopes=sorted(set(body.scopes)),
        acts_as=body.user_id or caller.id,
        expires_at=body.expires_at,
        prefix=secret.prefix,
        digest=secret.digest,
    )
    made = MadeApiToken(
        token=secret.token, api_token=await api_tokens.make(parts.database, caller, wanted)
    )
    keep_instead(request, made.model_copy(update={"token": None}).model_dump_json().encode())
    logger.info("api_token.made", token_id=str(wanted.id), actor_id=str(caller.id))
    response.headers["Location"] = f"/api-tokens/{wanted.id}"
    return made


@router.get("", operation_id="listApiTokens", responses=problems(403))
async def list_api_tokens(
    request: Request,
    response: Response,
    caller: LeadingCaller,
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
) -> list[ApiToken]:
    """The account's tokens, newest first, with who made them and when they were last used."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await api_tokens.newest_tokens(tenant, limit=limit, before=cursor)
    if len(found) == limit:
        link_to_next(request, response, str(found[-1].id))
    return found


@router.get("/{token_id}", operation_id="getApiToken", responses=problems(403, 404))
async def get_api_token(token_id: UUID, caller: LeadingCaller, parts: Parts) -> ApiToken:
    """One token of the account; never its secret."""
    async with parts.database.account(caller.account_id) as tenant:
        found = await api_tokens.find_token(tenant, token_id)
    if found is None:
        raise NotFound("There is no such token.")
    return found


@router.delete(
    "/{token_id}", status_code=204, operation_id="revokeApiToken", responses=problems(403, 404)
)
async def revoke_api_token(token_id: UUID, caller: LeadingCaller, parts: Parts) -> None:
    """Ends it at once, its open streams included."""
    async with parts.database.account(caller.account_id) as tenant:
        await api_tokens.revoke(tenant, caller, token_id)
    logger.info("api_token.revoked", token_id=str(token_id), actor_id=str(caller.id))
    await live.people_changed(parts.redis, caller.account_id)
