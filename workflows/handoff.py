"""The handoff workflow: one per handoff, from its record to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.deliver import DeliverActivities
    from activities.push import PushActivities
    from activities.records import RecordActivities
    from handoff.contract.messages import (
        Batch,
        Ended,
        HandoffRef,
        HandoffStart,
        NewHandoff,
        Recorded,
        Snapshot,
        StepOrder,
    )
    from handoff.contract.record import Step
    from handoff.contract.words import FINAL, StepKind, Verdict
    from handoff.rules.channels import PUSH
    from handoff.temporal import queues, search_attributes
    from handoff.temporal.codec import Public
    from workflows import options

STORY = {
    StepKind.START_ROUND: "waiting for a claim; then the next round",
    StepKind.EXHAUST: "waiting for a claim; this was the last round",
    StepKind.SKIP_LEVEL: "nobody is reached: the next level's turn",
    StepKind.EXPIRE: "nobody answered; kept until it expires",
    StepKind.REMIND_PARKER: "parked until the reminder",
    StepKind.LAPSE_TRANSFER: "waiting for the named person to accept",
    StepKind.REMIND_CLAIMER: "claimed; until the lease's reminder",
    StepKind.END_LEASE: "claimed; until the lease ends",
}
"""What each timer waits for, as Temporal's UI shows it."""

LOOKS_AFTER_REST = "look-after-rest"
"""What runs do that rested after this was written: those before went on resting."""

