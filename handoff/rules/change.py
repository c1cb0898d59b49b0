"""What a decision looks like: the change of a record that a rule has allowed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType, SkipReason


class Tells(StrEnum):
    """Who gets a short mail about a change, beside the push that everyone online gets."""

    NOBODY = "nobody"
    ROUND = "round"  # the recipients of the round that the change starts
    TOLD = "told"  # everyone who was told of this handoff, and the escalator
    ESCALATOR = "escalator"
    ESCALATOR_AND_OWNERS = "escalator_and_owners"
    CLAIMER = "claimer"
    NAMED = "named"  # the user whom a transfer or a call names
    TALKING = "talking"  # the escalator, the claimer and whoever wrote a note


@dataclass(frozen=True, slots=True)
class Change:
    """One allowed change: the record's and the session's new values, and what to say of it.

    `skips`: mails of rounds that have not left are skipped with this reason.
    `revives`: those that the claim before it had stopped so are called for again.
    `event` None: the version is raised, but there is nothing to tell.
    `named`: whom `Tells.NAMED` means, where the record does not name them.
    """

    event: EventType | None
    values: dict[str, Any]
    session: dict[str, Any] = field(default_factory=dict)
    skips: SkipReason | None = None
    revives: bool = False
    tells: Tells = Tells.NOBODY
    details: dict[str, Any] = field(default_factory=dict)
    named: Person | None = None


Decide = Callable[[Record, Actor, datetime], Change | None]
"""A command's rule: the change, None where it was done already, or it raises the refusal."""
