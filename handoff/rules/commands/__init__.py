"""What people may do to a handoff: one function a command, in the domain page's words.

Each takes the record, the actor and the time; it answers with the change, with None where the
command was already done (the same 200 again), or raises the refusal. Role checks come first.
"""

from handoff.rules.commands.claiming import claim, release, transfer
from handoff.rules.commands.closing import cancel, resolve
from handoff.rules.commands.waiting import escalate_now, promote, snooze

__all__ = (
    "cancel",
    "claim",
    "escalate_now",
    "promote",
    "release",
    "resolve",
    "snooze",
    "transfer",
)
