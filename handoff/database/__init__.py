"""PostgreSQL: the record, and the one gate to it.

**One order of locks.** Whoever takes several takes them in this order, and several of one kind in
the order of their ids, so that nobody ever waits for somebody who waits for them:

1. the turn at an account's directory (an advisory lock, `directory.departures.take_turn`)
2. teams
3. people: whoever acts, for share; whoever is changed; their sign-ins and tokens
4. the handoff
5. its session, what was refused of it, and the words by which it is found
6. its messages
7. the account's row, which is the counter of its events; and with it the event and its messages
8. the `Idempotency-Key` by which it was asked for

Foreign keys lock what they point at for key share, which meets only a deletion. What PostgreSQL
ends as a deadlock all the same is tried again (`outages.tried_again`).
"""
