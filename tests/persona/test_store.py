"""How personas are kept: what is read where, and what is learned once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.sqlite import SqliteStore
from persona import forgetting
from persona.audience import FORM, Place
from persona.operations import Operation
from persona.persona import MemberKey, Persona
from persona.projection import project
from persona.store import PARKED
from tests.persona.builders import (
    ANN,
    BO,
    DIRECT,
    EXTERNAL,
    LATER,
    LOCATION,
    NAMESAKE,
    NUMBERS,
    PAIRS,
    PLACES,
    PRIVATE,
    PUBLIC,
    READ_IN,
    TALK,
    TENANT,
    TONE,
    TOOLS,
    WITHOUT_LOCATION,
    WORKPLACE,
    at,
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
from tests.persona.reference import message_of, operations, talks

# --- Reading --------------------------------------------------------------------------------------------------------


async def test_unknown_member_has_an_empty_persona(store: SqliteStore) -> None:
    """Nothing is known of a member who never said anything."""
    assert await known(store) == await known(store, place=PUBLIC) == Persona(member=ANN, at=LATER)
    assert await history(store) == Persona(member=ANN, at=LATER)


async def test_fact_is_read_as_it_was_learned(store: SqliteStore) -> None:
    """A fact comes back exactly as it was learned, evidence and dates included."""
    change = operation("Zoë’s \x1f'; DROP TABLE fact; -- 🐻", said=-3, place=PRIVATE, quote='"q"')

    await learn(store, change, now=at(2))

    assert (await history(store)).facts == project([change], LOCATION)


async def test_all_that_was_said_is_kept(store: SqliteStore) -> None:
    """Dates that the member named, kinds and sessions come back as they were learned, in several updates."""
    stay = operation("Berlin", said=5.000_000_1, since=0.123_456, until=9.654_321)
    seen = [
        operation("vim", op="add", field=TOOLS, said=n, kind="observed", session=f"s{n // 2}", since=n - 1)
        for n in range(3)
    ]

    for number, change in enumerate((stay, *seen)):
        await learn(store, change, update=f"u{number}")

    assert (await history(store)).facts == (*project([stay], LOCATION), *project(seen, TOOLS))


@pytest.mark.parametrize(
    ("minute", "of_ann", "of_bo"),
    [(0, [], []), (3, ["Lisbon"], ["Oslo"]), (8.9, ["Berlin"], ["Oslo"]), (9, ["Lisbon"], ["Oslo"])],
)
async def test_stay_ends_by_itself(store: SqliteStore, minute: float, of_ann: list[str], of_bo: list[str]) -> None:
    """What is read follows the moment it is read as of, without anything being learned, and for that member alone."""
    await learn(store, operation("Lisbon", said=1), operation("Oslo", said=1, member=BO))
    await learn(store, operation("Berlin", said=5, until=9))
    before = await rows(store)

    assert (
        values(await known(store, when=at(minute)))
        == values(await known(store, when=at(minute), place=PUBLIC))
        == of_ann
    )
    assert values(await known(store, BO, when=at(minute))) == of_bo
    assert await rows(store) == before


async def test_history_shows_every_spell(store: SqliteStore) -> None:
    """The history has a stay, what it interrupted, and what held again, each with its dates, whenever it is read."""
    await learn(store, operation("Lisbon", said=1), operation("Berlin", said=5, until=9))

    early, late = await history(store, when=at(6)), await history(store, when=at(60))

    assert early.facts == late.facts
    assert [(fact.value, fact.valid_from, fact.valid_until) for fact in late.facts] == [
        ("Lisbon", at(1), at(5)),
        ("Berlin", at(5), at(9)),
        ("Lisbon", at(9), None),
    ]
    assert ([fact.value for fact in early.current], [fact.value for fact in late.current]) == (["Berlin"], ["Lisbon"])


async def test_values_are_read_without_evidence(store: SqliteStore) -> None:
    """What is read to answer with are the values that hold, with their dates, and no words or messages."""
    talk = (operation("Berlin", said=1), operation("Oslo", said=2, quote="canary", message="canary-m2"))
    await learn(store, *talk)

    persona = await known(store)

    assert persona.facts == held(project(talk, LOCATION))
    assert "canary" not in repr(persona)


async def test_moments_are_exact(store: SqliteStore) -> None:
    """A moment is kept to the microsecond, and comes back in UTC whatever zone it was given in."""
    moment = datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    change = replace(operation("Berlin"), evidence=(replace(evidence(), said_at=moment),))

    await learn(store, change, now=moment)

    (fact,) = (await history(store)).facts
    assert (await known(store)).facts == held((fact,))
    assert fact.valid_from == fact.confirmed_at == fact.evidence[0].said_at == moment
    assert fact.valid_from.tzinfo is UTC


@pytest.mark.parametrize("read_in", PLACES)
async def test_each_place_reads_what_the_table_says(store: SqliteStore, read_in: str) -> None:
    """A place is given exactly the facts that all its readers may know (reliability D.2), whoever asks."""
    await learn(
        store,
        *(
            operation(where, op="add", field=TOOLS, place=place, said=n)
            for n, (where, place) in enumerate(PLACES.items())
        ),
        operation("direct", field=TONE, place=PRIVATE),
    )

    persona = await known(store, place=PLACES[read_in])

    assert {fact.value for fact in persona.of("tools")} == {
        where for where, readers in READ_IN.items() if read_in in readers and where != "style"
    }
    assert [fact.audience for fact in persona.of("tone")] == [FORM]


@pytest.mark.parametrize("hidden", ["direct", "private", "external"])
async def test_no_trace_of_what_a_place_may_not_know(store: SqliteStore, hidden: str) -> None:
    """Neither value, quote nor message of a hidden fact is in what a public place is given."""
    await learn(
        store,
        operation("Berlin", said=0),
        operation("canary one", place=PLACES[hidden], said=1, message="canary-m1"),
        operation("canary two", place=PLACES[hidden], said=2, message="canary-m2"),
    )

    persona = await known(store, place=PUBLIC)

    assert values(persona) == ["Berlin"]
    assert "canary" not in repr(persona)


@in_one_store
@given(data=st.data(), place=st.sampled_from(["group", "private", "public", "external"]))
async def test_no_place_notices_what_was_said_elsewhere(store: SqliteStore, data: st.DataObject, place: str) -> None:
    """What a place is given is the same to the last detail before and after it was learned, and taken back, what was
    said elsewhere, however late that is and however full its lists are (reliability B22).
    """
    schema, field = data.draw(st.sampled_from([(WORKPLACE, LOCATION), (WORKPLACE, TOOLS), (PAIRS, PAIRS.fields[0])]))
    member = MemberKey(tenant=TENANT, id=f"U{next(NUMBERS)}")
    talk = data.draw(talks(field, values="abcde", rich=True))
    moment = at(data.draw(st.integers(-6, 20)))
    heard = [said for said in talk if place in READ_IN[said.where]]
    hidden = [said for said in talk if place not in READ_IN[said.where]]
    await learn(store, *operations(heard, field, member=member), schema=schema)
    before = await known(store, member, place=PLACES[place], when=moment)

    await learn(store, *operations(hidden, field, member=member), schema=schema)
    with_all = await known(store, member, place=PLACES[place], when=moment)
    for said in hidden:
        await retract(store, message_of(said.minute, member=member), room=PLACES[said.where].room, schema=schema)

    assert before == with_all == await known(store, member, place=PLACES[place], when=moment)


async def test_style_brings_no_words_along(store: SqliteStore) -> None:
    """A style field learned in private shapes answers in public without the words it was said in."""
    await learn(store, operation("direct", field=TONE, place=DIRECT, quote="canary", message="canary-m1"))

    persona = await known(store, place=PUBLIC)

    assert values(persona) == ["direct"]
    assert "canary" not in repr(persona)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (replace(PUBLIC, room="C9"), {"public"}),
        (replace(PRIVATE, room="P9"), {"public"}),
        (replace(EXTERNAL, room="E9"), set()),
        (replace(EXTERNAL, room="P1"), set()),
        (replace(PUBLIC, room="P1"), {"public"}),
        (replace(PUBLIC, tenant="slack:T2"), set()),
        (replace(PRIVATE, tenant="slack:T2"), set()),
        (replace(EXTERNAL, tenant="slack:T2"), set()),
        (replace(DIRECT, room="D9"), set(PLACES)),
    ],
)
async def test_other_rooms_and_tenants(store: SqliteStore, place: Place, expected: set[str]) -> None:
    """Another room of the same kind, a room that changed its kind, and rooms of another tenant read no more."""
    await learn(store, *(operation(where, op="add", field=TOOLS, place=spot) for where, spot in PLACES.items()))

    assert set(values(await known(store, place=place))) == expected


async def test_members_and_tenants_are_apart(store: SqliteStore) -> None:
    """Members have their own personas, also those who share an id in two tenants."""
    for member, value in ((ANN, "Berlin"), (BO, "Oslo"), (NAMESAKE, "Lyon")):
        await learn(store, operation(value, member=member))

    assert [values(await known(store, member)) for member in (ANN, BO, NAMESAKE)] == [["Berlin"], ["Oslo"], ["Lyon"]]


async def test_history_holds_all_that_was_ever_said(store: SqliteStore) -> None:
    """The history has past values and those of every audience, field by field, in the order they began."""
    await learn(
        store,
        operation("vim", op="add", field=TOOLS, said=0, place=DIRECT),
        operation("Oslo", said=2),
        operation("Berlin", said=1),
        operation("Lyon", said=3, place=PRIVATE),
    )

    assert values(await known(store, place=PUBLIC)) == ["Oslo"]
    assert values(await history(store)) == ["Berlin", "Oslo", "Lyon", "vim"]


async def test_values_come_in_the_order_they_began(store: SqliteStore) -> None:
    """What holds is read in the order it began to hold, whatever order it was learned in."""
    await learn(store, *(operation(tool, op="add", field=TOOLS, said=n) for n, tool in ((3, "c"), (1, "a"), (2, "b"))))

    assert values(await known(store)) == ["a", "b", "c"]


async def test_evidence_comes_oldest_first(store: SqliteStore) -> None:
    """The evidence of a fact comes in the order it was said, whatever order it was learned in."""
    await learn(store, operation("Berlin", said=5), operation("Berlin", said=9), operation("Berlin", said=1))

    (fact,) = (await history(store)).facts
    assert [found.message for found in fact.evidence] == ["m1", "m5", "m9"]


async def test_evidence_names_the_tenant_of_its_room(store: SqliteStore) -> None:
    """A member whose account belongs to no tenant is shown where they said something."""
    anywhere = MemberKey(tenant="discord", id="U1")
    await learn(store, operation("Berlin", member=anywhere, place=replace(EXTERNAL, tenant="discord:9")))

    (fact,) = (await history(store, anywhere)).facts
    assert [(found.tenant, found.room) for found in fact.evidence] == [("discord:9", "E1")]


# --- Learning -------------------------------------------------------------------------------------------------------


async def test_what_was_new_is_returned(store: SqliteStore) -> None:
    """Learning returns the operations that were new, in order."""
    assert await learn(store, *TALK) == TALK


@pytest.mark.parametrize("length", range(len(TALK) + 1))
async def test_learning_any_prefix_again_changes_nothing(store: SqliteStore, length: int) -> None:
    """Operations that were kept before, all or the first few, change no row and are not returned."""
    await learn(store, *TALK)
    before = await rows(store)

    assert await learn(store, *TALK[:length], now=at(60)) == ()
    assert await rows(store) == before


async def test_same_log_ten_times(store: SqliteStore) -> None:
    """A log that is applied ten times over leaves the rows that it leaves once (reliability B9)."""
    seen = [operation("zsh", op="add", field=TOOLS, said=n, kind="observed", session=f"s{n}") for n in (1, 2, 3)]
    log = (*TALK, *seen)
    await learn(store, *log)
    once = await rows(store)

    for number in range(9):
        assert await learn(store, *log, update=f"again {number}", now=at(60 + number)) == ()

    assert await rows(store) == once


async def test_same_operation_twice_in_one_update(store: SqliteStore) -> None:
    """An operation proposed twice in one answer is kept once, as it came first."""
    again = replace(operation("berlin"), evidence=operation("Berlin").evidence)

    assert await learn(store, operation("Berlin"), again) == (operation("Berlin"),)
    assert values(await history(store)) == ["Berlin"]


async def test_rest_of_an_update_is_learned_after_a_crash_in_between(store: SqliteStore) -> None:
    """An update that was learned in part is completed by learning all of it."""
    await learn(store, *TALK[:3])

    assert await learn(store, *TALK) == TALK[3:]


async def test_failed_unit_keeps_nothing(store: SqliteStore) -> None:
    """An update that fails half-way leaves no row behind."""
    zoneless = evidence(said=1)
    broken = replace(zoneless, said_at=zoneless.said_at.replace(tzinfo=None))
    with pytest.raises(TypeError):
        await learn(store, operation("Berlin"), replace(operation("vim", field=TOOLS), evidence=(broken,)))

    assert await rows(store) == {"fact": [], "evidence": [], "operation": [], "fence": []}


async def test_nothing_to_learn(store: SqliteStore) -> None:
    """An update without operations changes nothing."""
    assert await learn(store) == ()


async def test_what_the_schema_no_longer_has_is_shown_and_not_used(store: SqliteStore) -> None:
    """What is kept of a field that left the schema is in the member's history, apart, and in no prompt."""
    await learn(store, replace(operation("blue", said=1), field="mood"), operation("Berlin", said=2))

    persona = await history(store)

    assert values(await known(store)) == ["Berlin"]
    assert [(fact.section, fact.field, fact.value) for fact in persona.facts] == [
        ("demographics", "location", "Berlin"),
        (PARKED, "mood", "blue"),
    ]
    assert [found.message for found in persona.facts[1].evidence] == ["m1"]


