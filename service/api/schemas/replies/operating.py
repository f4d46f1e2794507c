"""The replies of `/healthz`, `/readyz` and `/key`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from service.api.schemas.replies.common import closed
from service.keys.key_file import Role


@closed
class HealthReply(TypedDict):
    """Alive."""

    status: Literal["ok"]


@closed
class ReadyReply(TypedDict):
    """Able to generate; what is degraded is listed."""

    status: Literal["ready"]
    degraded: list[str]


@closed
class KeyReply(TypedDict):
    """What a key permits; `role` null: no key was sent."""

    role: Role | None
    needed: Annotated[bool, Field(description="whether generating needs a key")]
