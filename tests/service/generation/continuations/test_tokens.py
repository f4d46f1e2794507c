"""A continuation is the same after its way through a token, and nothing but a token of an accepted key is one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from random import Random
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from itsdangerous import Signer
from itsdangerous.encoding import base64_decode, base64_encode

from charrnn.engine.steering import Held
from charrnn.patterns.compiling import Pattern
from charrnn.sampling import SamplingParams
from charrnn.stopping import Pending
from service.generation.continuations.continuation import Continuation, Place
from service.generation.continuations.tokens import LARGEST_PATTERN, LONGEST, Continuations, holds
from service.generation.errors import BesidePatternError, InvalidContinuationError

OLD, NEW = "o" * 32, "n" * 32
TOKENS: Final = Continuations(lambda: (NEW,))
PLAIN: Final = Continuation("shakespeare", 3, "d" * 64, "int8", b"a state", SamplingParams(seed=7, temperature=0.8))

biases = st.tuples(st.integers(0, 99), st.floats(-100, 100))
samplings = st.builds(
    SamplingParams,
    seed=st.integers(-(1 << 63), (1 << 63) - 1),
    temperature=st.floats(0, 10),
    top_k=st.integers(0, 1 << 30),
    top_p=st.floats(0.01, 1),
    min_p=st.floats(0, 1),
    repetition_penalty=st.floats(0.01, 10),
    presence_penalty=st.floats(-2, 2).map(abs),
    frequency_penalty=st.floats(-2, -0.5),
    logit_bias=st.lists(biases, max_size=100).map(tuple),
    allowed_token_ids=st.none() | st.lists(st.integers(0, 99), min_size=1, max_size=100).map(tuple),
)
continuations = st.builds(
    Continuation,
    name=st.just("a-model"),
    version=st.integers(1, 1000),
    digest=st.just("e" * 64),
    precision=st.sampled_from(["int8", "float32"]),
    state=st.binary(max_size=300),
    sampling=samplings,
    stop=st.lists(st.text(min_size=1, max_size=256), max_size=8).map(tuple),
    include_stop=st.booleans(),
    min_tokens=st.integers(0, 1000),
    held=st.lists(
        st.builds(Held, st.integers(0, 3), st.integers(0, 99), st.just("cell"), st.floats(-9, 9)), max_size=16
    ).map(tuple),
    pending=st.builds(Pending, st.text(max_size=300), st.integers(0, 300), st.integers(0, 300)),
    ended=st.booleans(),
    pattern=st.none()
    | st.builds(Pattern, st.sampled_from(["regex", "json_schema"]), st.text(max_size=300))
    | st.builds(Pattern, st.just("choice"), st.lists(st.text(max_size=9), max_size=99).map(tuple)),
    place=st.none() | st.builds(Place, st.integers(0, 20_000), st.integers(0, (1 << 32) - 1)),
)


def signed(payload: bytes, key: str = NEW) -> str:
    return Signer(key, b"charrnn.continuation", digest_method=hashlib.sha256).sign(base64_encode(payload)).decode()


def payload_of(token: str) -> bytes:
    return base64_decode(token.rpartition(".")[0])


@given(continuations)
@example(PLAIN)
@example(replace(PLAIN, pending=Pending("", 0, 0)))
def test_a_continuation_is_the_same_after_its_way_through_a_token(continuation: Continuation) -> None:
    token = TOKENS.token(continuation)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)
    found = TOKENS.read(token)
    if not continuation.pending.text:
        continuation = replace(continuation, pending=Pending())
    assert found == continuation and repr(found) == repr(continuation)


def test_a_token_is_read_with_any_of_the_keys_and_signed_with_the_newest() -> None:
    old, both = Continuations(lambda: (OLD,)), Continuations(lambda: (NEW, OLD))
    assert both.read(old.token(PLAIN)) == both.read(TOKENS.token(PLAIN)) == PLAIN
    assert TOKENS.read(both.token(PLAIN)) == PLAIN
    for reader, token in ((TOKENS, old.token(PLAIN)), (old, both.token(PLAIN))):
        with pytest.raises(InvalidContinuationError, match="key is not accepted"):
            reader.read(token)


def test_a_token_that_is_cut_anywhere_is_refused() -> None:
    token = TOKENS.token(PLAIN)
    for at in range(len(token)):
        with pytest.raises(InvalidContinuationError, match="cut off"):
            TOKENS.read(token[:at])


@given(st.data())
def test_a_token_with_another_character_is_refused(data: st.DataObject) -> None:
    token = TOKENS.token(PLAIN)
    at, inserts = data.draw(st.integers(0, len(token) - 1)), data.draw(st.booleans())
    alphabet = st.sampled_from("".join(chr(code) for code in range(128)))
    other = data.draw((alphabet | st.characters()).filter(lambda character: character != token[at]))
    with pytest.raises(InvalidContinuationError, match="changed"):
        TOKENS.read(token[:at] + other + token[at + (not inserts) :])


def test_a_bit_of_the_last_character_that_does_not_count_is_refused_too() -> None:
    token = TOKENS.token(PLAIN)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for bit in range(6):
        other = alphabet[alphabet.index(token[-1]) ^ 1 << bit]
        with pytest.raises(InvalidContinuationError, match="changed"):
            TOKENS.read(token[:-1] + other)


@given(st.text())
@example("\ud800")
@example(".")
@example("é.é")
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidContinuationError, match="not made by this service"):
        TOKENS.read(text)


def test_a_huge_text_is_refused_for_its_length() -> None:
    with pytest.raises(InvalidContinuationError, match=f"at most {LONGEST} characters, not 3000000"):
        TOKENS.read("a" * 3_000_000)


@pytest.mark.parametrize("first", [b"", b"\x00", b"\x02"])
def test_a_token_in_another_format_is_refused_as_such(first: bytes) -> None:
    with pytest.raises(InvalidContinuationError, match="another release"):
        TOKENS.read(signed(first + payload_of(TOKENS.token(PLAIN))[1:] if first else b""))


@given(st.data())
def test_whatever_is_signed_is_a_continuation_or_refused(data: st.DataObject) -> None:
    payload = bytearray(payload_of(TOKENS.token(PLAIN)))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(1, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(payload)))
    try:
        found = TOKENS.read(signed(bytes(payload[:cut])))
    except InvalidContinuationError:
        return
    assert isinstance(found, Continuation)


def test_a_head_with_a_field_that_is_not_known_is_refused() -> None:
    payload = payload_of(TOKENS.token(PLAIN)).replace(b'"version"', b'"edition"')
    with pytest.raises(InvalidContinuationError, match="fields"):
        TOKENS.read(signed(payload))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"version":3', '"version":"3"'),
        ('"version":3', '"version":-3'),
        ('"version":3', '"version":3,"stop":5'),
        ('"version":3', '"version":3,"stop":[5]'),
        ('"version":3', '"version":3,"min_tokens":"a"'),
        ('"version":3', '"version":3,"pending":{"text":5}'),
        ('"version":3', '"version":3,"held":[[0,1]]'),
        ('"seed":7', '"seed":"a"'),
        ('"seed":7', '"seed":7.5'),
        ("0.8", "-0.8"),
        ("0.8", "NaN"),
        ("0.8", '"a"'),
        ("0.8", '0.8,"top_p":2'),
        ("0.8", '0.8,"logit_bias":[5]'),
        ("0.8", '0.8,"allowed_token_ids":["a"]'),
        ('{"seed":7,"temperature":0.8}', "5"),
    ],
)
def test_a_head_with_a_value_that_no_continuation_has_is_refused(before: str, after: str) -> None:
    payload = payload_of(TOKENS.token(PLAIN))
    head = payload[6:].removesuffix(PLAIN.state).decode()
    assert before in head
    changed = head.replace(before, after).encode()
    forged = payload[:2] + len(changed).to_bytes(4, "little") + changed + PLAIN.state
    with pytest.raises(InvalidContinuationError, match="values"):
        TOKENS.read(signed(forged))


def test_many_stop_texts_and_ids_are_compressed() -> None:
    many = replace(PLAIN, sampling=replace(PLAIN.sampling, allowed_token_ids=tuple(range(5000))), stop=("x" * 256,) * 8)
    token = TOKENS.token(many)
    assert TOKENS.read(token) == many and len(token) < 16_384


def test_a_pattern_may_be_as_large_as_a_token_can_hold() -> None:
    random = Random(0)
    words = tuple("".join(random.choices("abcdefghijklmnop", k=9)) for _ in range(9000))
    small, large = Pattern("choice", words[:5000]), Pattern("choice", words)
    assert holds(None) and holds(small) and holds(Pattern("regex", "a" * LARGEST_PATTERN)) and not holds(large)
    TOKENS.check(small)
    assert len(TOKENS.token(replace(PLAIN, pattern=small))) < 2 * LARGEST_PATTERN
    with pytest.raises(BesidePatternError, match="continuation must be false"):
        TOKENS.check(large)
