"""The audit log: what was done with a persona can be followed, not read, and nobody can change it unnoticed."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

import bot
import persona
from bot.store import members
from bot.store.sqlite import SqliteStore
from persona import audit, forgetting, undoing
from persona import store as personas
from persona.audit import BY_MEMBER, BY_SYSTEM, BY_TIDYING, Entry, Trail, Verdict
from persona.operations import UpdateId
from persona.persona import MemberKey
from persona.ports import Row, Transaction
from tests.clock import NOON
from tests.persona.builders import (
    ANN,
    BO,
    EXTERNAL,
    NAMESAKE,
    PRIVATE,
    TALK,
    TENANT,
    TONE,
    TOOLS,
    WORKPLACE,
    at,
    learn,
    operation,
    retract,
)

BERLIN = operation("Berlin", said=1)
OSLO = operation("Oslo", said=2)
VIM = operation("vim", op="add", field=TOOLS, said=3)

YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)


async def log(opened: SqliteStore, tenant: str = TENANT) -> list[Row]:
    """The rows of a tenant, oldest first."""

    async def fetch(transaction: Transaction) -> list[Row]:
        return list(
            await transaction.fetch("SELECT * FROM audit WHERE tenant = :tenant ORDER BY number", tenant=tenant)
        )

    return await opened.read(fetch)


async def actions(opened: SqliteStore) -> list[tuple[str, str, str]]:
    """Who did what to which field."""
    return [(row["actor"], row["action"], row["field"]) for row in await log(opened)]


async def salted(opened: SqliteStore, member: MemberKey = ANN) -> set[str]:
    """The fields a member has salts for; no name is that of the member."""

    async def fetch(transaction: Transaction) -> set[str]:
        sql = "SELECT field FROM audit_salt WHERE tenant = :tenant AND member = :member"
        return {row["field"] for row in await transaction.fetch(sql, tenant=member.tenant, member=member.id)}

    return await opened.read(fetch)


async def change(opened: SqliteStore, sql: str) -> int:
    """Do to the tables what nobody should."""

    async def execute(transaction: Transaction) -> int:
        return await transaction.execute(sql)

    return await opened.write(execute)


async def verdict(opened: SqliteStore, tenant: str = TENANT) -> Verdict:
    return await opened.read(partial(audit.verify, tenant=tenant))


async def record(opened: SqliteStore, *actions: str, member: MemberKey = ANN, after: timedelta = timedelta()) -> None:
    async def unit(transaction: Transaction) -> None:
        entries = [Entry(actor=BY_MEMBER, action=action) for action in actions]
        await audit.record(transaction, member, *entries, now=NOON + after)

    await opened.write(unit)


async def forget(opened: SqliteStore, field: str | None, *, member: MemberKey = ANN) -> None:
    await opened.write(partial(forgetting.forget, member=member, field=field, schema=WORKPLACE, now=at(60)))


# -- what is recorded -------------------------------------------------------------------------------------------------


async def test_every_operation_is_recorded(store: SqliteStore) -> None:
    """Each operation that is kept leaves a row: who proposed it, what it does, to which field, for whom, and when."""
    await learn(store, BERLIN, replace(VIM, op="remove"), operation("formal", field=TONE, said=4))

    assert await actions(store) == [
        (BY_SYSTEM, "set", "location"),
        (BY_SYSTEM, "remove", "tools"),
        (BY_SYSTEM, "set", "tone"),
    ]
    assert [(row["number"], row["audience"]) for row in await log(store)] == [(1, "tenant"), (2, "tenant"), (3, "form")]
    assert {row["at"] for row in await log(store)} == {int(NOON.timestamp() * 1_000_000)}


async def test_what_was_kept_before_is_not_recorded_again(store: SqliteStore) -> None:
    """An operation that is learned twice is one row, since it changed something once."""
    await learn(store, BERLIN)
    await learn(store, BERLIN, OSLO)

    assert len(await log(store)) == 2


async def test_a_row_says_what_was_replaced(store: SqliteStore) -> None:
    """A new value's row holds the hash of the old one, which is the one under which that was recorded."""
    await learn(store, BERLIN, now=at(1))
    await learn(store, OSLO, now=at(2))
    await learn(store, operation("Oslo", op="remove", said=3), now=at(3))
    berlin, oslo, removal = await log(store)

    assert (berlin["old"], oslo["old"], removal["old"]) == ("", berlin["new"], oslo["new"])
    assert removal["new"] == ""


