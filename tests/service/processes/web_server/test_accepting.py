from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.processes.web_server.accepting import LONGEST_DEFERRAL, FullError, accept, deferral


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
