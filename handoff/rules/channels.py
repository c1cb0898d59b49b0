"""Every way to tell somebody, one row each. What a channel says and how it leaves is its folder's.

Everything that goes by channel is drawn from these rows: preferences, policies, preview, the
ledger, the engine's batches and their queues, readiness, metrics and pages.
"""

from dataclasses import dataclass
from enum import StrEnum

from handoff.contract.words import Content, EventType


class Leaves(StrEnum):
    """How a channel's messages leave."""

    ONE_BY_ONE = "one_by_one"  # each by itself, to one destination, with attempts of its own
    RUNG = "rung"  # every event at once, to whoever listens: nothing is owed to anybody
    FOLLOWED = "followed"  # every event in order, to each endpoint by a follower of its own


class Reaches(StrEnum):
    """Who stands at the other end."""

    PEOPLE = "people"  # the recipients whom a level names
    ENDPOINTS = "endpoints"  # places of the account: the team's where it has one, else all of them


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell somebody. `name` is what policies, choices and the ledger store.

    `message` and `messages` are what one and several of its messages are called; `about` says what
    it is to whoever chooses it.
    """

    name: str
    label: str
    message: str
    messages: str
    about: str
    leaves: Leaves = Leaves.ONE_BY_ONE
    reaches: Reaches = Reaches.PEOPLE
    is_default: bool = False
    """Whether a level that names no channels uses it. The rest has to be asked for."""
    reports: bool = False
    """Whether it also tells what became of a call, not only the call itself."""
    bundles: bool = False
    """Whether a person's calls of the same minute become one message."""
    follows: frozenset[EventType] = frozenset()
    """What a place that was called hears of what becomes of it. Where a policy names such a channel
    nowhere, its places are called by the first round."""
    each_its_own: bool = False
    """Whether every destination is a server by itself: trouble with one is no trouble of ours."""
    says: Content = Content.TITLE
    """How much of a handoff leaves by it, where the account has not chosen."""
    to_programs: bool = False
    """Whether programs of the account's own are at the other end: no policy names it, nobody
    chooses it, and what is wrong with it is theirs to mend."""

    @property
    def leaves_one_by_one(self) -> bool:
        """Whether each of its messages has attempts of its own."""
        return self.leaves is Leaves.ONE_BY_ONE

    @property
    def reaches_people(self) -> bool:
        """Whether people choose for themselves how it reaches them."""
        return self.reaches is Reaches.PEOPLE


EMAIL = Channel(
    name="email",
    label="Email",
    message="mail",
    messages="mails",
    about="A mail for every call, whether or not a page of Handoff is open.",
    is_default=True,
    reports=True,
    bundles=True,
    says=Content.FULL,
)
PUSH = Channel(
    name="push",
    label="Push",
    message="push",
    messages="pushes",
    about="The row, the chime and the desktop notification on this page.",
    leaves=Leaves.RUNG,
    is_default=True,
)
_ENDS = frozenset({EventType.RESOLVED, EventType.CANCELLED, EventType.EXPIRED})
_WHAT_BECOMES = _ENDS | {
    EventType.EXHAUSTED,
    EventType.CLAIMED,
    EventType.RELEASED,
    EventType.TRANSFERRED,
    EventType.CHANGED,
}
_WHAT_IS_DONE = frozenset(
    {
        EventType.RE_ESCALATED,
        EventType.NO_RECIPIENTS,
        EventType.HURRIED,
        EventType.SNOOZED,
        EventType.CALLED,
        EventType.NOTED,
    }
)

SLACK = Channel(
    name="slack",
    label="Slack",
    message="post",
    messages="posts",
    about="One message in the team's channel, changed in place, with a button to claim.",
    reaches=Reaches.ENDPOINTS,
    follows=_WHAT_BECOMES | _WHAT_IS_DONE,
)
TEAMS = Channel(
    name="teams",
    label="Microsoft Teams",
    message="card",
    messages="cards",
    about="A card in the team's channel for every change that matters.",
    reaches=Reaches.ENDPOINTS,
    follows=_WHAT_BECOMES,
    each_its_own=True,
)

WEBHOOK = Channel(
    name="webhook",
    label="Webhooks",
    message="webhook",
    messages="webhooks",
    about="Every event, in order, to a program of the account.",
    leaves=Leaves.FOLLOWED,
    reaches=Reaches.ENDPOINTS,
    says=Content.FULL,
    to_programs=True,
    each_its_own=True,
)
CALLBACK = Channel(
    name="callback",
    label="Callbacks",
    message="callback",
    messages="callbacks",
    about="How a handoff ended, to the program that asked for it.",
    reaches=Reaches.ENDPOINTS,
    follows=_ENDS,
    says=Content.FULL,
    to_programs=True,
    each_its_own=True,
)

CHANNELS: dict[str, Channel] = {
    row.name: row for row in (EMAIL, PUSH, SLACK, TEAMS, WEBHOOK, CALLBACK)
}
"""The registry. A stored policy may name a channel that is gone: it reaches nobody any more."""


def sent_one_by_one() -> list[Channel]:
    """Those whose messages have attempts, and a task queue of their own."""
    return [row for row in CHANNELS.values() if row.leaves_one_by_one]


def chosen_by_people() -> list[Channel]:
    """Those about which everybody chooses for themselves."""
    return [row for row in CHANNELS.values() if row.reaches_people]


def named_by_policies() -> dict[str, Channel]:
    """Those that a level may name, by name."""
    return {name: row for name, row in CHANNELS.items() if not row.to_programs}


def leaving() -> list[Channel]:
    """Those by which a handoff leaves the house: of each the account says how much."""
    return [row for row in CHANNELS.values() if row.leaves is not Leaves.RUNG]


def default_names() -> tuple[str, ...]:
    """The channels of a level that names none."""
    return tuple(row.name for row in CHANNELS.values() if row.is_default)


def following(event: EventType | None = None) -> list[Channel]:
    """Those whose places are told of what becomes of what they were called for: of anything, or
    of this."""
    return [
        row for row in CHANNELS.values() if (row.follows if event is None else event in row.follows)
    ]


def known(names: tuple[str, ...]) -> list[Channel]:
    """The channels that still are, of those that a policy names."""
    return [row for name in names if (row := named_by_policies().get(name)) is not None]
