"""The account: its name, how much leaves by which channel, where callbacks may go."""

import structlog
from fastapi import APIRouter, Request, Response

from api.endpoints.answers import problems, whole
from api.endpoints.idempotency import IdempotentRoute, keep_within
from api.identity.callers import LeadingCaller, Parts
from api.schemas.account import AccountBody
from api.schemas.webhooks import ShownSecret
from api.services import Services
from handoff.contract.people import Actor
from handoff.database import people
from handoff.database.directory import account
from handoff.database.directory.account import AccountView, signing_purpose
from handoff.keys import keyring_of
from handoff.rules.directory import must_lead
from handoff.sealing import new_signing_secret

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/account", tags=["account"], route_class=IdempotentRoute)


@router.get("", operation_id="getAccount", responses=problems(403))
async def get_account(caller: LeadingCaller, parts: Parts) -> AccountView:
    """The account as it stands."""
    async with parts.database.account(caller.account_id) as tenant:
        return await account.view(tenant)


@router.put("", operation_id="putAccount", responses=problems(403))
async def put_account(body: AccountBody, caller: LeadingCaller, parts: Parts) -> AccountView:
    """Changes what is named. How much leaves holds for every message from now on."""
    async with parts.database.account(caller.account_id) as tenant:
        must_lead(await people.act_as(tenant, caller))
        await account.change(
            tenant,
            name=body.name,
            content=body.content,
            callback_hosts=None
            if body.callback_hosts is None
            else list(dict.fromkeys(body.callback_hosts)),
        )
        if body.callback_hosts:
            await account.have_callback_secret(tenant, _new_secret(parts, caller)[1])
        changed = await account.view(tenant)
    logger.info("account.set", account_id=str(caller.account_id), actor_id=str(caller.id))
    return changed


@router.post(
    "/callback-secret",
    status_code=201,
    operation_id="makeCallbackSecret",
    response_model=ShownSecret,
    responses=problems(403),
)
async def make_callback_secret(request: Request, caller: LeadingCaller, parts: Parts) -> Response:
    """A new secret by which a receiver verifies callbacks; the one before signs for 24 h, too."""
    secret, sealed = _new_secret(parts, caller)
    async with parts.database.account(caller.account_id) as tenant:
        must_lead(await people.act_as(tenant, caller))
        await account.keep_callback_secret(tenant, sealed)
        await keep_within(request, tenant, whole(ShownSecret(secret=None), status=201))
    logger.info("callback_secret.made", account_id=str(caller.account_id), actor_id=str(caller.id))
    return whole(ShownSecret(secret=secret), status=201)


def _new_secret(parts: Services, caller: Actor) -> tuple[str, str]:
    purpose = signing_purpose(caller.account_id)
    return new_signing_secret(keyring_of(parts.settings), purpose=purpose)
