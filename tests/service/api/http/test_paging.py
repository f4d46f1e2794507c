"""Every list is walked page by page, each item once, whatever is deleted or added meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from model_store.store import ModelStore
from service.api.http.paging import MOST, Page, number_of, requested
from service.settings import Settings
from service.training.corpora.store import CorpusStore
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore

APP = Flask(__name__)
COUNT = 5
LISTS = {
    "/jobs": "jobs",
    "/corpora": "corpora",
    "/models": "models",
    "/v1/models": "data",
    "/models/letters": "versions",
}


def page(query: dict[str, str], numbers: list[int]) -> Page[int]:
    with APP.test_request_context(query_string=query):
        return requested(numbers, number_of, "a number")


@given(st.sets(st.integers(1, 500), max_size=250), st.integers(1, MOST), st.randoms(use_true_random=False))
def test_a_walk_lists_everything_once(numbers: set[int], limit: int, chance: random.Random) -> None:
    """What is there from the beginning to the end of the walk; half of the cursors are deleted meanwhile."""
    there, seen = set(numbers), list[int]()
    query = {"limit": str(limit)}
    while True:
        found = page(query, sorted(there))
        seen += found.places
        last = found.fields["last_id"]
        if not found.fields["has_more"]:
            break
        assert len(found.places) == limit
        assert last is not None
        if chance.random() < 0.5:
            there.discard(int(last))
        there.add(1000 + len(seen))
        query["after"] = last
    assert seen == sorted(numbers, reverse=True)


def test_without_parameters_it_is_the_first_hundred() -> None:
    found = page({}, list(range(1, 151)))
    assert (found.places, found.fields) == (list(range(150, 50, -1)), {"has_more": True, "last_id": "51"})
    assert page({}, []).fields == {"has_more": False, "last_id": None}
    assert page({"after": "1"}, [1, 2]).fields == {"has_more": False, "last_id": None}


@pytest.fixture
def full(client: FlaskClient, settings: Settings, model_store: ModelStore, new_checkpoint: Any) -> FlaskClient:
    """A service with five of everything."""
    corpora, jobs = CorpusStore(settings.data.corpora), JobStore(settings.data.runs)
    for each in range(COUNT):
        corpus, _ = corpora.add([f"text {each} ".encode() * 20])
        jobs.cancel(jobs.create(JobRequest(corpus.id, "letters")).id)
    for each in range(COUNT - 1):
        model_store.set_alias("letters", "current", model_store.publish("letters", new_checkpoint()))
        name = f"model-{each}"
        model_store.set_alias(name, "current", model_store.publish(name, new_checkpoint()))
    return client


def walk(ask: Callable[[dict[str, Any]], Any], field: str, delete: Callable[[Any], None] = lambda _: None) -> list[Any]:
    found, query = [], {"limit": 2}
    while True:
        reply = ask(query)
        found += reply[field]
        assert len(reply[field]) == 2 or not reply["has_more"]
        if not reply["has_more"]:
            return found
        delete(reply["last_id"])
        query["after"] = reply["last_id"]


def asker(client: FlaskClient, path: str, admin: dict[str, str]) -> Callable[[dict[str, Any]], Any]:
    def ask(query: dict[str, Any]) -> Any:
        reply = client.get(path, query_string=query, headers=admin)
        assert reply.status_code == 200, reply.text
        return reply.json

    return ask


def key(item: dict[str, Any]) -> Any:
    return item.get("id") or item.get("name") or item["version"]


@pytest.mark.parametrize("path", LISTS)
def test_each_list_can_be_walked(full: FlaskClient, admin: dict[str, str], path: str) -> None:
    ask, field = asker(full, path, admin), LISTS[path]
    whole = ask({})
    assert (len(whole[field]), whole["has_more"]) == (COUNT, False)
    assert walk(ask, field) == whole[field]
    assert whole["last_id"] == str(key(whole[field][-1]))
    oldest_first = [key(item) for item in whole[field]][::-1]
    if field in ("versions", "changes"):
        assert oldest_first == [1, 2, 3, 4, 5]
    elif path != "/corpora":  # whose ids say nothing of their times, several of which may be in one millisecond
        assert oldest_first == sorted(oldest_first)


@pytest.mark.parametrize("path", ["/jobs", "/corpora", "/models/letters"])
def test_a_page_can_follow_what_was_deleted(
    full: FlaskClient, model_store: ModelStore, admin: dict[str, str], path: str
) -> None:
    model_store.set_alias("letters", "current", 1)

    def delete(id: str) -> None:
        at = f"{path}/versions/{id}" if path == "/models/letters" else f"{path}/{id}"
        assert full.delete(at, headers=admin).status_code == 204

    ask = asker(full, path, admin)
    whole = ask({})[LISTS[path]]
    assert [key(item) for item in walk(ask, LISTS[path], delete)] == [key(item) for item in whole]
    assert len(ask({})[LISTS[path]]) == COUNT - 2


def test_models_stay_where_they_are_when_they_get_or_lose_versions(
    full: FlaskClient, admin: dict[str, str], model_store: ModelStore, new_checkpoint: Any
) -> None:
    before = [model["name"] for model in asker(full, "/models", admin)({})["models"]]
    for name in before:
        model_store.set_alias(name, "current", model_store.publish(name, new_checkpoint()))
        model_store.delete(name, 1)
    assert [model["name"] for model in asker(full, "/models", admin)({})["models"]] == before
    asked = {"after": before[1], "limit": 1}
    for version in model_store.versions(before[1]):
        model_store.path(before[1], version).rename(model_store.root / before[1] / f"{version}.deleted")
    assert [model["name"] for model in asker(full, "/models", admin)(asked)["models"]] == [before[2]]


def refusals(
    client: FlaskClient, path: str, admin: dict[str, str], name: str, values: list[str]
) -> set[tuple[Any, ...]]:
    found = set()
    for value in values:
        reply = client.get(path, query_string={name: value}, headers=admin)
        assert reply.status_code == 422, value
        error: Any = reply.json["error"]  # type: ignore[index]
        found.add((error["code"], error["param"], error["message"].split(", not ")[0]))
    return found


@pytest.mark.parametrize("path", LISTS)
def test_what_no_page_can_be_asked_for_with(client: FlaskClient, admin: dict[str, str], path: str) -> None:
    limits = ["0", "101", "-1", "1.5", "", "x", "1" * 300, "²"]
    expected = {("invalid_value", "limit", "limit must be an integer from 1 to 100")}
    assert refusals(client, path, admin, "limit", limits) == expected
    items = ["", "x@y", "../../etc", "9" * 300, "no-such-one", "\0", "²"]
    ((code, param, message),) = refusals(client, path, admin, "after", items)
    assert (code, param) == ("invalid_value", "after")
    assert message.startswith("after must be the ")
