"""One turn at the message of one handoff, in one place: what stands there, and its thread."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from activities import sayings
from activities.sender import NotNow, Occasion, SendOutcome
from activities.slack import blocks
from activities.slack.calls import GONE, Place, outcome_of
from handoff.contract.messages import Envelope
from handoff.contract.record import Record
from handoff.contract.words import DeliveryState, EventType
from handoff.database import events
from handoff.database.gate import Database
from handoff.database.messages import posts
from handoff.database.messages.posts import Post
from handoff.database.records import find_record
from handoff.rules.causes import Cause
from handoff.rules.content import event_within, record_within
from handoff.settings import Settings
from handoff.slack import Refused

SENT = SendOutcome(DeliveryState.SENT, None, Cause.ACCEPTED)

MOST = 50
"""Events that are told of in one turn."""


async def write(
    place: Place, said: Occasion, post: Post, *, database: Database, settings: Settings
) -> SendOutcome:
    """Brings both up to date, as far as Slack lets us, and gives the turn back."""
    turn = _Turn(place, said, post, database, settings)
    try:
        await turn.bring_up_to_date()
        return SENT
    except _Lost:
        return SendOutcome(DeliveryState.RETRYING, None, Cause.SERVER_BUSY)
    except Refused as refused:
        return outcome_of(refused)
    finally:
        with suppress(_Lost):
            await turn.keep(give_back=True)


class _Lost(Exception):
    """This process stood still for so long that the turn is another one's."""


class _Turn:
    def __init__(
        self, place: Place, said: Occasion, post: Post, database: Database, settings: Settings
    ) -> None:
        self._place = place
        self._said = said
        self._post = post
        self._database = database
        self._settings = settings

    async def bring_up_to_date(self) -> None:
        """The message first, and then what its thread has not heard of, in order."""
        record, heard = await self._read()
        try:
            await self._show(record)
        except Refused as refused:
            if not self._is_lost_to_us(refused):
                raise
            # What waits has to stand somewhere.
            self._post = replace(self._post, reference=None, asked_at=None)
            await self._show(record)
        for envelope in heard:
            await self._tell(envelope)

    def _is_lost_to_us(self, refused: Refused) -> bool:
        """Whether somebody has deleted the message, or the account's channel is another one since,
        and the one where it stands is closed to us."""
        if self._post.reference is None:
            return False
        place, _ = self._place.at(self._post.reference)
        moved = place.channel != self._place.channel
        return refused.error == GONE or (
            moved and outcome_of(refused).cause is Cause.RECIPIENT_REFUSED
        )

    async def _read(self) -> tuple[Record, list[Envelope]]:
        """As it stands now: it is this one's turn, so what is shown is the newest."""
        due, content = self._said.due, self._said.content
        async with self._database.account(due.account_id) as tenant:
            found = await find_record(tenant, due.handoff_id)
            heard = await events.of_handoff(tenant, due.handoff_id, after=self._told, limit=MOST)
        assert found is not None  # noqa: S101 - its messages point at it
        return record_within(found[0], content), heard

    @property
    def _told(self) -> int:
        """The last event that the thread need not hear of: at first that of the message itself."""
        return self._post.told or self._said.due.event_number

    async def _show(self, record: Record) -> None:
        text = blocks.summary(record, self._said.content)
        shown = blocks.blocks(record, self._said.content, self._settings)
        if self._post.reference is None and self._post.asked_at is not None:
            found = await self._place.find(self._handoff, asked_at=self._post.asked_at)
            self._post = replace(self._post, reference=found, asked_at=None)
        if self._post.reference is None:
            await self._write(text, shown)
        elif self._post.version < record.version:
            place, ts = self._place.at(self._post.reference)
            await place.change(ts, text=text, blocks=shown)
        self._post = replace(self._post, version=record.version, told=self._told)
        await self.keep()

    async def _write(self, text: str, shown: list[dict[str, Any]]) -> None:
        """Written down before it is asked for: whoever finds no answer knows what to look for, and
        from which event on its thread has to hear."""
        before = self._post
        await self._ask_for(told=self._told)
        try:
            reference = await self._place.post(text=text, blocks=shown, handoff_id=self._handoff)
        except (Refused, NotNow) as fault:
            self._take_back(fault, before)
            raise
        self._post = replace(self._post, reference=reference, asked_at=None)

    @property
    def _handoff(self) -> str:
        return str(self._said.due.handoff_id)

    async def _tell(self, envelope: Envelope) -> None:
        event = EventType(envelope.type.removeprefix("handoff."))
        data = event_within(envelope.data, self._said.content)
        line = sayings.sentence(event, data)
        if line is not None:
            await self._reply(blocks.reply(line), int(envelope.id))
        self._post = replace(self._post, told=int(envelope.id), asked_at=None)
        await self.keep()

    async def _reply(self, text: str, number: int) -> None:
        assert self._post.reference is not None  # noqa: S101 - it was shown
        before, (place, ts) = self._post, self._place.at(self._post.reference)
        if before.asked_at is not None and await place.has_replied(
            ts, number, asked_at=before.asked_at
        ):
            return
        await self._ask_for(told=before.told)
        try:
            await place.reply(ts, text, event_number=number)
        except (Refused, NotNow) as fault:
            self._take_back(fault, before)
            raise

    async def _ask_for(self, *, told: int) -> None:
        """What is asked for next may be there from now on."""
        self._post = replace(self._post, asked_at=self._said.due.now, told=told)
        await self.keep()

    def _take_back(self, fault: Refused | NotNow, before: Post) -> None:
        """Nothing was taken: there is nothing to look for."""
        if isinstance(fault, NotNow) or not fault.may_be_done:
            self._post = replace(self._post, asked_at=None, told=before.told)

    async def keep(self, *, give_back: bool = False) -> None:
        """Whatever comes now, this much is known."""
        due = self._said.due
        async with self._database.account(due.account_id) as tenant:
            kept = await posts.keep(
                *(tenant, due.handoff_id, due.destination_id, self._post), give_back=give_back
            )
        if kept is None:
            raise _Lost
        self._post = kept
