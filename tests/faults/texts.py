"""Clients that generate, and compare every text with the calm one of its seed."""

from __future__ import annotations

from random import Random
from typing import Final

from service.client import Client
from tests.faults.memory import Memory
from tests.faults.site import Site

PROMPTS: Final = ("ROMEO:", "JULIET:\n", "First Citizen:\nWe ", "O")
SEEDS: Final = (1, 2, 3)
LENGTH: Final = 4000
TEMPERATURE: Final = 0.8


class CalmTexts:
    """The text of each prompt and seed, generated before anything happens; a shorter one is its beginning."""

    def __init__(self, client: Client) -> None:
        asked = [(prompt, seed) for prompt in PROMPTS for seed in SEEDS]
        self._texts = {each: _text(client, *each, LENGTH) for each in asked}

    def text(self, prompt: str, seed: int, length: int = LENGTH) -> str:
        """The first tokens, which are characters."""
        return self._texts[prompt, seed][:length]


class Texts:
    """What one client asks for."""

    def __init__(self, site: Site, memory: Memory, calm: CalmTexts, random: Random) -> None:
        self._client, self._lasting = site.client(), site.client(retries=4)
        self._memory, self._calm, self._random = memory, calm, random
        self._continuations: list[tuple[str, int, int, str]] = []

    def ask(self) -> None:
        """One request, of a kind that chance chooses."""
        self._random.choice((self._whole, self._whole, self._seedless, self._stream, self._stream, self._two_parts))()

    def _drawn(self) -> tuple[str, int]:
        return self._random.choice(PROMPTS), self._random.choice(SEEDS)

    def _whole(self) -> None:
        prompt, seed = self._drawn()
        length, cache = self._random.choice((20, 200, 1000)), self._random.random() < 0.5
        with self._memory.asking("generate"):
            reply = self._client.generate(prompt, length, seed=seed, temperature=TEMPERATURE, cache=cache)
            self._compare("a text", prompt, seed, length, reply.text)

    def _seedless(self) -> None:
        prompt = self._random.choice(PROMPTS)
        with self._memory.asking("generate"):
            reply = self._client.generate(prompt, 60, temperature=TEMPERATURE)
            self._memory.seedless.append((prompt, reply.seed, reply.text))

    def _stream(self) -> None:
        """One that goes on where it broke off."""
        prompt, seed = self._drawn()
        with self._memory.asking("stream"):
            pieces = self._lasting.stream(prompt, LENGTH, seed=seed, temperature=TEMPERATURE, cache=False)
            self._compare("a stream", prompt, seed, LENGTH, "".join(piece.text for piece in pieces))

    def _two_parts(self) -> None:
        """Begin a text, or go on with one that was begun a while ago."""
        if self._continuations and self._random.random() < 0.5:
            prompt, seed, begun, token = self._continuations.pop(self._random.randrange(len(self._continuations)))
            with self._memory.asking("continue"):
                text = self._client.generate(continue_=token, length=200).text
                self._compare(
                    "a continued text", prompt, seed, begun + 200, self._calm.text(prompt, seed, begun) + text
                )
            return
        prompt, seed = self._drawn()
        length = self._random.randrange(1, 500)
        with self._memory.asking("generate"):
            reply = self._client.generate(prompt, length, seed=seed, temperature=TEMPERATURE, continuation=True)
            self._compare("a begun text", prompt, seed, length, reply.text)
            self._continuations.append((prompt, seed, length, str(reply.choices[0].continuation)))

    def _compare(self, what: str, prompt: str, seed: int, length: int, text: str) -> None:
        if text != (calm := self._calm.text(prompt, seed, length)):
            same = next((at for at, (a, b) in enumerate(zip(text, calm, strict=False)) if a != b), "its end")
            self._memory.wrong.append(f"{what} of {prompt!r}, seed {seed}, length {length} differs at {same}")


def seedless_faults(client: Client, memory: Memory, most: int = 30) -> list[str]:
    """Which of the texts whose seed the service drew are not those of the seed that it told."""
    found = []
    for _ in range(min(most, len(memory.seedless))):
        prompt, seed, text = memory.seedless.pop()
        if _text(client, prompt, seed, 60) != text:
            found.append(f"the text of {prompt!r} is not that of the seed {seed} that was told with it")
    memory.seedless.clear()
    return found


def _text(client: Client, prompt: str, seed: int, length: int) -> str:
    return client.generate(prompt, length, seed=seed, temperature=TEMPERATURE, cache=False).text
