"""What URLs of Redis say: forms that work, and what is wrong with others, which no message with a password tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.redis_servers.urls import RedisUrlError, parse


@pytest.mark.parametrize(
    ("url", "address", "options"),
    [
        ("redis://", "localhost:6379", {}),
        ("redis://queue/2", "queue:6379", {"host": "queue", "db": 2}),
        ("redis://:p%23w@queue:6380", "queue:6380", {"host": "queue", "port": 6380, "password": "p#w"}),
        ("rediss://u:p@[::1]:1/0", "[::1]:1", {"host": "::1", "port": 1, "username": "u", "password": "p", "db": 0}),
        ("unix:///run/r.sock?db=1", "/run/r.sock", {"path": "/run/r.sock", "db": 1}),
        ("unix://u:p@/run/r.sock", "/run/r.sock", {"path": "/run/r.sock", "username": "u", "password": "p"}),
    ],
)
def test_one_server(url: str, address: str, options: dict[str, object]) -> None:
    found = parse(url)
    assert (found.address, dict(found.options), found.sentinels) == (address, options, ())
    assert found.has_tls == url.startswith("rediss")


@pytest.mark.parametrize("scheme", ["redis+sentinel", "rediss+sentinel"])
def test_the_primary_that_sentinels_name(scheme: str) -> None:
    found = parse(f"{scheme}://u:p%40@a,b:26380,[::1]:3/main/2?sentinel_password=own&socket_timeout=3")
    assert found.sentinels == (("a", 26379), ("b", 26380), ("::1", 3))
    assert (found.service, found.has_tls) == ("main", scheme == "rediss+sentinel")
    assert found.options == {"username": "u", "password": "p@", "db": 2, "socket_timeout": 3.0}
    assert found.sentinel_options == {"password": "own"}
    assert found.address == "main of a:26379,b:26380,[::1]:3"
    assert "own" not in repr(found)
    assert "p@" not in repr(found)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        *[
            (url, "must look like redis://")
            for url in ("localhost:6379", "127.0.0.1", "queue", "http://queue", "redis:")
        ],
        *[(f"redis://queue:{port}", "must look like") for port in ("0", "65536", "cret", "-1")],
        *[(f"redis://{password}@queue", "must look like") for password in (":se#cret", ":se/cret", ":se?cret")],
        *[(f"redis://queue/{database}", "must end in the number") for database in ("abc", "-1", "1.5", "0/1", "²")],
        ("redis://queue?db=-1", "must have a database from 0"),
        ("redis://queue?db=x", "'db'"),
        ("redis://queue?socket_timeout=soon", "'socket_timeout'"),
        ("redis://queue?protocol=4", "2 or 3"),
        ("redis://queue?colour=cret", "not known: 'colour'"),
        ("redis://queue?decode_responses=yes", "not known: 'decode_responses'"),
        ("redis://queue?ssl_ca_certs=ca.pem", "'ssl_ca_certs'; ssl_ options need rediss://"),
        ("rediss://queue?ssl_cert_reqs=perhaps", "cannot be used"),
        ("rediss://queue?ssl_ca_certs=/nowhere/ca.pem", "ssl_ca_certs=/nowhere/ca.pem, .*No such file"),
        ("rediss://queue?ssl_keyfile=/nowhere/key", "no ssl_certfile"),
        ("unix://", "whole path"),
        ("unix://run/redis.sock", "whole path"),
        ("redis+sentinel://a:26379", "must name the service"),
        ("redis+sentinel:///main", "must look like"),
        ("redis+sentinel://a:0/main", "must look like"),
        ("redis+sentinel://a,,b/main", "must look like"),
        ("redis+sentinel://a/main/x", "must end in the number"),
        ("redis+sentinel://a/main?min_other_sentinels=2", "not known"),
    ],
)
def test_what_is_wrong(url: str, fault: str) -> None:
    with pytest.raises(RedisUrlError, match=fault) as caught:
        parse(url)
    assert "cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("none")
    for option in ("ssl_ca_certs", "ssl_certfile"):
        with pytest.raises(RedisUrlError, match=f"{option}={path}, which cannot be used"):
            parse(f"rediss://queue?{option}={path}")
