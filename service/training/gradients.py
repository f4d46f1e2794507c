"""The gradients in training records, which show how far back versions learn: found, described and compared in words;
draws nothing, trains nothing, knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.measurements import Reach
from charrnn.wording import count
from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.store import ModelStore, VersionInfo

BACK: Final = 20
"""At how many steps back versions are compared in words."""

LITTLE: Final = 1e-3
SETTINGS: Final = ("segment_length", "validation_split", "budget")
"""The settings that versions must share to be compared."""

EXAMPLE: Final = {"hidden_size": 128, "layers": 1, "segment_length": 100, "budget": {"steps": 600}}


class NoGradientsError(Exception):
    """A version's training record has no gradients."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A version with the gradients of the first evaluation of its training and those of its published weights."""

    entry: VersionInfo
    reaches: tuple[Reach, ...]

    @property
    def reference(self) -> str:
        """Its name in requests, such as plays@3."""
        return f"{self.entry.name}@{self.entry.version}"

    @property
    def config(self) -> ModelConfig:
        """The network's sizes."""
        return self.entry.config

    @property
    def text(self) -> str:
        """The digest of the text that it was trained on; empty if unknown."""
        return self.entry.record.corpus_sha256 or ""

    @property
    def last(self) -> Reach:
        """The gradients of the version's published weights."""
        return self.reaches[-1]


def measured(store: ModelStore, name: str, version: int) -> Measured:
    """A version with its recorded gradients. Raises NoGradientsError, StoreError."""
    entry = store.describe(name, version)
    if not (reaches := entry.record.gradients):
        raise NoGradientsError(
            f"{name}@{version} has no recorded gradients: it was trained by an earlier release or elsewhere;"
            " newly trained versions do"
        )
    return Measured(entry, reaches)


def newest_of_each_cell(store: ModelStore) -> list[Measured]:
    """The newest version of each cell, all trained on the same text: the one with the most cells, and of several such
    texts the one used last. In the order of CELLS; empty if no version has gradients."""
    by_text: dict[str, dict[Cell, Measured]] = {}
    for each in sorted(_all(store), key=lambda each: each.entry.published):
        found = by_text.setdefault(each.text, {})
        found.pop(each.config.cell, None)
        found[each.config.cell] = each  # the last one is the newest
    if not by_text:
        return []
    best = max(by_text.values(), key=lambda found: (len(found), list(found.values())[-1].entry.published))
    return [best[cell] for cell in CELLS if cell in best]


def _all(store: ModelStore) -> Iterator[Measured]:
    for name in store.models():
        for version in store.versions(name):
            try:
                yield measured(store, name, version)
            except (NoGradientsError, StoreError, DamagedFileError):
                continue


def requests_for_the_rest(chosen: Sequence[Measured]) -> list[dict[str, Any]]:
    """Bodies of `POST /jobs` that train the missing cells, with the text and the sizes of the first version."""
    settings, corpus = dict(EXAMPLE), "<corpus id>"
    if chosen:
        first, training = chosen[0], chosen[0].entry.record.settings
        settings |= {name: training[name] for name in SETTINGS if name in training}
        settings |= {"hidden_size": first.config.hidden_size, "layers": first.config.layers}
        corpus = first.text[:16] or corpus
    missing = [cell for cell in CELLS if cell not in {each.config.cell for each in chosen}]
    return [{"corpus": corpus, "model": f"gradients-{cell}", "cell": cell, **settings} for cell in missing]


def described(version: Measured) -> str:
    """How the gradient of the top layer decays with the steps back, in a sentence or two."""
    last, config = version.last, version.config
    back = min(BACK, last.steps)
    sentence = f"{version.reference} ({config.cell}, {config.layers}\N{MULTIPLICATION SIGN}{config.hidden_size}): "
    sentence += f"{count(back, 'step')} back, {_shown(last.share(back))} of the gradient is left"
    few = next((k for k in range(last.steps + 1) if last.share(k) < LITTLE), None)
    sentence += f", {count(last.steps, 'step')} back still {_shown(last.share(last.steps))}" if few is None else ""
    sentence += f", and less than a thousandth after {few}." if few is not None else "."
    peak = max(range(last.steps + 1), key=last.share)
    if last.share(peak) > 1:
        sentence += f" It grows at first, to {last.share(peak):.2g} times its size {count(peak, 'step')} back."
    if len(version.reaches) > 1:
        sentence += f" Before training it was {_shown(version.reaches[0].share(back))}, {count(back, 'step')} back."
    return sentence


def compared(chosen: Sequence[Measured]) -> str:
    """The longest reach compared with the shortest, in a sentence; empty for fewer than two versions."""
    if len(chosen) < 2:
        return ""
    back = min(BACK, *(each.last.steps for each in chosen))
    *_, second, most = sorted(chosen, key=lambda each: each.last.share(back))
    least = min(chosen, key=lambda each: each.last.share(back))
    if not least.last.share(back):
        return (
            f"{count(back, 'step')} back, {least.reference} keeps nothing of its gradient, and {most.reference} most."
        )
    times = most.last.share(back) / least.last.share(back)
    rest = f", and {second.reference} {_times(second.last.share(back) / least.last.share(back))} times as much"
    sentence = f"{count(back, 'step')} back, {most.reference} keeps {_times(times)} times as much of its gradient"
    sentence += f" as {least.reference}"
    return sentence + (rest if second is not least else "") + "."


def _times(factor: float) -> str:
    """A large factor with two significant digits, a small one with one digit after the point."""
    return f"{float(f'{factor:.2g}'):,.0f}" if factor >= 10 else f"{factor:.1f}"


def _shown(share: float) -> str:
    """As a percentage if that is readable, else with a power of ten."""
    if share >= LITTLE:
        return f"{float(f'{100 * share:.2g}'):,g}%"
    return f"{share:.1e}".replace("e-0", "e-") if share else "nothing"
