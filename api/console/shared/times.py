"""Times as a person would say them. `clocks.js` says them the same way, and goes on saying them."""

from datetime import UTC, datetime, timedelta


def ago(moment: datetime, now: datetime) -> str:
    """`just now`, `4 min`, `3 h`, `2 d`: how long since, or until."""
    seconds = abs((now - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "just now" if seconds < 10 else f"{int(seconds)} s"


def length(moment: datetime, now: datetime) -> str:
    """`4 min`: how long it has gone on; in its first seconds `a moment`."""
    said = ago(moment, now)
    return "a moment" if said == "just now" else said


def age(moment: datetime, now: datetime) -> str:
    """How loudly a waiting time is shown: it grows with it."""
    waited = now - moment
    if waited >= timedelta(hours=1):
        return "longest"
    return "long" if waited >= timedelta(minutes=15) else "short"


def since(moment: datetime, now: datetime) -> str:
    """`just now`, `4 min ago`."""
    said = ago(moment, now)
    return said if said == "just now" else f"{said} ago"


def countdown(moment: datetime, now: datetime) -> str:
    """`4:12`, `2 h 05 min`, `3 d 4 h`; `now` once it has come."""
    left = max(moment - now, timedelta(0))
    seconds = int(left.total_seconds())
    if seconds == 0:
        return "a moment"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes}:{seconds:02}"


def exact(moment: datetime) -> str:
    """The time itself, for those who hover."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
