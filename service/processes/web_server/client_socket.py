"""A client's socket with time limits; knows no HTTP."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

from service.processes.web_server.thread_pool import ThreadPool

LEAST_RATE: Final = 256
"""Bytes per second that a client must send or take, on average over `patience` seconds, while it is waited for."""

_ABORT: Final = struct.pack("ii", 1, 0)
_LOOK_SECONDS: Final = 1.0


class ClientSocket:
    """A socket on which no thread waits forever: a waiting thread lets another one run, and gives up after `patience`
    seconds in which the client sent, or took, at less than LEAST_RATE.

    Raises TimeoutError when data does not arrive, ConnectionError for a client that has disconnected or does not read.
    """

    def __init__(self, connection: socket.socket, threads: ThreadPool, patience: float) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._threads = threads
        self._patience = patience
        self._waited = 0.0
        self._received = 0
        self._began = time.monotonic()
        self._of_message = 0
        self._given_up = False
        self._waiting_since: float | None = None

    @property
    def waited_for(self) -> float:
        """Seconds that a thread has been waiting for this client; 0 while none is."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def seconds(self) -> float:
        """How long ago the first bytes of the message were expected."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Bytes per second received of the message so far."""
        return self._of_message / max(self.seconds, 1e-9)

    def expect(self) -> None:
        """Start the time limit anew for the next message."""
        self._waited, self._received, self._of_message, self._began = 0.0, 0, 0, time.monotonic()

    @property
    def given_up(self) -> bool:
        """Whether it is waited for no longer."""
        return self._given_up

    def give_up(self) -> None:
        """Wait for this client no longer: a thread that receives or sends gets what is there already, and then an
        error. May be called by any thread."""
        self._given_up = True

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Up to `size` bytes, none at the end; with flags, the same as the socket's method."""
        if flags:
            return self._connection.recv(size, flags)
        while (data := self.receive(size)) is None:
            self._wait_for_data()
        self.made_progress(len(data))
        return data

    def made_progress(self, count: int) -> bool:
        """Count received bytes; returns whether they were enough to start the time limit anew."""
        self._received += count
        self._of_message += count
        if self._received < LEAST_RATE * self._patience:
            return False
        self._waited, self._received = 0.0, 0
        return True

    def receive(self, size: int) -> bytes | None:
        """What has arrived already, up to `size` bytes; None if nothing has. Raises ConnectionError."""
        try:
            return self._connection.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise _gone(error) from error

    def comes_within(self, seconds: float) -> bool:
        """Whether data, or the end of the stream, arrives within this many seconds."""
        return self._poll(select.POLLIN, seconds)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        left = memoryview(data)
        while left:
            try:
                left = left[self._connection.send(left) :]
            except BlockingIOError:
                self._wait_for_space()
            except OSError as error:
                raise _gone(error) from error

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send `count` bytes of a file, or all of it; returns how many were sent."""
        began = offset
        end = None if count is None else offset + count
        while end is None or offset < end:
            try:
                sent = os.sendfile(self.fileno(), file.fileno(), offset, min((end or 1 << 62) - offset, 1 << 20))
            except BlockingIOError:
                self._wait_for_space()
                continue
            except OSError as error:
                raise _gone(error) from error
            if not sent:
                break
            offset += sent
        return offset - began

    def offer(self, data: bytes) -> None:
        """Send the data if this does not block; otherwise discard it."""
        with suppress(OSError):
            self._connection.send(data)

    def end_sending(self) -> None:
        """Shut down the sending direction. Raises ConnectionError."""
        try:
            self._connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise _gone(error) from error

    def hang_up(self) -> None:
        """Shut down both directions, which also wakes a thread that waits for this client."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def abort(self) -> None:
        """Close the connection and discard what the client has not received."""
        with suppress(OSError):
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def fileno(self) -> int:
        """The descriptor of the connection; -1 when it is closed."""
        return self._connection.fileno()

    def gettimeout(self) -> float:
        """Zero; gunicorn asks before it sends an error page."""
        return 0.0

    def _wait_for_data(self) -> None:
        began = time.monotonic()
        until = began + self._patience - self._waited
        with self.waiting():
            while not (self._given_up or self._poll(select.POLLIN, min(_LOOK_SECONDS, until - time.monotonic()))):
                if time.monotonic() >= until:
                    raise TimeoutError(f"{self._received} bytes in the last {self._patience:g} s (CLIENT_TIMEOUT)")
        self._waited += time.monotonic() - began
        if self._given_up:
            raise TimeoutError(f"{self.rate:.0f} bytes per second (CLIENT_TIMEOUT)")

    def _wait_for_space(self) -> None:
        """Wait until the socket can take more. A slow client is accepted as long as it acknowledges data, even if that
        does not free enough buffer space."""
        unread, since = self._unread(), time.monotonic()
        with self.waiting():
            while not self._poll(select.POLLOUT, min(_LOOK_SECONDS, self._patience)):
                if unread - (now_unread := self._unread()) >= LEAST_RATE * self._patience:
                    unread, since = now_unread, time.monotonic()
                if self._given_up or time.monotonic() - since >= self._patience:
                    raise ConnectionAbortedError(errno.ECONNABORTED, "the client does not read")

    def _unread(self) -> int:
        """Bytes sent that the client's system has not acknowledged; 0 if this cannot be determined."""
        try:
            answer = fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return 0
        count: int = struct.unpack("i", answer)[0]
        return count

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A context in which a thread waits for this client, and lets another one run."""
        self._waiting_since = time.monotonic()
        try:
            with self._threads.lent():
                yield
        finally:
            self._waiting_since = None

    def _poll(self, what: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._connection, what)
        return bool(poll.poll(max(0.0, 1000 * seconds)))


def _gone(error: OSError) -> ConnectionError:
    """Any error of a connection, such as a reset, as a ConnectionError."""
    return ConnectionResetError(errno.ECONNRESET, f"the client is gone: {error.strerror}")
