"""Which event a change goes down in history as, once it is known whom it reaches."""

from handoff.contract.words import EventType
from handoff.rules.change import Change, Tells


def told_as(change: Change, *, reaches_somebody: bool) -> EventType | None:
    """The change's own event, but a round that reaches nobody says so. None: nothing to tell."""
    if change.tells is Tells.ROUND and not reaches_somebody:
        return EventType.NO_RECIPIENTS
    return change.event
