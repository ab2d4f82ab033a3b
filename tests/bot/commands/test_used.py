"""Why did you say that? Each answer knows which facts its prompt held, and tells the member it answered."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from bot import why
from bot.commands.command import OUTDATED
from bot.commands.used import NOTHING
from bot.messages import Message, MessageId, Room
from bot.prompt import ASKS_WHY
from bot.store import inbox, retention
from bot.store import used as records
from bot.store.sqlite import SqliteStore
from persona.persona import FactId
from tests.bot.commands.members import ANA, BEN, NAMESAKE, everything, lines, texts, told
from tests.bot.desk import DIRECT, Desk, room
from tests.clock import StillClock


async def used(desk: Desk, where: Room | None = None) -> list[str]:
    """What Ana is shown for her last answer."""
    return texts(await desk.commands.run("used", ANA, room=where))


async def test_an_answer_knows_what_its_prompt_held(desk: Desk) -> None:
    """The facts in the prompt of the last answer are listed, style as well, each opening why it is known."""
    await told(desk.store, ANA, "location", "Lisbon")
    await told(desk.store, ANA, "answer_length", "short", at=desk.clock.now() + timedelta(seconds=1))
    await desk.says(ANA, "where am I?")
    view = await desk.commands.run("used", ANA, room=room())

    persona = desk.model.prompts[-1].persona or ""
    assert ("Lisbon" in persona, "short" in persona) == (True, True)
    assert sorted(texts(view)) == ["answer length: short", "location: Lisbon"]
    assert all(line.action.startswith("why:") and len(line.action) <= 80 for line in lines(view))
    assert all(line.note.startswith("said 2026-") for line in lines(view))


async def test_what_the_room_may_not_know_was_not_used(desk: Desk) -> None:
    """A fact from the direct message is listed for an answer there, and not for one in a channel."""
    await told(desk.store, ANA, "location", "Lisbon", kind="direct", room="D1")
    await desk.says(ANA, "where am I?", DIRECT)
    await desk.says(ANA, "where am I?", room())

    assert await used(desk, room()) == []
    assert await used(desk, DIRECT) == ["location: Lisbon"]


@pytest.mark.parametrize(
    ("where", "named"),
    [
        (None, "my last answer to you ("),
        (room(), "my last answer to you here ("),
        (DIRECT, "you in another conversation"),
    ],
)
async def test_it_says_which_answer_it_is_about(desk: Desk, where: Room | None, named: str) -> None:
    """The answer is named by when it was given, and by where as far as that is known."""
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "where am I?")
    view = await desk.commands.run("used", ANA, room=where)

    assert named in view.text
    assert f"{desk.clock.now():%Y-%m-%d %H:%M} UTC" in view.text


async def test_a_greeting_used_nothing(desk: Desk) -> None:
    """A message without words is answered without a model, and so without anything remembered."""
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "")

    assert "used nothing" in (await desk.commands.run("used", ANA)).text


async def test_nothing_used_is_said(desk: Desk) -> None:
    """An answer that was written without anything remembered is explained by that."""
    await desk.says(ANA, "hello")
    view = await desk.commands.run("used", ANA)

    assert "used nothing that I remember about you" in view.text
    assert view.sections == ()


async def test_no_answer_is_said(desk: Desk) -> None:
    """Who was not answered yet is told that, and what the command is for."""
    assert await desk.commands.run("used", ANA, room=room()) == NOTHING


async def test_the_room_comes_first_then_its_channel_then_anywhere(desk: Desk) -> None:
    """It is about the last answer in the room; else in its channel, all that Slack says of a command; else anywhere."""
    await told(desk.store, ANA, "location", "Lisbon", kind="direct", room="D1")
    await desk.says(ANA, "one", room("C1", thread="1"))
    await desk.says(ANA, "two", DIRECT)

    assert await used(desk, room("C1", thread="1")) == []
    assert await used(desk, room("C1")) == []
    elsewhere = await desk.commands.run("used", ANA, room=room("C2"))
    assert texts(elsewhere) == ["location: Lisbon"]
    assert "in another conversation" in elsewhere.text


async def test_the_last_answer_counts(desk: Desk) -> None:
    """Of several answers in a room it is the last one that is explained."""
    await desk.says(ANA, "hello")
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "where am I?")

    assert await used(desk, room()) == ["location: Lisbon"]


async def test_much_is_listed_on_pages(desk: Desk) -> None:
    """More than a panel takes has pages, which stay those of that answer when another one is given meanwhile."""
    for number in range(11):
        await told(desk.store, ANA, "tools", f"Tool {number}", at=desk.clock.now() + timedelta(seconds=number))
    desk.clock.advance(minutes=1)
    await desk.says(ANA, "what do I use?")
    first = await desk.commands.run("used", ANA, room=room())
    desk.clock.advance(minutes=1)
    await desk.says(ANA, "")
    (following,) = first.buttons
    second = await desk.commands.press(following.action, ANA, room=room())

    assert sorted(texts(first) + texts(second)) == sorted(f"tools: Tool {number}" for number in range(11))
    assert ("page 1 of 2" in first.text, "page 2 of 2" in second.text) == (True, True)
    assert (await desk.commands.press(second.buttons[0].action, ANA, room=room())).text == first.text
    assert await desk.commands.press(following.action, BEN, room=room()) == NOTHING
    assert await desk.commands.press("used:zz:2", ANA, room=room()) == OUTDATED


async def test_what_is_forgotten_meanwhile_is_shown_as_gone(desk: Desk) -> None:
    """A fact that was used and then forgotten is counted, and its words are nowhere."""
    await told(desk.store, ANA, "location", "Lisbon")
    await told(desk.store, ANA, "role", "engineer", at=desk.clock.now() + timedelta(seconds=1))
    await desk.says(ANA, "where am I?")
    await desk.commands.run("forget location", ANA)
    view = await desk.commands.run("used", ANA)

    assert texts(view) == ["role: engineer", "1 thing I no longer have"]
    assert "Lisbon" not in everything(view)
    assert lines(view)[-1].action == ""


async def test_what_ended_meanwhile_is_shown_with_that(desk: Desk) -> None:
    """A fact that was used and has been replaced since is still explained, as an earlier one."""
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "where am I?")
    await told(desk.store, ANA, "location", "Porto", at=desk.clock.now())
    (line,) = lines(await desk.commands.run("used", ANA))

    assert line.text == "location, earlier: Lisbon"
    assert "until" in line.note


async def test_only_who_was_answered_is_told(desk: Desk) -> None:
    """Nobody else learns anything of it: not another member in the same room, not the same id elsewhere."""
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "where am I?")

    assert await desk.commands.run("used", BEN, room=room()) == NOTHING
    assert await desk.commands.run("used", NAMESAKE, room=room()) == NOTHING


async def test_an_answer_that_failed_explains_nothing(desk: Desk) -> None:
    """What is explained is the last answer, not a message that got none."""
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "x" * 30_000)

    assert await desk.commands.run("used", ANA) == NOTHING


async def test_only_ids_are_kept_and_no_longer_than_the_key(desk: Desk) -> None:
    """What an answer was written with is kept as ids, and erased with the inbox's own key."""
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "where am I?")
    (kept,) = await desk.rows("SELECT * FROM inbox")
    assert "Lisbon" not in repr(kept)
    desk.clock.advance(days=8)
    life = timedelta(hours=72)
    await desk.store.write(partial(retention.erase_old, now=desk.clock.now(), message_life=life))

    assert await desk.commands.run("used", ANA) == NOTHING


