"""The facts that follow from the operations of one field: pure functions.

For every moment the question is asked anew what held in it: the last thing *said* about that moment counts, whatever
order things were learned in. So a session learned late cannot overwrite what was said after it, "until Friday" ends by
itself and what held before holds again, and taking an operation back restores what it replaced.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from persona.audience import Audience, covers
from persona.canonical import comparable
from persona.observation import supported
from persona.operations import Operation
from persona.persona import Fact, FactId
from persona.schema import Field


def project(operations: Iterable[Operation], of: Field) -> tuple[Fact, ...]:
    """The facts of one field of one member that follow from all its operations, in the order they began to hold.

    A statement ends what it contradicts, for every audience that hears it and for no other (`audience.covers`):
    readers who cannot know of a change must not notice it. Ended facts stay, with their dates.
    """
    words = _words(supported(operations))
    audiences = dict.fromkeys(word.audience for word in words if not word.is_removal)
    if _is_plain(words, of):
        spells = _plain_spells(words, of)
    else:
        spells = [spell for audience in audiences for spell in _spells(audience, words, of)]
    for spell in spells:
        spell.name = spell.operations[0].id
    spells.sort(key=lambda spell: (spell.begin, spell.operations[0].said_at, spell.name))
    return tuple(_facts(spells, of))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Word:
    """An operation with what is asked of it again and again."""

    operation: Operation
    order: int
    """Its place among all words, as they were said."""
    key: str
    audience: Audience
    begin: datetime
    until: datetime | None
    """When it ends by itself; at or before `begin` if it never came to hold."""
    is_removal: bool
    is_stated: bool


def _words(operations: Sequence[Operation]) -> list[_Word]:
    words: list[_Word] = []
    later: defaultdict[str, list[Operation]] = defaultdict(list)
    """What names an end of a value, by value."""
    keys = {value: comparable(value) for value in {operation.value for operation in operations}}  # most are said again
    for order, operation in reversed(list(enumerate(operations))):
        key = keys[operation.value]
        word = _Word(
            operation=operation,
            order=order,
            key=key,
            audience=operation.audience,
            begin=operation.begins_at,
            until=_until(operation, reversed(later[key])),
            is_removal=operation.op == "remove",
            is_stated=operation.kind == "stated",
        )
        if operation.until is not None or word.is_removal:
            later[key].append(operation)
        words.append(word)
    return words[::-1]


def _until(operation: Operation, later: Iterable[Operation]) -> datetime | None:
    """When what was said ends by itself, after all that was `later` said of the same value, soonest first.

    Naming an end moves it. Taking back a value that was to end anyway ends it as if that had been its end: what it
    interrupted holds again. What had come to stay ends otherwise (`_held`), unless it is said never to have begun.
    """
    if operation.op == "remove":
        return None
    until = operation.until
    for other in later:
        if not covers(other.audience, operation.audience) or (other.kind == "observed" and operation.kind == "stated"):
            continue
        if other.op == "remove":
            if until is not None or other.begins_at <= operation.begins_at:
                until = min(until or other.begins_at, other.begins_at)
            break
        until = min(until or other.until, other.until) if other.until else until
    return until


@dataclass(slots=True, kw_only=True)
class _Hearing:
    """What holds for exactly one audience once it heard some words, in the order they were said."""

    audience: Audience
    is_list: bool
    held: dict[str, _Word] = field(default_factory=dict)
    """For each value that holds the word it holds by; last said last."""
    stated: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)

    def hear(self, word: _Word, at: datetime) -> None:
        """Take in what a word says of a moment."""
        is_over = word.until is not None and word.until <= at
        if not self._counts(word, is_over=is_over) or is_over:
            return
        if self.is_list or word.is_removal:
            self.held.pop(word.key, None)
        else:
            self.held.clear()
        if word.audience == self.audience and not word.is_removal:
            self.held[word.key] = word

    def _counts(self, word: _Word, *, is_over: bool) -> bool:
        """Whether a word is no observation that the member's own words outweigh."""
        if not word.is_stated:
            return not (word.key in self.denied or (word.key in self.stated if self.is_list else self.stated))
        if word.is_removal or is_over:
            self.stated.discard(word.key)
            self.denied.add(word.key)
            return True
        if not self.is_list:
            self.stated.clear()
        self.stated.add(word.key)
        self.denied.discard(word.key)
        return True


class _Listening:
    """Goes through the moments of an audience in their order, and hears no word twice unless it has to."""

    def __init__(self, heard: Sequence[_Word], audience: Audience, of: Field) -> None:
        self.heard = heard
        self._audience = audience
        self._of = of
        self._taken = 0
        self._hearing = self._fresh()
        ends = [word.until for word in heard if word.until is not None]
        self._first_end = min(ends, default=None)
        self._is_in_order = all(one.begin <= other.begin for one, other in pairwise(heard))
        """Whether whatever is heard in a moment was said before what is heard later: nobody spoke of the past."""

    def held(self, at: datetime) -> dict[str, _Word]:
        """What holds at a moment, which is not before the last one asked for."""
        if not self._is_in_order or (self._first_end is not None and self._first_end <= at):
            self._hearing, self._taken = self._fresh(), 0
        for number in range(self._taken, len(self.heard)):
            if self.heard[number].begin <= at:
                self._hearing.hear(self.heard[number], at)
            elif self._is_in_order:
                break
            self._taken = number + 1
        return self._hearing.held

    def let_go(self, word: _Word, at: datetime) -> None:
        """Forget that a value was ever said to the audience, up to a moment."""
        kept = [one for one in self.heard if (one.key, one.audience) != (word.key, self._audience) or one.begin > at]
        self.heard, self._hearing, self._taken = kept, self._fresh(), 0

    def _fresh(self) -> _Hearing:
        return _Hearing(audience=self._audience, is_list=self._of.is_list)


