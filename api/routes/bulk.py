"""One command for many handoffs: each is carried out as if it had been given alone."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response
from pydantic import TypeAdapter

from api.endpoints import acts
from api.endpoints.acts import Act
from api.endpoints.allowances import CALLING
from api.endpoints.answers import problems
from api.endpoints.idempotency import (
    IdempotentRoute,
    keep_nothing,
    keep_part_within,
    kept_parts,
    tells_nothing,
)
from api.http.problems import document_of, foreseen, retry_after
from api.identity.callers import Caller, Parts
from api.schemas.bulk import (
    CancelMany,
    ClaimMany,
    Done,
    ForMany,
    GivenToMany,
    NotDone,
    ResolveMany,
    SnoozeMany,
    TransferMany,
)
from api.schemas.problem import Problem
from api.services import Services
from handoff.contract.people import Actor
from handoff.database.gate import Tenant
from handoff.database.handoffs.transitions import Changed
from handoff.database.records import view
from handoff.errors import Busy, HandoffError, OutcomeUnknown
from handoff.settings import Settings

AT_ONCE = 3
"""So many are under way: fewer than the connections that the account may have, so that its other
requests go on meanwhile."""

WITHIN = 5.0
"""Seconds after which none is begun any more."""

ENDED_AFTER = 3.0
"""Further seconds for those that are under way. Both together end before a repeat of the same
request may take its key over."""

router = APIRouter(prefix="/ai-sessions/handoffs", tags=["commands"], route_class=IdempotentRoute)

Result = Done | NotDone

EXAMPLES = {
    "claim": {"value": {"command": "claim", "ids": ["0198c000-0000-7000-8000-000000000001"]}},
    "resolve": {
        "value": {
            "command": "resolve",
            "ids": ["0198c000-0000-7000-8000-000000000001"],
            "outcome": "duplicate",
            "note": "All of them are the same outage.",
        }
    },
}


@router.post(
    "/bulk",
    operation_id="commandHandoffs",
    response_model=list[Result],
    responses=problems(),
)
async def command_handoffs(
    body: Annotated[GivenToMany, Body(openapi_examples=EXAMPLES)],
    request: Request,
    caller: Caller,
    parts: Parts,
) -> Response:
    """Gives one command to many handoffs: one result for each id, in their order. What is wrong
    with the command itself is one 422, and nothing is done."""
    if body.command in CALLING:
        # Once: who may call thirty times a minute may still move the hundred that they selected.
        await parts.limits.call(caller)
    act = _act(body, parts.settings)
    await acts.must_fit(act, parts, caller)
    kept = await kept_parts(request, body.ids)
    done = {handoff_id: _DONE.validate_json(told) for handoff_id, told in kept.items()}
    results = await _Many(request, act, caller, parts, done).carry_out(body.ids)
    if any(tells_nothing(result.status) for result in results):
        keep_nothing(request)
    return Response(_RESULTS.dump_json(results), media_type="application/json")


_RESULTS = TypeAdapter(list[Result])

_DONE = TypeAdapter(Done)


def _act(body: ForMany, settings: Settings) -> Act:
    match body:
        case ClaimMany():
            return acts.claim()
        case ResolveMany():
            return acts.resolve(body)
        case CancelMany():
            return acts.cancel(body)
        case SnoozeMany():
            return acts.snooze(body, settings)
        case TransferMany():
            return acts.transfer(body)
        case _:
            return acts.change(body)


@dataclass(frozen=True, slots=True)
class _Many:
    """One act on many handoffs, a few at a time.

    `done`: what is done of it already: a repeat of the same request does not do it again, whatever
    has become of the handoff since.
    """

    request: Request
    act: Act
    caller: Actor
    parts: Services
    done: dict[UUID, Done]

    async def carry_out(self, ids: list[UUID]) -> list[Result]:
        """What became of each, in their order."""
        results: dict[int, Result] = {}
        begun_until = asyncio.get_running_loop().time() + WITHIN
        waiting = iter(_places(ids).items())
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._some(waiting, results, begun_until))
        return [results[place] for place in range(len(ids))]

    async def _some(
        self,
        waiting: Iterator[tuple[UUID, Iterable[int]]],
        results: dict[int, Result],
        begun_until: float,
    ) -> None:
        for handoff_id, places in waiting:
            for place in places:
                results[place] = await self._one(handoff_id, begun_until)

    async def _one(self, handoff_id: UUID, begun_until: float) -> Result:
        if handoff_id in self.done:
            return self.done[handoff_id]
        try:
            if asyncio.get_running_loop().time() > begun_until:
                raise Busy("It was not reached in time. Nothing was changed; send it again.")
            async with asyncio.timeout_at(begun_until + ENDED_AFTER):
                return await self._carried_out(handoff_id)
        except TimeoutError:
            lost = OutcomeUnknown("It may have been done. Look, or send it again.")
            return _not_done(handoff_id, lost)
        except HandoffError as refusal:
            return _not_done(handoff_id, refusal)
        except Exception as fault:  # One that fails is no reason to leave the others undone.
            return _not_done(handoff_id, foreseen(self.request, fault))

    async def _carried_out(self, handoff_id: UUID) -> Result:
        async def keep(tenant: Tenant, changed: Changed) -> None:
            kept = _DONE.dump_json(self._told(changed))
            await keep_part_within(self.request, tenant, handoff_id, kept)

        changed = await acts.carry_out(self.act, self.parts, self.caller, handoff_id, keep=keep)
        self.done[handoff_id] = self._told(changed)
        return self.done[handoff_id]

    def _told(self, changed: Changed) -> Done:
        record = changed.record
        return Done(record.id, 200, view(record, reader_id=self.caller.reader_id))


def _places(ids: list[UUID]) -> dict[UUID, list[int]]:
    """Where each stands in the list: one that stands there twice is a repeat, after the first."""
    places: dict[UUID, list[int]] = {}
    for place, handoff_id in enumerate(ids):
        places.setdefault(handoff_id, []).append(place)
    return places


def _not_done(handoff_id: UUID, error: HandoffError) -> NotDone:
    said = document_of(error)
    if wait := retry_after(error):
        said["retry_after"] = int(wait)
    return NotDone(handoff_id, error.status, Problem.model_validate(said))
