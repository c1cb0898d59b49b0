"""How every program of ours ends: with all that it had to say, and with the code it has earned.

The engine's native library has threads of its own. While an interpreter shuts down they can abort
it, crash it or keep it for ever, long after all work was done. Once that library has been loaded,
the process is left without a shutdown of the interpreter.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

ENGINE_LIBRARY = "temporalio.bridge.temporal_sdk_bridge"

FAILURE, INTERRUPTED = 1, 130


def leave_after(program: Callable[[], int | None]) -> NoReturn:
    """Runs the program and ends the process with the code that it returns or exits with."""
    code = _said(_code_of(program))
    if ENGINE_LIBRARY in sys.modules:
        logging.shutdown()
        os._exit(code)
    sys.exit(code)


def _code_of(program: Callable[[], int | None]) -> int:
    try:
        return program() or 0
    except SystemExit as end:
        return _code_of_exit(end)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException:
        traceback.print_exc()
        return FAILURE


def _code_of_exit(end: SystemExit) -> int:
    """As the interpreter itself understands it: text is for the reader, and means failure."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    sys.stderr.write(f"{end.code}\n")
    return FAILURE


def _said(code: int) -> int:
    """The code, unless what was to be said could not be."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or FAILURE
    return code
