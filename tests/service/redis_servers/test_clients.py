"""All that uses Redis reaches real servers with passwords, users, TLS and Unix sockets, and says what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from service.api.http.rate_limits import RateLimit, in_redis
from service.generation.redis_link import link_to
from service.redis_servers.clients import client
from service.redis_servers.faults import AWAY, in_words
from service.redis_servers.hints import SUBJECTS, Hints
from service.redis_servers.optional import OptionalRedis
from service.training.queue.job_queue import JobQueue
from tests.ports import free_port
from tests.service.redis_server import RedisProcess
from tests.service.tls_proxy import TlsProxy, make_certificates
from tests.waiting import LONGEST

WORD = "p#s/w?o:r%d@"
QUOTED = "p%23s%2Fw%3Fo%3Ar%25d%40"
USER = "user reader on >cret ~* &* +@all -flushall"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("redis")
    make_certificates(path)
    return path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RedisProcess]:
    socket = f"unixsocket {folder}/redis.sock"
    with RedisProcess(folder, free_port(), f'requirepass "{WORD}"', USER, socket) as server:
        yield server


@pytest.fixture(scope="module")
def tls_port(folder: Path, server: RedisProcess) -> Iterator[int]:
    proxy = TlsProxy(folder, server.port, asks=True)
    yield proxy.port
    proxy.end()


FORMS = {
    "password": "redis://:{word}@127.0.0.1:{port}/3",
    "user": "redis://reader:cret@127.0.0.1:{port}",
    "options": "redis://127.0.0.1:{port}?username=reader&password=cret&db=1&protocol=2",
    "Unix socket": "unix://:{word}@{folder}/redis.sock?db=1",
    "TLS": "rediss://:{word}@127.0.0.1:{tls_port}/0?ssl_ca_certs={folder}/ca.pem&ssl_certfile={folder}/server.pem"
    "&ssl_keyfile={folder}/server.key",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_url_serves_all_that_use_redis(
    form: str, server: RedisProcess, folder: Path, tls_port: int
) -> None:
    url = FORMS[form].format(word=QUOTED, port=server.port, folder=folder, tls_port=tls_port)
    with closing(link_to(url, 5)) as link, closing(JobQueue(url)) as queue, closing(Hints(url)) as hints:
        link.set("name", form, ex=60)
        assert link.get("name") == form.encode()
        assert queue.fault() == ""
        queue.submit(form)
        assert form in queue.waiting()
        assert hints.wait(LONGEST) == SUBJECTS
    limit = RateLimit("1/day", in_redis(url, 5))
    assert limit.retry_after(form) is None
    assert limit.retry_after(form) is not None


FAULTS = {
    "redis://:wrong@127.0.0.1:{port}": "Redis refuses the user or the password",
    "redis://nobody:cret@127.0.0.1:{port}": "Redis refuses the user or the password",
    "redis://127.0.0.1:{port}": "Redis refuses the user or the password",
    "redis://reader:cret@127.0.0.1:{port}/99": "Redis has no database of this number",
    "rediss://:wrong@127.0.0.1:{tls_port}": "Redis shows a certificate that cannot be verified",
    "redis://:wrong@127.0.0.1:{tls_port}": AWAY,
    "unix://:wrong@{folder}/no.sock": AWAY,
}


@pytest.mark.parametrize(("url", "words"), FAULTS.items())
def test_what_is_wrong_is_said_by_all_and_never_with_a_password(
    url: str, words: str, server: RedisProcess, folder: Path, tls_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = url.format(port=server.port, folder=folder, tls_port=tls_port)
    optional = OptionalRedis("cache", "going on", (RedisError, OSError))
    with closing(link_to(url, 2)) as link, closing(JobQueue(url, 2)) as queue:
        assert optional.attempt(lambda: link.get("name")) is None
        assert optional.fault() == queue.fault() == words
    assert RateLimit("1/day", in_redis(url, 2)).retry_after("somebody") is None
    assert caplog.text.count(f": {words} (") == 2
    assert "wrong" not in caplog.text
    assert "cret" not in caplog.text


def test_a_user_who_may_not(server: RedisProcess) -> None:
    with client(f"redis://reader:cret@127.0.0.1:{server.port}", 5, 5) as redis, pytest.raises(RedisError) as caught:
        redis.flushall()
    assert in_words(caught.value) == "Redis does not permit its user what is needed"
