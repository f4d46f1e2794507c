"""The pages as they are sent: what they may load, how it is kept, and how little it is."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from limits.storage import MemoryStorage

from service.api.pages import routes
from service.api.pages.assets import load
from service.api.pages.routes import PAGES, Page
from service.training.curves import DIVERGED

PATHS = [page.path for page in PAGES]
STATIC = Path(routes.__file__).parent / "static"
PACKED = {"Accept-Encoding": "gzip, br"}


@pytest.fixture
def client(shared_client: FlaskClient) -> FlaskClient:
    return shared_client


def files_of(client: FlaskClient, path: str) -> list[str]:
    """The paths of the files that a page names."""
    return re.findall(r'(?:src|href)="(/ui/files/[^"]+)"', client.get(path).text)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_may_load_and_run_nothing_but_the_services_own_files(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    policy = dict(each.split(" ", 1) for each in reply.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("img-src") == "'self' data: blob:"
    assert {name: policy.pop(name) for name in ("script-src", "style-src", "connect-src")} == dict.fromkeys(
        ("script-src", "style-src", "connect-src"), "'self'"
    )
    assert policy == dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PATHS)
def test_nothing_in_a_page_goes_against_its_policy(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert all(address.startswith(("/", "#")) for address in re.findall(r'(?:src|href)="([^"]*)"', text))


@pytest.mark.parametrize("path", PATHS)
def test_every_file_that_a_page_names_is_there(client: FlaskClient, path: str) -> None:
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    found = files_of(client, path)
    assert len(found) > 2
    for each in found:
        reply = client.get(each)
        assert (reply.status_code, reply.mimetype) == (200, kinds[Path(each).suffix])
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_every_module_that_a_script_imports_is_there() -> None:
    for script in STATIC.rglob("*.js"):
        for imported in re.findall(r'from "(\.\.?/[^"]+)"', script.read_text()):
            assert (script.parent / imported).is_file(), f"{script.name} imports {imported}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_for_all_its_modules_at_once(client: FlaskClient, page: Page) -> None:
    asked = {Path(path).name for path in re.findall(r'rel="modulepreload" href="([^"]+)"', client.get(page.path).text)}
    assert {f"{page.name}.js", "api.js", "key.js", "dom.js"} <= asked
    for name in asked:
        assert set(re.findall(r'from "\./([^"]+)"', (STATIC / name).read_text())) <= asked


def test_a_file_is_kept_for_ever_under_the_digest_of_all(client: FlaskClient) -> None:
    path = files_of(client, "/")[0]
    assert "immutable" in client.get(path).headers["Cache-Control"]
    other = re.sub(r"/ui/files/\w+/", "/ui/files/123456789abc/", path)
    assert client.get(other).data == client.get(path).data, "another replica made the page"
    assert client.get(other).headers["Cache-Control"] == "no-cache"


def test_the_digest_is_another_for_other_files(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder, (name, text) in zip(folders, [("one", "1"), ("one", "2"), ("two", "1")], strict=True):
        folder.mkdir()
        (folder / name).write_text(text)
    assert len({load(folder).digest for folder in folders}) == 3


@pytest.mark.parametrize("path", PATHS)
def test_a_page_that_has_not_changed_is_not_sent_again(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_less_than_100_kilobytes_packed_where_that_is_taken(client: FlaskClient, path: str) -> None:
    names = [path, *dict.fromkeys(files_of(client, path))]
    for name in names:
        imported = re.findall(r'from "\./([\w-]+\.js)"', client.get(name).text) if name.endswith(".js") else []
        names += [other for each in imported if (other := f"{name.rpartition('/')[0]}/{each}") not in names]
    plain = [client.get(name).data for name in names]
    packed = [client.get(name, headers=PACKED) for name in names]
    assert [gzip.decompress(reply.data) for reply in packed] == plain
    assert {(reply.headers["Content-Encoding"], reply.headers["Vary"]) for reply in packed} == {
        ("gzip", "Accept-Encoding")
    }
    assert sum(len(reply.data) for reply in packed) < 100_000


@pytest.mark.parametrize("path", ["/ui/nothing", "/ui/", "/ui/models/x"])
def test_a_page_that_there_is_not_is_one_for_people_and_json_for_programs(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Page not found" in page.text
    assert all(f'href="{each.path}"' in page.text for each in PAGES)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        reply = client.get(path, headers=accept)
        assert reply.json is not None
        assert (reply.status_code, reply.json["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["nothing.js", "../routes.py", "..%2froutes.py", "vendor"])
def test_what_is_no_file_of_a_page_is_not_found(client: FlaskClient, name: str) -> None:
    reply = client.get(f"/ui/files/0/{name}")
    assert reply.status_code == 404
    assert reply.json is not None
    assert reply.json["error"]["code"] == "not_found"


def test_what_is_not_ours_comes_with_its_licence() -> None:
    for folder in (STATIC / "vendor").iterdir():
        assert "Permission is hereby granted" in (folder / "LICENSE").read_text()


def test_pages_are_for_people_and_no_part_of_the_document(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    assert not [path for path in document["paths"] if path == "/" or path.startswith("/ui")]


def test_a_page_is_open_and_costs_nothing(new_client: Callable[..., FlaskClient]) -> None:
    closed = new_client(rate_limit="1/hour", rates=MemoryStorage(), api_keys=("app-key",))
    assert {closed.get(path).status_code for path in PATHS for _ in range(2)} == {200}
    assert closed.get("/models").status_code == 401
    for path in PATHS:
        assert "app-key" not in closed.get(path).text


def test_the_form_for_training_takes_what_the_api_takes(client: FlaskClient) -> None:
    form = client.get("/ui/train").text
    for field, least, most in (("layers", 1, 16), ("hidden_size", 1, 4096), ("learning_rate", 1e-08, 100)):
        assert re.search(rf'name="{field}" type="number" value="" min="{least}" max="{most}"', form), field


def test_charts_on_a_page_and_those_drawn_here_call_the_same_losses_diverged(client: FlaskClient) -> None:
    assert client.get("/ui/train").text.count(f'data-diverged="{DIVERGED}"') == 2
