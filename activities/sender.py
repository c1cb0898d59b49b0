"""What a channel is to the engine: one `Sender`, and what may become of one message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from handoff.contract.record import Record
from handoff.contract.words import Content, DeliveryState
from handoff.database.messages.last_look import Said
from handoff.database.messages.outbox import Due
from handoff.rules.causes import Cause


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """What became of one attempt: `sent`, `retrying`, `failed` or `ambiguous`."""

    state: DeliveryState
    code: int | None
    cause: Cause
    after: timedelta | None = None
    """The pause that the other side asked for before the next attempt."""


class NotNow(Exception):
    """The other side was not asked: others of the account have their turn, or it has said when it
    wants to be asked again.

    Attributes:
        pause: how long to wait.
    """

    def __init__(self, pause: timedelta) -> None:
        super().__init__("not now")
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one destination; what it says is known only when it leaves.

    `id` is what the destination and the ledger know it by, the same at every attempt. `to_id`: the
    person, or the account's place.
    """

    id: str
    account_id: UUID
    to_id: UUID
    to_name: str
    to_address: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a message tells of: an event, and its handoff as it stands while the message leaves.

    `companions`: other handoffs for which it speaks, too. `said`: the notes that it tells of.
    `files`: those that went with the handoff, as events tell of them. Nothing stands here that the
    account keeps from leaving by this channel: `content` says how much that left.
    """

    due: Due
    record: Record
    companions: tuple[Record, ...] = ()
    said: tuple[Said, ...] = ()
    content: Content = Content.FULL
    files: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A message that its reader asked for, about nothing else."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that whoever leads the account has to hear of: what has happened, what can be done
    about it, and on which page (a path of ours)."""

    title: str
    says: str
    next: str
    page: str


MayLeave = Callable[[], Awaitable[Occasion | SelfTest | Notice | None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How temporary failures are tried again: pauses double up to a maximum, for so long in all.

    `after_lost`: at least so long after an answer that was lost, for the message may have been
    taken; `copies` is how many may so be taken of one message at most.
    """

    initial: timedelta
    maximum: timedelta
    longest: timedelta
    after_lost: timedelta = timedelta(0)
    copies: int = 3

    def pause(self, tried: int, *, lost: bool = False) -> timedelta:
        """How long to wait after so many attempts; `lost`: the last one's answer was."""
        doublings = min(max(tried - 1, 0), 20)
        pause = min(self.initial * (1 << doublings), self.maximum)
        return max(pause, self.after_lost) if lost else pause


class Sender(Protocol):
    """One channel's way out. It decides how a message is said and handed over, nothing else.

    Whom to tell, whether it is still called for, when to try again and what the ledger says is
    decided by whoever calls it, for all channels alike. One sender serves a whole process, for any
    number of messages at once.
    """

    @property
    def patience(self) -> Patience:
        """How this channel's temporary failures are tried again."""
        ...

    @property
    def connections(self) -> int:
        """How many messages may be on their way at once."""
        ...

    def message_id(self, name: str) -> str:
        """How the destination knows the message that we call `name`: a pure function of it."""
        ...

    async def send(self, message: Message, *, may_leave: MayLeave) -> SendOutcome | None:
        """Hands one message to one destination, once, within a bounded time.

        `may_leave` is awaited once, at the last moment at which nothing has left yet: after every
        connection, greeting and login, right before the content. It answers with what there is to
        say, and only then the content is made. When it answers None, nothing may leave and the
        answer is None, too. What it raises is raised here, and nothing leaves.

        The outcome is what the retry is made of:

        - `sent`: the other side took responsibility. Never tried again.
        - `retrying`: nothing was taken, and the same attempt may work later. Tried again after
          the channel's own pause, until its patience ends; then it has failed with `gave_up`.
        - `failed`: this destination or this message is refused for good. Never tried again; the
          handoff's history says so.
        - `ambiguous`: the content left and no answer came. Tried again under the same `id`, so
          that a copy can be told to be one; after a long pause, and a few times at most.

        A cause of `SYSTEM_FAULTS` says that the trouble is everybody's: readiness then tells of
        it. Nothing that the other side or the network does raises. A cancellation before
        `may_leave` answered ends the attempt at once; after that it is awaited to its end.

        Raises:
            NotNow: nothing has left. This is no attempt: it counts nowhere.
        """
        ...

    async def close(self) -> None:
        """Takes leave of the other side."""
        ...
