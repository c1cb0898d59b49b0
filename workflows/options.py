"""Timeouts and retry policies by purpose. Nothing of Handoff's may wait without a bound."""

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

RECORD: dict[str, Any] = {
    "schedule_to_close_timeout": timedelta(seconds=4),
    "start_to_close_timeout": timedelta(seconds=3),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=1)
    ),
}
"""The record decides, so it is asked in the workflow's own task; but not for long: a local activity
that goes on trying holds one of its worker's slots, and whoever waits behind it."""

RECORD_RESTS = timedelta(seconds=1)
RECORD_RESTS_AT_MOST = timedelta(minutes=2)
"""What PostgreSQL did not answer is asked again after a rest, or a nudge; rests double."""

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

FOLLOW: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=20),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), backoff_coefficient=1.0
    ),
}
"""A turn ends by itself long before, and says what to wait for, whatever goes wrong in it: only one
whose worker died is tried again, at once however many have died."""

NOTICE: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=5),
    "schedule_to_close_timeout": timedelta(days=1),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=15)
    ),
}
"""What an admin has to hear of may come late."""

STOPPED_RESTS = timedelta(minutes=1)
"""A delivery that ended although it is owed is started again by a look after so long."""

FULL = 1000
"""So many events or signals, and a run carries on afresh: the engine suggests it by events and size
alone, and refuses the 10,001st signal of a run for good."""
