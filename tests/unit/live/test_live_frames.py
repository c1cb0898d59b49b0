"""How items look on each wire, to the byte."""

import json

import pytest

from api.live import socket, sse
from api.live.feed import Encoded
from api.live.stream import Bye, Item, KeepAlive, Resync

EVENT = Encoded(7, "claimed", '{"id":"7","note":"a\\nb \u2028 \u00e9"}')

ON_SSE: list[tuple[Item, str]] = [
    (EVENT, f"id: 7\nevent: claimed\ndata: {EVENT.text}\n\n"),
    (Resync(9), 'id: 9\nevent: resync\ndata: {"number": 9}\n\n'),
    (KeepAlive(9), ": keep-alive\n\n"),
    (Bye("drain"), 'event: bye\ndata: {"reason": "drain"}\n\n'),
]


@pytest.mark.parametrize(("item", "frame"), ON_SSE)
def test_server_sent_events(item: Item, frame: str) -> None:
    assert sse.frame(item) == frame
    # What ends a line for a reader of event streams ends none inside of ours.
    assert len(frame.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")) <= 3


ON_SOCKET: list[tuple[Item, object]] = [
    (EVENT, json.loads(EVENT.text)),
    (Resync(9), {"type": "resync", "data": {"number": 9}}),
    (KeepAlive(9), {"type": "keep-alive", "data": {"number": 9}}),
    (Bye("expired"), {"type": "bye", "data": {"reason": "expired"}}),
]


@pytest.mark.parametrize(("item", "frame"), ON_SOCKET)
def test_sockets(item: Item, frame: object) -> None:
    assert json.loads(socket.as_json(item)) == frame
