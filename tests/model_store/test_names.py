import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import InvalidNameError, check_alias, check_name, parse_reference

BAD = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "a" * 65,
    "a" * 300,
    "a\n",
    "\na",
    "a b",
    "a@b",
    "-a",
    "_a",
    ".a",
    "é",
    "a\0",
]


@pytest.mark.parametrize("name", BAD)
def test_what_could_leave_the_store_is_no_name(name: str) -> None:
    with pytest.raises(InvalidNameError):
        check_name(name)
    with pytest.raises(InvalidNameError):
        check_alias(name)


@pytest.mark.parametrize("name", ["a", "7", "A" * 64, "tiny-shakespeare_2.1", "3x"])
def test_a_plain_name_is_one(name: str) -> None:
    assert check_name(name) == name


def test_an_alias_is_not_a_number() -> None:
    assert check_alias("3x") == "3x"
    with pytest.raises(InvalidNameError, match="must not be a number"):
        check_alias("3")


def test_the_message_of_a_long_name_is_short() -> None:
    with pytest.raises(InvalidNameError, match=r"300 characters") as caught:
        check_name("a" * 300)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("reference", "parts"),
    [("bard", ("bard", None)), ("bard@3", ("bard", "3")), ("bard@stable", ("bard", "stable"))],
)
def test_a_reference_has_a_name_and_a_selector(reference: str, parts: tuple[str, str | None]) -> None:
    assert parse_reference(reference) == parts


@pytest.mark.parametrize(
    "reference", ["", "@", "bard@", "@3", "bard@3@4", "bard@../x", "../x@3", "bard@a b", "bard@\n"]
)
def test_a_reference_that_is_none_is_refused(reference: str) -> None:
    with pytest.raises(InvalidNameError):
        parse_reference(reference)


@given(st.text(max_size=70))
def test_a_name_is_always_one_path_component(name: str) -> None:
    try:
        check_name(name)
    except InvalidNameError:
        return
    assert name not in ("", ".", "..")
    assert not set(name) & set("/\\\0@\n")
    assert len(name) <= 64
