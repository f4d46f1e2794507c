"""Answers a connection's requests in a thread, as long as they follow each other without a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final

from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData

from service.processes.web_server.connection import After, Connection
from service.processes.web_server.errors import ErrorsInJson
from service.processes.web_server.framing import Arrived
from service.processes.web_server.reply_socket import ReplySocket
from service.processes.web_server.request_parser import Request

LINGER_SECONDS: Final = 0.1
"""How long a thread waits for its connection's next request before it returns the connection to the loop. Returning it
and getting it again costs two thread switches: a quarter of the time of an empty request."""


class RequestHandler:
    """Answers the requests of connections with a WSGI application; may be called by any number of threads at once.

    `explain(request, client, address, error)` replies to invalid requests; `may_stay` says whether a thread may wait
    for a connection's next request, `alive` whether connections are kept open at all.
    """

    def __init__(
        self,
        configuration: Any,
        application: Callable[..., Any],
        log: Any,
        *,
        explain: Callable[..., None],
        may_stay: Callable[[], bool],
        alive: Callable[[], bool],
    ) -> None:
        self._configuration, self._application, self._log = configuration, application, log
        self._explain, self._may_stay, self._alive = explain, may_stay, alive

    def handle(self, connection: Connection) -> After:
        """Answer a connection's request, and others while they follow each other; returns what to do with the
        connection then."""
        request = None
        try:
            while True:
                request = next(connection.parser)
                # In a context of its own, so that context variables of a request end with it.
                if not copy_context().run(self._answer, request, connection) or not self._can_go_on(connection):
                    return After.END
                request = None
                self._receive_soon(connection)
                if connection.parser.arrived is not Arrived.WHOLE:
                    return After.GO_ON
        except StopIteration:
            return After.END
        except (ConnectionError, NoMoreData):
            return After.ABORT
        except Exception as error:
            self._explain(request, ErrorsInJson(connection.client), connection.address, error)
            return After.END

    def _can_go_on(self, connection: Connection) -> bool:
        return not connection.client.given_up and connection.parser.skip_body()

    def _receive_soon(self, connection: Connection) -> None:
        """Receive the next request, if it arrives within LINGER_SECONDS."""
        client, parser, until = connection.client, connection.parser, time.monotonic() + LINGER_SECONDS
        while (
            parser.arrived is not Arrived.WHOLE and self._may_stay() and client.comes_within(until - time.monotonic())
        ):
            if not (data := client.receive(1 << 16)):
                return
            parser.feed(data)

    def _answer(self, request: Request, connection: Connection) -> bool:
        """Answer one request; returns whether the connection can be used for another."""
        reply = ReplySocket(connection.client)
        response, environ = wsgi.create(request, reply, connection.address, connection.server, self._configuration)
        environ["wsgi.multithread"] = True

        def start_response(*given: Any) -> Any:
            if not self._alive():
                response.force_close()
            return response.start_response(*given)

        try:
            _write(response, self._application(environ, start_response), environ["wsgi.file_wrapper"])
        except Exception as error:
            if not response.headers_sent or isinstance(error, ConnectionError):
                raise
            self._log.exception("Error handling request")  # the client sees an incomplete reply
            return False
        reply.flush()
        return not response.should_close()


def _write(response: Any, body: Any, file_wrapper: type) -> None:
    try:
        if isinstance(body, file_wrapper):
            response.write_file(body)
        else:
            for piece in body:
                response.write(piece)
        response.close()
    finally:
        if hasattr(body, "close"):
            body.close()
