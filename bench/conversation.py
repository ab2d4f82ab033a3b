"""What is learned from in `bench.cost`: two members, twelve messages, and the ten facts a model finds in them.

The same for Rapport and its peers. Imports nothing but the standard library: the peers' interpreter reads it too.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

CHARS_PER_TOKEN = 4.16
"""Measured on English prompts with a published byte-pair encoding: an estimate, and the same one for everybody."""

Name = Literal["ana", "ben"]

NAMES: tuple[Name, ...] = ("ana", "ben")

_CUTOVER = (
    "Slow. I own the Postgres cutover and I want it done before the 14th. I prefer short written updates over calls."
)
MESSAGES: tuple[tuple[Name, str], ...] = (
    ("ana", "Morning! I finally moved to Oslo last weekend, the new flat in Grunerlokka is tiny but I love it."),
    ("ben", "Congrats! I'm still stuck in Leeds until the kids finish school in July."),
    ("ana", "How is the payments migration going? I start leading the ledger team on Monday."),
    ("ben", _CUTOVER),
    ("ana", "Same here, please no calls before 10, I do the school run for my daughter Mia."),
    ("ben", "Noted. By the way I've gone vegetarian since January, so pick somewhere decent for the team lunch."),
    ("ana", "There's a good Ethiopian place. I'm allergic to peanuts so I'll check the menu first."),
    ("ben", "Great. Are you still learning Norwegian? I gave up on Spanish and switched to Rust evenings instead."),
    ("ana", "Yes, B1 exam is in November. I use Anki every morning."),
    ("ben", "Nice. I'm training for the York half marathon in October, knee permitting."),
    ("ana", "I'd join but I only climb these days, twice a week at the new wall."),
    ("ben", "Let's book the lunch for Thursday then, and can the bot remind me about the cutover on the 12th?"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing a model learns from the conversation, in the forms that are asked of it."""

    who: Name
    op: Literal["set", "add"]
    field: str
    value: str
    quote: str
    """Of the message, with its id before it, as Rapport's optimizer is to cite it."""
    since: str = ""
    sentence: str
    """As the peers are to write it: whole, without pronouns."""


FACTS = (
    Fact(
        who="ana",
        op="set",
        field="location",
        value="Oslo",
        quote="m1 I finally moved to Oslo",
        sentence="Ana moved to a small but much loved new flat in Grunerlokka, Oslo, last weekend",
    ),
    Fact(
        who="ana",
        op="set",
        field="team",
        value="ledger team",
        quote="m3 I start leading the ledger team",
        sentence="Ana starts to lead the ledger team on Monday and asks about the payments migration",
    ),
    Fact(
        who="ana",
        op="add",
        field="routines",
        value="no calls before 10",
        quote="m5 please no calls before 10",
        sentence="Ana asks for no calls before ten in the morning because of the school run",
    ),
    Fact(
        who="ana",
        op="add",
        field="tools",
        value="Anki",
        quote="m9 I use Anki every morning",
        sentence="Ana learns Norwegian with Anki every morning and sits the B1 exam in November",
    ),
    Fact(
        who="ana",
        op="add",
        field="interests",
        value="climbing",
        quote="m11 I only climb these days",
        sentence="Ana only climbs these days, twice a week, at the new climbing wall",
    ),
    Fact(
        who="ben",
        op="set",
        field="location",
        value="Leeds",
        quote="m2 I'm still stuck in Leeds",
        sentence="Ben stays in Leeds until the school year of his children ends in July",
    ),
    Fact(
        who="ben",
        op="add",
        field="projects",
        value="Postgres cutover",
        quote="m4 I own the Postgres cutover",
        sentence="Ben owns the Postgres cutover and wants to have it done before the 14th",
    ),
    Fact(
        who="ben",
        op="add",
        field="values",
        value="short written updates over calls",
        quote="m4 I prefer short written updates over calls",
        sentence="Ben prefers short written updates over calls when he works with others",
    ),
    Fact(
        who="ben",
        op="add",
        field="food",
        value="vegetarian",
        quote="m6 I've gone vegetarian since January",
        since="2026-01",
        sentence="Ben has been a vegetarian since January, which matters for the team lunch",
    ),
    Fact(
        who="ben",
        op="add",
        field="interests",
        value="half marathons",
        quote="m10 I'm training for the York half marathon",
        sentence="Ben trains for the York half marathon in October, if his knee permits it",
    ),
)


def as_operations() -> str:
    """The facts as Rapport's optimizer answers: compact JSON of its output schema."""
    operations = [
        {"op": fact.op, "field": fact.field, "value": fact.value, "evidence": [fact.quote]}
        | ({"since": fact.since} if fact.since else {})
        for fact in FACTS
    ]
    return json.dumps({"operations": operations}, separators=(",", ":"))


def as_sentences(names: tuple[Name, ...], number: int) -> list[str]:
    """The facts about `names`, new ones in every round, or a peer would drop them as known."""
    return [f"{fact.sentence} (round {number})." for fact in FACTS if fact.who in names]


def as_profile(names: tuple[Name, ...], number: int) -> dict[str, str]:
    """The facts about `names` as fields of a profile."""
    return {fact.field: f"{fact.value} (round {number})" for fact in FACTS if fact.who in names}


def chars(node: Any) -> int:
    """The characters of every string in a piece of JSON; the names of its fields are left out."""
    if isinstance(node, str):
        return len(node)
    if isinstance(node, dict):
        return sum(map(chars, node.values()))
    return sum(map(chars, node)) if isinstance(node, list) else 0


def tokens(characters: float) -> int:
    """About how many tokens so many characters are."""
    return round(characters / CHARS_PER_TOKEN)
