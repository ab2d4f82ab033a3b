"""The contract of every database engine; `conftest.py` says which there are."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from bot import errors
from bot.store import notes
from bot.store.engine import Store, Unit
from persona.ports import Transaction

PATIENCE_S = 2
"""What takes longer hangs: a caller that is never answered must fail a test, not stop it."""

Open = Callable[[], Awaitable[Store]]
"""Opens the database of this test; again, once it was closed."""


@pytest.fixture
def engine(store: Store) -> Store:
    return store


def keeping(name: str, value: str = "kept") -> Unit[None]:
    """A unit that keeps one note."""
    return partial(notes.write, tenant="t", name=name, value=value)


def reading(name: str) -> Unit[str | None]:
    """A unit that reads one note."""
    return partial(notes.read, tenant="t", name=name)


def failing(name: str, error: Exception) -> Unit[None]:
    """A unit that keeps one note and then raises."""

    async def unit(transaction: Transaction) -> None:
        await notes.write(transaction, "t", name, "half")
        raise error

    return unit


def keeping_both(first: str, second: str) -> Unit[None]:
    """A unit of two statements."""

    async def unit(transaction: Transaction) -> None:
        await notes.write(transaction, "t", first, "kept")
        await notes.write(transaction, "t", second, "kept")

    return unit


async def all_names(transaction: Transaction) -> list[str]:
    """The names of all notes, in order of the alphabet."""
    return [row["name"] for row in await transaction.fetch("SELECT name FROM note ORDER BY name")]


# -- what a unit gets and gives ---------------------------------------------------------------------------------------


async def test_the_result_comes_back(engine: Store) -> None:
    """What a unit returns is what its caller gets, from a write as from a read."""

    async def unit(transaction: Transaction) -> dict[str, int]:
        return {"answer": 42}

    assert await engine.write(unit) == {"answer": 42}
    assert await engine.read(unit) == {"answer": 42}


async def test_a_unit_sees_its_own_changes(engine: Store) -> None:
    """Inside a unit, a statement sees what the statements before it did."""

    async def unit(transaction: Transaction) -> str | None:
        await notes.write(transaction, "t", "n", "first")
        await notes.write(transaction, "t", "n", "second")
        return await notes.read(transaction, "t", "n")

    assert await engine.write(unit) == "second"


async def test_execute_counts_rows(engine: Store) -> None:
    """A statement says how many rows it changed, and an insert that met a known key says none."""
    insert = "INSERT INTO note (tenant, name, value) VALUES ('t', :name, '') ON CONFLICT (tenant, name) DO NOTHING"

    async def unit(transaction: Transaction) -> list[int]:
        return [
            await transaction.execute(insert, name="a"),
            await transaction.execute(insert, name="a"),
            await transaction.execute(insert, name="b"),
            await transaction.execute("UPDATE note SET value = 'x' WHERE tenant = 't'"),
            await transaction.execute("DELETE FROM note WHERE name = :name", name="nobody"),
        ]

    assert await engine.write(unit) == [1, 0, 1, 2, 0]


async def test_fetch_returns_rows_by_column_name(engine: Store) -> None:
    """A query returns every row in its order, and a statement with RETURNING the rows it changed."""

    async def unit(transaction: Transaction) -> tuple[list[str], list[str]]:
        inserted = "INSERT INTO note (tenant, name, value) VALUES ('t', 'b', '2'), ('t', 'a', '1') RETURNING name"
        changed = await transaction.fetch(inserted)
        found = await transaction.fetch("SELECT value, name FROM note ORDER BY name")
        return sorted(row["name"] for row in changed), [row["name"] + row["value"] for row in found]

    assert await engine.write(unit) == (["a", "b"], ["a1", "b2"])


async def test_fetch_one_of_nothing_is_none(engine: Store) -> None:
    """A question without an answer is None."""
    assert await engine.read(reading("unknown")) is None


@pytest.mark.parametrize(
    "text",
    ["", 'it\'s; -- "quoted" :name ?1 %s $1', "日本語 👩‍👩‍👧 e\u0301 \u202e", "line\nbreak\ttab", "x" * 100_000],
    ids=["empty", "like SQL", "scripts", "breaks", "long"],
)
async def test_text_comes_back_as_it_was(engine: Store, text: str) -> None:
    """Any text a member may type is stored and read unchanged."""
    await engine.write(keeping("n", text))

    assert await engine.read(reading("n")) == text


@pytest.mark.parametrize("number", [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
async def test_whole_numbers_of_64_bits_come_back(engine: Store, number: int) -> None:
    """Times in microseconds, and every other number of 64 bits, keep each digit."""

    async def unit(transaction: Transaction) -> Any:
        sql = "INSERT INTO member (tenant, id, consent, consent_at) VALUES ('t', 'm', 'on', :moment)"
        await transaction.execute(sql, moment=number)
        row = await transaction.fetch_one("SELECT consent_at FROM member")
        return row and row["consent_at"]

    assert await engine.write(unit) == number


async def test_nothing_is_not_an_empty_text(engine: Store) -> None:
    """None goes in as NULL and comes out as None."""

    async def unit(transaction: Transaction) -> Any:
        sql = "INSERT INTO member (tenant, id, consent, consent_at) VALUES ('t', '', 'on', :moment)"
        await transaction.execute(sql, moment=None)
        row = await transaction.fetch_one("SELECT id, consent_at FROM member")
        return row and (row["id"], row["consent_at"])

    assert await engine.write(unit) == ("", None)


# -- a unit that fails ------------------------------------------------------------------------------------------------


async def test_a_failing_unit_keeps_nothing(engine: Store) -> None:
    """When a unit raises, nothing of it is kept, and its caller gets that very exception."""
    error = LookupError("not found")

    with pytest.raises(LookupError) as caught:
        await engine.write(failing("n", error))

    assert caught.value is error
    assert await engine.read(all_names) == []


async def test_neighbours_of_a_failing_unit_are_kept(engine: Store) -> None:
    """Units of other callers that arrive at the same moment are not touched by one that fails."""
    outcomes = await asyncio.gather(
        engine.write(keeping("a")),
        engine.write(failing("b", LookupError())),
        engine.write(keeping("c")),
        engine.write(failing("d", ValueError())),
        engine.write(keeping("e")),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), LookupError, type(None), ValueError, type(None)]
    assert await engine.read(all_names) == ["a", "c", "e"]


async def test_a_later_unit_does_not_see_a_failed_one(engine: Store) -> None:
    """A unit that arrives together with a failing one never sees what that one wrote."""
    _, seen = await asyncio.gather(
        engine.write(failing("n", LookupError())), engine.write(reading("n")), return_exceptions=True
    )

    assert seen is None


@pytest.mark.parametrize(
    "sql",
    ["SELEC nonsense", "SELECT * FROM no_such_table", "INSERT INTO note (tenant, name, value) VALUES ('t', 'b', NULL)"],
    ids=["no SQL", "no table", "a constraint"],
)
async def test_a_refused_statement_is_a_store_error(engine: Store, sql: str) -> None:
    """A statement the database refuses raises one of our errors, not the driver's, and undoes its unit alone."""

    async def refused(transaction: Transaction) -> None:
        await notes.write(transaction, "t", "a", "half")
        await transaction.execute(sql)

    outcome, _ = await asyncio.gather(engine.write(refused), engine.write(keeping("c")), return_exceptions=True)

    assert isinstance(outcome, errors.StoreError)
    assert await engine.read(all_names) == ["c"]


