"""What the facts of one field should be: a model of `persona.operations` to compare it with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from hypothesis import strategies as st

from persona.audience import known_in
from persona.operations import Op, Operation
from persona.persona import Fact, MemberKey
from persona.render import distinct
from persona.schema import Field
from tests.persona.builders import ANN, LOCATION, PLACES, READ_IN, TOOLS, operation

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
    """One statement, in a message of its own, and when it was made."""

    op: Op
    value: str
    where: str
    minute: int

    def operation(self, of: Field, *, member: MemberKey = ANN) -> Operation:
        message = message_of(self.minute, member=member)
        place = PLACES[self.where]
        return operation(
            self.value, op=self.op, field=of, said=self.minute, place=place, member=member, message=message
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time during which a value held for those who heard it in one place."""

    value: str
    where: str
    minutes: tuple[int, ...]
    """When it was said, and said again."""
    until: int | None


class Reference:
    """Asks of every minute what held in it; applies nothing and keeps no state.

    A value holds for those who heard it as long as the last word on the matter that all of them heard is that value,
    said to exactly them. To confirm is to say. A list that holds too much lets go of what was said longest ago.
    """

    def __init__(self, of: Field, talk: Sequence[Said]) -> None:
        self._of = of
        self._talk = sorted(talk, key=lambda said: said.minute)
        self._let_go: list[Said] = []
        """What full lists let go of, as a removal that only its own audience hears."""
        if of.is_list:
            self._overflow()

    def seen(self, place: str) -> list[str]:
        """The values that readers of a place are answered with; a list's sorted."""
        now = max(said.minute for said in self._talk)
        held = [said for said in self._held(now) if place in READ_IN[said.where]]
        if self._of.is_list:
            return sorted({said.value for said in held})
        return [said.value for said in sorted(held, key=lambda said: said.minute)][-1:]

    def spells(self) -> list[Spell]:
        """Every time a value held, in the order they began."""
        open_: dict[tuple[str, str], Spell] = {}
        ended: list[Spell] = []
        for said in self._talk:
            held = {(word.value, word.where): word for word in self._held(said.minute)}
            ended += [replace(open_.pop(matter), until=said.minute) for matter in set(open_) - set(held)]
            for matter, word in held.items():
                spell = open_.get(matter, Spell(value=word.value, where=word.where, minutes=(), until=None))
                open_[matter] = replace(spell, minutes=tuple(dict.fromkeys([*spell.minutes, word.minute])))
        return sorted([*ended, *open_.values()], key=lambda spell: spell.minutes[0])

    def _held(self, minute: int) -> list[Said]:
        """The last word for every value that holds in a minute."""
        matters = {(said.value, said.where) for said in self._talk}
        words = [self._last_word(value, where, minute) for value, where in matters]
        return sorted({word for word in words if word is not None}, key=lambda word: word.minute)

    def _last_word(self, value: str, where: str, minute: int) -> Said | None:
        """The statement that a value holds by for the audience of a place in a minute, if it does."""
        heard = [
            said
            for said in self._talk
            if said.minute <= minute
            and READ_IN[where] <= READ_IN[said.where]
            and (said.value == value or not (self._of.is_list or said.op == "remove"))
        ]
        gone = [out.minute for out in self._let_go if (out.value, out.where) == (value, where)]
        if not heard or heard[-1].op == "remove" or (heard[-1].value, heard[-1].where) != (value, where):
            return None
        return None if any(heard[-1].minute <= out <= minute for out in gone) else heard[-1]

    def _overflow(self) -> None:
        for said in self._talk:
            own = [word for word in self._held(said.minute) if word.where == said.where]
            if len(own) > self._of.max_items:
                self._let_go.append(replace(own[0], minute=said.minute))


def visible(facts: Sequence[Fact], place: str) -> tuple[Fact, ...]:
    """The facts, past ones included, that readers of a place may know."""
    known = known_in(PLACES[place])
    return tuple(fact for fact in facts if known is None or fact.audience in known)


def seen(facts: Sequence[Fact], place: str, of: Field) -> list[str]:
    """The values that readers of a place are answered with; a list's sorted."""
    values = [fact.value for fact in distinct([fact for fact in visible(facts, place) if fact.is_current], of)]
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
    only: Sequence[Op] = get_args(Op),
) -> list[Said]:
    """Statements about a field, in the order they are learned: any order, or not `late`, as they were said."""
    ops = [op for op in only if op != ("set" if of.is_list else "add")]
    statement = st.tuples(st.sampled_from(ops), st.sampled_from(values), st.sampled_from(places))
    drawn = draw(st.lists(statement, min_size=1, max_size=8))
    minutes = draw(st.permutations(range(len(drawn)))) if late else range(len(drawn))
    return [
        Said(op=op, value=value, where=where, minute=minute)
        for (op, value, where), minute in zip(drawn, minutes, strict=True)
    ]
