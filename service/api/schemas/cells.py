"""The body of `POST /models/{name}/versions/{v}/cells`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from service.api.schemas.base import Body, Unknown
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import fault


class CellSearchBody(Body):
    """What to run the search on: a corpus, or a text."""

    corpus: str | None = Field(None, description="id of the corpus to run the search on")
    text: Annotated[str, AtMost("max_prompt_length", "characters")] | None = Field(
        None, description="text to run the search on"
    )
    unknown: Unknown = "error"

    @model_validator(mode="after")
    def _exactly_one(self) -> CellSearchBody:
        if (self.corpus is None) == (self.text is None):
            raise fault(f"corpus or text must be given, not {'neither' if self.corpus is None else 'both'}")
        return self
