"""Long lists, a page at a time: what stands on it, and the buttons to the others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.views import Button

LINES = 10
"""On one page: every platform draws as many with what can be done to each (Slack: 50 blocks, Discord: 25 options)."""

MAX_WORDS = 60
"""Longer words do not fit into an action with its verb and the page."""

_NUMBER = re.compile(r"(?:^|\s)(?:page\s+)?(\d{1,4})$", re.IGNORECASE)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some of many things."""

    items: tuple[T, ...]
    number: int
    """From 1."""
    count: int
    """How many pages there are."""

    @property
    def title(self) -> str:
        """Which page it is, where there are several."""
        return f", page {self.number} of {self.count}" if self.count > 1 else ""

    def buttons(self, verb: str, what: str) -> tuple[Button, ...]:
        """The ways to the pages around it; `what` is what they are pages of, in the words of the verb."""
        around = {"Previous": self.number - 1, "Next": self.number + 1}
        return tuple(
            Button(action=f"{verb}:{what}:{number}", label=label)
            for label, number in around.items()
            if 1 <= number <= self.count
        )


def page(items: Sequence[T], number: int) -> Page[T]:
    """The page of that number, or the nearest there is."""
    count = max(1, -(-len(items) // LINES))
    number = min(max(number, 1), count)
    return Page(items=tuple(items[(number - 1) * LINES : number * LINES]), number=number, count=count)


def typed(words: str) -> tuple[str, int]:
    """What was typed, and the number of the page that stands at its end; 1 if there is none."""
    found = _NUMBER.search(words)
    return (words[: found.start()].rstrip(), int(found[1])) if found else (words, 1)


def pressed(words: str) -> tuple[str, int]:
    """What follows the verb in the action of one of the buttons, and the page."""
    what, _, number = words.rpartition(":")
    return what, int(number) if re.fullmatch(r"[0-9]{1,4}", number) else 1
