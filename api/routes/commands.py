"""The commands: each one transition of the record, final when it is answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import TypeAdapter

from api.endpoints import acts
from api.endpoints.acts import Act
from api.endpoints.allowances import CALLS
from api.endpoints.answers import IfVersion, answered, conflicts, problems
from api.endpoints.idempotency import IdempotentRoute, keep_within
from api.identity.callers import Caller, Parts
from api.schemas.commands import (
    AttachedFile,
    Call,
    Cancel,
    Change,
    EscalateNow,
    NoteView,
    Nothing,
    Release,
    Resolve,
    Snooze,
    Transfer,
    WriteNote,
)
from api.services import Services
from handoff.contract.people import Actor, Person
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import Command
from handoff.database.gate import Tenant
from handoff.database.handoffs.transitions import Changed
from handoff.errors import (
    AlreadyClaimed,
    HandoffClosed,
    OwnEscalation,
    RoundPassed,
    TooManyCalls,
    TooManyNotes,
    WrongState,
)
from handoff.rules.change import Change as Changing
from handoff.rules.commands import note, rule

router = APIRouter(
    prefix="/ai-sessions/{session_id}/handoffs/{handoff_id}",
    tags=["commands"],
    route_class=IdempotentRoute,
)

REFUSALS = problems(403, 404, 412)

Answer = Callable[[Changed], Response]


@dataclass(frozen=True, slots=True)
class _ThisHandoff:
    """The handoff that the path names, who gives it a command, and how that is answered."""

    session_id: UUID
    handoff_id: UUID
    request: Request
    caller: Actor
    parts: Services
    if_version: frozenset[int] | None

    async def carry_out(self, act: Act, answer: Answer | None = None) -> Response:
        """`answer`: what is answered, if not the handoff."""

        def answering(changed: Changed) -> Response:
            return answer(changed) if answer else answered(changed.record, self.caller)

        async def keep(tenant: Tenant, changed: Changed) -> None:
            await keep_within(self.request, tenant, answering(changed))

        changed = await acts.carry_out(
            act,
            self.parts,
            self.caller,
            self.handoff_id,
            session_id=self.session_id,
            if_version=self.if_version,
            keep=keep,
        )
        return answering(changed)


async def _this_handoff(
    session_id: UUID,
    handoff_id: UUID,
    request: Request,
    caller: Caller,
    parts: Parts,
    if_version: IfVersion,
) -> _ThisHandoff:
    return _ThisHandoff(session_id, handoff_id, request, caller, parts, if_version)


ThisHandoff = Annotated[_ThisHandoff, Depends(_this_handoff)]


@router.post(
    f"/{Command.CLAIM}",
    operation_id="claimHandoff",
    response_model=HandoffView,
    responses={**REFUSALS, **conflicts(AlreadyClaimed, HandoffClosed, OwnEscalation)},
)
async def claim(handoff: ThisHandoff, body: Nothing | None = None) -> Response:
    """Takes it. The first one recorded wins, for good; every loser learns who it was."""
    return await handoff.carry_out(acts.claim())


@router.post(
    f"/{Command.RELEASE}",
    operation_id="releaseHandoff",
    response_model=HandoffView,
    dependencies=[CALLS],
    responses={**REFUSALS, **conflicts(WrongState, HandoffClosed)},
)
async def release(handoff: ThisHandoff, body: Release | None = None) -> Response:
    """Gives it back to the queue, with a fresh round 1; or takes a claim back at once."""
    given = body or Release()
    decide = rule(Command.RELEASE, reason=given.reason, undo=given.undo)
    return await handoff.carry_out(Act(Command.RELEASE, decide))


@router.post(
    f"/{Command.RESOLVE}",
    operation_id="resolveHandoff",
    response_model=HandoffView,
    responses={**REFUSALS, **conflicts(WrongState, HandoffClosed)},
)
async def resolve(handoff: ThisHandoff, body: Resolve) -> Response:
    """Ends it, with an outcome."""
    return await handoff.carry_out(acts.resolve(body))


@router.post(
    f"/{Command.CANCEL}",
    operation_id="cancelHandoff",
    response_model=HandoffView,
    responses={**REFUSALS, **conflicts(AlreadyClaimed, HandoffClosed)},
)
async def cancel(handoff: ThisHandoff, body: Cancel | None = None) -> Response:
    """Takes it back; the session returns to the one who handed it off."""
    return await handoff.carry_out(acts.cancel(body or Cancel()))


@router.post(
    f"/{Command.PROMOTE}",
    operation_id="promoteHandoff",
    response_model=HandoffView,
    dependencies=[CALLS],
    responses={**REFUSALS, **conflicts(WrongState, HandoffClosed)},
)
async def promote(handoff: ThisHandoff, body: Nothing | None = None) -> Response:
    """Turns what was parked into an escalation; it keeps its id and history."""
    return await handoff.carry_out(Act(Command.PROMOTE, rule(Command.PROMOTE)))


@router.post(
    f"/{Command.ESCALATE_NOW}",
    operation_id="escalateHandoffNow",
    response_model=HandoffView,
    dependencies=[CALLS],
    responses={**REFUSALS, **conflicts(RoundPassed, AlreadyClaimed, HandoffClosed, WrongState)},
)
async def escalate_now(handoff: ThisHandoff, body: EscalateNow) -> Response:
    """Ends the present wait, unless the round that the caller saw has passed."""
    decide = rule(Command.ESCALATE_NOW, round=body.round)
    return await handoff.carry_out(Act(Command.ESCALATE_NOW, decide))


@router.post(
    f"/{Command.SNOOZE}",
    operation_id="snoozeHandoff",
    response_model=HandoffView,
    responses={**REFUSALS, **conflicts(AlreadyClaimed, HandoffClosed, WrongState)},
)
async def snooze(handoff: ThisHandoff, body: Snooze) -> Response:
    """Pauses the timers until a time; then a fresh round starts."""
    return await handoff.carry_out(acts.snooze(body, handoff.parts.settings))


@router.post(
    f"/{Command.TRANSFER}",
    operation_id="transferHandoff",
    response_model=HandoffView,
    dependencies=[CALLS],
    responses={**REFUSALS, **conflicts(WrongState, HandoffClosed)},
)
async def transfer(handoff: ThisHandoff, body: Transfer) -> Response:
    """Hands it to a named person, who accepts by claiming."""
    return await handoff.carry_out(acts.transfer(body))


@router.post(
    f"/{Command.CALL}",
    operation_id="callHandoff",
    response_model=HandoffView,
    dependencies=[CALLS],
    responses={**REFUSALS, **conflicts(AlreadyClaimed, HandoffClosed, WrongState, TooManyCalls)},
)
async def call(handoff: ThisHandoff, body: Call) -> Response:
    """Tells one person now, by their channels, outside of the rounds."""
    decide = rule(Command.CALL, text=body.text)
    return await handoff.carry_out(Act(Command.CALL, decide, to=body.to))


@router.post(
    f"/{Command.CHANGE}",
    operation_id="changeHandoff",
    response_model=HandoffView,
    dependencies=[CALLS],
    responses={**REFUSALS, **conflicts(HandoffClosed)},
)
async def change(handoff: ThisHandoff, body: Change) -> Response:
    """Sets priority, team or title right. A higher priority brings the next round forward."""
    return await handoff.carry_out(acts.change(body))


@router.post(
    "/notes",
    status_code=201,
    operation_id="writeHandoffNote",
    response_model=NoteView,
    responses={**REFUSALS, **conflicts(HandoffClosed, TooManyNotes)},
)
async def write_note(handoff: ThisHandoff, body: WriteNote) -> Response:
    """One more line of the conversation: it changes no state and no timer."""
    attached: list[AttachedFile] = []

    def says(
        record: Record, actor: Actor, now: datetime, *, files: Sequence[dict[str, Any]] = ()
    ) -> Changing:
        # From here, and not from the event: of parked work that tells others less.
        attached[:] = [AttachedFile(**one) for one in files]
        return note(record, actor, now, text=body.text, files=files)

    def written(changed: Changed) -> Response:
        view = _note(changed, body.text, [*attached])
        return Response(_NOTE.dump_json(view), 201, media_type="application/json")

    return await handoff.carry_out(Act("notes", says, attached=tuple(body.files)), written)


def _note(changed: Changed, text: str, attached: list[AttachedFile]) -> NoteView:
    envelope = changed.envelope
    assert envelope is not None  # noqa: S101 - every note is an event
    actor = envelope.data["actor"]
    by = Person(UUID(actor["id"]), actor["name"])
    return NoteView(int(envelope.id), changed.record.id, by, envelope.time, text, attached)


_NOTE = TypeAdapter(NoteView)
