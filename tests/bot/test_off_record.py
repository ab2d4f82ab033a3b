"""Off the record: answered, and neither learned nor remembered; message by message, or for a whole conversation."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

import pytest

from bot import off_record
from bot.messages import Message, MessageId, Room
from bot.prompt import OFF_RECORD
from bot.store import off_record as off_records
from bot.store import retention
from bot.store.sqlite import SqliteStore
from bot.wording import LANGUAGES, Language, wording
from tests.bot.commands.members import ANA, BEN, told
from tests.bot.desk import DIRECT, Desk, room
from tests.bot.talk import Interrupted, proposes, transcripts
from tests.clock import StillClock

SECRET = "I might leave for Lisbon"
OPENINGS: list[tuple[Language, str]] = [
    ("en", "off the record: {}"),
    ("en", "Off the record, {}"),
    ("en", "OFF-THE-RECORD {}"),
    ("en", "(off the record) {}"),
    ("en", "[off record] {}"),
    ("en", "**Off the record** – {}"),
    ("en", "Hey, off the record: {}"),
    ("en", "this is off the record. {}"),
    ("de", "Inoffiziell: {}"),
    ("de", "Nur unter uns, {}"),
    ("fr", "Entre nous : {}"),
    ("es", "Extraoficialmente, {}"),
    ("pt", "Em off: {}"),
    ("it", "Ufficiosamente, {}"),
    ("ja", "オフレコで、{}"),
    ("ja", "（オフレコ）{}"),
    ("zh", "私下说，{}"),
    ("zh", "不要记录：{}"),
]
OFF: list[tuple[Language, str]] = [
    ("en", "off the record"),
    ("en", "Off the record, please."),
    ("en", "(off the record!)"),
    ("en", "Let's go off the record from now on"),
    ("en", "Can we talk off the record?"),
    ("de", "Inoffiziell bitte"),
    ("fr", "Entre nous."),
    ("es", "extraoficialmente, por favor"),
    ("pt", "em off"),
    ("it", "ufficiosamente"),
    ("ja", "オフレコで。"),
    ("zh", "不要记录。"),
]
ON: list[tuple[Language, str]] = [
    ("en", "on the record"),
    ("en", "Back on the record."),
    ("en", "we're on the record again"),
    ("de", "wieder offiziell"),
    ("fr", "officiel !"),
    ("es", "Oficialmente."),
    ("pt", "em on"),
    ("it", "ufficiale"),
    ("ja", "オフレコ終わり"),
    ("zh", "恢复记录"),
]


async def learnable(desk: Desk) -> list[str]:
    """All that reaches the optimizer once everything fell idle."""
    await desk.idles()
    return [text for sessions in transcripts(desk.model) for session in sessions for text in session]


# -- the words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", [opening for _, opening in OPENINGS])
def test_a_message_says_of_itself_that_it_is_off_the_record(opening: str) -> None:
    """The words count where a message begins, in any case, with any punctuation or brackets; more follows."""
    text = opening.format(SECRET)

    assert off_record.is_said(text)
    assert off_record.switch(text) is None


@pytest.mark.parametrize(("language", "text"), OFF)
def test_words_alone_switch_off(language: Language, text: str) -> None:
    """A message that says nothing else puts the conversation off the record, and shows in which language."""
    assert off_record.switch(text) == off_record.Switch(to="off", language=language)
    assert off_record.is_said(text)


@pytest.mark.parametrize(("language", "text"), ON)
def test_words_alone_switch_on(language: Language, text: str) -> None:
    """A message that says nothing else puts it on the record again, and is not one off the record by itself."""
    assert off_record.switch(text) == off_record.Switch(to="on", language=language)
    assert not off_record.is_said(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I said that off the record",
        "> off the record: quoted",
        "“off the record” means what?",
        "offtherecord",
        "Off the recording, there is a knob",
        "What is on the record about me?",
        "The official numbers, please",
        "Offizielle Zahlen?",
        "On the record, I like tea",
        "on the record?",
    ],
)
def test_other_messages_are_on_the_record(text: str) -> None:
    """Words that are mentioned, quoted, or stand elsewhere in a message switch nothing."""
    assert not off_record.is_said(text)
    assert off_record.switch(text) is None


@pytest.mark.parametrize("filler", ["(", ",", " ", "hey ", "off the record,"])
def test_no_message_takes_long(filler: str) -> None:
    """The longest message a platform delivers is looked at as fast as a short one: nobody can keep others waiting."""
    text = filler * (40_000 // len(filler)) + "x"

    assert off_record.is_said(text) == filler.startswith("off")
    assert off_record.switch(text) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_back_that_is_named_is_one(language: Language) -> None:
    """What a member is told to say in order to be on the record again is understood."""
    (named,) = re.findall("[“„«「]\\s?(.+?)\\s?[”“»」]", wording("off_record", language))

    switch = off_record.switch(named)
    assert switch is not None
    assert switch.to == "on"


# -- one message ------------------------------------------------------------------------------------------------------


async def test_it_is_answered_without_a_persona(desk: Desk) -> None:
    """Off means neither read nor write: the prompt holds nothing remembered, and says that nothing will be."""
    await told(desk.store, ANA, "location", "Oslo")
    await desk.says(ANA, f"off the record: {SECRET}")
    await desk.says(ANA, "and on it again")
    off, on = desk.model.prompts

    assert (off.persona, off.remarks) == (None, (OFF_RECORD,))
    assert (on.persona is not None, on.remarks) == (True, ())
    assert [text for _, text in desk.slack.posted] == ["Answer 1.", "Answer 2."]


async def test_nothing_of_it_is_ever_learned(desk: Desk) -> None:
    """Neither the words nor our reply to them reach the optimizer, while the rest of the conversation does."""
    desk.model.answers += ["Lisbon is lovely.", "Sure."]
    await desk.says(ANA, f"off the record: {SECRET}")
    await desk.says(ANA, "I use Vim")

    assert await learnable(desk) == ["I use Vim", "Sure."]
    assert await learnable(desk) == ["I use Vim", "Sure."]


async def test_an_answer_on_the_record_does_not_see_it(desk: Desk) -> None:
    """What is on the record is answered without what is not, so that no reply can carry it into a session."""
    desk.model.answers.append("Lisbon is lovely.")
    await desk.says(ANA, f"off the record: {SECRET}", DIRECT)
    await desk.says(ANA, "what should I do?", DIRECT)
    await desk.says(ANA, "off the record: and now?", DIRECT)
    _, on, off = desk.model.prompts

    assert "Lisbon" not in repr(on)
    assert [turn.text for turn in off.history][:2] == [f"off the record: {SECRET}", "Lisbon is lovely."]


async def test_a_wish_off_the_record_is_none(desk: Desk) -> None:
    """What is to be remembered, said off the record, is neither promised nor looked at."""
    await desk.says(ANA, "off the record: remember that I live in Lisbon")

    assert desk.model.prompts[-1].wish is None
    assert desk.model.requests == []


async def test_what_others_say_is_theirs(desk: Desk) -> None:
    """Another member's words in the same conversation are learned as ever."""
    await desk.says(ANA, f"off the record: {SECRET}")
    await desk.says(BEN, "I use Vim")

    assert "I use Vim" in await learnable(desk)


