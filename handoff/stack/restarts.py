"""When a part that has ended is started again: the first time at once, then after growing pauses.

Only the rule; who looks after whom is the supervisor's.
"""

from dataclasses import dataclass

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
HEALTHY_AFTER = 60.0
"""A part that ran so long has recovered, and its next end is a first one again."""


@dataclass(slots=True)
class Restart:
    """How one part has fared lately. Times are seconds of a clock that never goes back.

    `at` is when it is started again, None while it runs. `announced`: people know that it is back.
    """

    started: float
    pause: float | None = None
    at: float | None = None
    announced: bool = True

    def ended(self, now: float) -> float:
        """It has ended: the seconds until it is started again, with `at` set."""
        # What died once may have died of anything; what dies again dies of what is still there.
        if self.pause is None or now - self.started > HEALTHY_AFTER:
            self.pause = 0.0
        else:
            self.pause = min(self.pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        self.at = now + self.pause
        return self.pause

    def begun(self, now: float) -> None:
        """It has been started again."""
        self.at, self.started, self.announced = None, now, False
