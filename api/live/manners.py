"""How live streams behave: what a quiet, a slow and a long one may expect."""

from dataclasses import dataclass

from handoff.settings import Settings


@dataclass(frozen=True, slots=True)
class Manners:
    """How streams behave, in seconds, and how many of them one user holds; 0 for no limit."""

    quiet: float
    keep_alive: float
    rights: float
    slow: float
    most: int

    @classmethod
    def of(cls, settings: Settings) -> "Manners":
        """As they are set."""
        return cls(
            quiet=settings.stream_quiet.total_seconds(),
            keep_alive=settings.stream_keep_alive.total_seconds(),
            rights=settings.stream_rights.total_seconds(),
            slow=settings.stream_slow.total_seconds(),
            most=settings.streams_per_user,
        )