async def test_what_others_cannot_hear_is_not_replaced(store: SqliteStore) -> None:
    """What was said in one room replaces nothing that other rooms know, so its row names no old value."""
    await learn(store, BERLIN, now=at(1))
    await learn(store, operation("Oslo", said=2, place=PRIVATE), now=at(2))

    assert [row["old"] for row in await log(store)] == ["", ""]


async def test_nothing_can_be_read_in_it(store: SqliteStore) -> None:
    """No value, no quote, no message, no room and no member of what was done stands in the log."""
    secret = operation(
        "Rio", said=5, place=replace(EXTERNAL, room="ROOM-9"), message="MESSAGE-9", quote="I live in Rio"
    )
    someone = MemberKey(tenant=TENANT, id="MEMBER-9")
    await learn(store, replace(secret, member=someone))
    await store.write(
        partial(
            forgetting.retract,
            tenant=TENANT,
            room="ROOM-9",
            message="MESSAGE-9",
            text=None,
            schema=WORKPLACE,
            now=at(9),
        )
    )
    rows = await log(store)
    written = " ".join(str(row[column]) for row in rows for column in (*audit._COLUMNS, "hash"))

    assert len(rows) == 2
    assert [word for word in ("Rio", "I live", "MESSAGE-9", "ROOM-9", "MEMBER-9") if word in written] == []


async def test_equal_values_of_two_members_look_different(store: SqliteStore) -> None:
    """A hash tells nothing about somebody else: the same value, message and field of another member have other ones."""
    await learn(store, BERLIN, replace(BERLIN, member=BO), replace(BERLIN, member=NAMESAKE))
    (ann, bo), (namesake,) = await log(store), await log(store, NAMESAKE.tenant)

    for column in ("subject", "operation", "new", "evidence"):
        assert len({ann[column], bo[column], namesake[column]}) == 3


async def test_rows_of_one_member_belong_together(store: SqliteStore) -> None:
    """All that was done with one persona stands under one subject."""
    await learn(store, BERLIN, VIM, replace(OSLO, member=BO))
    subjects = [row["subject"] for row in await log(store)]

    assert subjects[0] == subjects[1] != subjects[2]


async def test_undoing_is_recorded(store: SqliteStore) -> None:
    """What a member takes back is a row for each operation, under the hash it was learned under."""
    await learn(store, BERLIN, VIM, update="u1")
    undo = partial(undoing.undo_update, member=ANN, update=UpdateId("u1"), schema=WORKPLACE, now=at(9))
    assert await store.write(undo) == 2
    assert await store.write(undo) == 0
    berlin, vim, *undone = await log(store)

    assert {(row["actor"], row["action"], row["field"], row["operation"]) for row in undone} == {
        (BY_MEMBER, "undo", "location", berlin["operation"]),
        (BY_MEMBER, "undo", "tools", vim["operation"]),
    }
    assert berlin["operation"] != vim["operation"] != ""


@pytest.mark.parametrize(("text", "reason"), [(None, "message deleted"), ("never mind", "message edited")])
async def test_retraction_is_recorded(store: SqliteStore, text: str | None, reason: str) -> None:
    """What is taken back because its message was deleted or edited is a row that says so."""
    await learn(store, BERLIN)
    await retract(store, "m1", text=text)
    learned, retracted = await log(store)

    assert (retracted["actor"], retracted["action"], retracted["reason"]) == (BY_SYSTEM, "retract", reason)
    assert (retracted["operation"], retracted["evidence"]) == (learned["operation"], learned["evidence"])


