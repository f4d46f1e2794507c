"""A proxy that passes on what both sides send, and can be made slow or silent."""

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
        super().__init__(server_port)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._one_way, args=(server, client), daemon=True)
        back.start()
        self._one_way(client, server)
        back.join()

    def _one_way(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                time.sleep(self.delay)
                target.sendall(piece)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
