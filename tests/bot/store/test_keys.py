"""Keys of members: made with a unit, kept or undone with it, and gone for good once destroyed."""

import asyncio
import contextlib
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import errors
from bot.store import sqlite_keys
from bot.store.engine import Store, Unit
from persona.persona import MemberKey
from persona.ports import Cell, Transaction
from tests.clock import NOON
from tests.scan import key_ids

ANA = MemberKey(tenant="slack:T1", id="U1")
BO = MemberKey(tenant="slack:T1", id="U2")
CELL = ("note.value", "t", "n")

Open = Callable[[], Awaitable[Store]]
"""Opens the database of this test; again, once it was closed."""


async def seal(transaction: Transaction, *, owner: MemberKey = ANA, text: str = "Lisbon") -> str:
    return await transaction.seal(text, owner=owner, cell=CELL)


async def destroy(transaction: Transaction, *, owner: MemberKey = ANA) -> None:
    await transaction.destroy_key(owner, at=NOON, reason="forgotten")


async def opened(store: Store, stored: str, cell: Cell = CELL) -> str | None:
    (text,) = await store.read(lambda transaction: transaction.unseal([(stored, cell)]))
    return text


async def owners(store: Store) -> set[MemberKey]:
    """Whose keys there are."""
    return set(await store.read(lambda transaction: transaction.key_owners(ANA.tenant, most=10)))


def failing(work: Unit[object]) -> Unit[object]:
    """A unit that raises at its end."""

    async def unit(transaction: Transaction) -> None:
        await work(transaction)
        raise ValueError

    return unit


async def test_each_member_has_a_key(store: Store) -> None:
    """Everything of one member is sealed with one key, and each member's with another."""
    stored = [await store.write(partial(seal, owner=owner)) for owner in (ANA, ANA, BO)]
    first, again, others = (one.split(".")[1] for one in stored)

    assert first == again != others
    assert await owners(store) == {ANA, BO}
    assert [await opened(store, one) for one in stored] == ["Lisbon"] * 3


async def test_nothing_stays_nothing(store: Store) -> None:
    """An empty text is stored as such and takes no key."""
    assert await store.write(partial(seal, text="")) == ""
    assert await opened(store, "") == ""
    assert await owners(store) == set()


async def test_a_key_outlives_the_process(open_engine: Open) -> None:
    """What was sealed before a restart is opened after it."""
    first = await open_engine()
    stored = await first.write(seal)
    await first.close()
    second = await open_engine()

    assert await opened(second, stored) == "Lisbon"
    await second.close()


async def test_a_key_goes_with_its_unit(store: Store) -> None:
    """A unit that fails leaves no key, and the next one does not seal with the one that never was."""
    with pytest.raises(ValueError):  # noqa: PT011 - our own, above
        await store.write(failing(seal))
    assert await owners(store) == set()
    stored = await store.write(seal)

    assert await opened(store, stored) == "Lisbon"


async def test_units_that_are_committed_together_keep_apart(store: Store) -> None:
    """Of units in one commit, those that fail take neither the keys nor the words of the others along."""
    work: list[Unit[object]] = [
        seal,
        failing(seal),
        partial(seal, owner=BO),
        failing(partial(destroy, owner=BO)),
        failing(destroy),
        seal,
    ]
    first, _, second, _, _, third = await asyncio.gather(*(store.write(one) for one in work), return_exceptions=True)

    assert [await opened(store, str(one)) for one in (first, second, third)] == ["Lisbon"] * 3
    assert await owners(store) == {ANA, BO}


async def test_a_destroyed_key_opens_nothing(store: Store) -> None:
    """Once a key is destroyed, what it had sealed is gone, here and in every copy; nobody else's is."""
    old, others = await store.write(seal), await store.write(partial(seal, owner=BO))
    await store.write(destroy)

    assert await opened(store, old) is None
    assert await opened(store, others) == "Lisbon"
    assert await owners(store) == {BO}


