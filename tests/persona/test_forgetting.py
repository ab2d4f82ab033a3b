"""What is known is taken away again: forgotten for good, or retracted with its message."""

from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest

from bot.store.sqlite import SqliteStore
from persona import forgetting
from persona.forgetting import Forgotten
from persona.guard import Refusal, check, is_forgotten
from persona.operations import Operation
from persona.persona import MemberKey
from persona.projection import project
from persona.schema import Schema
from tests.clock import NOON
from tests.persona.builders import (
    ANN,
    BO,
    DIRECT,
    LOCATION,
    NAMESAKE,
    PAIRS,
    PRIVATE,
    TALK,
    TENANT,
    TOOLS,
    WITHOUT_LOCATION,
    WORKPLACE,
    about,
    at,
    evidence,
    held,
    history,
    known,
    learn,
    operation,
    retract,
    rows,
    values,
)


async def forget(
    store: SqliteStore,
    *,
    field: str | None = "location",
    member: MemberKey = ANN,
    schema: Schema = WORKPLACE,
    now: datetime = NOON,
) -> Forgotten:
    return await store.write(partial(forgetting.forget, member=member, field=field, schema=schema, now=now))


async def fences(store: SqliteStore, *members: MemberKey) -> dict[MemberKey, dict[str, datetime]]:
    return await store.read(partial(forgetting.fences, members=members))


async def learn_what_still_holds(store: SqliteStore, *learned: Operation) -> tuple[Operation, ...]:
    """Keep operations the way learning does: those that were not forgotten meanwhile."""
    raised = await fences(store, *{change.member for change in learned})
    still = [change for change in learned if not is_forgotten(raised[change.member], change.field, change.evidence)]
    return await learn(store, *still)


# --- Forgetting -----------------------------------------------------------------------------------------------------


async def taught(store: SqliteStore) -> None:
    """Ann's field with a history, hers and others' besides it."""
    await learn(
        store,
        operation("canary Berlin", said=1),
        operation("canary Oslo", said=2, place=PRIVATE),
        operation("canary Lyon", said=3),
        operation("canary Lyon", op="confirm", said=4),
        operation("vim", op="add", field=TOOLS, said=5),
        operation("Bern", said=6, member=BO),
        operation("Rome", said=7, member=NAMESAKE),
    )


async def test_forgetting_a_field_leaves_no_row_of_it(store: SqliteStore) -> None:
    """A forgotten field is gone with its past values and its evidence, in every audience."""
    await taught(store)

    forgotten = await forget(store, now=at(10))

    assert forgotten == Forgotten(current=1, past=2)
    left = await rows(store)
    assert "canary" not in repr(left)
    assert {row[1] for row in left["fact"] if row[4] == "location"} == {BO.id, NAMESAKE.id}
    assert len(left["evidence"]) == 3


async def test_forgetting_touches_nothing_else(store: SqliteStore) -> None:
    """Other fields, other members and members of the same id elsewhere keep what is known of them."""
    await taught(store)

    await forget(store)

    assert values(await history(store)) == values(await known(store)) == ["vim"]
    assert values(await known(store, BO)) == ["Bern"]
    assert values(await known(store, NAMESAKE)) == ["Rome"]
    assert set(await fences(store, ANN, BO, NAMESAKE)) == {ANN, BO, NAMESAKE}
    assert (await fences(store, BO, NAMESAKE)) == {BO: {}, NAMESAKE: {}}


async def test_forgetting_everything(store: SqliteStore) -> None:
    """All fields are forgotten at once, and counted together."""
    await taught(store)

    assert await forget(store, field=None, now=at(10)) == Forgotten(current=2, past=2)
    assert (await history(store)).facts == (await known(store)).facts == ()
    left = await rows(store, "operation", "evidence", "fact")
    assert {(row[0], row[1]) for table in left.values() for row in table} == {
        (member.tenant, member.id) for member in (BO, NAMESAKE)
    }
    assert values(await known(store, NAMESAKE)) == ["Rome"]


@pytest.mark.parametrize(("now", "current"), [(6, 1), (9, 0)])
async def test_what_is_forgotten_is_counted_as_of_that_moment(store: SqliteStore, now: float, current: int) -> None:
    """A value that ended by itself is counted with the past ones once it has, and is forgotten like the others."""
    await learn(store, operation("Lisbon", said=1), operation("Berlin", said=5, until=9))
    await learn(store, operation("Lisbon", op="remove", said=3))
    facts = (await history(store)).facts

    forgotten = await forget(store, now=at(now))

    assert [(fact.value, fact.valid_until) for fact in facts] == [("Lisbon", at(3)), ("Berlin", at(9))]
    assert forgotten == Forgotten(current=current, past=2 - current)
    assert await rows(store, "operation", "evidence", "fact") == {"operation": [], "evidence": [], "fact": []}


