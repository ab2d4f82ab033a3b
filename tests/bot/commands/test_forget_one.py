"""`/persona forget <id>`, its button, what a message taught: gone wholly, and not taught again by the same words."""

from __future__ import annotations

import pytest

from bot.messages import Member, MessageId, Room
from bot.store.sqlite import SqliteStore
from bot.views import View
from persona.audience import RoomKind
from persona.ports import Transaction
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, T1, commands, lines, texts, told
from tests.bot.talk import ANA as TALKER
from tests.bot.talk import Interrupted, Talk, proposes
from tests.clock import NOON, StillClock

C1 = Room(tenant=T1, channel="C1", kind="public")
NOW = MessageId(f"{NOON.timestamp():.6f}")
YESTERDAY = MessageId(f"{(NOON - DAY).timestamp():.6f}")


async def press(store: SqliteStore, clock: StillClock, line_text: str, *, member: Member = ANA) -> View:
    """Press "Forget this" on the fact of a line."""
    used = commands(store, clock)
    line = next(one for one in lines(await used.run("show", member)) if one.text == line_text)
    view = await used.press(line.action, member)
    return await used.press(view.buttons[-1].action, member)


async def stored(store: SqliteStore) -> str:
    """Everything the tables of a persona hold."""

    async def fetch(transaction: Transaction) -> str:
        names = ("operation", "evidence", "fact", "fence", "fingerprint")
        rows = [await transaction.fetch(f"SELECT * FROM {name}") for name in names]  # noqa: S608 - our names
        return repr([tuple(row) for found in rows for row in found])

    return await store.read(fetch)


# -- one fact ---------------------------------------------------------------------------------------------------------


async def test_one_fact_goes_and_the_others_stay(store: SqliteStore, clock: StillClock) -> None:
    """The button forgets its fact alone, with every byte of it."""
    await told(store, ANA, "tools", "Canary", quote="I use Canary")
    await told(store, ANA, "tools", "Vim")
    view = await press(store, clock, "tools: Canary")

    assert "I forgot tools: Canary" in view.text
    assert texts(await commands(store, clock).run("show", ANA)) == ["tools: Vim"]
    assert "canary" not in (await stored(store)).casefold()


@pytest.mark.parametrize("length", [6, 12])
async def test_one_fact_is_forgotten_by_its_id(store: SqliteStore, clock: StillClock, length: int) -> None:
    """Typing the id, or its first characters, does the same."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    name = lines(await used.run("show", ANA))[0].action.removeprefix("why:")

    assert "I forgot location: Lisbon" in (await used.run(f"forget {name[:length]}", ANA)).text
    assert texts(await used.run("show", ANA)) == []


async def test_every_time_a_value_held_goes_with_it(store: SqliteStore, clock: StillClock) -> None:
    """A value said again and again, in several rooms, undone once and ended once, leaves nothing behind."""
    kinds: tuple[RoomKind, ...] = ("direct", "public", "private")
    for day, kind in zip((9, 8, 7), kinds, strict=True):
        await told(store, ANA, "tools", "Canary", at=NOON - day * DAY, kind=kind)
    await told(store, ANA, "tools", "Canary", at=NOON - 6 * DAY, op="remove")
    used = commands(store, clock)
    await used.run("undo", ANA)
    await told(store, ANA, "tools", "canary", at=NOON - 5 * DAY)
    await press(store, clock, "tools: canary")

    assert "canary" not in (await stored(store)).casefold()


async def test_what_it_had_replaced_stays_over(store: SqliteStore, clock: StillClock) -> None:
    """Who forgets where they live now is not said to live again where they lived before."""
    for day, town in ((9, "Bergen"), (5, "Oslo"), (1, "Lisbon")):
        await told(store, ANA, "location", town, at=NOON - day * DAY)
    await press(store, clock, "location: Lisbon")
    shown = lines(await commands(store, clock).run("show", ANA))

    assert [line.text for line in shown] == ["location, earlier: Oslo", "location, earlier: Bergen"]
    assert "until 2026-11-21" in shown[0].note


async def test_what_it_only_interrupted_holds_again(store: SqliteStore, clock: StillClock) -> None:
    """A stay that is forgotten leaves the home that would have come back by itself."""
    await told(store, ANA, "location", "Lisbon", at=NOON - 9 * DAY)
    await told(store, ANA, "location", "Berlin", at=NOON - DAY, until=NOON + 4 * DAY)
    await press(store, clock, "location: Berlin")

    assert texts(await commands(store, clock).run("show", ANA)) == ["location: Lisbon"]


async def test_a_past_value_can_be_forgotten_alone(store: SqliteStore, clock: StillClock) -> None:
    """Forgetting what was leaves what is."""
    await told(store, ANA, "location", "Canary", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    await press(store, clock, "location, earlier: Canary")

    assert texts(await commands(store, clock).run("show", ANA)) == ["location: Lisbon"]
    assert "canary" not in (await stored(store)).casefold()


async def test_forgetting_is_not_undone(store: SqliteStore, clock: StillClock) -> None:
    """Undo takes back changes; what was forgotten is gone, and what it had replaced stays over."""
    await told(store, ANA, "location", "Oslo", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    await press(store, clock, "location: Lisbon")
    used = commands(store, clock)
    first, second = await used.run("undo", ANA), await used.run("undo", ANA)

    assert texts(first) == ["location: Oslo"]
    assert "nothing to take back" in second.text
    assert texts(await used.run("show", ANA)) == []


async def test_pressed_twice_it_is_gone_once(store: SqliteStore, clock: StillClock) -> None:
    """The second press finds what an id finds that never was."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    name = lines(await used.run("show", ANA))[0].action.removeprefix("why:")
    await used.press(f"forget:{name}", ANA)

    assert await used.press(f"forget:{name}", ANA) == await used.press(f"forget:{'0' * 12}", ANA)


