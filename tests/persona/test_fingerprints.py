"""Fingerprints: a forgotten fact is not learned again from the same message, and from any other it is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.sqlite import SqliteStore
from persona import editing, fingerprints, forgetting
from persona.audience import Audience, Place
from persona.fingerprints import Fingerprints
from persona.guard import Refusal, check, is_forgotten
from persona.operations import Operation
from persona.persona import Fact, FactId, MemberKey
from tests.persona.builders import (
    ANN,
    BO,
    DIRECT,
    LATER,
    LOCATION,
    NAMESAKE,
    NUMBERS,
    PLACES,
    PRIVATE,
    PUBLIC,
    TENANT,
    TOOLS,
    WORKPLACE,
    about,
    at,
    current,
    evidence,
    held,
    history,
    in_one_store,
    known,
    learn,
    operation,
    retract,
    rows,
    values,
)


async def prints(store: SqliteStore, member: MemberKey = ANN) -> Fingerprints:
    return (await store.read(partial(fingerprints.read, members=[member])))[member]


async def forget_fact(
    store: SqliteStore, fact: FactId, *, member: MemberKey = ANN, now: float = 1_000, salt: str = "salt"
) -> tuple[Fact, ...]:
    async def forget(transaction: object) -> tuple[Fact, ...]:
        command = await editing.command(transaction, member, "forget", now=at(now), after=at(now))  # type: ignore[arg-type]  # the engine's
        return await forgetting.forget_fact(
            transaction,  # type: ignore[arg-type]  # the engine's
            member,
            fact,
            schema=WORKPLACE,
            command=command,
            salt=salt,
        )

    return await store.write(forget)


async def forget_value(store: SqliteStore, value: str, *, member: MemberKey = ANN) -> None:
    """Forget the first fact of this value."""
    facts = (await history(store, member)).facts
    await forget_fact(store, next(fact.id for fact in facts if fact.value == value), member=member)


async def learn_what_still_holds(store: SqliteStore, *learned: Operation) -> tuple[Operation, ...]:
    """Keep operations the way learning does: those that were not forgotten meanwhile."""
    still = [
        one for one in learned if not is_forgotten({}, one.field, one.evidence, prints=await prints(store, one.member))
    ]
    return await learn(store, *still)


# -- the mark ---------------------------------------------------------------------------------------------------------

SAID = evidence("m1")
MARKS = Fingerprints(salt="s", marks=frozenset({fingerprints.mark("s", "location", SAID)}))


def test_a_mark_knows_its_message_and_field() -> None:
    """One message for one field, whatever was quoted of it; nothing else."""
    assert MARKS.know("location", [SAID])
    assert MARKS.know("location", [evidence("m2"), replace(SAID, quote="other words", said_at=at(9))])
    assert not MARKS.know("tools", [SAID])
    assert not MARKS.know("location", [])


@pytest.mark.parametrize("changed", [{"message": "m2"}, {"room": "C2"}, {"tenant": "slack:T2"}])
def test_every_part_of_a_messages_name_counts(changed: dict[str, str]) -> None:
    """The same id in another room or tenant is another message."""
    assert not MARKS.know("location", [replace(SAID, **changed)])  # type: ignore[arg-type]  # texts all


def test_a_mark_cannot_be_made_without_the_salt() -> None:
    """Who has the database of another member's marks cannot compare them."""
    assert fingerprints.mark("s", "location", SAID) != fingerprints.mark("t", "location", SAID)
    assert SAID.message not in fingerprints.mark("s", "location", SAID)


async def test_a_member_has_one_salt(store: SqliteStore) -> None:
    """The first salt stays: marks made later are compared with those made before."""
    await store.write(partial(fingerprints.keep, member=ANN, forgotten=[("location", SAID)], salt="first"))
    await store.write(partial(fingerprints.keep, member=ANN, forgotten=[("tools", SAID)], salt="second"))
    await store.write(partial(fingerprints.keep, member=BO, forgotten=[("tools", SAID)], salt="third"))

    assert (await prints(store)).salt == "first"
    assert (await prints(store, BO)).salt == "third"
    assert all([(await prints(store)).know(field, [SAID]) for field in ("location", "tools")])
    assert (await prints(store, NAMESAKE)) == Fingerprints()


# -- forgetting one fact ----------------------------------------------------------------------------------------------