async def test_what_is_shown_of_a_field_that_left_the_schema_can_be_forgotten(store: SqliteStore) -> None:
    """A field that the schema no longer has is forgotten as any other, and counted as it was shown."""
    await learn(store, *(operation(value, said=n) for n, value in enumerate(["canary one", "canary two"])))
    await retract(store, "m0", schema=WITHOUT_LOCATION)
    shown = (await history(store, schema=WITHOUT_LOCATION)).current

    forgotten = await forget(store, now=at(9))

    assert [fact.value for fact in shown] == ["canary two"]
    assert forgotten == Forgotten(current=1, past=0)
    assert "canary" not in repr(await rows(store))


async def test_forgetting_everything_reaches_fields_the_schema_no_longer_has(store: SqliteStore) -> None:
    """Nothing stays of a field that cannot be shown any more."""
    await learn(store, replace(operation("canary"), field="mood"))

    await forget(store, field=None)

    assert await rows(store, "operation", "evidence", "fact") == {"operation": [], "evidence": [], "fact": []}


@pytest.mark.parametrize("field", ["location", None])
async def test_nothing_to_forget_is_still_fenced(store: SqliteStore, field: str | None) -> None:
    """Forgetting what is not known yet keeps what was said so far from being learned later."""
    assert await forget(store, field=field, now=at(5)) == Forgotten(current=0, past=0)
    assert await fences(store, ANN) == {ANN: {field or "*": at(5)}}


async def test_forgetting_twice(store: SqliteStore) -> None:
    """A second time there is nothing left to forget, and the fence moves up."""
    await taught(store)
    await forget(store, now=at(10))

    assert await forget(store, now=at(20)) == Forgotten(current=0, past=0)
    assert await fences(store, ANN) == {ANN: {"location": at(20)}}


async def test_fence_never_moves_back(store: SqliteStore) -> None:
    """A worker whose clock is behind does not reopen what another one fenced."""
    await forget(store, now=at(20))
    await forget(store, now=at(10))

    assert await fences(store, ANN) == {ANN: {"location": at(20)}}


async def test_fields_and_everything_are_fenced_apart(store: SqliteStore) -> None:
    """A field forgotten alone and everything forgotten later are both remembered."""
    await forget(store, now=at(1))
    await forget(store, field=None, now=at(2))

    assert await fences(store, ANN) == {ANN: {"location": at(1), "*": at(2)}}


async def test_nobody_has_no_fences(store: SqliteStore) -> None:
    """Without members there is nothing to look up."""
    assert await fences(store) == {}


@pytest.mark.parametrize("field", ["location", None])
@pytest.mark.parametrize(("said", "is_learned"), [(9, False), (10, False), (11, True)])
async def test_fence_lets_through_only_what_was_said_since(
    store: SqliteStore, field: str | None, said: float, *, is_learned: bool
) -> None:
    """After forgetting, what was said before is refused by the guard, and what is said afterwards is learned."""
    await forget(store, field=field, now=at(10))

    result = check(about("I live in Berlin", said=said), schema=WORKPLACE, fences=await fences(store, ANN))

    assert isinstance(result, Refusal) is not is_learned


@pytest.mark.parametrize("field", ["location", None])
async def test_update_under_way_does_not_bring_back_what_was_forgotten(store: SqliteStore, field: str | None) -> None:
    """What was forgotten while an update of it was being proposed stays forgotten when the update arrives."""
    late = (operation("Berlin", said=1), operation("vim", op="add", field=TOOLS, said=9))
    await forget(store, field=field, now=at(5))

    learned = await learn_what_still_holds(store, *late)

    assert [change.value for change in learned] == ["vim"]
    assert values(await history(store)) == ["vim"]


@pytest.mark.parametrize("field", ["location", None])
async def test_known_operation_does_not_bring_back_what_was_forgotten(store: SqliteStore, field: str | None) -> None:
    """Operations that were kept before are not kept again after their field was forgotten."""
    await learn(store, *TALK)
    await forget(store, field=field, now=at(60))
    before = await rows(store)

    assert await learn_what_still_holds(store, *TALK) == ()
    assert await rows(store) == before


@pytest.mark.parametrize("fenced", ["location", "*"])
def test_operation_without_evidence_is_never_forgotten(fenced: str) -> None:
    """What rests on nothing said was not said before anything; nothing else about a fence decides."""
    assert not is_forgotten({fenced: at(9)}, "location", [])
    assert is_forgotten({fenced: at(9)}, "location", [evidence(said=99), evidence(said=9)])


async def test_forgotten_field_can_be_taught_again(store: SqliteStore) -> None:
    """A member who tells again what they had forgotten is known for it again, from then on."""
    await learn(store, operation("Berlin", said=1))
    await forget(store, now=at(5))

    await learn(store, operation("Berlin", said=9))

    (fact,) = (await history(store)).facts
    assert fact.valid_from == at(9)


