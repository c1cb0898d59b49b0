"""The test notification's workflow: a real one's way, once through, for who asked for it."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.trial import TrialActivities
    from handoff.contract.messages import Trial, TrialResult
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
    """Sends one mail from the mail queue and one push, at once; answers with both outcomes."""

    @workflow.run
    async def run(self, trial: Trial) -> TrialResult:
        """Both channels, each with its own fate."""
        email, push = await asyncio.gather(
            workflow.execute_activity_method(
                TrialActivities.send_test_mail,
                trial,
                task_queue=queues.mail_queue(workflow.info().task_queue),
                summary="the test mail",
                **ONCE,
            ),
            workflow.execute_activity_method(
                TrialActivities.ring_test_push, trial, summary="the test push", **ONCE
            ),
        )
        return TrialResult(email, push)
