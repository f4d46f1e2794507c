"""The replies of `/gradients` and `/models/.../gradients`."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from charrnn.config import Cell
from service.api.schemas.replies.common import closed
from service.training.gradients import Measured, compared, described, requests_for_the_rest


@closed
class GradientNorms(TypedDict):
    """Gradient norms [layers][k] after some training steps: of a character's loss at the state k steps before it."""

    step: int
    characters: int
    norms: list[list[float]]


@closed
class GradientsReply(TypedDict):
    """How far back a version's gradients reach: before training, and with its own weights; `told` in words."""

    model: str
    version: int
    cell: Cell
    layers: int
    hidden_size: int
    measured: list[GradientNorms]
    told: str


@closed
class ComparedGradientsReply(TypedDict):
    """Several versions compared; `missing` has bodies for `POST /jobs` that train the missing cell types."""

    versions: list[GradientsReply]
    told: str
    same_text: bool
    missing: list[dict[str, Any]]


def gradients_reply(version: Measured) -> GradientsReply:
    """The reply for one version."""
    config = version.config
    return {
        "model": version.entry.name,
        "version": version.entry.version,
        "cell": config.cell,
        "layers": config.layers,
        "hidden_size": config.hidden_size,
        "measured": [
            {"step": reach.step, "characters": reach.characters, "norms": list(map(list, reach.norms))}
            for reach in version.reaches
        ],
        "told": described(version),
    }


def compared_gradients_reply(versions: list[Measured]) -> ComparedGradientsReply:
    """The reply for several versions."""
    return {
        "versions": [gradients_reply(each) for each in versions],
        "told": compared(versions),
        "same_text": len({each.text for each in versions}) == 1,
        "missing": requests_for_the_rest(versions),
    }
