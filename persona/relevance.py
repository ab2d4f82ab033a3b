"""What of a persona bears on some text: by the words they share, as much as fits into a number of tokens. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from persona.canonical import comparable
from persona.schema import Field

BYTES_PER_TOKEN = 3.2
"""Estimated low: the current tokenizers make more tokens of the same text than older ones (anthropic sheet 1.3). Of
UTF-8, since a letter that takes three bytes is about a token of its own."""

_WORD = re.compile(r"\w{3,}")
_COMMON = {
    *("about", "and", "are", "can", "could", "does", "for", "from", "have", "how", "like", "others", "should", "that"),
    *("the", "their", "them", "they", "this", "use", "want", "what", "when", "where", "which", "who", "with", "work"),
    *("would", "you", "your"),
}
"""Words that a text and a field's description share without meaning the same thing."""


class Candidate(Protocol):
    """Something that may be left out of a prompt."""

    @property
    def is_first(self) -> bool:
        """Whether it goes before whatever bears more on the text."""
        ...

    @property
    def words(self) -> frozenset[str]:
        """As of `words`."""
        ...

    @property
    def confirmed_at(self) -> datetime:
        """When the member last said it."""
        ...

    @property
    def size(self) -> int:
        """How many bytes of UTF-8 it is in a prompt."""
        ...


C = TypeVar("C", bound=Candidate)


def fitting(candidates: Sequence[C], text: str, *, budget_tokens: int) -> list[C]:
    """The candidates that fit, in the order they came in.

    What shares more words with `text` goes before the rest, and of that what was confirmed last.
    """
    left = int(budget_tokens * BYTES_PER_TOKEN)
    if sum(one.size for one in candidates) <= left:
        return list(candidates)
    asked, kept = words(text), set[int]()
    ranked = sorted(
        enumerate(candidates),
        key=lambda one: (not one[1].is_first, -len(one[1].words & asked), -one[1].confirmed_at.timestamp()),
    )
    for place, one in ranked:
        if one.size <= left:
            left -= one.size
            kept.add(place)
    return [one for place, one in enumerate(candidates) if place in kept]


def size(text: str) -> int:
    """How many bytes of UTF-8 a text is."""
    return len(text) if text.isascii() else len(text.encode())


def words(text: str) -> frozenset[str]:
    """The words of a text as they are compared, without the shortest; scripts without spaces give pairs of letters."""
    plain = comparable(text)
    if plain.isascii():
        return frozenset(_WORD.findall(plain)) - _COMMON
    pairs = (plain[at : at + 2] for at in range(len(plain) - 1) if min(plain[at : at + 2]) > "\u2fff")
    return frozenset(_WORD.findall(plain)) - _COMMON | frozenset(pairs)


def words_of(field: Field, *values: str) -> frozenset[str]:
    """The words by which values of a field are found: theirs, and those that say what the field is for."""
    return words(" ".join([field.label, field.description, *values]))
