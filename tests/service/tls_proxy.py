"""TLS before a server that has none: the Redis server that the tests start is built without it."""

from __future__ import annotations

import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.faults.slow_proxy import SlowProxy


def make_certificates(folder: Path) -> None:
    """An authority, `ca.pem`, and what it has signed for 127.0.0.1: `server.pem`, with its `server.key`."""
    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    for command in (
        "req -x509 -newkey ed25519 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
        "req -newkey ed25519 -nodes -keyout server.key -out server.csr -subj /CN=server",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -out server.pem -extfile extensions",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


class TlsProxy(SlowProxy):
    """With TLS on its port; `asks`: clients need a certificate."""

    def __init__(self, certificates: Path, port: int, *, asks: bool = False) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        if asks:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(certificates / "ca.pem")
        super().__init__(port)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            super()._serve(self._context.wrap_socket(client, server_side=True))
