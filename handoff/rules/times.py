"""What may be said of a time that somebody gives."""

from datetime import datetime

from handoff.errors import Invalid


def must_lie_ahead(moment: datetime | None, now: datetime, *, name: str) -> None:
    """`now` is PostgreSQL's, and `name` the field of the body that said the moment.

    Raises:
        Invalid: it is a time that has come.
    """
    if moment is not None and moment <= now:
        fault = {"path": f"body/{name}", "message": "must be in the future", "type": "not_ahead"}
        raise Invalid(f"`{name}` must be in the future.", errors=[fault])
