"""The settings, each an environment variable with a default; the rest of the service gets them as arguments."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from charrnn.cores import usable_cores
from durable import opening
from service import secret_files
from service.data_dir import DataDir
from service.redis_servers.urls import RedisUrlError, parse

RATE: Final = re.compile(r"([1-9]\d{0,8}/(second|minute|hour|day)(;|$))+(?<!;)")

MAX_KEY: Final = 4000
"""In characters; servers and proxies refuse headers of twice that length."""
SHORTEST_KEY: Final = 32
"""In characters, of a key that no user types; a shorter one could be guessed."""
LONG_KEY_RULE: Final = f"{SHORTEST_KEY} to {MAX_KEY} visible ASCII characters without spaces"
MAX_CONTINUATION_KEYS: Final = 16
KEY_RULE: Final = f"1 to {MAX_KEY} visible ASCII characters without spaces, as a header can carry it"

SECRET: Final = "secret"
"""Marks the fields that may be given as a file: NAME_FILE in place of NAME."""

Listed = Annotated[tuple[str, ...], NoDecode]
Secret = Annotated[str, SECRET]
Secrets = Annotated[Listed, SECRET]


class Settings(BaseSettings):
    """What can be configured. Raises pydantic's ValidationError, which names the variable, bound and value."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    data_dir: Path = Field(Path("data"), description="directory for models, corpora, training runs and keys")
    store_url: str = Field(
        "",
        description="object store with the models, corpora and jobs that several machines share, `s3://bucket/prefix`,"
        " reached with the usual `AWS_*` variables; `DATA_DIR` then mirrors it; empty: `DATA_DIR` alone",
    )
    mirror_bytes: int = Field(
        1 << 35,
        ge=1 << 20,
        description="with `STORE_URL`, how much disk the weights of models may take on this machine, and how much the"
        " texts of corpora, in bytes each; those in use stay",
    )
    redis_url: Secret = Field("", description="Redis for the job queue; empty: start an embedded server")
    cache_url: Secret = Field("", description="Redis for the result cache; empty: same as `REDIS_URL`")
    cache_ttl: int = Field(3600, ge=1, description="lifetime of a cached result, in seconds")
    cache_bytes: int = Field(
        1 << 26, ge=1 << 23, description="memory of the embedded Redis server, mostly for cached results, in bytes"
    )
    prefix_cache_bytes: int = Field(
        1 << 25, ge=0, description="memory for states of long prompts, per web process, in bytes"
    )
    pattern_cache_bytes: int = Field(
        1 << 27, ge=1 << 20, description="memory for compiled patterns, per web process, in bytes"
    )
    default_model: str = Field("shakespeare", description="model used when a request names none")
    max_length: int = Field(10_000, ge=1, description="maximum `length` of a generated text, in tokens")
    max_prompt_length: int = Field(100_000, ge=1, description="maximum length of a prompt, in characters")
    max_reply_values: int = Field(
        1_000_000, ge=1, description="maximum size of a reply: (echoed prompt + `length`) * `n` * (1 + `logprobs`)"
    )
    max_trace_length: int = Field(10_000, ge=1, description="maximum length of a traced text, in characters")
    max_corpus_bytes: int = Field(1 << 30, ge=1, description="maximum size of an uploaded corpus, in bytes")
    device: Literal["cpu", "cuda"] = Field(
        "cpu", description="where to generate: `cpu` (compiled kernels) or `cuda` (PyTorch)"
    )
    max_active: int = Field(64, ge=1, le=4096, description="sequences generated concurrently per web process")
    max_waiting: int = Field(128, ge=0, description="sequences that may wait per web process; more get a 429")
    api_keys: Secrets = Field(
        (), description="comma-separated app keys; empty, and none made with `keys add`: open to all"
    )
    admin_api_keys: Secrets = Field((), description="comma-separated admin keys, for training and managing models")
    continuation_keys: Secrets = Field(
        (),
        max_length=MAX_CONTINUATION_KEYS,
        description="comma-separated keys that sign continuations, the newest first: it signs, the others are still"
        " accepted; empty: `DATA_DIR/continuation-key`, made at the first start",
    )
    web_workers: int = Field(
        "cores", ge=1, validate_default=True, description="number of web processes; `cores`: one per usable CPU core"
    )
    web_threads: int = Field(256, ge=1, description="requests handled concurrently per web process")
    client_timeout: float = Field(
        30,
        gt=0,
        le=3600,
        description="seconds to wait for a request's headers, and for any progress of its body or reply",
    )
    request_timeout: float = Field(
        120, gt=0, le=86_400, description="time limit of a generation request, in seconds; exceeding it gets a 503"
    )
    rate_limit: str = Field(
        "", description="requests allowed per key or client address, such as `60/minute`; empty: no limit"
    )
    cors_origins: Listed = Field((), description="comma-separated origins whose pages may call the API; `*`: any")
    trusted_proxies: int = Field(
        0, ge=0, le=8, description="number of proxies in front whose `X-Forwarded-For` is trusted"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="lowest level that is logged")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="`text`, `json`, or `auto`: text on a terminal, otherwise JSON lines"
    )

    @model_validator(mode="before")
    @classmethod
    def _read_secrets(cls, given: dict[str, Any]) -> dict[str, Any]:
        return given | secret_files.from_files(cls.secrets(), given, os.environ)

    @field_validator("api_keys", "admin_api_keys", "continuation_keys", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _listed(value) if isinstance(value, str) else value

    @field_validator("api_keys", "admin_api_keys", "continuation_keys", mode="before")
    @classmethod
    def _has_one(cls, value: object, info: ValidationInfo) -> object:
        """A setting that is not empty but contains no key would let everyone in."""
        if isinstance(value, str) and not _listed(value):
            raise ValueError(f"{str(info.field_name).upper()} is set but contains no key")
        return value

    @field_validator("api_keys", "admin_api_keys")
    @classmethod
    def _can_be_sent(cls, keys: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """A key that a header cannot carry would lock its owner out. The message does not contain the key, because it
        may be logged."""
        name = str(info.field_name).upper()
        for number, key in enumerate(keys, start=1):
            if fault := _fault_of_key(key):
                which = f" (the key number {number}, of {len(key)} characters)" if len(keys) > 1 else ""
                raise ValueError(f"{name}: a key must be {KEY_RULE}: {fault}{which}")
        return keys

    @field_validator("redis_url", "cache_url")
    @classmethod
    def _is_a_url(cls, value: str, info: ValidationInfo) -> str:
        try:
            if value:
                parse(value)
        except RedisUrlError as error:
            raise ValueError(f"{str(info.field_name).upper()} {error}") from None
        return value

    @field_validator("store_url")
    @classmethod
    def _is_a_store(cls, value: str) -> str:
        """The message does not contain the value, which may have keys in it."""
        if value and not opening.URL.fullmatch(value):
            raise ValueError(f"STORE_URL must {opening.URL_RULE}")
        return value.rstrip("/")

    @field_validator("continuation_keys")
    @classmethod
    def _can_sign(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        """As the keys in a file. The message does not contain the key, because it may be logged."""
        for number, key in enumerate(keys, start=1):
            if fault := fault_of_long_key(key):
                raise ValueError(f"CONTINUATION_KEYS: a key must be {LONG_KEY_RULE}: number {number}: {fault}")
        return keys

    @field_validator("web_workers", mode="before")
    @classmethod
    def _count_cores(cls, value: object) -> object:
        return usable_cores() if isinstance(value, str) and value.strip().lower() == "cores" else value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        if value and not RATE.fullmatch(value):
            raise ValueError(f"RATE_LIMIT must look like 60/minute or 10/second;1000/day, not {value!r}")
        return value

    @classmethod
    def secrets(cls) -> list[str]:
        """The fields that may be given as files."""
        return [name for name, field in cls.model_fields.items() if SECRET in field.metadata]

    def without_files(self) -> list[str]:
        """Lines of an environment that has the secrets themselves in place of files, for processes that start while a
        file is being replaced or gone."""
        lines = []
        for name in (each for each in self.secrets() if os.environ.get(f"{each.upper()}{secret_files.SUFFIX}")):
            value = getattr(self, name)
            text = value if isinstance(value, str) else ",".join(value)
            lines += [f"{name.upper()}={text}", f"{name.upper()}{secret_files.SUFFIX}="]
        return lines

    @property
    def data(self) -> DataDir:
        """The paths in `data_dir`."""
        return DataDir(self.data_dir)

    @property
    def embedded_redis(self) -> bool:
        """Whether this service starts a Redis-compatible server of its own."""
        return not self.redis_url


class ClientSettings(BaseSettings):
    """Where commands find the running service, unless options say otherwise."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    charrnn_url: str = Field("", description="the service's address; empty: PORT of this machine")
    charrnn_key: str = Field("", description="the key to send")


def read_settings() -> Settings:
    """The settings of the environment. Raises SystemExit with an error in one line."""
    try:
        return Settings()
    except ValidationError as error:
        raise SystemExit(f"service: {problems(error)}") from error


def problems(error: ValidationError) -> str:
    """What is wrong with the settings, in one line that names each variable."""
    messages = []
    for each in error.errors(include_input=False, include_context=False, include_url=False):
        name, message = ".".join(map(str, each["loc"])).upper(), each["msg"].removeprefix("Value error, ")
        messages.append(message if message.startswith(name) else f"{name}: {message}")
    return "; ".join(messages)


def _listed(value: str) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip(" \t\r\n") for each in value.split(","))))


def fault_of_long_key(key: str) -> str:
    """Why this cannot be a key that no user types, or an empty text."""
    return f"it has {len(key)}" if len(key) < SHORTEST_KEY else _fault_of_key(key)


def _fault_of_key(key: str) -> str:
    """Why a header cannot carry the key, or an empty text; names at most one invalid character of the key."""
    if len(key) > MAX_KEY:
        return "this one is too long"
    for place, character in enumerate(key):
        if not "!" <= character <= "~":
            return f"character {place + 1} is U+{ord(character):04X}"
    return ""
