"""Machines that share nothing but a real S3 server and a Redis are one service: the short form of `make scale`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.client import Client, ServiceError
from tests.object_proxy import ObjectProxy
from tests.object_server import ObjectServer
from tests.scale.machines import Cluster, WebMachine, cluster
from tests.texts import FOX
from tests.waiting import until

pytestmark = pytest.mark.system

SMALL = {"hidden_size": 8, "layers": 1, "batch_size": 2, "segment_length": 8, "seed": 1, "promote": "never"}
STEPS = 1000
BODY = {"prompt": "the ", "length": 200, "seed": 7, "cache": False}


@pytest.fixture(scope="module")
def machines(object_server: ObjectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), object_server) as found:
        yield found


@pytest.fixture(scope="module")
def first(machines: Cluster, proxy: ObjectProxy) -> Iterator[WebMachine]:
    """It reaches the store through the proxy."""
    with machines.web("first", proxy.endpoint) as machine:
        yield machine


@pytest.fixture(scope="module")
def third(machines: Cluster) -> Iterator[WebMachine]:
    with machines.web("third") as machine:
        yield machine


@pytest.fixture(scope="module")
def proxy(object_server: ObjectServer) -> Iterator[ObjectProxy]:
    with ObjectProxy(object_server.port) as found:
        yield found


def begun(client: Client, text: Path, model: str) -> str:
    """A job that trains on the text."""
    corpus = client.upload(text)["id"]
    return str(client.train(corpus, model, budget={"steps": STEPS}, **SMALL)["id"])


def test_each_machine_may_do_a_part_and_one_that_dies_is_replaced(
    machines: Cluster, first: WebMachine, third: WebMachine, tmp_path: Path
) -> None:
    for machine in (first, third):
        assert '"level": "error"' not in machine.output.read_text(), "nothing is wrong at the start"
    text = tmp_path / "fox.txt"
    text.write_text(FOX * 40)
    with machines.workers("one", "two") as (one, two):
        job = begun(first.client, text, "killed")
        until(lambda: first.client.job(job)["progress"]["step"] > STEPS / 20)
        doomed, heir = (one, two) if f"job {job} begins" in one.text() else (two, one)
        doomed.kill()
        until(lambda: third.client.job(job)["status"] == "succeeded")
        whole = begun(third.client, text, "whole")
        until(lambda: first.client.job(whole)["status"] == "succeeded")
        assert f"job {job} published" in heir.text()
    digests = {each.client.version(name, 1)["digest"] for name in ("killed", "whole") for each in (first, third)}
    assert len(digests) == 1, "trained in two parts on two machines, or in one"
    for model in ("shakespeare", "killed@1"):
        asked = [machine.client.json("POST", "/generate", {**BODY, "model": model}) for machine in (first, third)]
        assert len({each["text"] for each in asked}) == 1


def test_a_promotion_holds_on_every_machine(first: WebMachine, third: WebMachine, tmp_path: Path) -> None:
    path = first.client.weights("shakespeare", 1, tmp_path / "weights")
    first.client.publish("plays", path)
    until(lambda: third.answers("/models/plays"))
    until(lambda: third.client.model("plays")["aliases"] == {"current": 1})
    third.client.publish("plays", path)
    third.client.promote("plays", 2)
    until(lambda: first.client.model("plays")["aliases"] == {"current": 2})
    until(lambda: first.client.json("POST", "/generate", {**BODY, "model": "plays"})["version"] == 2)


def test_a_store_that_is_away_is_reported_and_what_is_here_is_served(
    first: WebMachine, proxy: ObjectProxy, tmp_path: Path
) -> None:
    before = first.client.json("POST", "/generate", BODY)["text"]
    text = tmp_path / "text.txt"
    text.write_text("away " * 100)
    proxy.is_down = True
    with pytest.raises(ServiceError) as refused:
        first.client.upload(text)
    assert (refused.value.status, refused.value.code) == (503, "store_unavailable")
    until(lambda: any(each.startswith("store: it does not") for each in first.client.ready()["degraded"]))
    assert first.client.json("POST", "/generate", BODY)["text"] == before
    proxy.is_down = False
    until(lambda: not any(each.startswith("store") for each in first.client.ready()["degraded"]))
    assert first.client.upload(text)["characters"] == 500
