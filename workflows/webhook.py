"""The follower of an account's events for one endpoint: one workflow each."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from handoff.contract.webhooks import (
        FOLLOW,
        LEADING,
        RESTS_AFTER_FAULT,
        TELL,
        TOLD,
        TRY_OUT,
        AdminNotice,
        Disabled,
        Following,
        Turn,
        WebhookTried,
    )
    from handoff.rules.channels import EMAIL, WEBHOOK
    from handoff.temporal import queues
    from handoff.temporal.codec import Public
    from workflows import options

_ASKED: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(maximum_attempts=20),
}


@workflow.defn(name="Webhook")
class WebhookWorkflow:
    """Takes one turn after the other until there is nobody to follow for any more.

    A turn posts what there is and waits for more; where the other side has to be waited for, the
    workflow sleeps, so that no trouble of an endpoint holds anything that others need. Its place
    stands in PostgreSQL: nothing of it is kept here. The signal `wake` is a nudge.
    """

    @workflow.init
    def __init__(self, ref: Following) -> None:
        self._ref = ref
        self._woken = False
        self._signals = 0
        self._telling: asyncio.Task[None] | None = None
        self._telling_of: datetime | None = None

    @workflow.run
    async def run(self, ref: Following) -> None:
        """Until the endpoint is deleted or disabled; whoever enables it starts this again."""
        turn = Turn()
        while not turn.is_over or self._woken:
            self._woken = False
            self._carry_on_afresh_when_full()
            turn = await self._take_turn()
            if turn.disabled_at != self._telling_of:
                self._stop_telling()
            if turn.disabled_at is not None:
                await self._told_or_woken(turn.disabled_at)
            if not turn.is_over:
                await self._sleep(turn.pause)

    @workflow.signal
    def wake(self) -> None:
        """Something has changed about the endpoint: it is tried at once."""
        self._woken = True
        self._signals += 1

    async def _take_turn(self) -> Turn:
        try:
            turn: Turn = await workflow.execute_activity(
                FOLLOW,
                self._ref,
                result_type=Turn,
                task_queue=queues.channel_queue(workflow.info().task_queue, WEBHOOK.name),
                heartbeat_timeout=timedelta(seconds=self._ref.takeover),
                summary=Public("follow the account's events"),
                **options.FOLLOW,
            )
            return turn
        except ActivityError as stopped:
            if is_cancelled_exception(stopped):
                raise
            workflow.logger.warning("webhook.stopped")
            return Turn(pause=RESTS_AFTER_FAULT)

    async def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._woken,
                timeout=timedelta(seconds=seconds),
                timeout_summary=Public("the other side asked for patience, or needs it"),
            )

    async def _told_or_woken(self, disabled_at: datetime) -> None:
        """Whoever enables it waits for no mail: what is on its way goes on beside."""
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell_admins(disabled_at))
            self._telling_of = disabled_at
        telling = self._telling
        await workflow.wait_condition(lambda: telling.done() or self._woken)

    def _stop_telling(self) -> None:
        """Enabled again, or deleted: of that there is nothing to tell any more."""
        if self._telling is not None:
            self._telling.cancel()
        self._telling = self._telling_of = None

    async def _tell_admins(self, disabled_at: datetime) -> None:
        """One mail each; what cannot be mailed in a day is left to the page."""
        ref = self._ref
        with suppress(ActivityError):
            await self._mail_admins(disabled_at)
            await workflow.execute_activity(
                TOLD,
                Disabled(ref.account_id, ref.webhook_id, disabled_at),
                summary=Public("admins have heard of it"),
                **_ASKED,
            )

    async def _mail_admins(self, disabled_at: datetime) -> None:
        leading: list[UUID] = await workflow.execute_activity(
            LEADING,
            self._ref,
            result_type=list[UUID],
            summary=Public("who leads the account"),
            **_ASKED,
        )
        name = f"webhook.{self._ref.webhook_id}.{disabled_at.timestamp():.0f}"
        notices = [
            AdminNotice(f"{name}.{one}", self._ref.account_id, self._ref.webhook_id, one)
            for one in leading
        ]
        await asyncio.gather(*map(self._tell, notices), return_exceptions=True)

    async def _tell(self, notice: AdminNotice) -> None:
        await workflow.execute_activity(
            TELL,
            notice,
            task_queue=queues.channel_queue(workflow.info().task_queue, EMAIL.name),
            summary=Public("mail about a disabled webhook"),
            **options.NOTICE,
        )

    def _carry_on_afresh_when_full(self) -> None:
        info = workflow.info()
        full = max(info.get_current_history_length(), self._signals) >= options.FULL
        if full or info.is_continue_as_new_suggested():
            workflow.continue_as_new(self._ref)


@workflow.defn(name="WebhookTest")
class WebhookTestWorkflow:
    """Posts one test, once, for the admin who asked."""

    @workflow.run
    async def run(self, ref: Following) -> WebhookTried:
        """What became of it."""
        tried: WebhookTried = await workflow.execute_activity(
            TRY_OUT,
            ref,
            result_type=WebhookTried,
            task_queue=queues.channel_queue(workflow.info().task_queue, WEBHOOK.name),
            summary=Public("the test of a webhook"),
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(maximum_attempts=2),
        )
        return tried
