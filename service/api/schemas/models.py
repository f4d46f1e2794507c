"""The bodies of requests about models."""

from __future__ import annotations

from pydantic import Field

from service.api.schemas.base import Body


class AliasBody(Body):
    """`PUT /models/{name}/aliases/{alias}`."""

    version: int = Field(ge=1, lt=1 << 31, description="the version to point to")
