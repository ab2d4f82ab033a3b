"""Notes to ourselves survive a restart, each under its tenant and name."""

from functools import partial

import pytest

from bot.store import notes
from bot.store.engine import Store


async def read(store: Store, tenant: str, name: str) -> str | None:
    return await store.read(partial(notes.read, tenant=tenant, name=name))


async def write(store: Store, tenant: str, name: str, value: str) -> None:
    await store.write(partial(notes.write, tenant=tenant, name=name, value=value))


async def test_an_unknown_note_is_none(store: Store) -> None:
    """What was never noted is None, and not an empty text."""
    assert await read(store, "t", "n") is None


@pytest.mark.parametrize("value", ["a hash", ""])
async def test_a_note_is_kept(store: Store, value: str) -> None:
    """A note is read back as it was written."""
    await write(store, "t", "n", value)

    assert await read(store, "t", "n") == value


async def test_a_newer_note_replaces_the_older(store: Store) -> None:
    """There is one note of a name."""
    await write(store, "t", "n", "older")
    await write(store, "t", "n", "newer")

    assert await read(store, "t", "n") == "newer"


async def test_notes_keep_apart(store: Store) -> None:
    """Equal names in two tenants, and two names in one, are notes of their own."""
    for tenant, name in (("t", "n"), ("u", "n"), ("t", "m")):
        await write(store, tenant, name, f"{tenant}.{name}")

    assert [await read(store, "t", "n"), await read(store, "u", "n"), await read(store, "t", "m")] == [
        "t.n",
        "u.n",
        "t.m",
    ]
