"""Streams of many clients at once, and streams at the end of a process."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.client import Client, ServiceError
from tests.networks import random_network
from tests.system.web import Web, stream
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system

CLIENTS = 256


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path / "data", WEB_THREADS="300", MAX_ACTIVE="300", MAX_WAITING="300")
    try:
        web.wait_until_ready()
        yield web
    finally:
        if web.process.poll() is None:
            web.process.kill()
            web.process.wait()


def text_of(received: str) -> str:
    chunks = re.findall(r"^data: (\{.*\})\r?$", received, re.MULTILINE)
    return "".join(json.loads(chunk).get("text", "") for chunk in chunks)


def test_of_256_clients_those_that_stay_get_everything_and_the_others_free_their_places(web: Web) -> None:
    async def all_at_once() -> list[str]:
        asked = {"length": 300, "cache": False}
        clients = (stream(web.port, {**asked, "seed": at}, hang_up=at % 2 == 1) for at in range(CLIENTS))
        return await asyncio.gather(*clients)

    received = asyncio.run(all_at_once())
    assert all(each.startswith("HTTP/1.1 200") for each in received)
    stayed = received[::2]
    assert {len(text_of(each)) for each in stayed} == {300}
    assert all("data: [DONE]" in each for each in stayed)
    until(lambda: web.measured("charrnn_active_sequences") == web.measured("charrnn_waiting_sequences") == 0)
    until(lambda: web.measured("charrnn_requests_total") >= CLIENTS)
    assert web.measured("charrnn_first_character_seconds_count") == CLIENTS
    made = web.measured("charrnn_generated_characters_total")
    print(f"{len(stayed)} streams whole, {CLIENTS - len(stayed)} hung up, {made:.0f} characters made")


@pytest.mark.faults
def test_a_stream_that_would_outlive_its_process_ends_with_an_error_and_the_process_ends_normally(
    web: Web, tmp_path: Path
) -> None:
    network = random_network(Vocabulary("abc"), "gru", 32, arrangement=Arrangement("generate", "line", "\n"))
    publish_and_promote(ModelStore(tmp_path / "data" / "models"), "names", network)
    records = Client(f"http://127.0.0.1:{web.port}", retries=0).records("names", 1_000_000, length=20)
    next(records)
    received: list[str] = []
    asked = {"length": 10_000, "n": 16, "cache": False}
    clients = [
        threading.Thread(target=lambda: received.append(asyncio.run(stream(web.port, asked)))) for _ in range(16)
    ]
    for client in clients:
        client.start()
    until(lambda: web.measured("charrnn_active_sequences") > 0)
    with pytest.raises(ServiceError, match="shutting down"):
        web.process.terminate()
        for _ in records:
            pass
    assert web.end() == 0
    for client in clients:
        client.join(LONGEST)
    assert len(received) == len(clients)
    assert all(each.rstrip("0\r\n").endswith("data: [DONE]") for each in received)
    assert all('"code": "server_ending"' in each or '"usage"' in each for each in received)
    assert "Traceback" not in web.output.read_text()
