"""Words, punctuation, newlines and spaces to ids and back; knows nothing of the network that reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np

from charrnn.following import KINDS, Following
from charrnn.vocabulary import Ids, Level, UnknownCharactersError, Vocabulary

MAX_WORDS: Final = 10_000
"""Of a text's tokens so many are known, the most frequent ones."""

UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
"""What the token shows as that stands for all others."""

MAX_COUNTED: Final = 1_000_000
LONGEST: Final = 64

_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0963\u0970-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe20-\ufe2f"
)
"""Marks that belong to the letter before them, and joiners within words, which Python does not count as letters."""

_APART: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Written without spaces: each is a token of its own, or whole sentences would be words."""

_LETTER: Final = rf"(?:(?![{_APART}])[^\W\d_]|[{_MARKS}])"

_APOSTROPHE: Final = r"['\u2019]"

_TOKEN: Final = re.compile(
    rf"\r\n|{_LETTER}(?:{_LETTER}|{_APOSTROPHE}(?={_LETTER})){{0,{LONGEST - 1}}}(?<!{_APOSTROPHE})|.", re.DOTALL
)
"""A word, an apostrophe within it included; a line's end; or any single character: digits each by itself, so that
numbers are never unknown. A word that is cut because it has more than LONGEST characters is not cut after an
apostrophe: alone, without the letter that followed, it would be two tokens."""

_OTHER, _WORD, _LONG_WORD, _FULL_WORD, _APOSTROPHE_KIND, _RETURN = range(6)
"""Kinds of tokens: a word has room for an apostrophe and a letter, a long one for a letter, a full one for none."""

_LOOKAHEAD: Final = 2
"""Characters after a token that can decide where it ends."""


def tokens(text: str) -> list[str]:
    """The text's tokens, which joined give it back exactly."""
    return _TOKEN.findall(text)


def token_pieces(texts: Iterable[str]) -> Iterator[list[str]]:
    """The tokens of a text that comes in pieces: the same, however it is cut."""
    rest = ""
    for text in texts:
        rest += text
        found = tokens(rest)
        kept = 0
        while found and kept < _LOOKAHEAD:
            kept += len(found.pop())
        yield found
        rest = rest[len(rest) - kept :]
    yield tokens(rest)