async def test_lost_evidence_is_recorded(store: SqliteStore) -> None:
    """Where other evidence still holds an operation up, the row says that only evidence went."""
    twice = replace(BERLIN, evidence=(*BERLIN.evidence, *OSLO.evidence))
    await learn(store, twice)
    await retract(store, "m2")

    assert [row["action"] for row in await log(store)] == ["set", "drop evidence"]


async def test_an_edit_that_changes_nothing_is_not_recorded(store: SqliteStore) -> None:
    """A message whose quote is still there, and one that taught nothing, leave no row."""
    await learn(store, BERLIN)
    await retract(store, "m1", text="Berlin, as I said")
    await retract(store, "m7")

    assert [row["action"] for row in await log(store)] == ["set"]


async def test_forgetting_is_recorded(store: SqliteStore) -> None:
    """Forgetting a field is a row, forgetting everything is one, and so is having nothing to forget."""
    await learn(store, BERLIN, VIM)
    for field in ("location", None, None):
        await forget(store, field)

    assert (await actions(store))[2:] == [
        (BY_MEMBER, "forget", "location"),
        (BY_MEMBER, "forget", ""),
        (BY_MEMBER, "forget", ""),
    ]


async def test_forgetting_what_was_observed_is_recorded(store: SqliteStore) -> None:
    """Each field that held something observed is a row once that is forgotten."""
    await learn(store, BERLIN, replace(VIM, kind="observed"))
    await store.write(partial(forgetting.forget_observed, member=ANN, schema=WORKPLACE, now=at(9)))

    assert (await actions(store))[2:] == [(BY_MEMBER, "forget observed", "tools")]


async def test_decisions_are_recorded(store: SqliteStore) -> None:
    """Being asked, agreeing, pausing, withdrawing and the switch for what is observed are rows."""
    await store.write(partial(members.asked, member=ANN, now=NOON))
    for state in ("on", "paused", "withdrawn"):
        await store.write(partial(members.set_consent, member=ANN, state=state, now=NOON))
    await store.write(partial(members.asked, member=ANN, now=NOON))
    await store.write(partial(members.set_observed, member=ANN, is_on=False, now=NOON))

    assert await actions(store) == [
        (BY_SYSTEM, "consent:asked", ""),
        (BY_MEMBER, "consent:on", ""),
        (BY_MEMBER, "consent:paused", ""),
        (BY_MEMBER, "consent:withdrawn", ""),
        (BY_MEMBER, "observe:off", ""),
    ]


async def test_what_fails_is_not_recorded(store: SqliteStore) -> None:
    """A row is kept together with what it tells of, or not at all."""

    async def fails(transaction: Transaction) -> None:
        await members.set_consent(transaction, ANN, "on", now=NOON)
        await personas.learn(transaction, [BERLIN], schema=WORKPLACE, update=UpdateId("u1"), now=NOON, actor=BY_TIDYING)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(fails)

    assert await log(store) == []
    assert await verdict(store) == Verdict(rows=0)


async def trail(opened: SqliteStore, member: MemberKey = ANN) -> Trail:
    return await opened.read(partial(audit.read, member=member))


async def test_a_member_can_read_their_own_rows(store: SqliteStore) -> None:
    """What the log tells of a member is found with their salts, and nothing of anybody else's."""
    await learn(store, BERLIN, replace(BERLIN, member=BO), VIM)
    found = await trail(store)

    assert [(row.action, row.field) for row in found.rows] == [("set", "location"), ("add", "tools")]
    assert audit._hidden("Berlin", found.salts["location"]) == found.rows[0].new
    assert (await trail(store, NAMESAKE)).rows == ()


async def test_who_had_everything_forgotten_has_no_rows(store: SqliteStore) -> None:
    """After that not even the member can find what was done before."""
    await learn(store, BERLIN)
    await forget(store, None)

    assert await trail(store) == Trail(salts={}, rows=())


# -- what is erased takes its salt along ------------------------------------------------------------------------------