# --- Retracting -----------------------------------------------------------------------------------------------------


async def test_deleted_message_takes_its_fact_along(store: SqliteStore) -> None:
    """A fact that rests on a deleted message alone is gone, with its evidence and what was proposed from it."""
    await learn(store, operation("Berlin"))

    assert await retract(store) == 1
    assert await rows(store) == {"fact": [], "evidence": [], "operation": [], "fence": []}


async def test_deleted_message_takes_history_along(store: SqliteStore) -> None:
    """A value that held once is gone too when the message it rests on is deleted."""
    await learn(store, operation("Berlin", said=0), operation("Oslo", said=5))

    assert await retract(store, "m0") == 1
    assert values(await history(store)) == ["Oslo"]


RESTORED = {
    "a value replaced": (
        [operation("Berlin", said=1), operation("Lyon", said=5)],
        ["Lyon"],
        ["Berlin"],
    ),
    "a value replaced by one that was replaced": (
        [operation("Berlin", said=1), operation("Oslo", said=9), operation("Lyon", said=5)],
        ["Oslo"],
        ["Oslo"],
    ),
    "a value removed": (
        [operation("vim", op="add", field=TOOLS, said=1), operation("vim", op="remove", field=TOOLS, said=5)],
        [],
        ["vim"],
    ),
    "what rooms knew": (
        [
            operation("Berlin", said=1, place=PRIVATE),
            operation("Bern", said=2, place=DIRECT),
            operation("Lyon", said=5),
        ],
        ["Lyon"],
        ["Berlin", "Bern"],
    ),
    "what a full list let go of": (
        [operation(tool, op="add", field=TOOLS, said=n) for n, tool in ((1, "a"), (2, "b"), (5, "c"))],
        ["b", "c"],
        ["a", "b"],
    ),
    "what a full list let go of when another was confirmed": (
        [
            *(operation(tool, op="add", field=TOOLS, said=n) for n, tool in ((1, "a"), (2, "b"), (9, "c"))),
            operation("a", op="confirm", field=TOOLS, said=5),
        ],
        ["a", "c"],
        ["b", "c"],
    ),
    "a value confirmed by another message": (
        [operation("Berlin", said=5), operation("Berlin", op="confirm", said=9)],
        ["Berlin"],
        ["Berlin"],
    ),
}


@pytest.mark.parametrize("case", RESTORED)
async def test_what_was_replaced_holds_again(store: SqliteStore, case: str) -> None:
    """Taking back what message 5 said leaves what would hold had it never been said, dates and evidence included."""
    talk, before, then = RESTORED[case]
    schema = PAIRS if talk[0].field == TOOLS.name else WORKPLACE
    field = schema.by_name[talk[0].field]
    await learn(store, *talk, schema=schema)
    assert values(await known(store)) == before

    assert await retract(store, "m5", schema=schema) == 1

    rest = project([change for change in talk if change.evidence[0].message != "m5"], field)
    assert values(await known(store)) == then
    assert (await known(store)).facts == held(rest)
    assert (await history(store, schema=schema)).facts == rest


async def test_deleted_message_takes_its_end_along(store: SqliteStore) -> None:
    """When the message that named an end is deleted, the value has none, and what it interrupted stays interrupted."""
    lisbon, berlin = operation("Lisbon", said=1), operation("Berlin", said=5)
    await learn(store, lisbon, berlin, operation("Berlin", said=6, until=9))
    before = values(await known(store))

    await retract(store, "m6")

    assert (before, values(await known(store))) == (["Lisbon"], ["Berlin"])
    assert (await history(store)).facts == project([lisbon, berlin], LOCATION)


async def test_fact_with_other_evidence_stays(store: SqliteStore) -> None:
    """A fact that was said again elsewhere stays, without the evidence that is gone, from when it was said again."""
    await learn(store, operation("Berlin", said=0), operation("Berlin", said=5))

    assert await retract(store, "m0") == 1
    (fact,) = (await history(store)).facts
    assert [found.message for found in fact.evidence] == ["m5"]
    assert fact.valid_from == at(5)


async def test_last_evidence_gone_takes_the_fact_along(store: SqliteStore) -> None:
    """A fact goes with the last of its messages, in whatever order they are deleted."""
    await learn(store, operation("Berlin", said=0), operation("Berlin", said=5))

    assert [await retract(store, "m5"), await retract(store, "m0")] == [1, 1]
    assert (await history(store)).facts == (await known(store)).facts == ()


async def test_operation_on_two_messages_goes_with_the_last(store: SqliteStore) -> None:
    """An operation that rests on two messages is taken back when both are gone, and counted once."""
    both = (evidence("m1", said=1), evidence("m2", said=2))
    await learn(store, replace(operation("Berlin"), evidence=both))

    assert await retract(store, "m1") == 0
    assert values(await known(store)) == ["Berlin"]
    assert await retract(store, "m2") == 1
    assert values(await known(store)) == []