@dataclass(frozen=True)
class WordVocabulary(Vocabulary):
    """The tokens that a model knows: a token's id is its index, and the id after the last one's stands for all others.

    `characters` are those that its words are made of. Raises ValueError when the words are not distinct single tokens.
    """

    characters: str = field(init=False, repr=False, compare=False)
    words: tuple[str, ...]

    level: ClassVar[Level] = "word"

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("a vocabulary needs at least one word")
        if len(set(self.words)) != len(self.words) or any(tokens(word) != [word] for word in self.words):
            raise ValueError("a vocabulary's words must be distinct, and each a single token")
        object.__setattr__(self, "characters", "".join(sorted(set("".join(self.words)))))

    @classmethod
    def of(cls, texts: Iterable[str]) -> WordVocabulary:
        """The MAX_WORDS most frequent tokens of the texts, the most frequent first."""
        counts: Counter[str] = Counter()
        floor = 0
        for found in token_pieces(texts):
            counts.update(found)
            while len(counts) > MAX_COUNTED:  # the rarest so far: they cost memory and would hardly be chosen
                floor += 1
                counts = Counter({word: count for word, count in counts.items() if count > floor})
        return cls(tuple(sorted(counts, key=lambda word: (-counts[word], word))[:MAX_WORDS]))

    def __len__(self) -> int:
        return len(self.words) + 1

    @property
    def unknown_id(self) -> int:
        """The id of the token that stands for all words that were left out."""
        return len(self.words)

    @property
    def description(self) -> Any:
        """Plain JSON that says which vocabulary this is; `described` is its inverse."""
        return {"level": self.level, "words": list(self.words)}

    @cached_property
    def start_id(self) -> int:
        """What an empty prompt is taken to follow: a line's end, else a space, else the first word."""
        return next((self._ids[token] for token in ("\n", "\r\n", " ") if token in self._ids), 0)

    @cached_property
    def following(self) -> Following:
        """Next to a word, or an apostrophe after one, another word would be read as one with it, which the text that
        the model learned from never has; so would a line feed after a carriage return."""
        kinds = np.array([_kind(word) for word in self.words] + [_OTHER], dtype=np.int32)
        bars_words = np.where(np.isin(kinds, (_WORD, _LONG_WORD, _FULL_WORD)), -np.inf, 0)
        bars_feeds = np.array([-np.inf if word == "\n" else 0 for word in (*self.words, UNKNOWN)])
        masks = np.stack([np.zeros(len(self)), bars_words, bars_feeds]).astype(np.float32)
        masks[1:, self.unknown_id] = -np.inf
        rules = np.zeros((KINDS, KINDS), dtype=np.int32)
        rules[:, [_WORD, _LONG_WORD]], rules[_WORD, _APOSTROPHE_KIND], rules[:, _RETURN] = 1, 1, 2
        return Following(kinds, rules, masks)

    def encode(self, text: str) -> Ids:
        """The ids of the text's tokens. Raises UnknownCharactersError, listing words."""
        ids, unknown = self.encode_known(text)
        if unknown:
            raise UnknownCharactersError(unknown, "word")
        return ids

    def encode_known(self, text: str) -> tuple[Ids, list[tuple[int, str]]]:
        """The ids of the words that are known, and those dropped as (position in characters, word)."""
        found = tokens(text)
        ids = self.encode_tokens(found)
        known = ids != self.unknown_id
        if known.all():
            return ids, []
        starts = np.cumsum([0, *map(len, found)])
        return ids[known], [(int(starts[i]), found[i]) for i in np.flatnonzero(~known)]

    def encode_tokens(self, found: Sequence[str]) -> Ids:
        """The ids of tokens, [len(found)], `unknown_id` for those that are not known."""
        get, unknown = self._ids.get, self.unknown_id
        return np.fromiter((get(token, unknown) for token in found), dtype=np.int32, count=len(found))

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """The text of the ids. Raises IndexError when one is outside the vocabulary."""
        return "".join(self.tokens_of(ids))

    def tokens_of(self, ids: Ids | Sequence[int]) -> Sequence[str]:
        """The text of each of the ids. Raises IndexError when one is outside the vocabulary."""
        array = np.asarray(ids, dtype=np.int32)
        if array.size and not 0 <= array.min() <= array.max() < len(self):
            raise IndexError(f"ids must be from 0 to {len(self) - 1}, not {int(array.min())} to {int(array.max())}")
        shown = self._shown
        return [shown[i] for i in array.tolist()]

    def extended(self, other: Vocabulary) -> Vocabulary:
        """This vocabulary, each word with its id, and after it the words that another one knows as well."""
        assert isinstance(other, WordVocabulary)
        return WordVocabulary((*self.words, *(word for word in other.words if word not in self._ids)))

    def ids_of(self, other: Vocabulary) -> Ids:
        """The ids that the tokens of another vocabulary of words have in this one, the unknown one's included."""
        assert isinstance(other, WordVocabulary)
        return np.append(self.encode_tokens(other.words), np.int32(self.unknown_id))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    @cached_property
    def _shown(self) -> tuple[str, ...]:
        return (*self.words, UNKNOWN)


def _kind(word: str) -> int:
    """What matters of a token for what may follow it. A word that has all the letters that one may have ends there."""
    if word == "\r":
        return _RETURN
    if re.fullmatch(_APOSTROPHE, word):
        return _APOSTROPHE_KIND
    if not re.match(_LETTER, word):
        return _OTHER
    return _WORD if len(word) < LONGEST - 1 else _LONG_WORD if len(word) < LONGEST else _FULL_WORD


def described(description: Any) -> Vocabulary:
    """The vocabulary of this description. Raises ValueError, TypeError, KeyError when it is none."""
    if isinstance(description, str):
        return Vocabulary(description)
    if description["level"] != WordVocabulary.level:
        raise ValueError(f"level must be char or word, not {description['level']!r}")
    return WordVocabulary(tuple(description["words"]))
