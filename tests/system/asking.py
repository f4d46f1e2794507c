"""Clients that ask for texts again and again, whole or streamed, and count what they get."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from tests.system.web import http
from tests.waiting import LONGEST

CLIENTS = 8


async def ask(port: int, seen: Counter[str], over: asyncio.Event, *, stream: bool) -> None:
    """One client that asks again and again, by the same connection as long as there is one."""
    at = 0
    while not over.is_set():
        at += 1
        body = {"prompt": "ROMEO:", "length": 100, "seed": at, "stream": stream, "cache": False}
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(http(body, more="Connection: close\r\n"))
            reply = (await asyncio.wait_for(reader.read(), LONGEST)).decode()
            writer.close()
        except OSError as error:
            seen[f"no reply: {error!r}"] += 1
            continue
        status = reply[9:12]
        whole = "data: [DONE]" in reply and '"error"' not in reply if stream else '"finish_reason"' in reply
        await asyncio.sleep(0.05)  # as others ask, rather than all that the machine can do
        seen[f"{'stream' if stream else 'reply'} {status}{'' if whole else ' not whole: ' + reply[-200:]}"] += 1


async def under_load(port: int, work: Callable[[], None]) -> Counter[str]:
    """Do the work while clients ask again and again; what they saw."""
    seen: Counter[str] = Counter()
    over = asyncio.Event()
    clients = [asyncio.create_task(ask(port, seen, over, stream=at % 2 == 0)) for at in range(CLIENTS)]
    await asyncio.sleep(0.5)
    await asyncio.to_thread(work)
    over.set()
    await asyncio.gather(*clients)
    return seen
