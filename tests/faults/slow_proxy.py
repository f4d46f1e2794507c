"""A proxy that passes on what both sides send, and can be made slow, or be cut like a cable."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from tests.proxy import Proxy


class SlowProxy(Proxy):
    """`delay` is in seconds for each piece that it passes on."""

    def __init__(self, server_port: int) -> None:
        self.delay = 0.0
        self._whole = threading.Event()
        self._whole.set()
        super().__init__(server_port)

    def cut(self) -> None:
        """Pass nothing on from now on: no connection ends, and what is sent arrives after `mend`, if at all."""
        self._whole.clear()

    def mend(self) -> None:
        """Pass on again, first what was sent meanwhile."""
        self._whole.set()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._one_way, args=(server, client), daemon=True)
        back.start()
        self._one_way(client, server)
        back.join()

    def _one_way(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                time.sleep(self.delay)
                self._whole.wait()
                target.sendall(piece)
        self._whole.wait()
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
