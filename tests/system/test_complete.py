"""Completions of a real web process: by the client and in a terminal, while others are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.client import Client, Completion
from tests.service.generation.record_models import NETWORKS
from tests.system.running import ROOT
from tests.system.web import Web

pytestmark = pytest.mark.system

TEXTS = ["abcde abc", "e\nde ab", "cab cab ab", "dede a bc"]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("complete") / "data"
    for name in ("text", "records"):
        publish_and_promote(ModelStore(folder / "models"), name, NETWORKS[name])
    web = Web(folder, DEFAULT_MODEL="text")
    with web.serving():
        yield web


@pytest.fixture
def client(web: Web) -> Client:
    return Client(f"http://127.0.0.1:{web.port}")


def test_several_who_type_get_what_each_would_get_alone(client: Client) -> None:
    def typed(text: str) -> list[tuple[list[Completion], bool]]:
        found = [client.complete(text[:end], model=name) for end in range(len(text)) for name in ("text", "records")]
        return [(each.completions, each.exact) for each in found]  # the usage says what was read

    with ThreadPoolExecutor(len(TEXTS)) as pool:
        assert list(pool.map(typed, TEXTS)) == [typed(text) for text in TEXTS]


def test_the_command_prints_them(web: Web, client: Client) -> None:
    def printed(*arguments: str) -> str:
        command = [sys.executable, "-m", "service", "complete", *arguments, "--url", f"http://127.0.0.1:{web.port}"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    expected = client.complete("abc", 3, until=" ", length=4).completions
    lines = printed("abc", "--n", "3", "--until", " ", "--length", "4").splitlines()
    assert lines == [f"{each.probability:.4f}  {each.text!r}" for each in expected]
    reply = json.loads(printed("abc", "--regex", "[ab]{2}", "--json"))
    assert {each["text"] for each in reply["completions"]} == {"aa", "ab", "ba", "bb"}
