"""Two replicas behind nginx, as deploy/nginx.conf has them, restarted one after the other under load."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.system.proxy import needs_nginx, proxy
from tests.system.running import free_port, until
from tests.system.web import Web, http

pytestmark = pytest.mark.system

CLIENTS = 8


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[list[Web]]:
    webs = [Web(tmp_path / "data") for _ in range(2)]
    try:
        for web in webs:
            web.wait_until_ready()
        yield webs
    finally:
        for web in webs:
            if web.process.poll() is None:
                web.process.kill()
                web.process.wait()


async def ask(port: int, seen: Counter[str], over: asyncio.Event, *, stream: bool) -> None:
    """One client that asks again and again, by the same connection as long as there is one."""
    at = 0
    while not over.is_set():
        at += 1
        body = {"prompt": "ROMEO:", "length": 100, "seed": at, "stream": stream, "cache": False}
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(http(body, more="Connection: close\r\n"))
            reply = (await asyncio.wait_for(reader.read(), 30)).decode()
            writer.close()
        except OSError as error:
            seen[f"no reply: {error!r}"] += 1
            continue
        status = reply[9:12]
        whole = "data: [DONE]" in reply and '"error"' not in reply if stream else '"finish_reason"' in reply
        await asyncio.sleep(0.02)  # as others ask, rather than all that the machine can do
        seen[f"{'stream' if stream else 'reply'} {status}{'' if whole else ' not whole: ' + reply[-200:]}"] += 1


async def restart_under_load(port: int, replicas: list[Web], tmp_path: Path) -> Counter[str]:
    seen: Counter[str] = Counter()
    over = asyncio.Event()
    clients = [asyncio.create_task(ask(port, seen, over, stream=at % 2 == 0)) for at in range(CLIENTS)]
    await asyncio.sleep(0.5)
    for at, web in enumerate(replicas):
        assert await asyncio.to_thread(web.end) == 0
        replicas[at] = Web(tmp_path / "data", PORT=str(web.port))
        replicas[at].port = web.port
        await asyncio.to_thread(replicas[at].wait_until_ready)
        await asyncio.sleep(0.5)
    over.set()
    await asyncio.gather(*clients)
    return seen


@needs_nginx
def test_a_rolling_restart_loses_no_request(replicas: list[Web], tmp_path: Path) -> None:
    port = free_port()
    with proxy(tmp_path, port, [web.port for web in replicas]):
        seen = asyncio.run(restart_under_load(port, replicas, tmp_path))
    print(json.dumps(seen))
    assert set(seen) == {"reply 200", "stream 200"}, seen
    ended = re.findall(r"Traceback", "".join(file.read_text() for file in tmp_path.glob("data.*.log")))
    assert ended == []


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.mark.parametrize("seconds", [0.1, 0.5])
def test_a_service_that_is_ended_while_it_starts(tmp_path: Path, seconds: float) -> None:
    web = Web(tmp_path / "data")
    until(lambda: listens(web.port))
    time.sleep(seconds)  # a process needs longer until it serves
    assert web.end() == 0, web.output.read_text()
    assert "Traceback" not in web.output.read_text()
