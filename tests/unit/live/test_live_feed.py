"""A feed keeps little, forgets the oldest, and never hands out a gap."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.live import feed
from api.live.feed import Ear, Encoded, Feed
from handoff.contract.people import Actor
from handoff.contract.words import Role


def encoded(first: int, count: int, *, size: int = 10) -> list[Encoded]:
    return [Encoded(number, "created", "x" * size) for number in range(first, first + count)]


def followed(last: int) -> Feed:
    """A feed that began when the account stood at `last`."""
    made = Feed(uuid4())
    made.last = last
    return made


def ear(made: Feed, who: UUID, *, token_id: UUID | None = None, **how: Any) -> Ear:
    """A stream's place at the feed."""
    reader = Actor(
        id=who,
        account_id=made.account_id,
        name="Amir",
        email="amir@acme.test",
        role=Role.ADMIN,
        team_id=None,
        token_id=token_id,
    )
    return Ear(made, reader, **{"since": datetime.now(UTC), "cut": None} | how)


def numbers(found: list[Encoded] | None) -> list[int] | None:
    return None if found is None else [one.number for one in found]


def test_it_gives_what_follows() -> None:
    made = followed(10)
    made.add(encoded(11, 5))
    assert numbers(made.after(15)) == []
    assert numbers(made.after(99)) == []
    assert numbers(made.after(13)) == [14, 15]
    assert numbers(made.after(10)) == [11, 12, 13, 14, 15]


def test_what_it_never_had_or_forgot_must_be_read() -> None:
    made = followed(10)
    assert made.after(9) is None
    made.add(encoded(11, feed.KEPT + 3))
    assert made.after(10) is None
    assert made.after(12) is None
    first = made.after(13)
    assert first is not None
    assert first[0].number == 14


def test_large_events_are_kept_by_their_size() -> None:
    made = followed(0)
    size = feed.KEPT_CHARACTERS // 4
    made.add(encoded(1, 10, size=size))
    assert made.after(5) is None
    assert numbers(made.after(6)) == [7]
    made.add(encoded(11, 1, size=feed.KEPT_CHARACTERS + 1))
    # Too large to be kept at all: whoever wants it reads it.
    assert made.after(10) is None
    made.add(encoded(12, 2))
    assert numbers(made.after(11)) == [12, 13]


def test_a_batch_is_bounded_and_never_empty() -> None:
    half = feed.BATCH_CHARACTERS // 2
    assert numbers(feed.batch(encoded(1, 10, size=half))) == [1, 2]
    assert numbers(feed.batch(encoded(1, 10, size=10 * half))) == [1]
    assert numbers(feed.batch([])) == []


async def test_everybody_is_woken_and_the_earliest_of_a_persons_tabs_counts() -> None:
    made, person = followed(0), uuid4()
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    ears = [ear(made, person, since=since) for since in (late, early)]
    made.ears.update(ears)
    made.add(encoded(1, 1))
    assert all(one.news.is_set() for one in ears)
    assert made.readers() == {person: early}


async def test_a_program_is_nobody_who_is_there() -> None:
    made = followed(0)
    made.ears.add(ear(made, uuid4(), token_id=uuid4()))
    assert made.readers() == {}


async def test_losing_the_right_to_read_is_news_and_keeping_it_is_none() -> None:
    one = ear(followed(0), uuid4())
    now = asyncio.get_running_loop().time()
    one.judge(may_read=True, asked=now)
    assert not one.news.is_set()
    one.judge(may_read=False, asked=now)
    assert one.news.is_set()
    assert not one.may_read


@pytest.mark.parametrize("cuts", [0, 1])
async def test_an_ear_is_cut_off_where_that_can_be_done(cuts: int) -> None:
    done: list[int] = []
    cut = (lambda: done.append(1)) if cuts else None
    ear(followed(0), uuid4(), cut=cut).cut()
    assert len(done) == cuts
