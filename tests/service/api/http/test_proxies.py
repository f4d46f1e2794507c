"""Whom the headers of proxies may name, and what odd ones do: nothing."""

from __future__ import annotations

from typing import Any

import pytest
from limits.storage import MemoryStorage
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from service.api.http.proxies import BehindProxies

PROXY = "10.0.0.1"


def seen(headers: list[tuple[str, str]], count: int = 1) -> tuple[str | None, str]:
    """The client's address and scheme, as the application sees them."""

    @Request.application
    def application(request: Request) -> Response:
        return Response(f"{request.remote_addr} {request.scheme}")

    client = Client(BehindProxies(application, count))
    address, _, scheme = client.get("/", headers=headers, environ_base={"REMOTE_ADDR": PROXY}).text.partition(" ")
    return address, scheme


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("2001:DB8::0:7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("203.0.113.5, 192.0.2.7", "192.0.2.7"),
        ("unknown, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7,", "192.0.2.7"),
        *(
            (odd, PROXY)
            for odd in ("", ",", "unknown", '"', '"a, b', "[::1", "::1]", "[]:80", ":80", "1.2.3", "1.2.3.4.5")
        ),
        *((odd, PROXY) for odd in ("9" * 8000, "1.2.3.4 5", "\x00", "\xff", "\u0661.2.3.4".encode().decode("latin-1"))),
    ],
)
def test_the_address_that_the_proxy_saw(given: str, address: str) -> None:
    assert seen([("X-Forwarded-For", given)]) == (address, "http")


@pytest.mark.parametrize("odd", ["javascript", "HTTPS://", "", ",", "ftp", "\xff", "https, javascript"])
def test_a_scheme_is_one_of_two(odd: str) -> None:
    assert seen([("X-Forwarded-Proto", "https")]) == (PROXY, "https")
    assert seen([("X-Forwarded-Proto", odd)]) == (PROXY, "http")


def test_other_headers_say_nothing() -> None:
    others = [("Forwarded", "for=192.0.2.7;proto=https"), ("X-Real-IP", "192.0.2.7"), ("X-Forwarded-Prefix", "/a")]
    assert seen(others) == (PROXY, "http")


def test_fewer_addresses_than_proxies_name_no_client() -> None:
    assert seen([("X-Forwarded-For", "192.0.2.7")], count=2) == (PROXY, "http")


def test_odd_addresses_share_one_limit(new_client: Any) -> None:
    client = new_client(trusted_proxies=1, rate_limit="2/hour", rates=MemoryStorage())
    odd = ["unknown", "\xff", "[::1"]
    assert [client.get("/models", headers={"X-Forwarded-For": each}).status_code for each in odd] == [200, 200, 429]
    assert client.get("/models", headers={"X-Forwarded-For": "192.0.2.7:1"}).status_code == 200
    assert client.get("/models", headers={"X-Forwarded-For": "192.0.2.7:2"}).status_code == 200
    assert client.get("/models", headers={"X-Forwarded-For": "192.0.2.7:3"}).status_code == 429
