"""Which commands a person may give at this moment. The rules themselves are asked, never copied."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from api.console.shared import words
from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import FINAL, LIVING, Command, Outcome, Role
from handoff.errors import Refusal
from handoff.rules.change import Decide
from handoff.rules.commands import note, release, rule
from handoff.rules.roles import WORKING_ROLES


def allowed(record: Record, actor: Actor, now: datetime) -> list[Command]:
    """The commands that would change something, in the order in which they are shown."""
    return [
        command
        for command in words.COMMAND
        if _would_change(rule(command, **_said(command, record, actor, now)), record, actor, now)
    ]


def may_write(record: Record, actor: Actor, now: datetime) -> bool:
    """Whether a person may write a note at this moment."""
    return _would_change(partial(note, text="."), record, actor, now)


def may_undo(record: Record, actor: Actor, now: datetime) -> bool:
    """Whether a person may take their own claim back as a slip, at this moment."""
    return _would_change(partial(release, reason=None, undo=True), record, actor, now)


def may_hand_off_again(record: Record, others: list[Record], actor: Actor) -> bool:
    """Once it is closed, and nothing that goes on from it waits or is worked at.

    Args:
        others: what else was handed off of its session, and of those around it.
    """
    is_closed = record.status in FINAL
    return is_closed and actor.role in WORKING_ROLES and living_of(others) is None


def living_of(others: list[Record]) -> Record | None:
    """The newest of them, oldest first, that waits or is worked at."""
    return next((one for one in reversed(others) if one.status in LIVING), None)


def _said(command: Command, record: Record, actor: Actor, now: datetime) -> dict[str, Any]:
    """The words that a command needs, for the question whether it may be given at all."""
    match command:
        case Command.CLAIM | Command.PROMOTE:
            return {}
        case Command.RELEASE | Command.CANCEL:
            return {"reason": None}
        case Command.RESOLVE:
            return {"outcome": Outcome.OTHER, "note": None}
        case Command.ESCALATE_NOW:
            return {"round": record.round}
        case Command.SNOOZE:
            return {"until": now + timedelta(hours=1)}
        case Command.TRANSFER | Command.CALL:
            return {"to": _somebody(actor), "text": None}
        case Command.CHANGE:
            # To what is chosen later: any other title will do.
            return {"to": {"title": f"{record.session_title}."}}


def _somebody(actor: Actor) -> Actor:
    """To whom is chosen later: any other engineer will do."""
    return replace(actor, id=UUID(int=0), role=Role.ENGINEER, name="somebody")


def _would_change(decide: Decide, record: Record, actor: Actor, now: datetime) -> bool:
    try:
        change = decide(record, actor, now)
    except Refusal:
        return False
    # Without an event it only renews a lease: that is no command to offer.
    return change is not None and change.event is not None
