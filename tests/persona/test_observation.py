"""What is seen in how members write: when it counts, and that it never outweighs what they say."""

from dataclasses import replace
from itertools import permutations

import pytest

from bot.store.sqlite import SqliteStore
from persona.observation import MIN_MESSAGES, MIN_SESSIONS, supported
from persona.operations import Op, Operation
from persona.persona import Fact
from persona.projection import project
from persona.schema import Field
from tests.persona.builders import (
    PRIVATE,
    PUBLIC,
    TOOLS,
    WORKPLACE,
    at,
    current,
    evidence,
    held,
    history,
    known,
    learn,
    operation,
    retract,
    spans,
)
from tests.persona.reference import PAIR, seen, visible

TONE = WORKPLACE.by_name["tone"]


def after(*operations: Operation, of: Field = TONE) -> tuple[Fact, ...]:
    """The facts of a field once the operations were learned in the order given."""
    return project(operations, of)


def glimpse(value: str = "direct", *, said: float = 0, session: str = "s1", of: Field = TONE) -> Operation:
    """One observation, in a message of its own."""
    return operation(value, op="add" if of.is_list else "set", field=of, said=said, kind="observed", session=session)


def glimpses(value: str = "direct", *, said: float = 0, of: Field = TONE, times: int = MIN_MESSAGES) -> list[Operation]:
    """As many observations as it takes, minute by minute, in sessions of their own."""
    return [glimpse(value, said=said + n, session=f"s{said + n}", of=of) for n in range(times)]


def stated(value: str, *, said: float, of: Field = TONE, op: Op | None = None) -> Operation:
    return operation(value, op=op or ("add" if of.is_list else "set"), field=of, said=said)


# --- When it counts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sessions", "counts"),
    [
        ("", 0),
        ("a", 0),
        ("ab", 0),
        ("aaa", 0),
        ("aaaaaaaaa", 0),
        ("aab", 1),
        ("abb", 1),
        ("abc", 1),
        ("aaab", 1),
        ("aabb", 2),
    ],
)
def test_observation_counts_from_three_messages_of_two_sessions(sessions: str, counts: int) -> None:
    """An observation counts once three messages out of two sessions bear it out, and each further one confirms it."""
    seen_in = [glimpse(said=n, session=session) for n, session in enumerate(sessions)]

    assert (MIN_MESSAGES, MIN_SESSIONS) == (3, 2)
    assert len(supported(seen_in)) == counts
    assert current(after(*seen_in)) == ["direct"] * bool(counts)


def test_observed_value_holds_since_it_was_borne_out() -> None:
    """An observed value is marked so, holds since the message that made it enough, and rests on all of them."""
    (fact,) = after(glimpse(said=1), glimpse(said=4, session="s2"), glimpse(said=7), glimpse(said=9))

    assert (fact.kind, fact.value, fact.valid_from, fact.confirmed_at) == ("observed", "direct", at(7), at(9))
    assert [found.message for found in fact.evidence] == ["m1", "m4", "m7", "m9"]


def test_order_of_learning_does_not_matter() -> None:
    """Observations count the same in whatever order their sessions were learned."""
    assert len({after(*learned) for learned in permutations(glimpses(times=4))}) == 1


def test_message_that_is_quoted_twice_counts_once() -> None:
    """Two passages of one message, in one operation or in several, are one message."""
    twice = replace(glimpse(), evidence=(evidence("m1", said=1, quote="so"), evidence("m1", said=1, quote="it is")))
    other = replace(glimpse(said=1), op="confirm")

    assert after(twice, other, glimpse(said=2, session="s2")) == ()
    assert len(after(twice, other, glimpse(said=2, session="s2"), glimpse(said=3))) == 1


def test_one_session_is_never_enough() -> None:
    """However many messages of one session show it, a second session has to."""
    many = tuple(evidence(f"m{n}", said=n) for n in range(9))
    long = replace(glimpse(), evidence=many)

    assert after(long) == after(long, *(glimpse(said=n) for n in range(10, 20))) == ()
    assert len(after(long, glimpse(said=20, session="s2"))) == 1


def test_message_belongs_to_one_session() -> None:
    """A message that was read again with another session makes no second one."""
    again = replace(glimpse(said=3, session="s2"), op="confirm")

    assert after(*(glimpse(said=n) for n in (1, 2, 3)), again) == ()


