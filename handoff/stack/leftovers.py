"""The processes that a stack has started, remembered so that the next one ends what is left.

Linux ends them with a killed supervisor, asking nicely; this waits for that, and does it elsewhere.
Only what was born as our child is touched: a pid alone proves nothing, so its birth is compared.
"""

import signal
from pathlib import Path

from handoff.stack.files import read_json_object, write_private_json
from handoff.stack.part import Part
from handoff.stack.process import birth_mark, end_leftover

_PATIENCE = 8.0


class Leftovers:
    """Kept in one file of the data directory, written at every birth."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._born: dict[str, dict[str, object]] = {}

    def end_all(self) -> None:
        """Ends every process that an earlier supervisor started and that still runs."""
        for name, born in read_json_object(self._memory).items():
            pid, mark, asked = born["pid"], born["mark"], born["stop_signal"]
            patience = _PATIENCE if name == "postgres" else _PATIENCE / 2
            end_leftover(pid, mark, ask_with=signal.Signals(asked), within=patience)
        self.forget()

    def remember(self, part: Part) -> None:
        if part.pid is None or (mark := birth_mark(part.pid)) is None:
            return
        self._born[part.name] = {
            "pid": part.pid,
            "mark": mark,
            "stop_signal": int(part.stop_signal),
        }
        write_private_json(self._memory, self._born)

    def forget(self) -> None:
        """Everything of ours has ended."""
        self._memory.unlink(missing_ok=True)
