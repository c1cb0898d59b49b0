"""The account's policy: read it, set it, reset it, and see ahead whom one would tell."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Response

from api.endpoints.answers import problems
from api.endpoints.idempotency import IdempotentRoute
from api.identity.callers import LeadingCaller, Parts
from api.schemas.policy import PolicyBody, PolicyView, PreviewBody, PreviewView
from api.services import Services
from handoff.contract.people import Actor
from handoff.contract.policy import Policy
from handoff.database import people
from handoff.database.directory import policies
from handoff.database.directory.policies import Current
from handoff.database.gate import Tenant
from handoff.errors import Invalid, StalePolicy
from handoff.rules.directory import must_lead
from handoff.rules.policy import default_policy, policy_to_json
from handoff.rules.policy_faults import Fault, faults
from handoff.rules.preview import Question, Warned, preview
from handoff.rules.roster import Roster

logger = structlog.get_logger(__name__)

router = APIRouter(prefix="/policy", tags=["policy"], route_class=IdempotentRoute)

IfMatch = Annotated[str | None, Header(description="Replace only the policy with this ETag")]


@router.get("", operation_id="getPolicy", responses=problems(403))
async def get_policy(response: Response, caller: LeadingCaller, parts: Parts) -> PolicyView:
    """The policy that new handoffs copy: the account's own, or the default."""
    async with parts.database.account(caller.account_id) as tenant:
        present = await policies.current(tenant, _default(parts))
        roster = await policies.roster(tenant)
    return _shown(response, present, roster)


@router.put("", operation_id="putPolicy", responses=problems(403, 412))
async def put_policy(
    body: PolicyBody,
    response: Response,
    caller: LeadingCaller,
    parts: Parts,
    if_match: IfMatch = None,
) -> PolicyView:
    """Sets the policy of handoffs to come; those under way keep their copy."""
    policy = body.to_policy()
    async with parts.database.account(caller.account_id) as tenant:
        await _may_replace(tenant, caller, parts, if_match)
        roster = await policies.roster(tenant)
        _must_be_sound(policy, roster, at="body")
        await policies.store(tenant, policy)
    logger.info("policy.set", account_id=str(caller.account_id), actor_id=str(caller.id))
    return _shown(response, Current(policy, is_default=False), roster)


@router.delete("", operation_id="resetPolicy", responses=problems(403, 412))
async def reset_policy(
    response: Response, caller: LeadingCaller, parts: Parts, if_match: IfMatch = None
) -> PolicyView:
    """Back to the default. The answer is the policy that holds from now on."""
    async with parts.database.account(caller.account_id) as tenant:
        await _may_replace(tenant, caller, parts, if_match)
        await policies.store(tenant, None)
        roster = await policies.roster(tenant)
    logger.info("policy.reset", account_id=str(caller.account_id), actor_id=str(caller.id))
    return _shown(response, Current(_default(parts), is_default=True), roster)


@router.post("/preview", operation_id="previewPolicy", responses=problems(403, 409))
async def preview_policy(body: PreviewBody, caller: LeadingCaller, parts: Parts) -> PreviewView:
    """Who would be told, when and how, if nobody claimed. Sends nothing, changes nothing."""
    async with parts.database.account(caller.account_id) as tenant:
        present = await policies.current(tenant, _default(parts))
        roster = await policies.roster(tenant)
    policy = present.policy
    if body.policy is not None:
        policy = body.policy.to_policy()
        _must_be_sound(policy, roster, at="body/policy")
    question = Question(
        at=body.at or datetime.now(UTC),
        priority=body.priority,
        escalator_id=body.escalator_id,
        session_team_id=body.session_team_id,
    )
    _must_be_known(question, roster)
    return _previewed(policy, roster, question)


def _default(parts: Services) -> Policy:
    return default_policy(parts.settings.claim_timeout, parts.settings.max_rounds)


def _shown(response: Response, present: Current, roster: Roster) -> PolicyView:
    response.headers["ETag"] = _etag(present.policy)
    found = faults(present.policy, roster)
    return PolicyView.of(present.policy, is_default=present.is_default, faults=found)


def _etag(policy: Policy) -> str:
    content = json.dumps(policy_to_json(policy), sort_keys=True).encode()
    return f'"{hashlib.sha256(content).hexdigest()[:20]}"'


async def _may_replace(
    tenant: Tenant, caller: Actor, parts: Services, if_match: str | None
) -> None:
    """The caller leads at this moment, and it is the policy that they have seen."""
    must_lead(await people.act_as(tenant, caller))
    present = await policies.current(tenant, _default(parts), lock=True)
    if if_match is None or if_match.strip() == "*":
        return
    wanted = [tag.strip().removeprefix("W/") for tag in if_match.split(",")]
    if _etag(present.policy) not in wanted:
        raise StalePolicy("Somebody has changed it. Read it again.", etag=_etag(present.policy))


def _must_be_sound(policy: Policy, roster: Roster, *, at: str) -> None:
    _refuse([replace(fault, path=f"{at}/{fault.path}") for fault in faults(policy, roster)])


def _must_be_known(question: Question, roster: Roster) -> None:
    found = []
    if question.escalator_id not in (None, *roster.members):
        found.append(Fault("body/escalator_id", "no such user", "unknown_user"))
    if question.session_team_id not in (None, *roster.teams):
        found.append(Fault("body/session_team_id", "no such team", "unknown_team"))
    _refuse(found)


def _refuse(found: Sequence[Fault]) -> None:
    if found:
        errors = [asdict(fault) for fault in found]
        raise Invalid(f"Mend {found[0].path} and send it again.", errors=errors)


def _previewed(policy: Policy, roster: Roster, question: Question) -> PreviewView:
    rounds = [*preview(policy, roster, question)]
    warnings = [
        Warned("fault", f"{fault.path}: {fault.message}") for fault in faults(policy, roster)
    ]
    last = rounds[-1]
    return PreviewView(
        priority=question.priority,
        at=question.at,
        rounds=rounds,
        exhausted_after_seconds=last.after_seconds + last.wait_seconds,
        warnings=warnings,
    )