def _moments(audience: Audience, words: Iterable[_Word], of: Field) -> Iterator[tuple[datetime, dict[str, _Word]]]:
    """What held for an audience, from each moment on at which that may have changed.

    A list that becomes too long lets go of the value said least often, for good: until it is said again.
    """
    listening = _Listening([word for word in words if covers(word.audience, audience)], audience, of)
    times = {time for word in listening.heard for time in (word.begin, word.until) if time is not None}
    for moment in sorted(times):
        held = listening.held(moment)
        while of.is_list and len(held) > of.max_items:
            listening.let_go(_least(held, words, moment), moment)
            held = listening.held(moment)
        yield moment, dict(held)


def _least(held: dict[str, _Word], words: Iterable[_Word], moment: datetime) -> _Word:
    """What a full list has no room for: the value said least often, of those the one said longest ago.

    What was only observed goes before what was stated, and what begins to hold in that moment goes last.
    """
    said = Counter((word.key, word.audience) for word in words if word.begin <= moment and not word.is_removal)
    return min(
        held.values(),
        key=lambda word: (
            word.is_stated,
            word.begin == moment,
            said[word.key, word.audience],
            word.operation.said_at,
        ),
    )


@dataclass(slots=True, kw_only=True, eq=False)
class _Spell:
    """A time during which a value holds for one audience, and what was said of it meanwhile."""

    begin: datetime
    end: datetime | None = None
    words: set[_Word] = field(default_factory=set)
    operations: list[Operation] = field(default_factory=list)
    """Of the words, as they were said."""
    name: str = ""
    """The id of the first of them, which costs a digest."""


def _is_plain(words: Sequence[_Word], of: Field) -> bool:
    """Whether one audience heard everything, one thing after the other, with nothing taken back or to end by itself.

    So it is with nearly every field of nearly every member; then nothing has to be asked of single moments.
    """
    return (
        len({word.audience for word in words}) <= 1
        and all(word.is_stated and not word.is_removal and word.until is None for word in words)
        and all(one.begin < other.begin for one, other in pairwise(words))
        and (not of.is_list or len({word.key for word in words}) <= of.max_items)
    )


def _plain_spells(words: Iterable[_Word], of: Field) -> list[_Spell]:
    """What `_spells` finds where `_is_plain` holds."""
    spells: list[_Spell] = []
    holding: dict[str, _Spell] = {}
    for word in words:
        if word.key not in holding:
            if not of.is_list:
                for ended in holding.values():
                    ended.end = word.begin
                holding.clear()
            holding[word.key] = _Spell(begin=word.begin)
            spells.append(holding[word.key])
        holding[word.key].operations.append(word.operation)
    return spells


def _spells(audience: Audience, words: Sequence[_Word], of: Field) -> list[_Spell]:
    """Every time a value held for an audience."""
    spells: defaultdict[str, list[_Spell]] = defaultdict(list)
    begun: defaultdict[tuple[datetime, str], list[_Word]] = defaultdict(list)
    for word in words:
        if word.audience == audience and not word.is_removal:
            begun[word.begin, word.key].append(word)
    for moment, held in _moments(audience, words, of):
        for key in spells.keys() - held:
            spells[key][-1].end = spells[key][-1].end or moment
        for key, word in held.items():
            known = spells[key]
            if not known or known[-1].end is not None:
                goes_on = bool(known) and word in known[-1].words
                known.append(_Spell(begin=moment, words=set(known[-1].words) if goes_on else set()))
            known[-1].words |= {word, *begun[moment, key]}
    every = [spell for those in spells.values() for spell in those]
    for spell in every:
        spell.operations = [word.operation for word in sorted(spell.words, key=lambda word: word.order)]
    return every


def _facts(spells: Iterable[_Spell], of: Field) -> Iterator[Fact]:
    """The spells as facts, each with an id of its own: a value that was only interrupted goes on under a number."""
    used: Counter[str] = Counter()
    for spell in spells:
        name = spell.name[:12]
        used[name] += 1
        evidence = {one: None for operation in spell.operations for one in operation.evidence}
        yield Fact(
            id=FactId(name if used[name] == 1 else f"{name}.{used[name]}"),
            section=of.section,
            field=of.name,
            value=spell.operations[-1].value,
            kind="stated" if any(operation.kind == "stated" for operation in spell.operations) else "observed",
            audience=spell.operations[0].audience,
            evidence=tuple(sorted(evidence, key=lambda one: one.said_at)),
            confirmed_at=spell.operations[-1].said_at,
            valid_from=spell.begin,
            valid_until=spell.end,
        )
