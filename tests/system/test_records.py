"""Streams of records from a real web process: a client that reads slowly, one that hangs up, a command in a pipe."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.fingerprints import fingerprints
from charrnn.novelty import KnownTexts
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from model_store.known_texts import keep_known_texts
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.client import Client, ServiceError
from tests.networks import random_network
from tests.system.running import ROOT
from tests.system.web import Web, http
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system

MILLION = {"model": "names", "count": 1_000_000, "length": 50}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("records") / "data"
    store = ModelStore(folder / "models")
    network = random_network(Vocabulary("abcdefghij"), "gru", 32, arrangement=Arrangement("generate", "line", "\n"))
    publish_and_promote(store, "names", network)
    known = KnownTexts.room_for(10)
    known.add(fingerprints("abcdefghij"))
    keep_known_texts(store, "names", 1, known)
    web = Web(folder, DEFAULT_MODEL="names")
    with web.serving():
        yield web


@pytest.fixture
def client(web: Web) -> Client:
    return Client(f"http://127.0.0.1:{web.port}")


def test_records_arrive_in_order_with_their_summary(client: Client) -> None:
    records = client.records("names", 5000, seed=3, length=50)
    found = list(records)
    assert [record.index for record in found] == list(range(5000))
    assert [record.seed for record in found] == list(range(3, 5003))
    assert records.summary is not None
    assert (records.summary.count, records.summary.tried, records.summary.model) == (5000, 5000, "names")
    same = client.generate("", 50, model="names", seed=found[-1].seed)
    assert (same.text, same.choices[0].finish_reason) == (found[-1].text, found[-1].finish_reason)
    with pytest.raises(ServiceError, match="count: input should be less than or equal to 1000000"):
        next(client.records("names", 1_000_001))


def resident(web: Web) -> int:
    """Kilobytes of the web process."""
    (pid,) = Path(f"/proc/{web.process.pid}/task/{web.process.pid}/children").read_text().split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0])


def test_a_client_that_reads_slowly_stops_the_generation_and_one_that_hangs_up_ends_it(
    web: Web, client: Client
) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=LONGEST) as slow:
        slow.sendall(http(MILLION, "/records"))
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")

        def still() -> bool:
            before = web.measured("charrnn_generated_characters_total")
            time.sleep(0.3)
            return web.measured("charrnn_generated_characters_total") == before

        until(still)
        before, memory = web.measured("charrnn_generated_characters_total"), resident(web)
        assert len(list(client.records("names", 20_000, length=50))) == 20_000, "others go on"
        assert resident(web) - memory < 20_000
        received = sum(len(slow.recv(1 << 16)) for _ in range(200))
        assert received > 1_000_000 // 2
        until(lambda: web.measured("charrnn_generated_characters_total") > before)
    until(still)
    assert "Traceback" not in web.output.read_text()


def test_the_command_fits_in_a_pipe(web: Web) -> None:
    command = f"{sys.executable} -m service records names --count 1000000 --seed 1 --url http://127.0.0.1:{web.port}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -n 3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 3)
    short = f"{command} --json --unique --novel --count 9 --length 2"
    lines = subprocess.run(short.split(), cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [json.loads(line).get("index") for line in lines] == [*range(9), None]
    few = f"{command} --unique --length 1".split()
    done = subprocess.run(few, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") <= 11 and "refused by --unique or --novel" in done.stderr
    refused = subprocess.run([*few, "--label", "x"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