async def test_field_that_returns_to_the_schema_has_its_values_back(store: SqliteStore) -> None:
    """A field that was taken out of the schema and put back holds what was said of it all the while."""
    await learn(store, operation("Berlin", said=1))
    await learn(store, operation("Lyon", said=2), schema=WITHOUT_LOCATION)
    away = await history(store, schema=WITHOUT_LOCATION)

    await learn(store, operation("Lyon", op="confirm", said=3))

    assert {fact.section for fact in away.facts} == {PARKED}
    assert values(await history(store)) == values(away) == ["Berlin", "Lyon"]
    assert values(await known(store)) == ["Lyon"]


async def test_fields_that_something_is_kept_of(store: SqliteStore) -> None:
    """A member can name whatever is kept of them, in the schema or not, and nothing that is kept of others alone."""
    await learn(store, replace(operation("blue"), field="mood"), operation("vim", field=TOOLS, member=BO))
    await learn(store, operation("Bern", member=NAMESAKE))

    kept = {
        field: await store.read(partial(forgetting.has_field, member=ANN, field=field))
        for field in ("mood", "tools", "location", "", "*")
    }

    assert kept == {"mood": True, "tools": False, "location": False, "": False, "*": False}


async def test_full_list_is_full_for_each_audience_alone(store: SqliteStore) -> None:
    """Each audience keeps the values said to it last, also when what was said before is learned after."""
    talk = [
        operation(f"{where} {n}", op="add", field=TOOLS, said=n, place=PLACES[where])
        for where, moments in (("public", (7, 8, 2)), ("private", (5, 1, 9)), ("direct", (6, 3, 4)))
        for n in moments
    ]

    await learn(store, *talk, schema=PAIRS)

    kept = {place: set(values(await known(store, place=PLACES[place]))) for place in ("public", "private", "direct")}
    public, private = {"public 7", "public 8"}, {"private 5", "private 9"}
    assert kept == {
        "public": public,
        "private": public | private,
        "direct": public | private | {"direct 4", "direct 6"},
    }