async def test_a_refused_query_is_a_store_error(engine: Store) -> None:
    """A query the database refuses raises one of our errors, and the next query works."""

    async def refused(transaction: Transaction) -> None:
        await transaction.fetch("SELECT * FROM no_such_table")

    with pytest.raises(errors.StoreError):
        await engine.read(refused)

    assert await engine.read(all_names) == []


async def test_an_error_in_a_read_reaches_its_caller(engine: Store) -> None:
    """What a reading unit raises is raised to its caller, as it is."""
    error = LookupError("not found")

    async def unit(transaction: Transaction) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        await engine.read(unit)

    assert caught.value is error


async def test_a_unit_called_wrongly_fails_alone(engine: Store) -> None:
    """A unit that cannot even be called raises to its own caller; neighbours are kept and the store goes on."""
    wrong: Unit[None] = partial(notes.write, tenant="t", nmae="typo", value="")  # type: ignore[call-arg]  # the point

    outcomes = await asyncio.gather(
        *(asyncio.wait_for(engine.write(unit), PATIENCE_S) for unit in (keeping("a"), wrong, keeping("b"))),
        return_exceptions=True,
    )
    [afterwards] = await asyncio.gather(engine.write(keeping("c")), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), TypeError, type(None)]
    assert afterwards is None
    assert await engine.read(all_names) == ["a", "b", "c"]


async def test_a_reading_unit_called_wrongly_fails_alone(engine: Store) -> None:
    """A read that cannot even be called raises to its caller, and the next read works."""
    wrong: Unit[str | None] = partial(notes.read, tenant="t", nmae="typo")  # type: ignore[call-arg]  # the point

    with pytest.raises(TypeError):
        await engine.read(wrong)

    assert await engine.read(all_names) == []


