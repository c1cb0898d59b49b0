"""Timeouts and retry policies by purpose. Nothing of Handoff's may wait without a bound."""

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

RECORD: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=15),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
}
"""The record decides, so its activities are tried until PostgreSQL is there."""

PUSH: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=15),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=15)
    ),
}
"""Tried until Redis took it."""

DELIVER: dict[str, Any] = {
    "start_to_close_timeout": timedelta(hours=1),
    "heartbeat_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
    ),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""How long to go on is the activity's own word: it says when to try again, or that it gave up.

Before a handoff is carried on by a new run, messages under way are waited for, so that none is sent
by two runs.
"""

STOPPED_RESTS = timedelta(minutes=1)
"""A delivery that ended although it is owed is started again by a look after so long."""
