"""The test notification's workflow: a real one's way, once through, for who asked for it."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.trial import TrialActivities
    from handoff.contract.messages import Trial, TrialResult, TrialStep, Tried
    from handoff.rules.channels import PUSH
    from handoff.temporal import queues

LIFETIME = timedelta(minutes=10)
"""A test that nobody carried out by then is of no interest to anybody any more."""

ONCE: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=3),
    "retry_policy": RetryPolicy(maximum_attempts=2),
}
"""A worker that died is followed by another one; what the mail server said is final."""


@workflow.defn(name="TestNotification")
class TrialWorkflow:
    """Tries all channels at once, each from its own queue; answers with what became of each."""

    @workflow.run
    async def run(self, trial: Trial) -> TrialResult:
        """Every channel that was asked for, each with its own fate."""
        steps = [TrialStep(trial, channel) for channel in trial.channels]
        tried = await asyncio.gather(*map(self._try, steps))
        return dict(zip(trial.channels, tried, strict=True))

    async def _try(self, step: TrialStep) -> Tried:
        summary = f"the test by {step.channel}"
        if step.channel == PUSH.name:
            return await workflow.execute_activity_method(
                TrialActivities.try_ringing, step, summary=summary, **ONCE
            )
        return await workflow.execute_activity_method(
            TrialActivities.try_sending,
            step,
            task_queue=queues.channel_queue(workflow.info().task_queue, step.channel),
            summary=summary,
            **ONCE,
        )