async def test_forgetting_everything_destroys_every_salt(store: SqliteStore) -> None:
    """After that nobody can tell whose the rows were, nor try out what they say; what comes later is somebody new's."""
    await learn(store, BERLIN, VIM, replace(BERLIN, member=BO))
    await forget(store, None)
    assert (await salted(store), await salted(store, BO)) == (set(), {"", "location"})
    await learn(store, replace(BERLIN, evidence=OSLO.evidence))
    before, after = (await log(store))[0], (await log(store))[-1]

    assert before["subject"] != after["subject"]
    assert before["new"] != after["new"]


async def test_forgetting_a_field_destroys_its_salt(store: SqliteStore) -> None:
    """What a forgotten field held cannot be found by trying values; the other fields' rows still match theirs."""
    await learn(store, BERLIN, VIM)
    await forget(store, "location")
    assert await salted(store) == {"", "tools"}
    await learn(store, replace(BERLIN, evidence=OSLO.evidence), replace(VIM, evidence=OSLO.evidence))
    berlin, vim, _, berlin_again, vim_again = await log(store)

    assert berlin["new"] != berlin_again["new"]
    assert vim["new"] == vim_again["new"]


async def test_a_retracted_value_cannot_be_found_by_trying(store: SqliteStore) -> None:
    """A deleted message takes the salt of the field along that it had taught."""
    await learn(store, BERLIN, VIM)
    await retract(store, "m1")

    assert await salted(store) == {"", "tools"}


# -- the chain --------------------------------------------------------------------------------------------------------


async def test_an_untouched_chain_holds(store: SqliteStore) -> None:
    """However much was done, by however many members, the chain verifies; so does one with nothing in it."""
    assert await verdict(store) == Verdict(rows=0)
    await learn(store, *TALK)
    await forget(store, "tools")
    await forget(store, None, member=BO)

    assert await verdict(store) == Verdict(rows=len(TALK) + 2)


async def test_a_long_chain_is_walked_to_its_end(store: SqliteStore) -> None:
    """More rows than one page reads are still one chain."""
    await record(store, *(f"a{number}" for number in range(audit._PER_PAGE + 20)))

    assert await verdict(store) == Verdict(rows=audit._PER_PAGE + 20)
    await change(store, f"UPDATE audit SET reason = 'x' WHERE number = {audit._PER_PAGE + 2}")  # noqa: S608 - our own number
    assert (await verdict(store)).broken_at == audit._PER_PAGE + 2


@pytest.mark.parametrize(
    "column", ["at", "actor", "subject", "action", "field", "operation", "audience", "evidence", "old", "new"]
)
async def test_a_changed_row_breaks_the_chain(store: SqliteStore, column: str) -> None:
    """Whatever is changed in a row, the chain breaks there."""
    await learn(store, *TALK)
    await change(store, f"UPDATE audit SET {column} = '7' WHERE number = 3")  # noqa: S608 - our own columns

    assert await verdict(store) == Verdict(rows=2, broken_at=3, why="a row was changed")


async def test_a_row_with_a_new_hash_breaks_the_chain(store: SqliteStore) -> None:
    """Whoever changes a row and its hash has broken the one after it."""
    await record(store, "a", "b", "c")
    second = (await log(store))[1]
    columns = {name: second[name] for name in audit._COLUMNS} | {"action": "z"}
    await change(store, f"UPDATE audit SET action = 'z', hash = '{audit._hash(columns.values())}' WHERE number = 2")  # noqa: S608 - our own hash

    assert await verdict(store) == Verdict(rows=2, broken_at=3, why="a row was changed")


@pytest.mark.parametrize(
    ("which", "broken_at", "why"),
    [
        ("number = 1", 1, "a row is missing"),
        ("number = 2", 2, "a row is missing"),
        ("number = 3", 3, "the last rows are missing"),
        ("number > 0", 1, "the last rows are missing"),
    ],
)
async def test_a_missing_row_breaks_the_chain(store: SqliteStore, which: str, broken_at: int, why: str) -> None:
    """A row that was taken out is missed, be it the first, the last, or all of them."""
    await record(store, "a", "b", "c")
    await change(store, f"DELETE FROM audit WHERE {which}")  # noqa: S608 - our own words

    assert await verdict(store) == Verdict(rows=broken_at - 1, broken_at=broken_at, why=why)  # type: ignore[arg-type]  # one of the literals


