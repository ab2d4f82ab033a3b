"""Rapport with a defect: what the auditor has to find. Switched on in its own test alone."""

from collections.abc import Mapping, Sequence

from bot.store.engine import Store
from tests.privacy.mutants import mutated

LEFT_OUT: Mapping[str, Sequence[str]] = {
    "double post": ("FROM outbox", "UPDATE inbox SET state"),
    "loss": ("WHERE inbox.settled_at IS NULL ORDER BY",),
    "unlearned": ("INSERT INTO operation",),
}
"""By the defect, what the statements have in them that never reach the database: a reply is not remembered, what an
earlier process left open is not looked for, and what was learned is not written down."""


def with_defect(store: Store, defect: str) -> Store:
    """The store, without the statements that a defect leaves out."""
    parts = LEFT_OUT[defect]
    return mutated(store, leaves_out=lambda sql: any(part in sql for part in parts))
