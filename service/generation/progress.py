"""How much of a stream has been passed on. The ids of its events say it, so that the same request can go on after any
of them, in any process: the texts are generated again from their seeds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from service.generation.errors import EventIdError

EVENT_ID: Final = "[0-9a-f]{8}-[0-9a-z._*]+"
"""Eight hexadecimal digits of a digest over the request and what follows, which says what has been passed on: of each
choice `e` if it has ended, `p3` if three ids of the prompt precede its text (`p0`: that it has none), else characters
and, if they are not as many, tokens (`12.15`); `*4` after what is so of four choices in a row; `s2`: two skipped
characters, which come last.
`end` stands for all of it."""

_NUMBER: Final = "[0-9]{1,15}"
_ITEM: Final = re.compile(rf"(?:(e)|p({_NUMBER})|({_NUMBER})(?:\.({_NUMBER}))?)(?:\*({_NUMBER}))?")
_END: Final = "end"


@dataclass(frozen=True, slots=True)
class ChoiceProgress:
    """How much of one choice has been passed on: `prompt_ids` precede its text and count until it begins; None: not
    even that there are none."""

    characters: int = 0
    tokens: int = 0
    prompt_ids: int | None = None
    ended: bool = False

    @property
    def has_begun(self) -> bool:
        """Whether anything of the text, or its end, has been passed on."""
        return self.ended or self.characters > 0 or self.tokens > 0

    def __str__(self) -> str:
        if self.ended:
            return "e"
        if self.prompt_ids is not None and not self.has_begun:
            return f"p{self.prompt_ids}"
        return f"{self.characters}" if self.characters == self.tokens else f"{self.characters}.{self.tokens}"


class StreamProgress:
    """How much of each choice of a stream has been passed on so far, of which `digest` says what was asked for."""

    def __init__(
        self, digest: bytes, choices: Sequence[ChoiceProgress], skipped: int = 0, *, ended: bool = False
    ) -> None:
        self._hash = hashlib.sha256(digest)
        self._choices = list(choices)
        self._written = list(map(str, choices))
        self.skipped = skipped
        """How many of the skipped characters have been passed on, after all choices."""
        self.ended = ended
        """Whether the last event has been passed on."""

    @classmethod
    def read(cls, event_id: str, digest: bytes, choices: int) -> StreamProgress:
        """The progress after the event with this id. Raises EventIdError if the stream has none with it."""
        name, _, written = event_id.partition("-")
        if written and name == _name(hashlib.sha256(digest), written):
            if written == _END:
                return cls(digest, [ChoiceProgress(ended=True)] * choices, ended=True)
            *items, last = written.split("_")
            skipped = re.fullmatch(f"s({_NUMBER})", last)
            found = _read(items if skipped else [*items, last], choices)
            if found is not None:
                return cls(digest, found, int(skipped[1]) if skipped else 0)
        raise EventIdError(
            "must be the id of an event of this request's stream, with the same seed and the same version"
            f" (model as name@version), not {event_id[:100]!r}"
        )

    def __getitem__(self, index: int) -> ChoiceProgress:
        return self._choices[index]

    def __setitem__(self, index: int, choice: ChoiceProgress) -> None:
        self._choices[index], self._written[index] = choice, str(choice)

    def id_with(self, index: int, choice: ChoiceProgress) -> str:
        """The id of an event after which this choice is so far, and the others are as they are."""
        return self._id("_".join(_joined([*self._written[:index], str(choice), *self._written[index + 1 :]])))

    def id_after_skipped(self, count: int) -> str:
        """The id of an event after which so many skipped characters have been passed on."""
        return self._id("_".join([*_joined(self._written), f"s{count}"]))

    @property
    def last_id(self) -> str:
        """The id of the last event."""
        return self._id(_END)

    def _id(self, written: str) -> str:
        return f"{_name(self._hash, written)}-{written}"


def _name(digest: hashlib._Hash, written: str) -> str:
    named = digest.copy()
    named.update(written.encode("utf-8", "surrogatepass"))
    return named.hexdigest()[:8]


def _joined(written: Sequence[str]) -> Iterator[str]:
    """Equal ones in a row as one."""
    for each, same in groupby(written):
        count = sum(1 for _ in same)
        yield each if count == 1 else f"{each}*{count}"


def _read(items: Sequence[str], choices: int) -> list[ChoiceProgress] | None:
    """The inverse of `_joined` for so many choices; None for anything else."""
    found = [_ITEM.fullmatch(item) for item in items]
    counts = [0 if each is None else int(each[5] or 1) for each in found]
    if 0 in counts or sum(counts) != choices:
        return None
    read = [_choice(*each.groups()[:4]) for each in found if each is not None]
    return [choice for choice, count in zip(read, counts, strict=True) for _ in range(count)]


def _choice(ended: str | None, prompt_ids: str | None, characters: str | None, tokens: str | None) -> ChoiceProgress:
    read = None if prompt_ids is None else int(prompt_ids)
    return ChoiceProgress(int(characters or 0), int(tokens or characters or 0), read, ended=ended is not None)