# -- what a message taught --------------------------------------------------------------------------------------------


async def test_a_message_says_what_it_taught(store: SqliteStore, clock: StillClock) -> None:
    """The facts that rest on a message are listed, each to be opened, with one button to forget them all."""
    await told(store, ANA, "location", "Lisbon")
    await told(store, ANA, "tools", "Vim")
    await told(store, ANA, "role", "designer", at=NOON - DAY)
    used = commands(store, clock)
    view = await used.about("why", ANA, C1, NOW)
    await used.press(view.buttons[-1].action, ANA)

    assert texts(view) == ["location: Lisbon", "tools: Vim"]
    assert all(line.action.startswith("why:") for line in lines(view))
    assert [button.is_danger for button in view.buttons] == [False, True]
    assert len(view.buttons[-1].action) <= 80
    assert texts(await used.run("show", ANA)) == ["role: designer"]


async def test_what_a_message_taught_is_forgotten(store: SqliteStore, clock: StillClock) -> None:
    """It is as if the message had been deleted: what it had replaced holds again, and what it taught is told."""
    await told(store, ANA, "location", "Lisbon", at=NOON - DAY)
    await told(store, ANA, "location", "Canary")
    await told(store, ANA, "tools", "Canary too")
    used = commands(store, clock)
    view = await used.about("forget", ANA, C1, NOW)

    assert sorted(texts(view)) == ["location: Canary", "tools: Canary too"]
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]
    assert "canary" not in (await stored(store)).casefold()


async def test_what_other_messages_say_too_stays(store: SqliteStore, clock: StillClock) -> None:
    """A fact that was said twice rests on the other message afterwards, and the member is told that it may."""
    await told(store, ANA, "location", "Lisbon", at=NOON - DAY, quote="yesterday")
    await told(store, ANA, "location", "Lisbon", quote="today")
    used = commands(store, clock)
    view = await used.about("forget", ANA, C1, NOW)
    (line,) = lines(await used.run("show", ANA))

    assert "stays" in view.text
    assert line.source is not None
    assert line.source.quote == "yesterday"


async def test_a_message_in_a_thread_is_found_from_its_channel(store: SqliteStore, clock: StillClock) -> None:
    """A platform may name the channel alone, or the thread: the message is the same."""
    await told(store, ANA, "location", "Lisbon", room="C1/1.0")
    used = commands(store, clock)
    thread = Room(tenant=T1, channel="C1", thread="1.0", kind="public")

    assert texts(await used.about("why", ANA, C1, NOW)) == ["location: Lisbon"]
    assert texts(await used.about("why", ANA, thread, NOW)) == ["location: Lisbon"]