async def test_a_unit_that_awaits_something_else_is_refused(engine: Store) -> None:
    """A unit that awaits anything but its transaction would hold it open, so it fails and keeps nothing."""

    async def waiting(transaction: Transaction) -> None:
        await notes.write(transaction, "t", "a", "half")
        await asyncio.sleep(0)

    outcome, _ = await asyncio.gather(engine.write(waiting), engine.write(keeping("b")), return_exceptions=True)

    assert isinstance(outcome, errors.StoreError)
    assert "await" in str(outcome)
    assert await engine.read(all_names) == ["b"]


async def test_a_reading_unit_that_awaits_something_else_is_refused(engine: Store) -> None:
    """A read that awaits anything but its transaction fails too, and the next one works."""

    async def waiting(transaction: Transaction) -> None:
        await asyncio.sleep(0)

    with pytest.raises(errors.StoreError, match="await"):
        await engine.read(waiting)

    assert await engine.read(all_names) == []


async def test_a_refused_unit_that_resists_fails_alone(engine: Store) -> None:
    """Even a unit that goes on awaiting while it is being stopped harms nobody but its caller."""

    async def resisting(transaction: Transaction) -> None:
        try:
            await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)

    outcomes = await asyncio.gather(
        *(asyncio.wait_for(engine.write(unit), PATIENCE_S) for unit in (resisting, keeping("a"))),
        return_exceptions=True,
    )
    [afterwards] = await asyncio.gather(engine.write(keeping("b")), return_exceptions=True)

    assert isinstance(outcomes[0], Exception)
    assert not isinstance(outcomes[0], TimeoutError)
    assert (outcomes[1], afterwards) == (None, None)
    assert await engine.read(all_names) == ["a", "b"]


# -- visible, durable, and only readable where it is only read --------------------------------------------------------


async def test_a_write_is_visible_once_it_returned(engine: Store) -> None:
    """Every read that begins after a write returned sees it."""
    seen = []
    for number in range(10):
        await engine.write(keeping("n", str(number)))
        seen.append(await engine.read(reading("n")))

    assert seen == [str(number) for number in range(10)]


async def test_a_write_is_durable(open_engine: Open) -> None:
    """What was written is there after the database was closed and opened again."""
    before = await open_engine()
    await before.write(keeping("n"))
    await before.close()
    after = await open_engine()
    found = await after.read(reading("n"))
    await after.close()

    assert found == "kept"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO note (tenant, name, value) VALUES ('t', 'b', '')",
        "UPDATE note SET value = 'changed'",
        "DELETE FROM note",
        "DROP TABLE note",
        "CREATE TABLE other (id TEXT)",
    ],
)
async def test_a_read_cannot_write(engine: Store, sql: str) -> None:
    """A statement that writes is refused in a read, changes nothing, and spoils no later unit."""
    await engine.write(keeping("a"))

    async def writing(transaction: Transaction) -> None:
        await transaction.execute(sql)

    with pytest.raises(errors.StoreReadOnlyError):
        await engine.read(writing)

    assert await engine.read(reading("a")) == "kept"
    assert await engine.read(all_names) == ["a"]


async def test_a_read_is_one_snapshot(engine: Store) -> None:
    """Two statements of one read see the same moment, whatever is written between them."""

    async def move(transaction: Transaction, *, number: int) -> None:
        await notes.write(transaction, "t", "from", str(100 - number))
        await notes.write(transaction, "t", "to", str(number))

    async def total(transaction: Transaction) -> int:
        source = await notes.read(transaction, "t", "from")
        target = await notes.read(transaction, "t", "to")
        return int(source or 0) + int(target or 0)

    await engine.write(partial(move, number=0))
    writes = (engine.write(partial(move, number=number)) for number in range(100))
    reads = (engine.read(total) for _ in range(100))
    totals, _ = await asyncio.gather(asyncio.gather(*reads), asyncio.gather(*writes))

    assert set(totals) == {100}


# -- many callers, and callers that go away ---------------------------------------------------------------------------


async def test_concurrent_units_all_arrive_in_order(engine: Store) -> None:
    """However many write at the same moment, each unit is run once, in the order they were handed in."""

    async def take_number(transaction: Transaction) -> int:
        number = int(await notes.read(transaction, "t", "next") or 0)
        await notes.write(transaction, "t", "next", str(number + 1))
        return number

    numbers = await asyncio.gather(*(engine.write(take_number) for _ in range(300)))

    assert numbers == list(range(300))