Key = tuple[str, int, int]
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@workflow.defn(name="Handoff")
class HandoffWorkflow:
    """Records a handoff, then carries out what the record calls for until the record is closed.

    It looks at the record; takes the next step if that is due; else delivers by each channel what
    the record owes, and waits until the step is due or somebody nudges it; and looks again. Signals
    are nudges under the command's name (`claim`, `release`, …): they prove nothing and carry
    nothing, because the record decides.
    """

    @workflow.init
    def __init__(self, start: HandoffStart) -> None:
        self._ref = HandoffRef(start.account_id, start.handoff_id)
        self._start = start
        self._new = start.new
        self._recorded: Recorded | None = None if start.new else Recorded(Verdict.RECORDED)
        self._nudged = False
        self._signals = 0
        self._moves_on = False
        self._owed: dict[Key, Batch] = {}
        self._telling: dict[Key, asyncio.Task[None]] = {}

    @workflow.run
    async def run(self, start: HandoffStart) -> Ended:
        """From the record to its end. The answer is what happened."""
        seen = None
        if start.new is not None:
            self._recorded = await self._record(start.new)
            seen = self._recorded.first
            if self._recorded.verdict is not Verdict.RECORDED:
                await workflow.wait_condition(workflow.all_handlers_finished)
                return Ended(refused=self._recorded)
        # Who escalated waits for this task to end, so it looks only if it has to.
        seen = seen or await self._look()
        while seen is not None and not self._is_over(seen):
            await self._carry_on_afresh_when_full()
            if not self._is_due(seen.step):
                self._tell(seen)
                await self._wait(seen)
            seen = await (self._take(seen) if self._is_due(seen.step) else self._look())
        await workflow.wait_condition(workflow.all_handlers_finished)
        if seen is None:
            return Ended()
        return Ended(seen.status, seen.outcome, seen.claimed_by, seen.round)

    @workflow.update
    async def recorded(self) -> Recorded:
        """Answers once the record has spoken, for a caller in whose process this does not run."""
        await workflow.wait_condition(lambda: self._recorded is not None or self._moves_on)
        if self._recorded is None:
            raise ApplicationError("The record has not spoken yet.", type="NotRecordedYet")
        return replace(self._recorded, first=None)

    @workflow.signal(dynamic=True)
    def nudge(self, name: str, args: Sequence[RawValue]) -> None:
        """Something may have changed. The content is never read, so none can do harm."""
        self._nudged = True
        self._signals += 1

    async def _record(self, new: NewHandoff) -> Recorded:
        recorded = await self._ask(
            RecordActivities.record_handoff, new, summary=f"record the {new.intent}"
        )
        self._new = None
        return recorded

    async def _look(self) -> Snapshot | None:
        """The record as it is now."""
        self._nudged = False
        seen = await self._ask(RecordActivities.look, self._ref, summary="look at the record")
        return self._shown(seen)

    async def _ask(
        self,
        activity: Callable[[RecordActivities, Asked], Awaitable[Answer]],
        asked: Asked,
        *,
        summary: str,
    ) -> Answer:
        """What the record answers, for as long as that takes: here nobody else waits behind it."""
        rest = options.RECORD_RESTS
        while True:
            try:
                return await workflow.execute_local_activity_method(
                    activity, asked, summary=Public(summary), **options.RECORD
                )
            except ActivityError as unanswered:
                if is_cancelled_exception(unanswered):
                    raise
                workflow.logger.warning("record.unanswered")
            await self._carry_on_afresh_when_full()
            self._nudged = False
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._nudged,
                    timeout=rest,
                    timeout_summary=Public("PostgreSQL does not answer; it is asked again"),
                )
            rest = min(rest * 2, options.RECORD_RESTS_AT_MOST)

    def _shown(self, seen: Snapshot | None) -> Snapshot | None:
        """Keeps Temporal's list of workflows readable as the state of the desk."""
        if seen is None:
            return None
        claimed_by = str(seen.claimed_by.id) if seen.claimed_by else None
        wanted: list[SearchAttributeUpdate[Any]] = []
        known = workflow.info().typed_search_attributes
        if known.get(search_attributes.STATUS) != seen.status.value:
            wanted.append(search_attributes.STATUS.value_set(seen.status.value))
        if known.get(search_attributes.ROUND) != seen.round:
            wanted.append(search_attributes.ROUND.value_set(seen.round))
        if known.get(search_attributes.CLAIMED_BY) != claimed_by:
            claim = search_attributes.CLAIMED_BY
            wanted.append(claim.value_set(claimed_by) if claimed_by else claim.value_unset())
        if wanted:
            workflow.upsert_search_attributes(wanted)
        workflow.set_current_details(
            f"**{seen.status.value}**, round {seen.round} of {seen.rounds_total}"
            + (f"; {STORY[seen.step.kind]}" if seen.step else "")
        )
        return seen

    def _is_over(self, seen: Snapshot) -> bool:
        return seen.status in FINAL and not seen.owed

    def _tell(self, seen: Snapshot) -> None:
        """Starts what the record owes and stops what it no longer wants."""
        self._owed = {batch.key: batch for batch in seen.owed}
        for key, task in self._telling.items():
            # What is rung is over in a moment; calling it off would cost more.
            if key not in self._owed and key[0] != PUSH.name:
                task.cancel()
        self._telling = {key: task for key, task in self._telling.items() if not task.done()}
        for key, batch in self._owed.items():
            if key not in self._telling:
                tell = self._ring if batch.channel == PUSH.name else self._deliver
                self._telling[key] = asyncio.create_task(tell(batch))

    async def _deliver(self, batch: Batch) -> None:
        try:
            has_failed = await workflow.execute_activity_method(
                DeliverActivities.deliver,
                batch,
                task_queue=queues.channel_queue(workflow.info().task_queue, batch.channel),
                summary=Public(_summary(batch)),
                **options.DELIVER,
            )
            # Of messages that have left there is nothing new to see in the record.
            self._nudged = self._nudged or has_failed
        except ActivityError as stopped:
            if not is_cancelled_exception(stopped):
                await self._rest()

    async def _ring(self, batch: Batch) -> None:
        """Goes on for as long as looks show that there is more: one publish runs at a time."""
        while self._owed.pop(batch.key, None) is not None:
            try:
                await workflow.execute_activity_method(
                    PushActivities.publish,
                    batch,
                    summary=Public("push to everyone online"),
                    **options.PUSH,
                )
            except ActivityError as stopped:
                if is_cancelled_exception(stopped) or not workflow.patched(LOOKS_AFTER_REST):
                    return
                await self._rest()

    async def _rest(self) -> None:
        """What ended although it is owed rests, and is started again by the look after that: no
        step may be due for days, and none at all of what is claimed."""
        workflow.logger.warning("delivery.stopped")
        await workflow.sleep(options.STOPPED_RESTS)
        self._nudged = workflow.patched(LOOKS_AFTER_REST) or self._nudged

    def _is_due(self, step: Step | None) -> bool:
        return step is not None and step.at <= workflow.now()

    async def _wait(self, seen: Snapshot) -> None:
        """Until a nudge, or the step's time; of a closed handoff, until everybody is told."""
        step, closed = seen.step, seen.status in FINAL
        story = Public(STORY[step.kind] if step else "waiting for somebody to act")
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._nudged or (closed and self._has_told()),
                timeout=None if step is None else step.at - workflow.now(),
                timeout_summary=story,
            )

    def _has_told(self) -> bool:
        return all(task.done() for task in self._telling.values())

    async def _take(self, seen: Snapshot) -> Snapshot | None:
        """Carries out the step that is due; the record as it is after that."""
        step = seen.step
        assert step is not None  # noqa: S101 - only a step can be due
        order = StepOrder(
            self._ref.account_id, self._ref.handoff_id, step.kind, seen.version, workflow.now()
        )
        name = step.kind.value.replace("_", " ")
        after = await self._ask(
            RecordActivities.take_step, order, summary=f"{name} (round {seen.round} so far)"
        )
        return self._shown(after)

    async def _carry_on_afresh_when_full(self) -> None:
        """A new run with an empty history. What is under way is waited for or told to stop."""
        info = workflow.info()
        full = max(info.get_current_history_length(), self._signals) >= options.FULL
        if not full and not info.is_continue_as_new_suggested():
            return
        for task in self._telling.values():
            task.cancel()
        await asyncio.gather(*self._telling.values(), return_exceptions=True)
        self._moves_on = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(replace(self._start, new=self._new))


def _summary(batch: Batch) -> str:
    """What an activity delivers, as Temporal's UI shows it."""
    people = "1 destination" if batch.count == 1 else f"{batch.count} destinations"
    return f"{batch.channel} about event {batch.event_number} to {people}"
