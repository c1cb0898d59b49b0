"""Which commands a person may give at this moment. The rules themselves are asked, never copied."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import Outcome, Role
from handoff.errors import Refusal
from handoff.rules import commands
from handoff.rules.change import Change

Decide = Callable[[Record, Actor, datetime], Change | None]


def allowed(record: Record, actor: Actor, now: datetime) -> list[str]:
    """The commands that would change something, in the order in which they are shown."""
    # Whom to transfer to is chosen later: for the question itself, any other engineer will do.
    somebody = replace(actor, id=UUID(int=0), role=Role.ENGINEER, name="somebody")
    asked: dict[str, Decide] = {
        "claim": commands.claim,
        "resolve": partial(commands.resolve, outcome=Outcome.OTHER, note=None),
        "transfer": partial(commands.transfer, to=somebody),
        "release": partial(commands.release, reason=None),
        "promote": commands.promote,
        "escalate-now": partial(commands.escalate_now, round=record.round),
        "snooze": partial(commands.snooze, until=now + timedelta(hours=1)),
        "cancel": partial(commands.cancel, reason=None),
    }
    return [name for name, decide in asked.items() if _would_change(decide, record, actor, now)]


def _would_change(decide: Decide, record: Record, actor: Actor, now: datetime) -> bool:
    try:
        change = decide(record, actor, now)
    except Refusal:
        return False
    # Without an event it only renews a lease: that is no command to offer.
    return change is not None and change.event is not None
