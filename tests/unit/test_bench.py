"""How the benchmark reckons. What it measures is no test's business."""

import asyncio
import json

import pytest

from bench.measure import at_once
from bench.report import Line, Times, as_json, milliseconds, table


@pytest.mark.parametrize(
    ("part", "expected"), [(0.5, 5.0), (0.95, 10.0), (1.0, 10.0), (0.0, 1.0), (0.1, 1.0)]
)
def test_a_percentile_is_one_of_the_values(part: float, expected: float) -> None:
    assert Times([float(value) for value in range(10, 0, -1)]).percentile(part) == expected


def test_short_times_keep_a_digit_more() -> None:
    assert milliseconds(0.01234) == "12.3 ms"
    assert milliseconds(1.5) == "1500 ms"


def test_the_table_says_which_targets_were_missed() -> None:
    lines = [
        Line("create", "20 ms", "15 ms", 1.333, "≤ 1.8", met=True),
        Line("claim", "12 ms", "3 ms", 4.0, "≤ 10 ms", met=False),
        Line("queue", "2 ms"),
    ]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table(lines).splitlines()]
    assert rows[2] == ["create", "20 ms", "15 ms", "1.33", "≤ 1.8", "met"]
    assert rows[3][-1] == "missed"
    assert rows[4] == ["queue", "2 ms", "", "", "", ""]
    assert len({len(row) for row in table(lines).splitlines()}) == 1


def test_programs_read_each_verdict() -> None:
    create = Line("create", "20 ms", "15 ms", 1.3333, "<= 1.0", met=False)
    told = json.loads(as_json([create, Line("queue", "2 ms")]))
    assert told[0] == {"name": "create", "value": 1.333, "target": "<= 1.0", "verdict": "missed"}
    assert told[1] == {"name": "queue", "value": "2 ms", "target": None, "verdict": None}


async def test_many_at_once_are_as_many_as_was_said() -> None:
    running, most = 0, 0

    async def act(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        if item == 3:
            raise ValueError

    crowd = await at_once(act, range(12), width=4, forgiven=(ValueError,))
    assert (most, len(crowd.times.seconds), crowd.failed) == (4, 11, 1)


async def test_what_is_not_forgiven_ends_the_measurement() -> None:
    async def act(item: int) -> None:
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        await at_once(act, [0], width=1)
