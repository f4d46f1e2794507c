from __future__ import annotations

import socket

import pytest

from service.address import bind, is_here, url


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("::", "http://[::1]:80"),
        ("example.org", "http://example.org:80"),
    ],
)
def test_the_address_is_one_that_a_client_can_use(host: str, expected: str) -> None:
    assert url(host, 80) == expected


@pytest.mark.parametrize(("host", "expected"), [("::", "[::]:80"), ("0.0.0.0", "0.0.0.0:80"), ("a.b", "a.b:80")])
def test_what_is_listened_on_is_what_was_asked_for(host: str, expected: str) -> None:
    assert bind(host, 80) == expected


def test_this_machine_by_any_of_its_names_and_no_other() -> None:
    assert all(map(is_here, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_here, ("", "example.org", "127.example.org", "0.0.0.0", socket.gethostname() + ".")))