async def test_every_tenant_has_a_chain_of_its_own(store: SqliteStore) -> None:
    """What is broken in one tenant leaves the other whole."""
    await record(store, "a", "b")
    await record(store, "a", member=NAMESAKE)
    await change(store, f"DELETE FROM audit WHERE tenant = '{TENANT}' AND number = 2")  # noqa: S608 - our own tenant

    assert (await verdict(store)).broken_at == 2
    assert await verdict(store, NAMESAKE.tenant) == Verdict(rows=1)


def test_nothing_but_retention_takes_rows_away() -> None:
    """The code adds rows; none is ever changed, and only what outlived its time is cut off."""
    found = [
        line.strip()
        for package in (bot, persona)
        for path in Path(package.__path__[0]).rglob("*.py")
        for line in path.read_text().splitlines()
        if "UPDATE audit " in line or "DELETE FROM audit " in line
    ]

    assert found == ['_CUT = "DELETE FROM audit WHERE tenant = :tenant AND number <= :number"']


# -- a year later -----------------------------------------------------------------------------------------------------


async def erase_old(opened: SqliteStore, after: timedelta) -> int:
    return await opened.write(partial(audit.erase_old, now=NOON + after))


async def test_rows_go_after_a_year_and_the_rest_still_verifies(store: SqliteStore) -> None:
    """What is older than a year is cut off, once, and the chain holds from there on, and goes on."""
    await record(store, "a", "b")
    await record(store, "c", after=HOUR)
    assert await erase_old(store, YEAR) == 0
    assert await erase_old(store, YEAR + HOUR) == 2
    assert await erase_old(store, YEAR + HOUR) == 0
    assert await verdict(store) == Verdict(rows=1)
    await record(store, "d", after=YEAR)

    assert await verdict(store) == Verdict(rows=2)
    assert [row["number"] for row in await log(store)] == [3, 4]


async def test_a_chain_outlives_all_its_rows(store: SqliteStore) -> None:
    """Where everything was cut off, what comes next is still the continuation of what was."""
    await record(store, "a", "b")
    assert await erase_old(store, 2 * YEAR) == 2
    assert await verdict(store) == Verdict(rows=0)
    await record(store, "c", after=2 * YEAR)

    assert [row["number"] for row in await log(store)] == [3]
    assert await verdict(store) == Verdict(rows=1)


async def test_what_is_missing_after_a_cut_is_still_missed(store: SqliteStore) -> None:
    """Nobody can pass off as retention what they took out themselves."""
    await record(store, "a")
    await record(store, "b", "c", after=HOUR)
    await erase_old(store, YEAR + HOUR)
    await change(store, "DELETE FROM audit WHERE number = 2")

    assert await verdict(store) == Verdict(rows=0, broken_at=2, why="a row is missing")


async def test_an_old_row_behind_a_newer_one_waits_for_it(store: SqliteStore) -> None:
    """A clock that was set back cuts nothing out of the middle of a chain."""
    await record(store, "a", after=HOUR)
    await record(store, "b")
    await record(store, "c", after=HOUR)

    assert await erase_old(store, YEAR + HOUR) == 0
    assert await erase_old(store, YEAR + HOUR + HOUR) == 3


async def test_cutting_one_tenant_leaves_the_others(store: SqliteStore) -> None:
    """Each chain is cut by itself."""
    await record(store, "a")
    await record(store, "a", member=NAMESAKE, after=HOUR)

    assert await erase_old(store, YEAR + HOUR) == 1
    assert [await verdict(store), await verdict(store, NAMESAKE.tenant)] == [Verdict(rows=0), Verdict(rows=1)]


def test_other_instructions_are_another_optimizer() -> None:
    """Whoever changes a word of the instructions can be told from whoever learned before."""
    assert audit.optimizer("Keep little.") != audit.optimizer("Keep much.")
    assert audit.optimizer("Keep little.").startswith("optimizer:")
