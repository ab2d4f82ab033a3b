"""Tenant isolation (reliability B23): fifty tenants with the same ids and names, and nothing of one in another.

`make privacycheck` runs 10,000 acts; here it is a part of them. A run that checked nothing fails.
"""

from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from bot import errors
from bot.store.sqlite import SqliteStore
from persona.ports import Transaction, Value
from tests.privacy.tenants import OPS, SWEEPS, Guard, Town, script
from tests.privacy.watched import watched

TENANTS, ACTS = 50, 500
COMPARED = (0, 7, 49)

ACTS_OF_ALL = script(tenants=TENANTS, acts=ACTS, random=Random(23))  # noqa: S311 - the same every time


@pytest.mark.slow
async def test_tenants_that_share_every_name_share_nothing_else(database: Path, other_database: Path) -> None:
    """No prompt, post, view or statement of one tenant reaches another, and each ends up as if it were alone."""
    town = await Town.played(database, ACTS_OF_ALL)

    assert town.crossings == []
    assert town.guard.checked > ACTS
    assert set(town.done) == {*OPS, "tidy"}
    assert {"fact", "operation", "evidence", "fence", "member", "message", "inbox", "outbox"} <= town.guard.tables
    assert sum(len(kept["fact"]) for kept in town.kept.values()) > TENANTS

    alone = await Town.played(other_database, ACTS_OF_ALL, only=COMPARED)
    assert alone.kept == {tenant: town.kept[tenant] for tenant in COMPARED}
    assert alone.guard.checked > 0


REFUSED: dict[str, tuple[str, Mapping[str, Value]]] = {
    "no tenant": ("SELECT * FROM fact WHERE member = :member", {"member": "U1"}),
    "an empty tenant": ("SELECT * FROM fact WHERE tenant = :tenant", {"tenant": ""}),
    "a tenant that is none": ("SELECT * FROM fact WHERE tenant = :tenant", {"tenant": None}),
    "a tenant that is not asked for": ("SELECT * FROM message WHERE id = :id", {"id": "1", "tenant": "slack:T00"}),
    "another tenant": ("SELECT * FROM fact WHERE tenant = :tenant", {"tenant": "slack:T01"}),
    "another tenant besides": (
        "SELECT * FROM evidence WHERE tenant = :tenant AND room_tenant = :room_tenant",
        {"tenant": "slack:T00", "room_tenant": "slack:T01"},
    ),
    "a sweep": (next(iter(SWEEPS)), {}),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_the_guard_refuses(store: SqliteStore, name: str) -> None:
    """A statement that names no tenant, or another one than the one that acts, ends its unit of work."""
    guard = Guard()
    guard.acting = "slack:T00"
    sql, bound = REFUSED[name]

    async def unit(transaction: Transaction) -> None:
        await transaction.fetch(sql, **bound)

    with pytest.raises(AssertionError):
        await watched(store, guard.watch).read(unit)

    assert guard.checked == 1


async def test_a_missing_tenant_never_means_all(store: SqliteStore) -> None:
    """A statement whose tenant is not bound at all fails in the engine, too."""

    async def unit(transaction: Transaction) -> None:
        await transaction.fetch("SELECT * FROM fact WHERE tenant = :tenant")

    with pytest.raises(errors.StoreError):
        await store.read(unit)
