"""Many connections that a client opens at once, and how another client is answered while they are open."""

from __future__ import annotations

import asyncio
import re
import resource
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

ASKED: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PROBES: Final = 100
PAUSE: Final = 0.02


@dataclass(frozen=True)
class Seen:
    """Seconds until each connection was open, and until each was answered, in order; and of each probe meanwhile."""

    opened: list[float]
    answered: list[float]
    probes: list[float]


def at_once(port: int, count: int, *, ask: bool = True, probes: int = PROBES) -> Seen:
    """Open so many connections at one moment, send a request over each if they `ask`, and probe while all are open.
    Raises ConnectionError, and AssertionError for any reply but 200."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 256)), hard))
    return asyncio.run(_at_once(port, count, ask, probes))


async def _at_once(port: int, count: int, ask: bool, probes: int) -> Seen:
    began = time.perf_counter()
    opened: list[float] = []
    answered: list[float] = []

    async def one() -> StreamWriter:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(time.perf_counter() - began)
        if ask:
            await _answer(reader, writer)
            answered.append(time.perf_counter() - began)
        return writer

    writers = await asyncio.gather(*(one() for _ in range(count)))
    try:
        return Seen(sorted(opened), sorted(answered), [await _probe(port) for _ in range(probes)])
    finally:
        for writer in writers:
            writer.close()


async def _probe(port: int) -> float:
    await asyncio.sleep(PAUSE)
    began = time.perf_counter()
    async with _connection(port) as (reader, writer):
        await _answer(reader, writer)
        return time.perf_counter() - began


@asynccontextmanager
async def _connection(port: int) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _answer(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(ASKED)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    size = re.search(rb"Content-Length: (\d+)", head)
    assert size is not None, head
    await reader.readexactly(int(size[1]))
