"""The auditor: compares PostgreSQL with Temporal, by a schedule. One look, one activity."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from handoff.temporal.codec import Public

    pass

AUDIT = "audit"
"""The activity's name: the worker, which has the engine's client, implements it."""


@workflow.defn(name="Audit")
class AuditWorkflow:
    """Looks once; the schedule repeats it. A look that fails is followed by the next one."""

    @workflow.run
    async def run(self) -> int:
        """How many workflows had to be started again."""
        started: int = await workflow.execute_activity(
            AUDIT,
            result_type=int,
            start_to_close_timeout=timedelta(minutes=5),
            # A worker that died costs seconds.
            heartbeat_timeout=timedelta(seconds=15),
            retry_policy=RetryPolicy(maximum_attempts=2),
            summary=Public("compare PostgreSQL with Temporal"),
        )
        return started
