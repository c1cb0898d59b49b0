"""What people may do to a handoff: one function a command, in the domain page's words.

Each takes the record, the actor and the time; it answers with the change, with None where the
command was already done (the same 200 again), or raises the refusal. Role checks come first.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from handoff.contract.words import Command
from handoff.rules.change import Change, Decide
from handoff.rules.commands.changing import change
from handoff.rules.commands.claiming import claim, release, transfer
from handoff.rules.commands.closing import cancel, resolve
from handoff.rules.commands.talking import call, note
from handoff.rules.commands.waiting import escalate_now, promote, snooze

__all__ = (
    "RULES",
    "call",
    "cancel",
    "change",
    "claim",
    "escalate_now",
    "note",
    "promote",
    "release",
    "resolve",
    "rule",
    "snooze",
    "transfer",
)

RULES: Mapping[Command, Callable[..., Change | None]] = {
    Command.CLAIM: claim,
    Command.RELEASE: release,
    Command.RESOLVE: resolve,
    Command.CANCEL: cancel,
    Command.PROMOTE: promote,
    Command.ESCALATE_NOW: escalate_now,
    Command.SNOOZE: snooze,
    Command.TRANSFER: transfer,
    Command.CALL: call,
    Command.CHANGE: change,
}


def rule(command: Command, **words: Any) -> Decide:
    """The rule of a command that was given in these words: a reason, a time, a person."""
    return partial(RULES[command], **words)
