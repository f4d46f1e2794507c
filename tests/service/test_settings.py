from __future__ import annotations

import pytest
from pydantic import ValidationError

from charrnn.cores import usable_cores
from service.settings import Settings, problems, read_settings


@pytest.mark.parametrize("written", ["cores", " Cores", None])
def test_as_many_web_processes_as_cores_may_be_used(written: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEB_WORKERS", raising=False)
    if written is not None:
        monkeypatch.setenv("WEB_WORKERS", written)
    assert Settings().web_workers == usable_cores()


def test_a_number_of_web_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_WORKERS", "3")
    assert Settings().web_workers == 3
    monkeypatch.setenv("WEB_WORKERS", "0")
    with pytest.raises(ValidationError, match="web_workers"):
        Settings()


BAD = ["schlüssel", "ключ", "a b", "a\tb", "a\x01b", "a\x7fb", "k\u00a0", "\ufeffkey", "x" * 4001]


@pytest.mark.parametrize("key", BAD)
@pytest.mark.parametrize("name", ["API_KEYS", "ADMIN_API_KEYS"])
def test_a_key_that_no_header_can_carry(monkeypatch: pytest.MonkeyPatch, name: str, key: str) -> None:
    monkeypatch.setenv(name, f"good-key,{key}")
    with pytest.raises(ValidationError) as caught:
        Settings()
    line = problems(caught.value)
    assert line.startswith(f"{name}: a key must be 1 to 4000 visible ASCII characters")
    assert "number 2" in line
    assert key not in line
    assert key not in str(caught.value)
    with pytest.raises(SystemExit, match=f"^service: {name}: "):
        read_settings()


@pytest.mark.parametrize("value", [",", " ", " , ,", "\t"])
@pytest.mark.parametrize("name", ["API_KEYS", "ADMIN_API_KEYS", "CONTINUATION_KEYS"])
def test_a_setting_of_keys_without_any_does_not_open_the_doors(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=f"{name} is set but contains no key"):
        Settings()


def test_spaces_around_the_commas_are_no_part_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", " first-key , ~!$%&'()*+-./:;<=>?@[]^_`{|}, \r\n")
    assert Settings().api_keys == ("first-key", "~!$%&'()*+-./:;<=>?@[]^_`{|}")


@pytest.mark.parametrize("key", ["short", "k" * 31, "k" * 31 + "é", "k" * 4001, "k" * 20 + " " + "k" * 20])
def test_a_key_that_could_be_guessed_or_not_be_written_does_not_sign(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("CONTINUATION_KEYS", f"{'n' * 32},{key}")
    with pytest.raises(ValidationError) as caught:
        Settings()
    line = problems(caught.value)
    assert line.startswith("CONTINUATION_KEYS: a key must be 32 to 4000 visible ASCII characters")
    assert "number 2" in line and key not in line


def test_several_keys_sign_continuations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUATION_KEYS", f"{'n' * 32}, {'o' * 32}")
    assert Settings().continuation_keys == ("n" * 32, "o" * 32)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:se#cret@queue:6379",
        "redis://:se/cret@queue",
        "redis://queue:cret",
        "http://cret",
        "queue",
        "redis://[cret",
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "CACHE_URL"])
def test_a_url_that_is_none_is_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(SystemExit) as caught:
        read_settings()
    line = str(caught.value)
    assert line.startswith(f"service: {name} must look like redis://") and "cret" not in line and "\n" not in line


@pytest.mark.parametrize(
    "url",
    ["redis://", "redis://:p%23w@queue:6379/0", "rediss://u:p@queue", "unix:///run/redis.sock?db=1", "redis://[::1]:1"],
)
def test_a_url_of_redis(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert Settings().redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        *("charrnn", "s3:/bucket", "s3://", "s3://b", "http://localhost:9000/bucket", "s3://key:cret@bucket/prefix"),
        *("s3://Bucket", "s3://bucket//prefix", "s3://bucket/.hidden", "s3://bucket/pre fix", "s3://bucket/a?cret"),
    ],
)
def test_a_url_that_names_no_store_is_not_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STORE_URL", url)
    with pytest.raises(SystemExit) as caught:
        read_settings()
    line = str(caught.value)
    assert line.startswith("service: STORE_URL must look like s3://bucket/prefix") and "cret@" not in line
    assert "\n" not in line


@pytest.mark.parametrize("url", ["s3://bucket", "s3://my.bucket-1/a/b_c", "s3://bucket/prefix/"])
def test_a_url_of_a_store(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STORE_URL", url)
    assert Settings().store_url == url.rstrip("/")
