"""The reply of `/models/{name}/versions/{v}/evaluation`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, NotRequired, cast

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from charrnn.tasks.record import TaskName
from service.api.schemas.replies.common import closed

Share = Annotated[float, Field(ge=0, le=1)]


@closed
class EvaluationReply(TypedDict):
    """What was measured on held-out records: of models that write labels accuracy, macro F1 and the confusion matrix;
    of those that write texts the loss, and where they turn texts into others the share that is exactly right."""

    model: str
    version: int
    task: TaskName
    records: Annotated[int, Field(description="how many records were measured")]
    held_out: Annotated[int, Field(description="how many records were held out; if they are many, some are measured")]
    labels: NotRequired[Annotated[list[str], Field(description="the labels, in the order of the confusion matrix")]]
    compared: NotRequired[
        Annotated[int, Field(description="how many labels were compared with the right ones: one a record, or a token")]
    ]
    accuracy: NotRequired[Annotated[Share, Field(description="the share of the labels that are right")]]
    macro_f1: NotRequired[
        Annotated[Share, Field(description="the mean F1 of all labels that are right, or given, in any record")]
    ]
    confusion: NotRequired[
        Annotated[
            list[list[int]] | None,
            Field(
                default=None,
                description="for each right label (row), how often each label (column) was given; null for more than"
                " 200 labels",
            ),
        ]
    ]
    tokens: NotRequired[Annotated[int, Field(description="number of tokens, the ends of records included")]]
    loss: NotRequired[Annotated[float, Field(description="loss on the held-out records, in nats per token")]]
    bits_per_character: NotRequired[float]
    exact_match: NotRequired[
        Annotated[
            Share | None,
            Field(default=None, description="the share of texts that are turned, greedily, into just the right one"),
        ]
    ]


_SHAPE: Final = TypeAdapter(EvaluationReply)


def kept_evaluation_reply(
    name: str, version: int, labels: Sequence[str], kept: dict[str, Any]
) -> EvaluationReply | None:
    """What is kept beside a version with these labels; None if it is damaged."""
    reply = {"model": name, "version": version, **kept}
    if "confusion" in kept:
        reply["labels"] = list(labels)
    try:
        _SHAPE.validate_python(reply)
    except ValidationError:
        return None
    return cast(EvaluationReply, reply)
