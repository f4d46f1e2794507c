"""What only a network makes possible: answers that are lost, late, cut short or errors; what one has no right to."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from durable.objects import (
    ObjectChangedError,
    ObjectDamagedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    ObjectTooLargeError,
    StoreUnavailableError,
)
from durable.s3_objects import LARGEST, NONCES, PAGE, PIECE, S3Objects
from tests.object_proxy import Fault, ObjectProxy, cut, late, lost, refused
from tests.object_server import BUCKET, ObjectServer

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
PUTS = """\
import sys
from durable.objects import ObjectExistsError
from durable.opening import open_objects
objects = open_objects(sys.argv[1])
for number in range(30):
    try:
        objects.put_new(f"{number}", b"the same")
        print(number)
    except ObjectExistsError:
        pass
"""


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    return f"s3/{tmp_path.name}"


@pytest.fixture
def objects(object_server: ObjectServer, prefix: str) -> S3Objects:
    return S3Objects(BUCKET, prefix, object_server.settings())


@pytest.fixture
def raw(object_server: ObjectServer, prefix: str) -> S3Store:
    """What another program writes there."""
    config: Any = object_server.settings()
    return S3Store(BUCKET, prefix=prefix, config=config, client_options={"allow_http": True})


@pytest.fixture
def proxy(object_server: ObjectServer) -> Iterator[ObjectProxy]:
    with ObjectProxy(object_server.port) as proxy:
        yield proxy


@pytest.fixture
def disturbed(object_server: ObjectServer, proxy: ObjectProxy, prefix: str) -> S3Objects:
    return S3Objects(BUCKET, prefix, object_server.settings(endpoint=proxy.endpoint))


def test_the_server_knows_conditional_writes(raw: S3Store) -> None:
    first = obstore.put(raw, "a", b"first", mode="create", use_multipart=False)
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(raw, "a", b"second", mode="create", use_multipart=False)
    obstore.put(raw, "a", b"third", mode={"e_tag": first["e_tag"]}, use_multipart=False)
    for key in ("a", "none"):
        with pytest.raises((obstore.exceptions.PreconditionError, FileNotFoundError)):
            obstore.put(raw, key, b"fourth", mode={"e_tag": first["e_tag"]}, use_multipart=False)
    assert bytes(obstore.get(raw, "a").bytes()) == b"third"


def test_one_of_several_processes_puts_the_new_object(object_server: ObjectServer, prefix: str) -> None:
    command = [sys.executable, "-c", PUTS, f"s3://{BUCKET}/{prefix}"]
    environment = os.environ | object_server.environment()
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    won = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert sorted(won) == list(range(30))


@pytest.mark.parametrize("fault", [lost, refused])
def test_a_write_whose_answer_is_lost_has_happened_once(
    disturbed: S3Objects, proxy: ObjectProxy, objects: S3Objects, fault: Fault
) -> None:
    proxy.faults.append(("PUT", fault))
    first = disturbed.put_new("a", b"1")
    assert (objects.get("a").data, objects.get("a").etag) == (b"1", first)
    proxy.faults.append(("PUT", fault))
    second = disturbed.swap("a", b"2", first)
    assert (objects.get("a").data, objects.get("a").etag) == (b"2", second)
    assert not proxy.faults
    with pytest.raises(ObjectExistsError):
        disturbed.put_new("a", b"1")
    with pytest.raises(ObjectChangedError):
        disturbed.swap("a", b"3", first)


def test_an_answer_that_is_late_is_not_waited_for(disturbed: S3Objects, proxy: ObjectProxy) -> None:
    proxy.faults.append(("PUT", late))
    etag = disturbed.put_new("a", b"1")
    assert (disturbed.get("a").data, disturbed.get("a").etag) == (b"1", etag)


def test_a_write_is_recognised_after_others_have_written(
    disturbed: S3Objects, proxy: ObjectProxy, objects: S3Objects
) -> None:
    def others(count: int) -> Fault:
        def swap(*_: object) -> None:
            for number in range(count):
                found = objects.get("a")
                objects.swap("a", found.data + b"%d" % (number % 10), found.etag)

        return swap

    proxy.faults.append(("PUT", others(2)))
    disturbed.put_new("a", b"own")
    assert objects.get("a").data == b"own01"
    for count in (NONCES - 1, NONCES):
        before = disturbed.get("a")
        proxy.faults.append(("PUT", others(count)))
        if count < NONCES:
            etag = disturbed.swap("a", b"new", before.etag)
            assert etag not in (before.etag, objects.look("a").etag)
            with pytest.raises(ObjectChangedError):  # what others have written since is not lost
                disturbed.swap("a", b"newer", etag)
        else:  # an object does not remember more
            with pytest.raises(ObjectChangedError):
                disturbed.swap("a", b"new", before.etag)
        assert objects.get("a").data.startswith(b"new0")


def test_anothers_equal_content_is_not_taken_for_ones_own(objects: S3Objects, raw: S3Store) -> None:
    obstore.put(raw, "a", b"the same")
    with pytest.raises(ObjectExistsError):
        objects.put_new("a", b"the same")


@pytest.mark.parametrize("fault", [lost, refused, cut])
def test_reading_goes_on_after_an_error(disturbed: S3Objects, proxy: ObjectProxy, tmp_path: Path, fault: Fault) -> None:
    content = os.urandom(PIECE + 1000)
    (tmp_path / "file").write_bytes(content)
    disturbed.put_new_file("a", tmp_path / "file")
    reads: list[Callable[[], object]] = [
        lambda: disturbed.get("a").data,
        lambda: disturbed.get_range("a", 0, PIECE + 1000),
        lambda: disturbed.fetch("a", tmp_path / "fetched") and (tmp_path / "fetched").read_bytes(),
    ]
    for read in reads:
        proxy.faults.append(("GET", fault))
        assert read() == content
    proxy.faults.append(("GET", fault))
    assert [each.key for each in disturbed.list("")] == ["a"]
    assert not proxy.faults


def test_a_request_is_not_repeated_for_ever(object_server: ObjectServer, proxy: ObjectProxy, prefix: str) -> None:
    proxy.faults += [("GET", refused)] * 20
    for patience, tries in ((0, 1), (0.5, 2)):
        objects = S3Objects(BUCKET, prefix, object_server.settings(endpoint=proxy.endpoint), patience)
        before = len(proxy.faults)
        with pytest.raises(StoreUnavailableError, match=r"does not read a: the server answers \(503\)$"):
            objects.get("a")
        assert tries <= before - len(proxy.faults) <= 5 * tries


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("http://nowhere.invalid", "failed to lookup address|error sending request"),
    ],
)
def test_a_server_that_is_not_there_is_no_missing_object(
    object_server: ObjectServer, endpoint: str, reason: str
) -> None:
    objects = S3Objects(BUCKET, "a", object_server.settings(endpoint=endpoint), patience=0)
    with pytest.raises(StoreUnavailableError, match=f"at {endpoint} does not read b: it does not answer: ({reason})"):
        objects.get("b")


def act_on(objects: S3Objects, verb: str) -> None:
    actions: dict[str, Callable[[], object]] = {
        "read": lambda: objects.get("a"),
        "write": lambda: objects.put_new(f"{time.monotonic_ns()}", b"2"),
        "list": lambda: [*objects.list("")],
        "delete": lambda: objects.delete("b"),
    }
    actions[verb]()


@pytest.mark.parametrize(
    ("user", "refused"), [("user", ""), ("reader", "write delete"), ("writer", "read list"), ("admin", "")]
)
def test_what_one_has_no_right_to_is_said(
    object_server: ObjectServer, objects: S3Objects, prefix: str, user: str, refused: str
) -> None:
    objects.put("a", b"1")
    limited = S3Objects(BUCKET, prefix, object_server.settings(user))
    for verb in ("read", "write", "list", "delete"):
        if verb in refused:
            message = rf"s3://{BUCKET}/{prefix} at .* does not {verb} .*: the credentials have no right to \(403 Acc"
            with pytest.raises(StoreUnavailableError, match=message):
                act_on(limited, verb)
        else:
            act_on(limited, verb)


def test_a_wrong_bucket_and_wrong_credentials_are_said_to_be(object_server: ObjectServer, prefix: str) -> None:
    wrong: list[tuple[str, Any, str]] = [
        ("nosuchbucket", {}, r"there is no such bucket \(404 NoSuchBucket\)"),
        (BUCKET, {"access_key_id": "none"}, "the server does not know this access key"),
        (BUCKET, {"secret_access_key": "none"}, "the secret key .* is not that of the access key"),
    ]
    for bucket, settings, message in wrong:
        objects = S3Objects(bucket, prefix, {**object_server.settings(), **settings})
        for verb in ("read", "list"):
            with pytest.raises(StoreUnavailableError, match=message):
                act_on(objects, verb)
    with pytest.raises(StoreUnavailableError, match="there is no such bucket"):
        S3Objects("nosuchbucket", prefix, object_server.settings()).look("a")


def test_a_missing_object_is_no_missing_bucket(objects: S3Objects) -> None:
    objects.put("a", b"1")
    for read in (objects.look, objects.get):
        with pytest.raises(ObjectMissingError):
            read("b")


def test_an_object_that_is_not_what_was_put_is_damaged(objects: S3Objects, raw: S3Store, tmp_path: Path) -> None:
    for size in (10, PIECE + 10):
        content = os.urandom(size)
        objects.put("a", content)
        kept = obstore.get(raw, "a").attributes
        for other in (content[:-1], content[:-1] + b"?", b""):
            obstore.put(raw, "a", other, attributes=kept, use_multipart=False)
            with pytest.raises(ObjectDamagedError, match=r"the object a has the SHA-256 .* instead of"):
                objects.fetch("a", tmp_path / "fetched")
            with pytest.raises(ObjectDamagedError):
                objects.get("a")
    assert not (tmp_path / "fetched").exists()
    obstore.put(raw, "a", b"by another program")
    assert objects.get("a").data == b"by another program"


def test_an_object_that_changes_while_it_is_read_is_damaged(
    disturbed: S3Objects, proxy: ObjectProxy, objects: S3Objects, tmp_path: Path
) -> None:
    objects.put("a", os.urandom(PIECE + 1))

    def changes(client: Any, answer: bytes) -> None:
        objects.put("a", os.urandom(PIECE + 1))
        client.sendall(answer)

    proxy.faults.append(("GET", changes))
    with pytest.raises(ObjectDamagedError, match="was changed while it was read"):
        disturbed.fetch("a", tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_more_objects_are_listed_than_a_server_names_at_a_time(raw: S3Store, objects: S3Objects) -> None:
    async def fill() -> None:
        names = [f"many/{number}.x" for number in range(PAGE + 20)]
        for start in range(0, len(names), 100):
            await asyncio.gather(*(obstore.put_async(raw, name, b"") for name in names[start : start + 100]))

    asyncio.run(fill())
    keys = sorted(f"many/{number}.x" for number in range(PAGE + 20))
    assert [each.key for each in objects.list("")] == keys
    assert [each.key for each in objects.list("many/", keys[500])] == keys[501:]


def test_what_is_no_key_is_not_listed(raw: S3Store, objects: S3Objects) -> None:
    obstore.put(raw, "a/.hidden", b"")
    etag = objects.put("a/b", b"")
    assert list(objects.list("a")) == [ObjectInfo("a/b", etag, 0)]


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(objects: S3Objects, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ObjectTooLargeError, match=r"a would be an object of 5368709121 bytes, .* at most 5368709120"):
        objects.put_new_file("a", tmp_path / "large")


def test_a_forked_process_hears_that_it_cannot_use_the_store(object_server: ObjectServer) -> None:
    program = (
        "import os, sys; from durable.opening import open_objects; objects = open_objects(sys.argv[1])\n"
        "if sys.argv[2] == 'before': list(objects.list(''))\n"
        "if os.fork(): sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "list(objects.list(''))"
    )
    S3Objects(BUCKET, "", object_server.settings()).put("a", b"")
    said = {}
    for when in ("before", "after"):
        command = [sys.executable, "-c", program, f"s3://{BUCKET}", when]
        environment = os.environ | object_server.environment()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        said[when] = (done.stderr.strip().splitlines() or [""])[-1]
    assert said == {
        "before": "RuntimeError: the store has been used by the process that this one was forked from",
        "after": "",
    }