@pytest.mark.parametrize(("gone", "expected"), [("m1", "Berlin"), ("m9", "Lyon")])
async def test_operation_that_lost_a_message_counts_from_the_one_it_has(
    store: SqliteStore, gone: str, expected: str
) -> None:
    """When one of two messages is deleted, what is answered with and what is shown both follow from the other."""
    both = (evidence("m1", said=1), evidence("m9", said=9))
    await learn(store, operation("Lyon", said=5), replace(operation("Berlin"), evidence=both))

    await retract(store, gone)

    shown = await history(store)
    assert [fact.value for fact in shown.current] == [expected]
    assert (await known(store)).facts == held(shown.facts)


async def test_one_message_can_take_several_facts_along(store: SqliteStore) -> None:
    """Every fact that rests on a deleted message is gone, whatever its field."""
    await learn(
        store,
        operation("Berlin", message="m0"),
        operation("vim", op="add", field=TOOLS, message="m0"),
        operation("x", said=9),
    )

    assert await retract(store, "m0") == 2
    assert values(await history(store)) == ["x"]


async def test_message_is_found_whoever_said_it(store: SqliteStore) -> None:
    """A deletion names no member: whoever was learned from the message, in whatever scope their account lives."""
    anywhere = MemberKey(tenant="discord", id="U1")
    await learn(store, operation("Bern", member=anywhere), operation("Berlin", said=5, message="m0", member=BO))

    assert await retract(store, "m0") == 2
    assert (await history(store, anywhere)).facts == (await history(store, BO)).facts == ()


@pytest.mark.parametrize(
    ("message", "room", "tenant"),
    [("m1", "C1", TENANT), ("m0", "C2", TENANT), ("m0", "C1", "slack:T2"), ("m0", "C1", ""), ("", "", "")],
    ids=["another message", "another room", "another tenant", "no tenant", "nothing"],
)
async def test_other_messages_retract_nothing(store: SqliteStore, message: str, room: str, tenant: str) -> None:
    """Only the very message a fact rests on can take it along: ids repeat in other rooms and tenants."""
    await learn(store, operation("Berlin"))
    before = await rows(store)

    assert await retract(store, message, room=room, tenant=tenant) == 0
    assert await rows(store) == before


async def test_message_of_a_field_the_schema_no_longer_has(store: SqliteStore) -> None:
    """A deleted message takes along what was learned from it before its field left the schema."""
    await learn(store, replace(operation("canary"), field="mood"))

    assert await retract(store) == 1
    assert "canary" not in repr(await rows(store))


@pytest.mark.parametrize(
    ("text", "removed"),
    [
        ("I live in Berlin", 0),
        ("Hello! I LIVE  in\nberlin :)", 0),
        ("I live in Oslo", 1),
        ("", 1),
        ("I lived in Berlin", 1),
        ("> I live in Berlin\nnot any more", 1),
        ("```\nI live in Berlin\n```", 1),
    ],
)
async def test_edit_keeps_a_fact_only_with_its_words(store: SqliteStore, text: str, removed: int) -> None:
    """After an edit a fact stays exactly if its quoted words are still among the words the author typed."""
    await learn(store, operation("Berlin", quote="I live in Berlin"))

    assert await retract(store, text=text) == removed
    assert len((await known(store)).facts) == len((await history(store)).facts) == 1 - removed


async def test_edit_in_other_typography_keeps_the_fact(store: SqliteStore) -> None:
    """An edit that only changes quotation marks and dashes retracts nothing."""
    await learn(store, operation("Berlin", quote="I'm in “Berlin” – now"))

    assert await retract(store, text='I’m in "Berlin" - now') == 0


async def test_edit_that_takes_one_of_two_quoted_passages_out(store: SqliteStore) -> None:
    """A fact that rests on two passages of one message goes when an edit takes either of them out."""
    passages = (evidence("m0", quote="I moved"), evidence("m0", quote="to Berlin"))
    await learn(store, replace(operation("Berlin"), evidence=passages))

    assert await retract(store, "m0", text="I moved house") == 1


async def test_retracted_value_can_be_said_again(store: SqliteStore) -> None:
    """A member who deletes a message and says the same in another is known for the other."""
    await learn(store, operation("Berlin", said=0))
    await retract(store)
    await learn(store, operation("Berlin", said=5))

    (fact,) = (await history(store)).facts
    assert [found.message for found in fact.evidence] == ["m5"]


async def test_retracting_twice(store: SqliteStore) -> None:
    """A deletion that is delivered twice does nothing the second time."""
    await learn(store, operation("Berlin"))

    assert [await retract(store), await retract(store)] == [1, 0]
