"""Clocks that are wrong: what modules of ours see when they ask for the time of their machine."""

import datetime as real
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

Skew = Callable[..., None]


def skewed(monkeypatch: pytest.MonkeyPatch) -> Skew:
    """Puts the clock of all modules under these names forward, or back."""

    def put(by: timedelta, *names: str) -> None:
        class Shifted(real.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return real.datetime.now(tz) + by

        for name, module in list(sys.modules.items()):
            if name.startswith(names) and getattr(module, "datetime", None) is real.datetime:
                monkeypatch.setattr(module, "datetime", Shifted)

    return put
