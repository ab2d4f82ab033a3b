"""Keeping a persona tidy: which values say the same in another spelling, and which nobody said for ages. Pure.

Only operations come out, so all of it stands in the history and can be undone as one update. Nothing is confirmed by
it, nothing is rewritten, and a run takes away a tenth of what is known at most: a mistake here must not cost a persona.
What was said in private is the exception: it is not kept on a chance, and ends with its field's life, all of it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from persona.audience import MEMBER, SPECIAL
from persona.canonical import comparable
from persona.operations import Operation
from persona.persona import Fact, Persona
from persona.schema import Field, Schema

MAX_SHARE = 10
"""One of so many facts may end in a run."""
LIVES = 3
"""A value that nobody said again for so many times its field's life is no longer known, not merely uncertain.

One that was said in private is given up after one life: decision 0014.
"""


def tidied(persona: Persona, schema: Schema) -> list[Operation]:
    """The removals that tidy a persona read with its evidence; duplicates before what is old, oldest first."""
    current = [fact for fact in persona.current if fact.field in schema.by_name]
    doubled = [fact for field in schema.fields for fact in _doubled(field, persona.of(field.name))]
    outlived = [fact for fact in current if _is_outlived(fact, schema.by_name[fact.field], persona.at)]
    private = [fact for fact in outlived if _is_private(fact)]
    ending = dict.fromkeys([*_oldest_first(doubled), *_oldest_first(outlived)])
    few = [fact for fact in ending if fact not in private][: len(current) // MAX_SHARE]
    return [_removal(persona, fact) for fact in [*private, *few]]


def next_end(persona: Persona, schema: Schema) -> datetime | None:
    """When the next value that was said in private is given up, unless it is said again; None if none will be."""
    ends = [
        _end(fact, schema.by_name[fact.field])
        for fact in persona.current
        if fact.field in schema.by_name and _is_private(fact)
    ]
    return min((end for end in ends if end is not None), default=None)


def _doubled(field: Field, facts: Iterable[Fact]) -> list[Fact]:
    """Of the values of a list that differ in spaces and signs alone, all but the one said last, for each audience."""
    alike: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts if field.is_list and not field.choices else ():
        alike[fact.audience, _skeleton(fact.value)].append(fact)
    return [fact for group in alike.values() for fact in sorted(group, key=lambda one: one.confirmed_at)[:-1]]


def _skeleton(value: str) -> str:
    """What is left of a value without spaces and signs; the value itself where signs make the difference, as in C++."""
    plain = comparable(value)
    letters = "".join(char for char in plain if char.isalnum())
    return letters if len(letters) > 2 and plain[-1:] not in "+#" else plain


def _is_outlived(fact: Fact, field: Field, at: datetime) -> bool:
    end = _end(fact, field)
    return end is not None and at > end


def _end(fact: Fact, field: Field) -> datetime | None:
    """When a value is given up if nobody says it again."""
    if field.life_days is None:
        return None
    lives = 1 if _is_private(fact) else LIVES
    return fact.confirmed_at + lives * timedelta(days=field.life_days)


def _is_private(fact: Fact) -> bool:
    """Whether it was said where not every member of the tenant reads."""
    return fact.audience in {MEMBER, SPECIAL} or fact.audience.startswith("room:")


def _oldest_first(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: fact.confirmed_at)


def _removal(persona: Persona, fact: Fact) -> Operation:
    """The end of a value from now on; what it rests on is what the member said last of it."""
    return Operation(
        member=persona.member,
        op="remove",
        field=fact.field,
        value=fact.value,
        evidence=fact.evidence[-1:],
        audience=fact.audience,
        kind=fact.kind,
        since=persona.at,
    )
