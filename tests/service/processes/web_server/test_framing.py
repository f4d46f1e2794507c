from __future__ import annotations

import pytest

from service.processes.web_server.framing import MAX_HEAD, SMALL_BODY, is_whole_head, whole_size

HEADS = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /a HTTP/1.0\r\nHost: x\r\nX-Long: " + b"y" * 5000 + b"\r\n\r\n",
    b"\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n",
]
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("head", HEADS, ids=len)
def test_a_head_is_whole_when_its_last_byte_came(head: bytes) -> None:
    assert [end for end in range(len(head) + 1) if is_whole_head(head[:end])] == [len(head)]


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02", b"GET / HTTP/1.1\n", b"G\n", b"a" * (MAX_HEAD + 1), b"\r\n\r\n", b"\0"]
)
def test_what_cannot_become_a_head_needs_no_more(data: bytes) -> None:
    assert is_whole_head(data)


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"", 0),
        (b"Content-Length: 30\r\n", 30),
        (b"content-length:30 \r\nA: b\r\n", 30),
        (b"Content-Length: %d\r\n" % SMALL_BODY, SMALL_BODY),
        (b"X-Content-Length: 30\r\n", 0),
        (b"Content-Length: nine\r\n", 0),  # which the parser refuses
        (b"Expect: 100-continue\r\n", 0),
    ],
)
def test_a_small_request_is_whole_with_its_body(head: bytes, length: int) -> None:
    whole = POST + head + b"\r\n"
    for more in (b"", b"abc", b"Content-Length: 99999999"):
        assert whole_size(whole + more) == len(whole) + length


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: %d\r\n" % (SMALL_BODY + 1), b"Content-Length: 3\r\nExpect: 100-continue\r\n"],
)
def test_what_is_long_or_must_be_asked_for_is_read_while_it_arrives(head: bytes) -> None:
    assert whole_size(POST + head + b"\r\nab") is None


def test_a_body_that_need_not_be_asked_for_because_it_is_there() -> None:
    whole = POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
    assert whole_size(whole + b"GET /") == len(whole)


def test_chunks_are_whole_at_their_end() -> None:
    data = CHUNKED + b"3\r\nabc\r\n1f;name=value\r\n" + b"0\r\n\r\n" * 6 + b"x\r\n0\r\n\r\n"
    assert [end for end in range(len(CHUNKED), len(data) + 1) if whole_size(data[:end]) is not None] == [len(data)]
    assert whole_size(data + b"GET /") == len(data)


@pytest.mark.parametrize("rest", [b"zz\r\nabc", b"\r\n", b"3\r\nabcde"])
def test_chunks_that_are_invalid_need_no_more(rest: bytes) -> None:
    assert whole_size(CHUNKED + rest) is not None


def test_trailers_are_read_by_a_thread() -> None:
    assert whole_size(CHUNKED + b"0\r\nA: b\r\n") is None