async def test_a_key_that_is_to_be_destroyed_holds_until_then(store: Store) -> None:
    """When the unit fails that was to destroy a key, the key is as good as before."""
    stored = await store.write(seal)
    with pytest.raises(ValueError):  # noqa: PT011
        await store.write(failing(destroy))

    assert await opened(store, stored) == "Lisbon"


async def test_the_next_words_get_a_new_key(store: Store) -> None:
    """After a key was destroyed, even in the same unit or the same commit, what is sealed can be opened."""

    async def begin_anew(transaction: Transaction) -> str:
        await seal(transaction)
        await destroy(transaction)
        return await seal(transaction, text="Porto")

    same_unit = await store.write(begin_anew)
    _, same_commit = await asyncio.gather(store.write(destroy), store.write(partial(seal, text="Faro")))

    assert await opened(store, same_unit) is None  # the second destruction took that one, too
    assert await opened(store, same_commit) == "Faro"


async def test_a_destroyed_key_leaves_no_bytes(store: Store, database: Path) -> None:
    """The moment a key is destroyed, it is in no file any more, even wrapped."""
    await store.write(seal)
    with contextlib.closing(sqlite3.connect(sqlite_keys.file_of(database))) as connection:
        ((wrapped,),) = connection.execute("SELECT wrapped FROM member_key")
    assert any(wrapped.encode() in path.read_bytes() for path in database.parent.iterdir())
    await store.write(destroy)

    assert not any(wrapped.encode() in path.read_bytes() for path in database.parent.iterdir())


async def test_what_stands_in_anothers_place_is_gone(store: Store) -> None:
    """Whoever can write to the database cannot pass one member's words off as another's, or one row's as another's."""
    stored = await store.write(seal)

    assert await opened(store, stored, ("note.value", "t", "other")) is None


@pytest.mark.parametrize("text", ["Lisbon", "Lisbon " * 1_000])
async def test_what_is_at_hand_goes_with_its_key(store: Store, text: str) -> None:
    """Words that were opened a moment ago stand in no other place, and are gone with their key for whoever asks."""
    stored = await store.write(partial(seal, text=text))
    unseal = partial(unsealed, stored=[stored])
    before = [await ask(unseal) for ask in (store.read, store.write, store.read, store.write)]
    moved = await opened(store, stored, ("note.value", "t", "other"))
    await store.write(destroy)

    assert (before, moved) == ([[text]] * 4, None)
    assert [await ask(unseal) for ask in (store.read, store.write)] == [[None]] * 2


async def unsealed(transaction: Transaction, *, stored: list[str]) -> list[str | None]:
    return await transaction.unseal([(one, CELL) for one in stored])


async def test_what_cannot_be_opened_is_said_once(store: Store) -> None:
    """One line counts the values of a key that is gone, without a word of them, however often they are read."""
    stored = [await store.write(seal) for _ in range(3)]
    await store.write(destroy)

    with capture_logs() as logged:
        read = [await store.read(partial(unsealed, stored=stored)) for _ in range(2)]

    assert read == [[None] * 3] * 2
    (line,) = logged
    assert (line["event"], line["log_level"], line["values"], line["keys"]) == ("values.unreadable", "warning", 3, 1)
    assert set(line) == {"event", "log_level", "values", "keys"}


async def test_sealing_needs_a_write(store: Store) -> None:
    """A unit that only reads cannot make a key."""
    with pytest.raises(errors.StoreReadOnlyError):
        await store.read(seal)


@contextlib.contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let this process write no file beyond a size, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_keys_are_kept_before_what_they_seal(store: Store, database: Path) -> None:
    """When a commit breaks in the middle, there is a key that seals nothing, and never words without their key.

    A member who wrote for the first time just then writes again, and can be read.
    """

    async def unit(transaction: Transaction) -> str:
        stored = await seal(transaction, text="x" * 200_000)
        insert = "INSERT INTO note (tenant, name, value) VALUES ('t', 'n', :value)"
        await transaction.execute(insert, value=stored)
        return stored

    with no_file_above(100_000), pytest.raises(errors.StoreError):
        await store.write(unit)
    made = key_ids(database)
    stored = await store.write(unit)

    assert set(made) == {ANA}
    assert await opened(store, stored) == "x" * 200_000
