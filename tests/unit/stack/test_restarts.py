"""When a part that ended is started again."""

from handoff.stack.restarts import FIRST_PAUSE, HEALTHY_AFTER, LONGEST_PAUSE, Restart


def test_the_first_time_it_is_started_at_once() -> None:
    restart = Restart(started=100.0)
    assert restart.ended(101.0) == 0
    assert restart.at == 101.0


def test_what_ends_again_and_again_waits_longer_each_time() -> None:
    restart = Restart(started=0.0)
    pauses = []
    for now in range(12):
        pauses.append(restart.ended(now))
        restart.begun(now)
    assert pauses[:4] == [0, FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE


def test_what_has_recovered_is_started_at_once_again() -> None:
    restart = Restart(started=0.0)
    for now in (1.0, 2.0):
        restart.ended(now)
        restart.begun(now)
    assert restart.ended(2.0 + HEALTHY_AFTER + 1) == 0
