"""The parameters of a list that is shown in pages, as `paging` parses them."""

from __future__ import annotations

from typing import Final

from service.api.http.paging import MOST
from service.api.openapi.operations import RequestParameter

PAGE_PARAMETERS: Final = (
    RequestParameter(
        "limit",
        "the most that one reply lists",
        schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": MOST},
    ),
    RequestParameter(
        "after", "`last_id` of the page before: list those that follow it", schema={"type": "string", "minLength": 1}
    ),
)