# -- edits ------------------------------------------------------------------------------------------------------------


async def test_adding_the_words_takes_back_what_was_learned(desk: Desk) -> None:
    """A message edited to begin with the words teaches nothing any more, though it still holds what was quoted."""
    message = await desk.says(ANA, "I live in Lisbon")
    desk.model.updates.append(proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon")))
    await desk.idles()
    assert await desk.rows("SELECT field FROM fact") == [("location",)]
    await desk.edits(message, "off the record: I live in Lisbon")

    assert await desk.rows("SELECT value FROM fact") == []
    assert await desk.rows("SELECT quote FROM evidence") == []


async def test_adding_the_words_while_a_model_reads_wins(store: SqliteStore, clock: StillClock) -> None:
    """What is edited off the record while the optimizer is asked about it is not kept."""

    async def edit() -> None:
        await desk.edits(message, "off the record: I live in Lisbon")

    model = Interrupted(edit, proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon")))
    async with Desk.opened(store, clock, model=model) as desk:
        message = await desk.says(ANA, "I live in Lisbon")
        await desk.idles()

        assert len(model.requests) == 1
        assert await desk.rows("SELECT value FROM fact") == []


async def test_the_answer_to_what_is_off_the_record_now_is_so_too(desk: Desk) -> None:
    """With the question, our reply leaves the conversation that answers on the record are built on."""
    desk.model.answers.append("Lisbon is lovely.")
    message = await desk.says(ANA, "I live in Lisbon")
    await desk.edits(message, "off the record: I live in Lisbon")
    await desk.says(ANA, "hello")

    assert desk.model.prompts[-1].history == ()


async def test_removing_the_words_changes_nothing(desk: Desk) -> None:
    """What was said off the record stays so, also when the words are edited out later."""
    message = await desk.says(ANA, f"off the record: {SECRET}")
    await desk.edits(message, SECRET)

    assert await learnable(desk) == []


async def test_adding_the_words_to_an_erased_message_takes_back_what_rests_on_it(desk: Desk) -> None:
    """The edit counts long after the message's own text is gone."""
    message = await desk.says(ANA, "I live in Lisbon")
    desk.model.updates.append(proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon")))
    await desk.idles()
    desk.clock.advance(days=4)
    life = timedelta(hours=72)
    await desk.store.write(partial(retention.erase_old, now=desk.clock.now(), message_life=life))
    await desk.edits(message, "off the record: I live in Lisbon")

    assert await desk.rows("SELECT value FROM fact") == []


# -- a conversation ---------------------------------------------------------------------------------------------------


async def test_a_conversation_goes_off_the_record_and_on_again(desk: Desk) -> None:
    """In between nothing is read and nothing learned, then or later; both switches are confirmed without a model."""
    await told(desk.store, ANA, "location", "Oslo")
    await desk.says(ANA, "Off the record, please", DIRECT)
    await desk.says(ANA, SECRET, DIRECT)
    await desk.says(ANA, "on the record", DIRECT)
    await desk.says(ANA, "I use Vim", DIRECT)

    confirmed = [text for _, text in desk.slack.posted]
    assert confirmed == [wording("off_record", "en"), "Answer 1.", wording("on_record", "en"), "Answer 2."]
    assert [prompt.persona is not None for prompt in desk.model.prompts] == [False, True]
    assert await learnable(desk) == ["I use Vim", "Answer 2."]


async def test_it_is_confirmed_in_the_language_of_the_words(desk: Desk) -> None:
    """Who says it in German is told in German."""
    await desk.says(ANA, "Inoffiziell bitte", DIRECT)

    assert desk.slack.posted[-1][1] == wording("off_record", "de")


async def test_each_member_is_off_the_record_for_themself(desk: Desk) -> None:
    """In a channel nobody can switch off, or on, what another member says."""
    await desk.says(ANA, "off the record")
    await desk.says(BEN, "on the record")
    await desk.says(BEN, "I use Emacs")
    await desk.says(ANA, SECRET)

    assert "I use Emacs" in await learnable(desk)
    assert SECRET not in await learnable(desk)


@pytest.mark.parametrize(
    ("put", "said", "is_off"),
    [
        (room("C1", thread="1"), room("C1", thread="1"), True),
        (room("C1", thread="1"), room("C1", thread="2"), False),
        (room("C1", thread="1"), room("C1"), False),
        (DIRECT, room("D1", thread="7", kind="direct"), True),
        (room("D1", thread="7", kind="direct"), DIRECT, True),
        (DIRECT, room(), False),
        (room("C1"), room("C1", tenant="slack:T2"), False),
    ],
)
async def test_it_holds_for_the_conversation(desk: Desk, put: Room, said: Room, is_off: bool) -> None:  # noqa: FBT001 - a parameter
    """A thread is a conversation of its own; a direct message is one, with all its threads."""
    await desk.says(ANA, "off the record", put)
    await desk.says(ANA, SECRET, said)

    assert (SECRET not in await learnable(desk)) == is_off


async def test_saying_it_twice_is_saying_it_once(desk: Desk) -> None:
    """One "on the record" ends it, however often it was begun."""
    await desk.says(ANA, "off the record")
    await desk.says(ANA, "off the record")
    await desk.says(ANA, "on the record")
    await desk.says(ANA, "I use Vim")

    assert "I use Vim" in await learnable(desk)


async def test_on_the_record_where_it_is_so_anyway(desk: Desk) -> None:
    """Who is on the record already is told that they are."""
    await desk.says(ANA, "on the record")

    assert desk.slack.posted[-1][1] == wording("on_record", "en")


async def test_a_redelivered_switch_switches_nothing(desk: Desk) -> None:
    """An old "off the record" that the platform delivers again does not undo what was said since."""
    off = await desk.says(ANA, "off the record")
    await desk.says(ANA, "on the record")
    assert not await desk.intake.accept(off)
    await desk.says(ANA, "I use Vim")

    assert "I use Vim" in await learnable(desk)


async def test_what_arrives_late_counts_when_it_was_said(desk: Desk) -> None:
    """Said in between and delivered after "on the record", or said after the switch and delivered before: off."""

    def late(number: str, text: str, ago: float) -> Message:
        said_at = desk.clock.now() - timedelta(seconds=ago)
        return Message(id=MessageId(number), room=room(), author=ANA, text=text, said_at=said_at)

    await desk.says(ANA, "off the record")
    desk.clock.advance(seconds=10)
    await desk.says(ANA, "on the record")
    await desk.intake.accept(late("late", SECRET, 5))
    await desk.intake.accept(late("early bird", "my early secret", 0))
    await desk.intake.accept(late("the switch", "off the record", 0.5))
    await desk.drained()

    assert await learnable(desk) == []


async def test_an_edit_switches_no_conversation(desk: Desk) -> None:
    """A message edited to the switch is off the record itself; nothing is confirmed, so nothing else changes."""
    message = await desk.says(ANA, "hello")
    await desk.edits(message, "off the record")
    await desk.says(ANA, "I use Vim")

    assert await learnable(desk) == ["I use Vim", "Answer 2."]


async def test_nobody_is_asked_for_consent_off_the_record(desk: Desk) -> None:
    """Who begins off the record is not asked right then whether they may be remembered."""
    await desk.commands.press("consent:withdrawn", BEN)
    async with Desk.opened(desk.store, desk.clock, default="ask") as asking:
        await asking.says(ANA, f"off the record: {SECRET}", room("C9"))
        assert asking.slack.slipped == []
        await asking.says(ANA, "hello", room("C8"))

        assert len(asking.slack.slipped) == 1


async def test_ended_periods_are_erased(desk: Desk) -> None:
    """An end is remembered for a week, for late deliveries; what is still off the record stays so."""
    await desk.says(ANA, "off the record", room("C1"))
    await desk.says(ANA, "off the record", room("C2"))
    await desk.says(ANA, "on the record", room("C1"))
    desk.clock.advance(days=8)
    life = timedelta(hours=72)
    await desk.store.write(partial(retention.erase_old, now=desk.clock.now(), message_life=life))

    assert await desk.rows("SELECT room, until FROM off_record") == [("C2", None)]
    assert await desk.store.read(partial(off_records.is_open, room=room("C2"), member=ANA.key))