def test_messages_of_several_rooms_are_told_apart() -> None:
    """Ids repeat in other rooms and tenants: messages there are messages of their own."""
    places = (PUBLIC, PRIVATE, replace(PUBLIC, tenant="slack:T2"))

    seen_in = [
        replace(glimpse(session=f"s{n}"), evidence=(evidence("m1", said=n, place=place),))
        for n, place in enumerate(places)
    ]

    assert len(after(*seen_in)) == 1


@pytest.mark.parametrize(("again", "counts"), [("Neovim", 1), ("neovim", 1), ("vim", 0)])
def test_only_the_same_value_adds_up(again: str, counts: int) -> None:
    """What is seen of one value, however it is spelt, bears out no other."""
    facts = after(*glimpses("Neovim", of=TOOLS, times=2), glimpse(again, said=9, of=TOOLS), of=TOOLS)

    assert len(facts) == counts


def test_what_other_rooms_cannot_hear_bears_nothing_out() -> None:
    """What was seen in a private room and what was seen in public do not add up: each audience knows its own."""
    here = [replace(operation("vim", op="add", field=TOOLS, said=n, place=PRIVATE), kind="observed") for n in (1, 2)]

    assert after(*here, *glimpses("vim", said=5, of=TOOLS, times=2), of=TOOLS) == ()


def test_statements_need_no_support() -> None:
    """What a member says counts at once, as it was said, and each time once."""
    said = [stated("direct", said=5), stated("formal", said=1)]

    assert supported([*said, *said]) == said[::-1]


async def test_observation_that_lost_its_messages_counts_no_longer(store: SqliteStore) -> None:
    """A value that was observed just often enough is gone when one of its messages is deleted, and not for good."""
    await learn(store, *glimpses())
    before = (await known(store)).facts

    await retract(store, "m1")
    between = (await known(store)).facts
    await learn(store, glimpse(said=9))

    assert before == held(after(*glimpses()))
    assert between == ()
    (fact,) = (await history(store)).facts
    assert [found.message for found in fact.evidence] == ["m0", "m2", "m9"]


# --- What the member says outweighs it ------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [-1, 1, 9])
def test_what_a_member_says_is_what_holds(said: float) -> None:
    """A field of one value holds what the member said, whether something else was seen before, after or meanwhile."""
    facts = after(stated("formal", said=said), *glimpses("direct"))

    assert [(fact.value, fact.kind) for fact in facts if fact.valid_until is None] == [("formal", "stated")]


def test_newer_observation_replaces_an_older_one() -> None:
    """Between things that were only seen, the one seen last holds."""
    facts = after(*glimpses("formal"), *glimpses("direct", said=10))

    assert spans(facts) == [("formal", at(2), at(12)), ("direct", at(12), None)]


@pytest.mark.parametrize("of", [TONE, TOOLS])
def test_removed_value_is_not_brought_back(of: Field) -> None:
    """A value that the member removed stays away however often it is seen, before and after."""
    facts = after(
        *glimpses("direct", of=of),
        stated("direct", op="remove", said=5, of=of),
        *glimpses("direct", said=6, of=of),
        of=of,
    )

    assert spans(facts) == [("direct", at(2), at(5))]


@pytest.mark.parametrize("of", [TONE, TOOLS])
def test_removed_value_comes_back_when_the_member_says_so(of: Field) -> None:
    """A value that was removed holds again once the member says it again."""
    facts = after(
        stated("direct", op="remove", said=5, of=of),
        *glimpses("direct", said=6, of=of),
        stated("direct", said=9, of=of),
        of=of,
    )

    assert [(fact.value, fact.kind, fact.valid_from) for fact in facts] == [("direct", "stated", at(9))]


def test_value_that_the_member_took_up_again_may_be_seen() -> None:
    """A value that was removed, said again and replaced since is seen like any other once nothing stated holds."""
    facts = after(
        stated("direct", op="remove", said=1),
        stated("direct", said=2),
        stated("formal", said=3),
        stated("formal", op="remove", said=4),
        *glimpses("direct", said=5),
    )

    assert spans(facts) == [("direct", at(2), at(3)), ("formal", at(3), at(4)), ("direct", at(7), None)]


