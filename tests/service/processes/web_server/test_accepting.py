from __future__ import annotations

import errno
import selectors
import socket
import sys
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.processes.web_server.accepting import (
    LONGEST_DEFERRAL,
    MOST_AT_ONCE,
    SHARE,
    Acceptor,
    FullError,
    accept,
    deferral,
    share,
    waiting,
)
from tests.waiting import LONGEST


class Refusing:
    """A listener that fails with this error."""

    def __init__(self, error: int) -> None:
        self._error = error

    def accept(self) -> Any:
        raise OSError(self._error, "refused")


def test_a_connection_is_accepted_and_where_there_is_none_nothing_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        assert accept(listener) is None
        with socket.create_connection(listener.getsockname()) as client:
            listener.settimeout(20)
            found = accept(listener)
            assert found is not None
            accepted, address = found
            with accepted:
                assert address == client.getsockname()


def test_an_error_of_the_connection_is_not_one_of_the_listener() -> None:
    assert accept(Refusing(errno.EHOSTUNREACH)) is None
    with pytest.raises(FullError):
        accept(Refusing(errno.EMFILE))
    with pytest.raises(OSError, match="refused"):
        accept(Refusing(errno.EBADF))


@given(st.integers(0, 1 << 20), st.integers(1, 1 << 20))
def test_a_process_with_fewer_connections_accepts_the_next_one_earlier_and_none_waits_for_long(
    fewer: int, more: int
) -> None:
    assert 0 <= deferral(fewer) < deferral(fewer + more) < LONGEST_DEFERRAL


def test_a_process_without_connections_accepts_at_once() -> None:
    assert deferral(0) == 0


@given(st.integers(0, 1 << 20))
def test_of_few_waiting_connections_one_is_accepted_at_a_time_and_of_many_a_share(count: int) -> None:
    assert 1 <= share(count) <= MOST_AT_ONCE
    assert share(count) <= max(1, count / SHARE)
    assert count < 2 * SHARE or share(count) > 1


@pytest.mark.skipif(sys.platform != "linux", reason="how many connections wait, only Linux says")
@pytest.mark.parametrize(("room", "accepted"), [(100, 5), (3, 3)])
def test_many_waiting_connections_are_accepted_together_where_there_is_room(room: int, accepted: int) -> None:
    count = 5 * SHARE
    begun: list[Any] = []
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2 * count))
        poller = stack.enter_context(selectors.DefaultSelector())
        acceptor = Acceptor(
            [listener],
            poller,
            lambda made, *_: begun.append(stack.enter_context(made)),
            count=lambda: len(begun),
            room=lambda: len(begun) < room,
            on_full=lambda: pytest.fail("there is room"),
            siblings=True,
        )
        for _ in range(count):
            stack.enter_context(socket.create_connection(listener.getsockname(), timeout=LONGEST))
        assert waiting(listener) == count
        acceptor.watch()
        ((key, _),) = poller.select(20)
        key.data()
        assert (len(begun), waiting(listener)) == (accepted, count - accepted)
        acceptor.end()
        assert len(begun) == count, "none that was there is lost"


def test_where_nobody_says_how_many_wait_one_is_accepted_at_a_time() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        assert share(waiting(listener)) == 1
