"""A message that nothing can be made of ends with a sentence, and holds up nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot import errors
from bot.responder import MAX_ATTEMPTS
from bot.store.sqlite import SqliteStore
from persona.ports import Transaction
from tests.bot.desk import DIRECT, Desk
from tests.bot.talk import ANA, proposes
from tests.clock import StillClock


@pytest.fixture
async def desk(store: SqliteStore) -> AsyncIterator[Desk]:
    async with Desk.opened(store, StillClock()) as opened:
        yield opened


async def spoil(transaction: Transaction) -> None:
    """Put into Ana's persona what no version of ours can have written."""
    await transaction.execute(
        "UPDATE fact SET valid_from = -9000000000000000000 WHERE tenant = :tenant", tenant=ANA.tenant
    )


async def test_it_is_given_up_after_as_many_tries_as_any_other(desk: Desk) -> None:
    """Where every try fails before there is a turn, each is counted; at last the author gets one sentence."""
    desk.model.updates.append(proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon")))
    await desk.says(ANA, "I live in Lisbon", DIRECT)
    await desk.idles()
    await desk.store.write(spoil)
    shown = len(desk.slack.posted)

    await desk.says(ANA, "hello?", DIRECT)
    for _ in range(MAX_ATTEMPTS):
        assert len(desk.slack.posted) == shown
        await desk.intake.recover()
        await desk.drained()

    ((_, sentence),) = desk.slack.posted[shown:]
    assert sentence.startswith(errors.BotError.for_member)
    assert await desk.intake.recover() == 0