@in_one_store
@given(data=st.data())
async def test_store_keeps_the_projection_of_what_it_learned(store: SqliteStore, data: st.DataObject) -> None:
    """Whatever is learned or taken back, in any order and as often as it comes, the facts are those that follow from
    the operations that are left.
    """
    schema, field = data.draw(st.sampled_from([(WORKPLACE, LOCATION), (WORKPLACE, TOOLS), (PAIRS, PAIRS.fields[0])]))
    member = MemberKey(tenant=TENANT, id=f"U{next(NUMBERS)}")
    talk = operations(data.draw(talks(field, rich=True)), field, member=member)
    moment = at(data.draw(st.integers(-6, 20)))
    left: dict[str, Operation] = {}
    for change in data.draw(st.permutations([*talk, *data.draw(st.lists(st.sampled_from(talk), max_size=6))])):
        (source,) = change.evidence
        if data.draw(st.integers(0, 3)):
            new = await learn(store, change, schema=schema)
            assert new == (() if change.id in left else (change,))
            left[change.id] = change
        else:
            taken_back = await retract(store, source.message, room=source.room, schema=schema)
            assert taken_back == (left.pop(change.id, None) is not None)

    facts = project(left.values(), field)
    assert (await history(store, member, schema=schema)).facts == facts
    assert set((await known(store, member, when=moment)).facts) == set(held(facts, moment))