LATER_MINUTES = 10_000
"""When all is said."""

fields = st.sampled_from([LOCATION, TOOLS])
places = st.sampled_from(sorted(PLACES))
messages = st.lists(st.tuples(st.sampled_from("abc"), places), min_size=1, max_size=6)


@in_one_store
@given(field=fields, said=messages, other=places)
async def test_what_was_forgotten_comes_back_from_other_messages_alone(
    store: SqliteStore, field: object, said: list[tuple[str, str]], other: str
) -> None:
    """However often and wherever it was said: learned again from those messages it stays forgotten, from others not."""
    of = LOCATION if field == LOCATION else TOOLS
    member = MemberKey(tenant=TENANT, id=f"F{next(NUMBERS)}")
    op = "add" if of.is_list else "set"
    learned = [
        operation(value, op=op, field=of, said=n, place=PLACES[place], member=member)  # type: ignore[arg-type]  # one of two
        for n, (value, place) in enumerate(said)
    ]
    await learn(store, *learned)
    value = said[0][0]
    alike = [one for one in learned if one.value == value]
    await forget_value(store, value, member=member)
    await learn_what_still_holds(store, *learned)
    again = values(await history(store, member))
    new = operation(value, op=op, field=of, said=500, place=PLACES[other], member=member)  # type: ignore[arg-type]  # one of two
    kept = await learn_what_still_holds(store, new)

    assert alike
    assert value not in again
    assert set(again) == {one.value for one in learned if one.value != value}
    assert kept == (new,)
    assert value in values(await history(store, member))


@in_one_store
@given(
    said=st.lists(
        st.tuples(st.sampled_from("abc"), places, st.sampled_from([None, 5, 9_000_000])), min_size=1, max_size=7
    ),
    ended=st.sets(st.sampled_from("abc"), max_size=1),
)
async def test_forgetting_brings_nothing_back(
    store: SqliteStore, said: list[tuple[str, str, float | None]], ended: set[str]
) -> None:
    """Whatever was said, for however long and to whom: nothing holds after forgetting that was over before it."""
    member = MemberKey(tenant=TENANT, id=f"F{next(NUMBERS)}")
    learned = [
        operation(value, said=n, place=PLACES[place], member=member, until=None if until is None else until + n)
        for n, (value, place, until) in enumerate(said)
    ]
    removals = [operation(value, op="remove", said=50, member=member) for value in ended]
    await learn(store, *learned, *removals)
    before = (await history(store, member)).facts
    await forget_fact(store, before[0].id, member=member, now=LATER_MINUTES)
    after = await history(store, member)

    was_to_hold = {(one.value, one.audience) for one in before if one.valid_until is None or one.valid_until > LATER}
    assert before[0].value not in values(after)
    assert {(one.value, one.audience) for one in after.current} <= was_to_hold
    assert sorted((await known(store, member)).facts, key=repr) == sorted(held(after.facts), key=repr)


async def test_the_guard_refuses_what_was_forgotten(store: SqliteStore) -> None:
    """A proposal from a marked message is refused as forgotten; from another message it is kept."""
    await learn(store, operation("Berlin", message="m1"))
    await forget_value(store, "Berlin")
    marked = {ANN: await prints(store)}
    again = check(about("I live in Berlin"), schema=WORKPLACE, fences={}, prints=marked)
    elsewhere = check(about("I live in Berlin", place=PRIVATE), schema=WORKPLACE, fences={}, prints=marked)

    assert isinstance(again, Refusal)
    assert again.reason == "forgotten"
    assert isinstance(elsewhere, Operation)


async def test_nothing_is_left_of_a_forgotten_fact(store: SqliteStore) -> None:
    """No byte of the value or its words, in whatever state its operations were; the rest of the persona stays."""
    await learn(
        store,
        operation("canary", said=1, place=DIRECT),
        operation("Canary", said=2),
        operation("canary", op="remove", said=3, place=PRIVATE),
        operation("canary", op="add", field=TOOLS, said=4),
        operation("Bern", said=5, member=BO),
    )
    await forget_value(store, "canary")
    left = await rows(store, "operation", "evidence", "fact", "fence", "fingerprint")

    assert values(await history(store)) == ["canary"]
    assert [row[4] for row in left["operation"] if row[1] == ANN.id] == ["add"]
    assert len([row for row in left["fingerprint"] if row[1] == ANN.id]) == 3
    assert values(await history(store, BO)) == ["Bern"]


