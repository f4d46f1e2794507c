"""The whole loop through HTTP: a corpus becomes a version, which serves while requests are running on the old one."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.record import TrainingRecord
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.starter import STARTER_PATH
from tests.system.running import Service
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system

TEXT = "".join(f"{number} green bottles, hanging on the wall;\n" for number in range(300))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("loop")
    service = Service(folder / "data", folder / "output", WEB_WORKERS="2", LOG_FORMAT="text")
    try:
        until(lambda: service.answers("/readyz") and service.request("/readyz")["degraded"] == [])
        yield service
    finally:
        service.end()


def admin(service: Service, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
    key = (service.data_dir / "admin-key").read_text().strip()
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = {"Authorization": f"Bearer {key}", "Content-Type": content_type}
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=LONGEST) as reply:
        return json.load(reply)


def finished(service: Service, job: str) -> Any:
    until(lambda: admin(service, "GET", f"/jobs/{job}")["status"] not in ("queued", "running"))
    return admin(service, "GET", f"/jobs/{job}")


def test_upload_train_generate_promote_and_roll_back(service: Service) -> None:
    corpus = admin(service, "POST", "/corpora?name=bottles", TEXT.encode(), "text/plain")
    asked = {
        "corpus": corpus["id"],
        "model": "bottles",
        "hidden_size": 32,
        "budget": {"steps": 60},
        "promote": "always",
    }
    jobs = [finished(service, admin(service, "POST", "/jobs", asked | {"seed": seed})["id"]) for seed in (1, 2)]
    assert [(job["status"], job["version"], job["error"]) for job in jobs] == [
        ("succeeded", 1, None),
        ("succeeded", 2, None),
    ]
    assert jobs[0]["progress"]["fraction"] == 1
    losses = [line["validation_loss"] for line in jobs[0]["metrics"] if "validation_loss" in line]
    assert losses[-1] < losses[0]
    assert jobs[0]["samples"]
    cells = service.request("/models/bottles/versions/1/cells")
    assert cells["measured_on"] == {"characters": len(TEXT), "held_out": False}, "a tenth of so little tells nothing"
    assert "digit" in {each["slug"] for each in cells["cells"] + cells["not_found"] + cells["undecided"]}

    request = {"model": "bottles", "prompt": "1", "length": 30, "seed": 5}
    assert service.request("/generate", request)["version"] == 2
    assert service.request("/generate", request)["cached"]
    admin(service, "PUT", "/models/bottles/aliases/current", {"version": 1})
    for _ in range(8):  # whichever web process answers
        assert service.request("/generate", request)["version"] == 1
    assert service.request("/generate", request | {"model": "bottles@2"})["version"] == 2
    history = service.request("/models/bottles")["history"]["current"]
    assert [change["version"] for change in history] == [1, 2, 1]


def test_64_concurrent_requests_are_answered_rightly_while_a_version_is_published(service: Service) -> None:
    starter = checkpoints.load(STARTER_PATH)
    store = ModelStore(service.data_dir / "models")
    asked = [{"model": "busy", "prompt": "ROMEO:", "length": 40, "seed": seed, "cache": False} for seed in range(64)]
    changed = {name: weight * 0.9 for name, weight in starter.weights.items()}
    publish_and_promote(store, "busy", starter, "always")
    expected: dict[int, list[str]] = {1: texts(service, asked)}
    stop, done = threading.Event(), threading.Barrier(65)
    replies: list[tuple[int, int, str]] = []

    def keep_asking(request: dict[str, Any]) -> None:
        done.wait()
        while not stop.is_set():
            reply = service.request("/generate", request)
            replies.append((request["seed"], reply["version"], reply["text"]))

    with ThreadPoolExecutor(64) as pool:
        futures = [pool.submit(keep_asking, request) for request in asked]
        done.wait()
        until(lambda: len(replies) > 2 * len(asked))
        publish_and_promote(store, "busy", Checkpoint(starter.config, starter.vocabulary, changed), "always")
        until(lambda: Counter(version for _, version, _ in list(replies))[2] > 2 * len(asked))
        stop.set()
        for future in futures:
            future.result()  # not one request failed
    expected[2] = texts(service, asked)
    assert expected[1] != expected[2]
    assert set(Counter(version for _, version, _ in replies)) == {1, 2}
    assert all(text == expected[version][seed] for seed, version, text in replies)


def texts(service: Service, requests: list[dict[str, Any]]) -> list[str]:
    """What each request gives alone, one after the other."""
    return [service.request("/generate", request)["text"] for request in requests]


def test_a_damaged_version_is_refused_and_the_old_one_goes_on(service: Service) -> None:
    store = ModelStore(service.data_dir / "models")
    starter = checkpoints.load(STARTER_PATH)
    publish_and_promote(store, "damaged", starter, "always")
    request = {"model": "damaged", "length": 10, "seed": 1}
    broken = store.publish(
        "damaged", Checkpoint(starter.config, starter.vocabulary, starter.weights, TrainingRecord({"second": True}))
    )
    path = store.path("damaged", broken)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    assert store.set_alias_if("damaged", "current", broken, lambda _: True)  # as if it had been damaged afterwards
    for _ in range(8):  # whichever web process answers
        assert service.request("/generate", request | {"cache": False})["version"] == 1
    with pytest.raises(urllib.error.HTTPError) as caught:
        service.request("/generate", request | {"model": f"damaged@{broken}"})
    with caught.value as reply:
        assert reply.status == 503
        assert "damaged" in json.load(reply)["error"]["message"]


def test_a_client_that_hangs_up_frees_its_place(service: Service) -> None:
    body = json.dumps({"length": 10_000, "n": 16, "cache": False}).encode()
    head = (
        f"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(30):  # far more than there are places, were they kept
        with socket.create_connection(("127.0.0.1", service.port)) as client:
            client.sendall(head.encode() + body)
    until(lambda: takes_16(service))


def takes_16(service: Service) -> bool:
    """Whether 16 sequences find a place in a web process, which a full one refuses with 429."""
    try:
        return len(service.request("/generate", {"length": 5, "n": 16, "cache": False})["choices"]) == 16
    except urllib.error.HTTPError as error:
        with error:
            assert error.status == 429
        return False


def test_an_upload_that_breaks_off_leaves_nothing(service: Service) -> None:
    key = (service.data_dir / "admin-key").read_text().strip()
    before = files_in(service.data_dir / "corpora")
    for length in ("Content-Length: 100000", "Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", service.port)) as client:
            headers = f"Host: x\r\nAuthorization: Bearer {key}\r\nContent-Type: text/plain\r\n{length}"
            head = f"POST /corpora HTTP/1.1\r\n{headers}\r\n\r\n"
            client.sendall(head.encode() + b"400\r\n" + b"a line of text\n" * 60)
    until(lambda: service.output.read_text().count("POST /corpora 400") == 2)
    assert files_in(service.data_dir / "corpora") == before


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}
