"""What the facts of one field should be: a model of `persona.projection` to compare it with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from persona.audience import known_in
from persona.operations import Op, Operation
from persona.persona import Fact, Kind, MemberKey
from persona.render import distinct
from persona.schema import Field
from tests.persona.builders import ANN, LATER, LOCATION, PLACES, READ_IN, TOOLS, at, operation

ONE_VALUE = LOCATION
AMPLE = TOOLS
"""A list with room for everything that is said."""
PAIR = replace(TOOLS, max_items=2)
"""A list that holds two values."""


def message_of(minute: int, *, member: MemberKey = ANN) -> str:
    """The id of the message in which a member said something."""
    return f"{member.id} {minute}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One statement or observation, in a message of its own, and when it was made."""

    op: Op
    value: str
    where: str
    minute: int
    since: int | None = None
    until: int | None = None
    kind: Kind = "stated"
    session: str = ""

    @property
    def begin(self) -> int:
        return self.minute if self.since is None else self.since

    @property
    def matter(self) -> "Matter":
        return self.value, self.where

    def operation(self, of: Field, *, member: MemberKey = ANN) -> Operation:
        return operation(
            self.value,
            op=self.op,
            field=of,
            said=self.minute,
            place=PLACES[self.where],
            member=member,
            message=message_of(self.minute, member=member),
            kind=self.kind,
            since=self.since,
            until=self.until,
            session=self.session,
        )


Matter = tuple[str, str]
"""A value, and the place of those it was said to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time during which a value held for those who heard it in one place."""

    matter: Matter
    begin: int
    until: int | None
    said: tuple[Said, ...]
    """What it rests on, oldest first."""

    @property
    def is_stated(self) -> bool:
        return any(said.kind == "stated" for said in self.said)

    def holds(self, minute: int) -> bool:
        return self.begin <= minute and (self.until is None or minute < self.until)


class Reference:
    """Asks of every minute what held in it; applies nothing and keeps no state.

    A value holds for those who heard it as long as the last word on the matter that all of them heard is that value,
    said to exactly them. To confirm is to say. What was only seen counts from the third message on, out of two
    sessions, and never against what the member says. A list that holds too much lets go of what was said least often.
    """

    def __init__(self, of: Field, talk: Sequence[Said]) -> None:
        self._of = of
        self._every = sorted(talk, key=lambda said: said.minute)
        self._talk = [said for said in self._every if said.kind == "stated" or self._is_borne_out(said)]
        self._ends = {said: self._end(said) for said in self._talk}
        named = [time for said in talk for time in (said.begin, said.minute, said.until) if time is not None]
        self._minutes = range(min(named, default=0), max(named, default=0) + 1)
        self._let_go: dict[Matter, int] = {}
        """When a full list last let go of a value: as if its own audience had not been told before."""
        self._held = {minute: self._within_cap(minute) for minute in self._minutes}
        every = [spell for matter in {said.matter for said in self._talk} for spell in self._spells(matter)]
        self.spells = sorted(every, key=lambda spell: (spell.begin, spell.said[0].minute))
        """Every time a value held, in the order they began."""

    def seen(self, place: str, minute: int) -> list[str]:
        """The values that readers of a place are answered with in a minute; a list's sorted.

        Of several values of one field the one said last, and one that was only observed if there is no other.
        """
        known = [spell for spell in self.spells if place in READ_IN[spell.matter[1]] and spell.holds(minute)]
        last = sorted(known, key=lambda spell: (spell.is_stated, spell.said[-1].minute))[-1:]
        return sorted({spell.matter[0] for spell in (known if self._of.is_list else last)})

    def evidence(self, spell: Spell) -> list[int]:
        """The minutes of all messages that a spell rests on, oldest first."""
        return sorted({one.minute for said in spell.said for one in (said, *self._alike_until(said))})

    def _alike_until(self, seen: Said) -> list[Said]:
        """The observations of the same, up to one of them; none if it is a statement."""
        alike = [said for said in self._every if (said.kind, said.matter) == ("observed", seen.matter)]
        return [said for said in alike if seen.kind == "observed" and said.minute <= seen.minute]

    def _is_borne_out(self, seen: Said) -> bool:
        alike = self._alike_until(seen)
        return len(alike) >= 3 and len({said.session for said in alike}) >= 2

    def _end(self, said: Said) -> int | None:
        """The first end that was named for it, and when it was taken back if it was to end anyway, or never began."""
        later = [
            other
            for other in self._talk
            if other.minute > said.minute and other.value == said.value and READ_IN[said.where] <= READ_IN[other.where]
            if other.kind == "stated" or said.kind == "observed"
        ]
        taken_back = next((other for other in later if other.op == "remove"), None)
        again = [other for other in later if taken_back is None or other.minute < taken_back.minute]
        named = [other.until for other in (said, *again) if other.until is not None]
        if taken_back and (named or taken_back.begin <= said.begin):
            named.append(taken_back.begin)
        return None if said.op == "remove" else min(named, default=None)

    def _speaks(self, said: Said, minute: int) -> bool:
        end = self._ends[said]
        return said.begin <= minute and (end is None or minute < end)

    def _last_word(self, matter: Matter, minute: int) -> Said | None:
        """The statement that a value holds by for those it was said to in a minute, if it does."""
        value, where = matter
        heard = [
            said
            for said in self._talk
            if said.begin <= minute
            and READ_IN[where] <= READ_IN[said.where]
            and not (said.where == where and said.begin <= self._let_go.get(said.matter, said.begin - 1))
        ]
        about = [
            said
            for said in heard
            if (said.value == value or not (self._of.is_list or said.op == "remove"))
            and self._speaks(said, minute)
            and not (said.kind == "observed" and self._is_outweighed(said, heard, minute))
        ]
        return about[-1] if about and about[-1].op != "remove" and about[-1].matter == matter else None

    def _is_outweighed(self, seen: Said, heard: Sequence[Said], minute: int) -> bool:
        """Whether the member had told what holds instead, or that this value does not, before it was seen."""
        own = [said for said in heard if said.kind == "stated" and said.minute < seen.minute]
        of_it = [said for said in own if said.value == seen.value]
        holding = [said for said in own if said.op != "remove" and self._speaks(said, minute)]
        if self._of.is_list:
            return bool(of_it)
        stands = [said for said in holding[-1:] if said == [one for one in own if one.value == said.value][-1]]
        return bool(stands) or (bool(of_it) and of_it[-1] not in holding)

    def _within_cap(self, minute: int) -> dict[Matter, Said]:
        """The last word for every value that holds in a minute."""
        words = {matter: self._last_word(matter, minute) for matter in {said.matter for said in self._talk}}
        held = {matter: word for matter, word in words.items() if word is not None}
        for place in PLACES:
            own = sorted((word for word in held.values() if word.where == place), key=lambda word: word.minute)
            for _ in range(len(own) - self._of.max_items if self._of.is_list else 0):
                least = min(
                    own, key=lambda word: (word.kind == "stated", word.begin == minute, self._times(word, minute))
                )
                own.remove(least)
                del held[least.matter]
                self._let_go[least.matter] = minute
        return held

    def _times(self, word: Said, minute: int) -> int:
        return sum(said.matter == word.matter and said.op != "remove" and said.begin <= minute for said in self._talk)

    def _spells(self, matter: Matter) -> list[Spell]:
        on = [minute for minute in self._minutes if matter in self._held[minute]]
        alike = [said for said in self._talk if said.matter == matter and said.op != "remove"]
        spells: list[Spell] = []
        for begin in (minute for minute in on if minute - 1 not in on):
            end = next((minute for minute in self._minutes if minute > begin and minute not in on), None)
            minutes = [minute for minute in on if begin <= minute and (end is None or minute < end)]
            said = {said for said in alike if said.begin in minutes} | {
                self._held[minute][matter] for minute in minutes
            }
            if spells and self._held[begin][matter] in spells[-1].said:
                said |= {*spells[-1].said}  # it was only interrupted
            in_order = tuple(sorted(said, key=lambda one: one.minute))
            spells.append(Spell(matter=matter, begin=begin, until=end, said=in_order))
        return spells


