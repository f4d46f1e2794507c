"""Commands in shell pipes that ask a real web process about the lines that they read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.client import Client, ServiceError
from tests.service.generation.record_models import NETWORKS
from tests.system.running import ROOT
from tests.system.web import Web

pytestmark = pytest.mark.system

TEXTS = ["abc", "e", "dede", "", "ab cd"] * 700
"""More than fit in one request, and some that are no records."""


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("labels") / "data"
    for name, network in NETWORKS.items():
        publish_and_promote(ModelStore(folder / "models"), name, network)
    web = Web(folder, DEFAULT_MODEL="text", MAX_REPLY_VALUES="9000")
    with web.serving():
        yield web


@pytest.fixture
def client(web: Web) -> Client:
    return Client(f"http://127.0.0.1:{web.port}")


def piped(web: Web, command: str, given: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "service", *command.split(), "--url", f"http://127.0.0.1:{web.port}"]
    return subprocess.run(arguments, cwd=ROOT, input=given, capture_output=True, text=True, check=False)


def test_every_line_has_its_label(web: Web, client: Client) -> None:
    done = piped(web, "classify classifier", "\n".join(TEXTS))
    assert (done.returncode, done.stderr) == (0, "")
    expected = {text: client.classify(text, "classifier").label for text in set(TEXTS) if text}
    assert done.stdout.split("\n") == [*(expected.get(text, "") for text in TEXTS), ""]


def test_lines_of_json_have_what_the_service_says(web: Web, client: Client) -> None:
    done = piped(web, "transduce transducer --json --beams 2 --length 5 --unknown skip", "ab?c\r\n\nde\r\n")
    assert (done.returncode, done.stderr) == (0, "")
    first, empty, last = map(json.loads, done.stdout.splitlines())
    found = client.transduce(texts=["ab?c", "de"], model="transducer", beams=2, length=5, unknown="skip")
    assert [first["text"], last["text"]] == [each.text for each in found]
    assert (first["input"], first["skipped"]) == ("ab?c", found[0].skipped) and empty == {"input": ""}


def test_tags_and_models_of_each_text_between_separators(web: Web, client: Client) -> None:
    tagged = piped(web, r"tag tagger --separator \0", "ab\0c\nd")
    tags = [client.tag(text, "tagger").tags for text in ("ab", "c\nd")]
    assert tagged.stdout == "".join("\t".join(filter(None, each)) + "\0" for each in tags)
    compared = piped(web, "compare records labels", "ab\ncd\n")
    likeliest = [client.compare(["records", "labels"], text).probabilities for text in ("ab", "cd")]
    assert compared.stdout.splitlines() == [max(each, key=lambda model: each[model]) for each in likeliest]


def test_a_fault_names_its_place_in_the_input(web: Web, client: Client) -> None:
    done = piped(web, "classify classifier", "a\n" * 1500 + "\nb!\n")
    said = "service: text 1502: 1 character outside the vocabulary: '!' at 1"
    assert (done.returncode, done.stderr.partition(" (")[0]) == (1, said)
    assert done.stdout.count("\n") >= 1000, "what came before is printed"
    wrong = piped(web, "tag classifier", "a\n")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "service: classifier version 1 is a model to classify: ask POST /classify\n",
    )
    with pytest.raises(ServiceError) as caught:
        client.tag(texts=["a", ""], model="tagger")
    assert (caught.value.status, caught.value.param) == (422, "texts[1]")