@pytest.mark.parametrize("member", [BO, NAMESAKE])
async def test_an_id_of_somebody_else_forgets_nothing(store: SqliteStore, member: MemberKey) -> None:
    """Only one's own facts can be forgotten, whatever id is given."""
    await learn(store, operation("Berlin"))
    fact = (await history(store)).facts[0]

    assert await forget_fact(store, fact.id, member=member) == ()
    assert values(await known(store)) == ["Berlin"]
    assert await rows(store, "fingerprint") == {"fingerprint": []}


async def test_what_was_replaced_does_not_come_back(store: SqliteStore) -> None:
    """Whatever a forgotten value had ended stays ended, in every audience that had heard so, back to the first one."""
    await learn(store, *(operation(town, said=n) for n, town in enumerate(["Oslo", "Bergen", "Lyon", "Bern"])))
    await learn(store, operation("Rome", said=2.5, place=DIRECT))
    await forget_value(store, "Bern")
    persona = await history(store)

    assert current(persona.facts) == []
    assert [fact.value for fact in persona.facts] == ["Oslo", "Bergen", "Lyon", "Rome"]


async def test_a_stay_within_a_stay_leaves_the_outer_one(store: SqliteStore) -> None:
    """What was to hold again by itself does, as if the forgotten value had never been said."""
    await learn(
        store,
        operation("Lisbon", said=1),
        operation("Berlin", said=2, until=9_000_000),
        operation("Paris", said=3, until=8_000_000),
    )
    await forget_value(store, "Paris")
    facts = (await history(store)).facts

    assert current(facts) == ["Berlin"]
    assert values(await known(store)) == ["Berlin"]


# -- forgetting what a message taught ---------------------------------------------------------------------------------


async def forget_message(
    store: SqliteStore, message: str, *, place: Place = PUBLIC, member: MemberKey = ANN
) -> list[str]:
    forget = partial(forgetting.forget_message, member=member, messages=[evidence(message, place=place)])
    return [fact.value for fact in await store.write(partial(forget, schema=WORKPLACE, now=at(1_000), salt="salt"))]


async def test_a_message_is_forgotten_for_every_field_it_taught(store: SqliteStore) -> None:
    """It is as if it had been deleted, and it can teach none of those fields again; a field it never taught, it can."""
    learned = operation("Berlin", message="m1"), operation("vim", op="add", field=TOOLS, message="m1")
    await learn(store, operation("Oslo", said=-5), *learned)
    gone = await forget_message(store, "m1")
    again = await learn_what_still_holds(store, *learned)
    new = operation("designer", field=WORKPLACE.by_name["role"], message="m1")

    assert sorted(gone) == ["Berlin", "vim"]
    assert again == ()
    assert values(await known(store)) == ["Oslo"]
    assert await learn_what_still_holds(store, new) == (new,)


@pytest.mark.parametrize("member", [BO, NAMESAKE])
async def test_a_message_is_forgotten_for_one_member(store: SqliteStore, member: MemberKey) -> None:
    """What the same message taught of others stays theirs."""
    await learn(store, operation("Berlin", message="m1"))

    assert await forget_message(store, "m1", member=member) == []
    assert values(await known(store)) == ["Berlin"]


# -- widened facts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_what_was_widened_goes_with_what_it_rests_on(store: SqliteStore, *, is_deleted: bool) -> None:
    """A widened fact is taken back with the last message it rests on, and stays while there is one."""
    await learn(store, operation("Berlin", said=1, place=DIRECT), operation("Berlin", said=2, place=DIRECT))
    command = editing.Command(act="widen", member=ANN, now=at(5), said_at=at(5))
    fact = (await history(store)).facts[0]
    wide = editing.widened(command, LOCATION, fact, Audience(f"tenant:{TENANT}"))
    await learn(store, wide, update="widen")
    await retract(store, "m1", room=DIRECT.room)
    if is_deleted:
        await retract(store, "m2", room=DIRECT.room)
    left = await rows(store, "operation", "evidence")

    assert values(await known(store, place=PUBLIC)) == ([] if is_deleted else ["Berlin"])
    assert bool(left["evidence"]) == bool(left["operation"]) == (not is_deleted)