def visible(facts: Sequence[Fact], place: str) -> tuple[Fact, ...]:
    """The facts, past ones included, that readers of a place may know."""
    known = known_in(PLACES[place])
    return tuple(fact for fact in facts if known is None or fact.audience in known)


def seen(facts: Sequence[Fact], place: str, of: Field, *, minute: float | None = None) -> list[str]:
    """The values that readers of a place are answered with in a minute, or when all is said; a list's sorted."""
    when = LATER if minute is None else at(minute)
    values = [fact.value for fact in distinct([fact for fact in visible(facts, place) if fact.holds(when)], of)]
    return sorted(values) if of.is_list else values


def operations(talk: Sequence[Said], of: Field, *, member: MemberKey = ANN) -> list[Operation]:
    """The operations that a talk is learned as."""
    return [said.operation(of, member=member) for said in talk]


@st.composite
def talks(
    draw: st.DrawFn,
    of: Field,
    *,
    places: Sequence[str] = tuple(PLACES),
    late: bool = True,
    values: str = "abc",
    rich: bool = False,
) -> list[Said]:
    """Statements about a field, in the order they are learned: any order, or not `late`, as they were said.

    In a `rich` talk some name when the value began to hold or when it ends, and some are only observed, mostly often.
    """
    add: Op = "add" if of.is_list else "set"
    ops: list[Op] = [add, "remove", "confirm"]
    about = st.tuples(st.sampled_from(values), st.sampled_from(places))
    said = [(op, *what) for op, what in draw(st.lists(st.tuples(st.sampled_from(ops), about), min_size=1, max_size=8))]
    often = draw(st.lists(st.tuples(about, st.integers(2, 4)), max_size=2)) if rich else []
    glimpsed = [(add, *what) for what, times in often for _ in range(times)]
    minutes = range(len(said) + len(glimpsed))
    order = draw(st.permutations(minutes)) if late else minutes
    plain = [
        Said(op=op, value=value, where=where, minute=minute, kind="stated" if number < len(said) else "observed")
        for number, ((op, value, where), minute) in enumerate(zip(said + glimpsed, order, strict=True))
    ]
    return [draw(dated(one)) for one in plain] if rich else plain


@st.composite
def dated(draw: st.DrawFn, said: Said) -> Said:
    """The same, perhaps with a beginning and an end, and in one of two sessions."""
    minutes = st.none() | st.integers(1, 6)
    ago, ahead, session = draw(minutes), draw(minutes), draw(st.sampled_from("xy"))
    return replace(
        said,
        since=None if ago is None else said.minute - ago,
        until=None if ahead is None or said.op == "remove" else said.minute + ahead,
        session=session,
    )