async def test_results_do_not_get_mixed_up(engine: Store) -> None:
    """Each of many callers gets the outcome of its own unit, among failures too."""

    async def unit(transaction: Transaction, *, number: int) -> int:
        if number % 3 == 0:
            raise LookupError(number)
        return number

    units = [partial(unit, number=number) for number in range(200)]
    outcomes = await asyncio.gather(*(engine.write(unit) for unit in units), return_exceptions=True)

    numbers = [outcome.args[0] if isinstance(outcome, LookupError) else outcome for outcome in outcomes]
    assert numbers == list(range(200))
    assert all(isinstance(outcome, LookupError) == (number % 3 == 0) for number, outcome in enumerate(outcomes))


@pytest.mark.parametrize("steps", range(6))
async def test_cancelling_the_caller_leaves_a_whole_unit(engine: Store, steps: int) -> None:
    """At whatever moment a caller is cancelled, its unit is kept as a whole or not at all, and nothing stays open."""
    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(engine.write(keeping_both("a", "b")))
        for _ in range(steps):
            await asyncio.sleep(0)
        caller.cancel()
    await engine.write(keeping("c"))

    assert await engine.read(all_names) in (["a", "b", "c"], ["c"])


async def test_a_unit_outlives_its_caller(engine: Store) -> None:
    """A unit that was handed in is run, though its caller and all its neighbours' callers went away."""
    async with asyncio.TaskGroup() as tasks:
        callers = [tasks.create_task(engine.write(keeping(str(number)))) for number in range(9)]
        await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
    await engine.write(keeping("last"))

    assert await engine.read(all_names) == [*map(str, range(9)), "last"]


async def test_a_neighbour_of_a_cancelled_caller_is_answered(engine: Store) -> None:
    """Cancelling one caller cancels nobody else's unit."""
    async with asyncio.TaskGroup() as tasks:
        gone = tasks.create_task(engine.write(keeping("a")))
        there = tasks.create_task(engine.write(reading("a")))
        await asyncio.sleep(0)
        gone.cancel()

    assert gone.cancelled()
    assert there.result() == "kept"


async def test_a_failure_nobody_waits_for_disturbs_nobody(engine: Store) -> None:
    """A unit that fails after its caller went away ends in silence, not in the event loop's complaints."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(engine.write(failing("a", LookupError())))
        await asyncio.sleep(0)
        caller.cancel()
    await engine.write(keeping("b"))
    gc.collect(0)

    assert complaints == []
    assert await engine.read(all_names) == ["b"]


async def test_cancelling_a_reader_leaves_the_others(engine: Store) -> None:
    """A reader that goes away leaves nothing behind: the next one sees the newest state."""
    async with asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(engine.read(all_names)) for _ in range(3)]
        await asyncio.sleep(0)
        readers[0].cancel()
    await engine.write(keeping("a"))

    assert [reader.cancelled() for reader in readers] == [True, False, False]
    assert await engine.read(all_names) == ["a"]


# -- closing ----------------------------------------------------------------------------------------------------------


async def test_close_finishes_what_was_handed_in(open_engine: Open) -> None:
    """Units that wait when the store is closed are run, and their callers are answered."""
    engine = await open_engine()
    *outcomes, _ = await asyncio.gather(
        *(engine.write(keeping(f"{number:03}")) for number in range(120)), engine.close()
    )
    again = await open_engine()
    names = await again.read(all_names)
    await again.close()

    assert outcomes == [None] * 120
    assert len(names) == 120


async def test_close_answers_waiting_readers(open_engine: Open) -> None:
    """Reads that wait when the store is closed are answered."""
    engine = await open_engine()
    *outcomes, _ = await asyncio.gather(*(engine.read(all_names) for _ in range(20)), engine.close())

    assert outcomes == [[]] * 20


async def test_close_twice_does_nothing(open_engine: Open) -> None:
    """A second close does nothing."""
    engine = await open_engine()
    await engine.close()
    await engine.close()


@pytest.mark.parametrize("used", ["write", "read"])
async def test_use_after_close_is_an_error(open_engine: Open, used: str) -> None:
    """A unit handed in after the close is refused with our error instead of waiting for ever."""
    engine = await open_engine()
    await engine.close()

    with pytest.raises(errors.StoreError, match="closed"):
        await asyncio.wait_for(getattr(engine, used)(all_names), PATIENCE_S)


async def test_a_closed_database_can_be_opened_again(open_engine: Open) -> None:
    """Close lets go of the database: the next open finds it free, as often as one likes."""
    for _ in range(3):
        engine = await open_engine()
        await engine.write(keeping("n"))
        await engine.close()