def test_another_value_may_be_seen_once_the_stated_one_is_removed() -> None:
    """Where the member took back what they said, what is seen afterwards holds."""
    facts = after(stated("formal", said=1), stated("formal", op="remove", said=3), *glimpses("direct", said=5))

    assert spans(facts) == [("formal", at(1), at(3)), ("direct", at(7), None)]


def test_what_is_seen_during_a_stay_holds_after_it() -> None:
    """What was seen while a statement held counts when that has ended by itself."""
    facts = after(replace(stated("formal", said=1), until=at(9)), *glimpses("direct", said=3))

    assert spans(facts) == [("formal", at(1), at(9)), ("direct", at(9), None)]


@pytest.mark.parametrize("of", [TONE, TOOLS])
def test_observation_does_not_outlive_the_end_a_member_named(of: Field) -> None:
    """A value that was to end ends, although it was seen meanwhile and since."""
    bounded = replace(stated("direct", said=1, of=of), until=at(9))

    facts = after(bounded, *glimpses("direct", said=3, of=of), *glimpses("direct", said=12, of=of), of=of)

    assert spans(facts) == [("direct", at(1), at(9))]


@pytest.mark.parametrize("op", ["add", "remove"])
def test_observation_ends_nothing_that_was_stated(op: Op) -> None:
    """An observation neither names an end for what the member said, nor takes it back."""
    doubt = [replace(one, op=op, until=at(9) if op == "add" else None) for one in glimpses("vim", said=3, of=TOOLS)]

    (fact,) = after(stated("vim", said=1, of=TOOLS), *doubt, of=TOOLS)

    assert (fact.valid_from, fact.valid_until, fact.kind) == (at(1), None, "stated")


def test_observed_value_finds_no_room_among_stated_ones() -> None:
    """A list that is full of what the member said has no room for what was only seen."""
    said = [stated(tool, said=n, of=PAIR) for n, tool in enumerate("ab")]

    facts = after(*said, *glimpses("c", said=5, of=PAIR, times=9), of=PAIR)

    assert facts == after(*said, of=PAIR)


def test_observed_value_makes_room_for_a_stated_one() -> None:
    """A full list lets go of what was only seen, however often, before anything the member said."""
    facts = after(
        stated("a", said=1, of=PAIR), *glimpses("b", said=2, of=PAIR, times=9), stated("c", said=20, of=PAIR), of=PAIR
    )

    assert current(facts) == ["a", "c"]


def test_observed_value_that_found_no_room_is_seen_again() -> None:
    """A value that a full list let go of is back once there is room and it is seen again: nobody removed it."""
    facts = after(
        *glimpses("a", of=PAIR),
        *(stated(tool, said=n, of=PAIR) for n, tool in ((10, "b"), (11, "c"))),
        stated("c", op="remove", said=12, of=PAIR),
        glimpse("a", said=13, of=PAIR),
        of=PAIR,
    )

    assert spans(facts) == [("a", at(2), at(11)), ("b", at(10), None), ("c", at(11), at(12)), ("a", at(13), None)]


@pytest.mark.parametrize("said", [-1, 1.5, 9])
def test_value_that_was_seen_and_said_is_stated(said: float) -> None:
    """A value that the member says is stated from then on, and keeps what was seen of it as further evidence."""
    facts = after(stated("direct", said=said), *glimpses("direct", times=4))

    assert [(fact.value, fact.kind, fact.valid_until) for fact in facts] == [("direct", "stated", None)]
    assert sorted(found.message for found in facts[0].evidence) == sorted([f"m{said}", "m0", "m1", "m2", "m3"])


@pytest.mark.parametrize("op", ["add", "remove"])
def test_what_is_said_to_one_room_changes_nothing_seen_in_public(op: Op) -> None:
    """Readers of public rooms cannot tell that a value they know from observation was spoken of elsewhere."""
    public = glimpses("vim", of=TOOLS)

    facts = after(*public, operation("vim", op=op, field=TOOLS, said=5, place=PRIVATE), of=TOOLS)

    assert visible(facts, "public") == after(*public, of=TOOLS)
    assert seen(facts, "private", TOOLS) == ["vim"]