@pytest.mark.parametrize("verb", ["why", "forget"])
@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_a_message_of_somebody_else_taught_nothing(
    store: SqliteStore, clock: StillClock, verb: str, other: Member
) -> None:
    """Whether a message taught about another member cannot be told: the answer is byte for byte the same."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    asked = "why" if verb == "why" else "forget"
    taught, silent = [await used.about(asked, other, C1, message) for message in (NOW, YESTERDAY)]  # type: ignore[arg-type]  # one of two words
    pressed = (await used.about("why", ANA, C1, NOW)).buttons[-1].action

    assert taught == silent
    assert await used.press(pressed, other) == await used.press("forget:message:0123456789abcdef01234567", other)
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]


@pytest.mark.parametrize(
    "where", [Room(tenant=T1, channel="C2", kind="public"), Room(tenant=NAMESAKE.tenant, channel="C1", kind="public")]
)
async def test_a_message_of_the_same_id_elsewhere_is_another(
    store: SqliteStore, clock: StillClock, where: Room
) -> None:
    """Ids of messages are unique in their channel alone."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)

    assert "nothing about you" in (await used.about("forget", ANA, where, NOW)).text
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]


# -- and is not learned again -----------------------------------------------------------------------------------------


async def test_the_same_message_does_not_teach_it_again(talk: Talk) -> None:
    """Read once more, the message teaches everything but the field that was forgotten; another message teaches it."""
    one, other = "I live in Lisbon and I use Vim", "really, I live in Lisbon"
    lisbon, vim = ("set", "location", "Lisbon", "m1", "I live in Lisbon"), ("add", "tools", "Vim", "m1", "I use Vim")
    talk.model.updates += [proposes(lisbon), proposes(lisbon, vim), proposes(lisbon)]
    await talk.says(TALKER, one)
    talk.clock.advance(hours=1)
    await talk.learning().sweep()
    used = commands(talk.store, talk.clock)
    await used.press((await used.run("why location", TALKER)).buttons[-1].action, TALKER)
    await rewind(talk)
    await talk.learning().sweep()
    again = await talk.facts(TALKER)
    await talk.says(TALKER, other)
    talk.clock.advance(hours=1)
    await talk.learning().sweep()

    assert again == ["tools: Vim"]
    assert await talk.facts(TALKER) == ["tools: Vim", "location: Lisbon"]
    assert "forgotten: 1" in (await used.run("show", TALKER)).footer


async def test_what_is_forgotten_while_the_model_reads_stays_forgotten(talk: Talk) -> None:
    """A fact forgotten between the question and the answer of the model is not brought back by that answer."""
    lisbon = ("set", "location", "Lisbon", "m1", "I live in Lisbon")
    talk.model.updates.append(proposes(lisbon))
    await talk.says(TALKER, "I live in Lisbon")
    talk.clock.advance(hours=1)
    await talk.learning().sweep()
    used = commands(talk.store, talk.clock)
    action = (await used.run("why location", TALKER)).buttons[-1].action

    async def forget() -> None:
        await used.press(action, TALKER)

    await rewind(talk)
    talk.model = Interrupted(forget, proposes(lisbon))
    await talk.learning().sweep()

    assert await talk.facts(TALKER) == []


async def rewind(talk: Talk) -> None:
    """Let everything that was said be due again, as after a restored backup."""

    async def reset(transaction: Transaction) -> None:
        await transaction.execute("UPDATE conversation SET learned_through = 0")

    await talk.store.write(reset)


async def test_it_says_nothing_of_the_message_by_itself(store: SqliteStore, clock: StillClock) -> None:
    """What is kept of a forgotten message is a mark, different for each member, and nothing of its text or its id."""
    for member in (ANA, BEN):
        await told(store, member, "location", "Lisbon", quote="I live in Lisbon")
        await press(store, clock, "location: Lisbon", member=member)

    async def fetch(transaction: Transaction) -> list[tuple[str, str, str]]:
        rows = await transaction.fetch("SELECT member, mark, salt FROM fingerprint ORDER BY member")
        return [(row["member"], row["mark"], row["salt"]) for row in rows]

    (ana, first, salt), (ben, second, other) = await store.read(fetch)
    assert (ana, ben) == ("U1", "U2")
    assert first != second
    assert salt != other
    assert NOW not in first
