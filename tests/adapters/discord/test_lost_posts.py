"""A reply that was begun and lost sight of: the next try completes it, also when Discord has forgotten its nonce."""

from __future__ import annotations

from functools import partial

import pytest

from adapters.discord import translate
from adapters.discord.adapter import DiscordAdapter
from bot.delivery import WITHDRAWN, Delivery
from bot.messages import Message
from bot.store import conversations, inbox
from bot.store.sqlite import SqliteStore
from tests.adapters.discord.clients import Client
from tests.clock import StillClock
from tests.twins.discord import DiscordTwin
from tests.twins.server import Fault

OUTAGE_S = 600.0
"""Longer than Discord remembers a nonce."""


@pytest.fixture
def delivery(store: SqliteStore, client: Client, clock: StillClock) -> Delivery:
    return Delivery(store=store, adapters={"discord": DiscordAdapter(client)}, clock=clock)


async def begun(twin: DiscordTwin, client: Client, store: SqliteStore, delivery: Delivery) -> Message:
    """A question whose answer began to show; the process died before it knew, and was away for a while."""
    await twin.says("Ana", "team", f"<@{twin.bot_id}> hello")
    message = translate.message(await client.next("message"), me=client.me)
    assert message is not None
    await store.write(partial(inbox.accept, message=message, now=message.said_at))
    twin.fault("POST", f"/channels/{message.room.channel}/messages", Fault(reset_after=True))
    assert not await delivery.show_unfinished(message, "Well, I", known=())
    twin.advance(OUTAGE_S)
    return message


def shown(twin: DiscordTwin) -> list[str]:
    return [message.content for message in twin.messages("team") if message.author_id == twin.bot_id]


async def test_a_beginning_is_completed_in_other_words(
    twin: DiscordTwin, client: Client, store: SqliteStore, delivery: Delivery
) -> None:
    """The beginning is found by the words it was posted with, and completed by an answer that begins otherwise."""
    message = await begun(twin, client, store, delivery)
    await delivery.adopt(message)
    assert shown(twin) == ["Well, I"]
    await delivery.finish(message, "The answer is four.", "answered")

    assert shown(twin) == ["The answer is four."]


@pytest.mark.parametrize("body", [b"{}", b"[]", b"5", b"{", b"\xff", b'{"id": "x", "channel_id": null}'])
async def test_what_is_no_answer_of_discords_leaves_a_post_unclear(
    twin: DiscordTwin, client: Client, store: SqliteStore, delivery: Delivery, body: bytes
) -> None:
    """Whatever answers in Discord's place, the post may have been taken: it is looked for, and then posted once."""
    await twin.says("Ana", "team", f"<@{twin.bot_id}> hello")
    message = translate.message(await client.next("message"), me=client.me)
    assert message is not None
    await store.write(partial(inbox.accept, message=message, now=message.said_at))
    typed = {"Content-Type": "application/json"}
    path = f"/channels/{message.room.channel}/messages"
    twin.fault("POST", path, Fault(status=200, body=body, headers=typed))

    assert await delivery.finish(message, "The answer is four.", "answered") == "answered"
    assert shown(twin) == ["The answer is four."]


async def test_a_beginning_whose_question_is_gone_is_withdrawn(
    twin: DiscordTwin, client: Client, store: SqliteStore, delivery: Delivery
) -> None:
    """The beginning of an answer to a question that was deleted meanwhile is replaced."""
    message = await begun(twin, client, store, delivery)

    await store.write(partial(conversations.remove, room=message.room, message=message.id))

    assert await delivery.withdraw(message) == "cancelled"
    assert shown(twin) == [WITHDRAWN]


async def test_what_was_never_taken_is_not_withdrawn(
    twin: DiscordTwin, client: Client, store: SqliteStore, delivery: Delivery
) -> None:
    """Where nothing of an answer shows, nothing is posted to say that there is none."""
    await twin.says("Ana", "team", f"<@{twin.bot_id}> hello")
    message = translate.message(await client.next("message"), me=client.me)
    assert message is not None
    await store.write(partial(inbox.accept, message=message, now=message.said_at))
    twin.fault("POST", f"/channels/{message.room.channel}/messages", Fault(reset_before=True))
    await delivery.show_unfinished(message, "Well, I", known=())
    await store.write(partial(conversations.remove, room=message.room, message=message.id))

    assert await delivery.withdraw(message) == "cancelled"
    assert shown(twin) == []
