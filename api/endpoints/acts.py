"""A command as somebody gave it, and the one way to carry it out, alone or among many."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.schemas.commands import Cancel, Change, Resolve, Snooze, Transfer
from api.services import Services
from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import Command
from handoff.database import clock, people, sessions
from handoff.database.handoffs import transitions
from handoff.database.handoffs.transitions import Changed, Keep
from handoff.errors import Invalid
from handoff.rules.change import Change as Changing
from handoff.rules.change import Decide
from handoff.rules.commands import rule
from handoff.rules.commands.changing import must_be_a_team
from handoff.rules.commands.requirements import must_be_somebody
from handoff.settings import Settings
from handoff.wire import in_words


@dataclass(frozen=True, slots=True)
class Act:
    """The rule, in the words that were given, and what it names.

    Attributes:
        name: what the workflow is told by.
        to, team: the person and the team that it names.
        until: the time that must lie ahead.
        attached: the files of its session that it names.
    """

    name: str
    decide: Decide
    to: UUID | None = None
    team: UUID | None = None
    until: datetime | None = None
    attached: tuple[UUID, ...] = ()


def claim() -> Act:
    """Takes no words."""
    return Act(Command.CLAIM, rule(Command.CLAIM))


def resolve(body: Resolve) -> Act:
    """With an outcome."""
    return Act(Command.RESOLVE, rule(Command.RESOLVE, outcome=body.outcome, note=body.note))


def cancel(body: Cancel) -> Act:
    """With a reason, perhaps."""
    return Act(Command.CANCEL, rule(Command.CANCEL, reason=body.reason))


def transfer(body: Transfer) -> Act:
    """To a person, with a word along, perhaps."""
    return Act(Command.TRANSFER, rule(Command.TRANSFER, text=body.text), to=body.to)


def change(body: Change) -> Act:
    """What is named, and nothing else."""
    return Act(Command.CHANGE, rule(Command.CHANGE, to=body.named()), team=body.team_id)


def snooze(body: Snooze, settings: Settings) -> Act:
    """Until a time within the settings' bounds."""
    pause = rule(Command.SNOOZE, until=body.until)

    def decide(record: Record, actor: Actor, now: datetime) -> Changing | None:
        _must_lie_ahead(body.until, now, settings)
        return pause(record, actor, now)

    return Act(Command.SNOOZE, decide, until=body.until)


def _must_lie_ahead(until: datetime, now: datetime, settings: Settings) -> None:
    """By PostgreSQL's clock, which ends the pause, too."""
    if settings.snooze_minimum <= until - now <= settings.snooze_maximum:
        return
    bounds = f"{in_words(settings.snooze_minimum)} to {in_words(settings.snooze_maximum)} ahead"
    fault = {"path": "body/until", "message": f"must be {bounds}", "type": "out_of_range"}
    raise Invalid(f"`until` must be {bounds}.", errors=[fault])


async def must_fit(act: Act, parts: Services, caller: Actor) -> None:
    """What it names is there, before any handoff is looked at: for many at once.

    Raises:
        Invalid: as the command itself would say it.
    """
    async with parts.database.account(caller.account_id) as tenant:
        if act.until is not None:
            _must_lie_ahead(act.until, await clock.present(tenant.connection), parts.settings)
        if act.to is not None:
            must_be_somebody(await people.find_person(tenant, act.to))
        if act.team is not None:
            must_be_a_team(await sessions.team_name(tenant, act.team))


async def carry_out(
    act: Act,
    parts: Services,
    caller: Actor,
    handoff_id: UUID,
    *,
    session_id: UUID | None = None,
    if_version: Collection[int] | None = None,
    keep: Keep | None = None,
) -> Changed:
    """One transition; the doorbell and the signal follow behind the caller's back.

    Raises:
        HandoffError: as `transitions.command`.
    """
    changed = await transitions.command(
        parts.database,
        caller,
        handoff_id,
        act.decide,
        session_id=session_id,
        to=act.to,
        team=act.team,
        attached=act.attached,
        if_version=if_version,
        keep=keep,
    )
    parts.announce(changed, name=act.name)
    return changed
