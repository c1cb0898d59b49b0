"""Starts the parts in their order, keeps them alive, and stops them all.

One thread and no event loop: a look at every part a few times a second is all that it takes, and
there is nothing that could be left behind. Which parts there are is data; see `plan.py`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handoff.errors import ConfigurationError, HandoffError, Unreachable
from handoff.stack.home import Home
from handoff.stack.leftovers import Leftovers
from handoff.stack.part import Part, last_lines, stop_together
from handoff.stack.restarts import Restart
from handoff.stack.signals import Signals
from handoff.stack.state import StackState, remove_state, write_state

_LOOK_EVERY = 0.02
_WATCH_EVERY = 0.5
_STOP_APPLICATIONS_WITHIN, _STOP_SERVICES_WITHIN = 4.5, 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started, in this order; the parts of each step together.

    `first` runs once those of the services that it needs are ready, and must have ended before the
    applications start. `ready` waits for `besides` too.
    """

    services: Sequence[Part]
    first: Sequence[Part]
    first_needs: Sequence[Part]
    applications: Sequence[Part]
    besides: Sequence[Part]
    state: StackState


class _StopAsked(Exception):
    """Somebody wants it to end while it is still starting."""


class Supervisor:
    def __init__(self, home: Home, plan: Plan, say: Callable[[str], None]) -> None:
        self._home = home
        self._plan = plan
        self._say = say
        self._signals = Signals()
        self._leftovers = Leftovers(home.data_dir / "processes.json")
        self._restarts: dict[str, Restart] = {}

    def run(self, *, on_ready: Callable[[StackState], None]) -> None:
        """Returns when it was asked to stop and everything has.

        Raises:
            HandoffError: the stack could not be started; everything is stopped again.
        """
        self._leftovers.end_all()
        with self._signals:
            try:
                self._start()
                on_ready(self._write_state())
                self._watch()
            except _StopAsked:
                pass
            finally:
                self._stop()

    @property
    def _lasting(self) -> list[Part]:
        return [*self._plan.services, *self._plan.applications]

    def _start(self) -> None:
        plan = self._plan
        self._launch(plan.services)
        self._wait_ready(plan.first_needs)
        self._launch(plan.first)
        self._wait_ready([*plan.services, *plan.first])
        self._launch([*plan.applications, *plan.besides])
        self._wait_ready([*self._lasting, *plan.besides])

    def _launch(self, parts: Sequence[Part]) -> None:
        for part in parts:
            part.prepare()
            part.spawn()
            self._leftovers.remember(part)

    def _wait_ready(self, parts: Sequence[Part]) -> None:
        began = time.monotonic()
        waiting = list(parts)
        while waiting := [part for part in waiting if not part.is_ready()]:
            for part in parts:
                if not part.runs and not part.is_ready():
                    raise _failure(part, _end(part))
            late = [part for part in waiting if time.monotonic() > began + part.ready_within]
            if late:
                raise _failure(late[0], f"was not ready within {late[0].ready_within:.0f} s")
            self._signals.wait(_LOOK_EVERY)
            if self._signals.stop_asked:
                raise _StopAsked

    def _write_state(self) -> StackState:
        told = (part for part in self._lasting if part.is_told)
        pids = {part.name: part.pid for part in told if part.pid is not None}
        state = replace(self._plan.state, pids=pids)
        write_state(self._home.data_dir, state)
        return state

    def _watch(self) -> None:
        for part in self._lasting:
            self._restarts[part.name] = Restart(started=time.monotonic())
        while not self._signals.stop_asked:
            for part in self._lasting:
                self._look_after(part, self._restarts[part.name])
            self._signals.wait(self._until_next_look())

    def _until_next_look(self) -> float:
        waiting = [restart.at for restart in self._restarts.values() if restart.at is not None]
        if not all(restart.announced for restart in self._restarts.values()):
            return _LOOK_EVERY * 5
        return min([_WATCH_EVERY, *(at - time.monotonic() for at in waiting)])

    def _look_after(self, part: Part, restart: Restart) -> None:
        now = time.monotonic()
        if part.runs:
            if not restart.announced and part.is_ready():
                restart.announced = True
                self._say(f"{part.name} is back (pid {part.pid})")
        elif restart.at is None:
            pause = restart.ended(now)
            when = f" in {pause:.1f} s" if pause else ""
            self._say(f"{part.name} {_end(part)}; starting it again{when}")
        if restart.at is not None and now >= restart.at:
            part.spawn()
            restart.begun(now)
            self._leftovers.remember(part)
            self._write_state()

    def _stop(self) -> None:
        remove_state(self._home.data_dir)
        stop_together(
            [*self._plan.applications, *self._plan.first, *self._plan.besides],
            within=_STOP_APPLICATIONS_WITHIN,
        )
        stop_together(self._plan.services, within=_STOP_SERVICES_WITHIN)
        self._leftovers.forget()


def _end(part: Part) -> str:
    code = part.exit_code or 0
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def _failure(part: Part, what: str) -> HandoffError:
    """What a part said by its exit code is what the whole stack says."""
    kind = {78: ConfigurationError, 3: Unreachable}.get(part.exit_code or 0)
    if kind is None:
        return part.failure(what)
    return kind(f"{part.name} {what}\n{last_lines(part.log)}".rstrip())