async def test_forgetting_everything_forgets_this_too(desk: Desk) -> None:
    """After "forget all", and after a no, nothing says any more whom which answer was for or what it knew."""
    for words in ("forget all", ""):
        await told(desk.store, ANA, "location", "Lisbon", at=desk.clock.now())
        await desk.says(ANA, "where am I?")
        await (desk.commands.run(words, ANA) if words else desk.commands.press("consent:withdrawn", ANA))

        assert await desk.rows("SELECT author, facts FROM inbox WHERE facts IS NOT NULL") == []
        assert await desk.commands.run("used", ANA) == NOTHING


async def test_who_is_not_remembered_has_nothing_used(store: SqliteStore, clock: StillClock) -> None:
    """While a member is paused nothing is used, and the list says so."""
    async with Desk.opened(store, clock) as desk:
        await told(store, ANA, "location", "Lisbon")
        await desk.commands.run("pause", ANA)
        await desk.says(ANA, "where am I?")

        assert desk.model.prompts[-1].persona is None
        assert await used(desk, room()) == []


async def test_the_try_that_was_answered_counts(store: SqliteStore, clock: StillClock) -> None:
    """A later try replaces what an earlier one recorded; one that only shows a stored answer changes nothing."""
    message = Message(id=MessageId("1.0"), room=room(), author=ANA, text="where am I?", said_at=clock.now())
    await store.write(partial(inbox.accept, message=message, now=clock.now()))
    for facts in ([FactId("first")], [FactId("second")]):
        await store.write(partial(inbox.claim, accepted=message, now=clock.now()))
        await store.write(partial(records.record, accepted=message, author=ANA.key, facts=facts))
    await store.write(partial(inbox.decide, accepted=message, outcome="answered"))
    await store.write(partial(records.record, accepted=message, author=ANA.key, facts=[FactId("third")]))
    await store.write(partial(inbox.settle, accepted=message, now=clock.now()))

    found = await store.read(partial(records.last, member=ANA.key, room=None))
    assert found is not None
    assert found.facts == ("second",)


# -- asked in the conversation ----------------------------------------------------------------------------------------


async def test_asked_in_the_conversation_the_model_says_where_to_look(desk: Desk) -> None:
    """The reply, which everybody reads, is told to point to the command; the command explains the answer before it."""
    await told(desk.store, ANA, "location", "Lisbon")
    await desk.says(ANA, "where am I?")
    await desk.commands.run("forget location", ANA)
    await desk.says(ANA, "Why did you say that?")

    assert [prompt.remarks for prompt in desk.model.prompts] == [(), (ASKS_WHY,)]
    assert await used(desk, room()) == ["1 thing I no longer have"]


@pytest.mark.parametrize(
    "text",
    [
        "why did you say that?",
        "But why do you think so",
        "How do you know that?",
        "Warum sagst du das?",
        "Woher weißt du das?",
        "Pourquoi tu dis ça ?",
        "¿Por qué dices eso?",
        "Por que você disse isso?",
        "Perché dici questo?",
        "どうしてそう思うの？",
        "你为什么这么说？",
    ],
)
def test_the_question_is_heard_in_many_languages(text: str) -> None:
    """Whoever asks what an answer was built on is understood, with any punctuation around it."""
    assert why.is_asked(text)


@pytest.mark.parametrize(
    "text",
    [
        "why did they say that?",
        "why is the build red?",
        "I know why you said that",
        "What makes a good review?",
        "> why did you say that?",
        "why did you say that? " + "And another thing entirely. " * 6,
        "",
    ],
)
def test_other_questions_are_not_it(text: str) -> None:
    """A question about something else, a quoted one, and a long message are not heard as it."""
    assert not why.is_asked(text)
