"""What an activity ends with that has more to do later: no fault, and logged as none."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


def delayed(what: str, *, after: timedelta | None = None) -> ApplicationError:
    """To be raised. `after`: when it is tried again; without it, the activity's own policy says."""
    return ApplicationError(
        what, type="Delayed", next_retry_delay=after, category=ApplicationErrorCategory.BENIGN
    )
