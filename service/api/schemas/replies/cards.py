"""The replies of `/v1/models`, in OpenAI's format."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from model_store.errors import NotFoundError
from model_store.faults import version_fault
from model_store.names import parse_reference
from model_store.store import ModelStore
from service.api.schemas.replies.common import Paged, closed
from service.api.schemas.replies.versions import with_damage

OWNER: Final = "charrnn"


@closed
class ModelCard(TypedDict):
    """A model, in OpenAI's format."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    damaged: NotRequired[
        Annotated[str, Field(default="", description="only if damaged: what is wrong with its version")]
    ]


@closed
class ModelCards(Paged):
    """A page of the models that can be requested by name, the newest first."""

    object: Literal["list"]
    data: list[ModelCard]


def model_card(store: ModelStore, reference: str) -> ModelCard:
    """The card of a model, version or alias: of any value that `model` of a request can have."""
    name, selector = parse_reference(reference)
    version = store.resolve(name, selector)
    card: ModelCard = {"id": reference, "object": "model", "created": 0, "owned_by": OWNER}
    try:
        published = store.size_and_time(name, version)[1]
    except NotFoundError as error:
        return {**card, **with_damage([str(error)])}
    created = int(datetime.fromisoformat(published).timestamp())
    return {**card, "created": created, **with_damage([version_fault(store, name, version)])}
