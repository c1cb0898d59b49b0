"""The caller themselves: who they are, how they want to be told, and whether that works."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.endpoints.allowances import TRIALS
from api.endpoints.answers import problems
from api.endpoints.idempotency import IdempotentRoute, resource_id
from api.engine.trials import try_out
from api.identity.callers import Caller, Parts
from api.schemas.me import NotificationChoices, UnderWay
from handoff.contract.messages import Trial, TrialResult
from handoff.database.directory import me
from handoff.database.directory.me import Profile
from handoff.errors import EngineUnreachable
from handoff.rules.channels import chosen_by_people

router = APIRouter(prefix="/me", tags=["me"], route_class=IdempotentRoute)


@router.get("", operation_id="getMe", responses=problems())
async def get_me(caller: Caller, parts: Parts) -> Profile:
    """Who the caller is, as the database knows them now."""
    async with parts.database.account(caller.account_id) as tenant:
        return await me.profile(tenant, caller.id)


@router.get("/notifications", operation_id="getMyNotifications", responses=problems())
async def get_notifications(caller: Caller, parts: Parts) -> NotificationChoices:
    """How the caller wants to be told. The default: everything, always."""
    async with parts.database.account(caller.account_id) as tenant:
        return NotificationChoices.of(await me.choices(tenant, caller.id))


@router.put("/notifications", operation_id="putMyNotifications", responses=problems())
async def put_notifications(
    body: NotificationChoices, caller: Caller, parts: Parts
) -> NotificationChoices:
    """Sets it, for every message that is planned from now on."""
    async with parts.database.account(caller.account_id) as tenant:
        await me.keep_choices(tenant, caller.id, body.to_json())
    return body


@router.post(
    "/test-notification",
    operation_id="sendTestNotification",
    dependencies=[TRIALS],
    response_model=TrialResult,
    responses={
        202: {"model": UnderWay, "description": "The engine has it, but it is not done yet"},
        **problems(409, also=(EngineUnreachable,)),
    },
)
async def send_test_notification(request: Request, caller: Caller, parts: Parts) -> Any:
    """A message by every channel, by the way of real ones, and what became of each. Tried once."""
    channels = tuple(row.name for row in chosen_by_people())
    trial = Trial(resource_id(request), caller.account_id, caller.id, channels)
    result = await try_out(parts.temporal, trial, task_queue=parts.settings.task_queue)
    return JSONResponse(UnderWay().model_dump(), 202) if result is None else result
