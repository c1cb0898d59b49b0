"""One account's slow places hold up nobody else: so many of its messages leave at once."""

from handoff.database.turns import Turns

WAITING, WAITS = 1000, 0.5
"""How many more may wait, for so many seconds. Whoever would have to wait for longer comes again
later, and holds no place meanwhile."""


def turns(at_once: int) -> Turns:
    """For each key so many at once; whoever is not let in gets `Busy`."""
    return Turns(at_once=at_once, waiting=WAITING, seconds=WAITS)
