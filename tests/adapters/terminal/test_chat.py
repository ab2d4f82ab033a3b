"""Whole conversations at the terminal: lines in, lines out, with the offline model and a real database."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.terminal import chat
from adapters.terminal.clock import SessionClock
from adapters.terminal.screen import PlainScreen
from bot import settings, wiring
from bot.core import Core
from bot.models.offline import FIRST_LINE
from bot.prompt import MAX_MESSAGE_CHARS
from tests.twins.anthropic import AnthropicTwin

ECHO = re.compile(r"^(?P<who>.+?) (?P<where>#\S+|\(direct message\))> ?(?P<typed>.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One line that was typed, and everything that appeared before the next."""

    who: str
    where: str
    typed: str
    shown: str


class Terminal:
    """Somebody at the terminal, with a database of their own."""

    def __init__(self, database: Path) -> None:
        self._address = f"sqlite:///{database}"
        self.clock = SessionClock()
        self.greeting = ""

    async def types(self, *lines: str, **overrides: Any) -> list[Turn]:
        """One session from the first line to the last; what was typed, and what appeared after each line."""
        return await self.reads(io.StringIO("".join(f"{line}\n" for line in lines)), **overrides)

    async def reads(self, source: io.TextIOBase, **overrides: Any) -> list[Turn]:
        """One session that reads everything there is."""
        self.clock, target = SessionClock(), io.StringIO()
        loaded = settings.load(database_url=self._address, **overrides)
        async with wiring.open_core(loaded, clock=self.clock, default="on") as core:
            await chat.talk(core, self.clock, PlainScreen(source, target))  # type: ignore[arg-type]  # text all the same
        self.greeting, turns = parsed(target.getvalue())
        return turns


def parsed(output: str) -> tuple[str, list[Turn]]:
    """What appeared before the first line, and after each."""
    greeting: list[str] = []
    turns: list[tuple[Mapping[str, str], list[str]]] = []
    for line in output.splitlines():
        if found := ECHO.match(line):
            turns.append((found.groupdict(), []))
        else:
            (turns[-1][1] if turns else greeting).append(line)
    return "\n".join(greeting), [
        Turn(who=said["who"], where=said["where"], typed=said["typed"], shown="\n".join(shown)) for said, shown in turns
    ]


@pytest.fixture
def terminal(database: Path) -> Terminal:
    return Terminal(database)


INTRODUCTIONS = (
    "/room #team",
    "/as Ana",
    "I joined the platform team. I live in Lisbon. I use Neovim.",
    "/as Ben",
    "I'm a designer. I moved to Oslo last month. Please give me short answers.",
    "/idle",
)
ANAS = ("platform", "Lisbon", "Neovim")
BENS = ("designer", "Oslo", "short")


# -- the story --------------------------------------------------------------------------------------------------------


async def test_two_members_introduce_themselves(terminal: Terminal) -> None:
    """Two members introduce themselves in one room; once it is idle, each sees what they said, and only that."""
    turns = await terminal.types(*INTRODUCTIONS, "/persona show", "/as Ana", "/persona show")
    bens, anas = turns[-3], turns[-1]

    assert (bens.who, anas.who) == ("Ben", "Ana")
    assert all(fact in anas.shown for fact in ANAS)
    assert all(fact in bens.shown for fact in BENS)
    assert not any(fact in anas.shown for fact in BENS)
    assert not any(fact in bens.shown for fact in ANAS)


async def test_idle_says_what_was_learned(terminal: Terminal) -> None:
    """Letting time pass says how long, and how much was learned from how many conversations."""
    turns = await terminal.types(*INTRODUCTIONS, "/idle")

    assert "30 minutes" in turns[-2].shown
    assert "1 conversation:" in turns[-2].shown
    assert "6 changes" in turns[-2].shown
    assert "Nothing new" in turns[-1].shown


async def test_nothing_special_is_offered_or_kept(terminal: Terminal) -> None:
    """Whatever whoever runs us allows, at a terminal nobody is asked for it, and nothing of it is kept."""
    typed = ("/dm", "I am diabetic", "/idle", "/persona consent", "/persona show health")
    turns = await terminal.types(*typed, special_categories="health, belief, union")

    assert turns[1].where == "(direct message)"
    assert "days" not in turns[1].shown
    assert "health" not in turns[3].shown
    assert "Nothing is remembered under health" in turns[4].shown


async def test_what_is_to_be_remembered_is_learned_at_once(terminal: Terminal) -> None:
    """Who asks to be remembered sees, right after the answer, what changed, and has it in the next one."""
    turns = await terminal.types("Remember that I moved to Lisbon", "where am I?")

    assert turns[0].shown.index("right away") < turns[0].shown.index("As you asked:")
    assert "location: Lisbon" in turns[0].shown
    assert "It would know this about you, and nothing about anybody else: location: Lisbon." in turns[1].shown


async def test_each_gets_answers_with_their_own_facts(terminal: Terminal) -> None:
    """What Rapport knows of one member is in the prompt for that member, and never in another's."""
    turns = await terminal.types(*INTRODUCTIONS, "what is next?", "/as Ana", "what is next?")
    for_ben, for_ana = turns[-3].shown, turns[-1].shown

    assert "Oslo" in for_ben
    assert "Lisbon" not in for_ben
    assert "Lisbon" in for_ana
    assert "Oslo" not in for_ana


async def test_a_correction_replaces_what_was_known(terminal: Terminal) -> None:
    """A member who moves on is known as they are now; what was before stays in the history, as such."""
    turns = await terminal.types(
        *INTRODUCTIONS, "I moved to Bergen.", "/idle", "/persona show location", "where do I live?"
    )
    shown, answer = turns[-2].shown, turns[-1].shown

    assert shown.index("location: Bergen") < shown.index("location, earlier: Oslo")
    assert "Bergen" in answer
    assert "Oslo" not in answer


async def test_what_ended_is_known_no_more(terminal: Terminal) -> None:
    """A member who says that something no longer holds is not asked to use a command for it."""
    turns = await terminal.types(*INTRODUCTIONS, "/as Ana", "I no longer use Neovim.", "/idle", "what is next?")

    assert "Neovim" not in turns[-1].shown
    assert "Lisbon" in turns[-1].shown


async def test_a_restart_keeps_everything(terminal: Terminal) -> None:
    """The next session on the same database knows the members, their facts and their history."""
    await terminal.types(*INTRODUCTIONS)
    turns = await terminal.types("/as Ana", "/persona show", "/as BEN", "/persona show", "what is next?")

    assert all(fact in turns[1].shown for fact in ANAS)
    assert all(fact in turns[3].shown for fact in BENS)
    assert "Oslo" in turns[4].shown


async def test_what_was_said_before_a_restart_is_learned_after_it(terminal: Terminal) -> None:
    """A session that ends before a conversation falls idle loses nothing of it."""
    await terminal.types(*INTRODUCTIONS[:-1])
    turns = await terminal.types("/idle", "/as Ana", "/persona show")

    assert "1 conversation:" in turns[0].shown
    assert all(fact in turns[-1].shown for fact in ANAS)


async def test_forgetting_holds(terminal: Terminal) -> None:
    """What a member had forgotten is gone at once, and what they said before does not teach it again."""
    turns = await terminal.types(
        *INTRODUCTIONS, "/as Ana", "I speak Dutch.", "/persona forget all", "/persona show", "/idle", "/persona show"
    )

    assert "I forgot everything" in turns[-4].shown
    assert not any(fact in turn.shown for turn in (turns[-3], turns[-1]) for fact in (*ANAS, "Dutch"))


async def test_a_pause_holds(terminal: Terminal) -> None:
    """While paused nothing is learned and nothing is used; afterwards it goes on from there."""
    turns = await terminal.types(
        *INTRODUCTIONS,
        "/persona pause",
        "I speak Dutch.",
        "what is next?",
        "/idle",
        "/persona resume",
        "I speak Polish.",
        "/idle",
        "/persona show",
    )

    assert "Oslo" not in turns[-6].shown
    assert "Polish" in turns[-1].shown
    assert "Oslo" in turns[-1].shown
    assert "Dutch" not in turns[-1].shown


# -- rooms ------------------------------------------------------------------------------------------------------------


async def test_what_is_said_in_private_stays_there(terminal: Terminal) -> None:
    """A fact told in a direct message is in no prompt and no answer of a public room; its member sees it, marked so."""
    turns = await terminal.types(
        "/as Ana",
        "/dm",
        "I live in Lisbon.",
        "/idle",
        "where do I live?",
        "/room #team",
        "where do I live?",
        "/persona show",
    )
    private, public, shown = turns[4], turns[6], turns[7]

    assert (private.where, public.where) == ("(direct message)", "#team")
    assert "Lisbon" in private.shown
    assert "Lisbon" not in public.shown
    assert "Lisbon" in shown.shown
    assert "only with you alone" in shown.shown
    assert "your direct message" in shown.shown


async def test_what_is_said_in_public_is_known_everywhere(terminal: Terminal) -> None:
    """A fact told in a public room may be used in the other rooms and in the member's own direct message."""
    turns = await terminal.types(*INTRODUCTIONS, "/room #random", "what is next?", "/dm", "what is next?")

    assert "Oslo" in turns[-3].shown
    assert "Oslo" in turns[-1].shown


async def test_a_correction_in_private_changes_nothing_in_public(terminal: Terminal) -> None:
    """Readers of a room cannot tell that its member said something else in private."""
    turns = await terminal.types(
        *INTRODUCTIONS, "/dm", "I moved to Bergen.", "/idle", "where do I live?", "/room #team", "where do I live?"
    )

    assert "Bergen" in turns[-3].shown
    assert "Oslo" in turns[-1].shown
    assert "Bergen" not in turns[-1].shown


async def test_style_holds_everywhere_and_is_not_spoken_of(terminal: Terminal) -> None:
    """How a member likes answers, told in private, shapes those in public too."""
    turns = await terminal.types(
        "/as Ana", "/dm", "Please give me short answers.", "/idle", "/room #team", "what is next?", "/persona show"
    )

    assert "I have no template for that" not in turns[-2].shown
    assert "never spoken" in turns[-1].shown


async def test_whoever_takes_over_in_a_direct_message_is_in_their_own(terminal: Terminal) -> None:
    """Changing the speaker in a direct message does not let one member into another's."""
    turns = await terminal.types(
        "/as Ana", "/dm", "My name is Ana.", "/as Ben", "what did I say?", "/idle", "/persona show"
    )

    assert [turn.where for turn in turns[3:5]] == ["(direct message)", "(direct message)"]
    assert turns[4].who == "Ben"
    assert "nothing about you" in turns[-1].shown


async def test_where_and_who_one_is_is_shown(terminal: Terminal) -> None:
    """Every line begins with who speaks and where; a newcomer is somebody in some room."""
    turns = await terminal.types(
        "hi", "/as Ana", "hi", "/room #team", "hi", "/dm", "hi", "/as Ben", "hi", "/room team", "hi"
    )

    assert [(turn.who, turn.where) for turn in turns if turn.typed == "hi"] == [
        ("you", "#general"),
        ("Ana", "#general"),
        ("Ana", "#team"),
        ("Ana", "(direct message)"),
        ("Ben", "(direct message)"),
        ("Ben", "#team"),
    ]


async def test_a_member_is_the_same_in_any_case(terminal: Terminal) -> None:
    """Whoever types a name in other letters is the same member, with the same facts."""
    turns = await terminal.types(*INTRODUCTIONS, "/as ANA", "/persona show")

    assert "Lisbon" in turns[-1].shown


# -- consent ----------------------------------------------------------------------------------------------------------


async def test_who_agrees_is_remembered_from_then_on(terminal: Terminal) -> None:
    """Asked once, after the first answer; what was said before agreeing is not learned, what comes after is."""
    turns = await terminal.types(
        "/as Ana",
        "I live in Lisbon.",
        "I use Neovim.",
        "/press 1",
        "I speak Dutch.",
        "/idle",
        "/persona show",
        persona_consent="ask",
    )

    assert "May I remember" in turns[1].shown
    assert "[1] Yes" in turns[1].shown
    assert "May I remember" not in turns[2].shown
    assert "Remembering is on" in turns[3].shown
    assert "Dutch" in turns[-1].shown
    assert "Lisbon" not in turns[-1].shown
    assert "Neovim" not in turns[-1].shown


async def test_who_declines_is_not_remembered(terminal: Terminal) -> None:
    """Who says no is answered as before, and nothing is learned, in later sessions either."""
    await terminal.types("/as Ana", "hello", "/press 2", persona_consent="ask")
    turns = await terminal.types("/as Ana", "I live in Lisbon.", "/idle", "/persona show", persona_consent="ask")

    assert FIRST_LINE in turns[1].shown
    assert "May I remember" not in turns[1].shown
    assert "Lisbon" not in turns[-1].shown


async def test_who_says_nothing_is_not_remembered(terminal: Terminal) -> None:
    """Silence is not consent."""
    turns = await terminal.types("/as Ana", "I live in Lisbon.", "/idle", "/persona show", persona_consent="ask")

    assert "nothing about you" in turns[-1].shown


async def test_each_member_is_asked(terminal: Terminal) -> None:
    """One member's answer is not another's."""
    turns = await terminal.types(
        "/as Ana", "hello", "/press 1", "/as Ben", "I live in Oslo.", "/idle", "/persona show", persona_consent="ask"
    )

    assert "May I remember" in turns[4].shown
    assert "Oslo" not in turns[-1].shown


async def test_where_remembering_is_off_nobody_is_asked(terminal: Terminal) -> None:
    """An operator who switches remembering off has nobody asked and nothing learned."""
    turns = await terminal.types(
        "/as Ana", "I live in Lisbon.", "/idle", "/persona show", "/persona resume", persona_consent="off"
    )

    assert "May I remember" not in turns[1].shown
    assert "nothing about you" in turns[3].shown
    assert "switched off" in turns[4].shown


@pytest.mark.parametrize("number", [0, 1, 3, 99])
async def test_a_button_that_is_not_there_cannot_be_pressed(terminal: Terminal, number: int) -> None:
    """A number nobody offered is a mistake that is said."""
    turns = await terminal.types(f"/press {number}")

    assert turns[0].shown == "There is no such button."


async def test_a_button_pressed_by_somebody_else_is_about_them(terminal: Terminal) -> None:
    """Who presses what was offered to another decides for themself alone."""
    turns = await terminal.types(
        "/as Ana", "hello", "/as Ben", "/press 2", "/as Ana", "/persona show", "/press 1", persona_consent="ask"
    )

    assert "remember nothing" in turns[3].shown
    assert "[1] Remember me" in turns[5].shown
    assert "Remembering is on" in turns[6].shown


# -- time -------------------------------------------------------------------------------------------------------------


async def test_time_goes_on_after_a_restart(terminal: Terminal) -> None:
    """A session that skipped a day is followed by one that is later, so that what is said last counts."""
    await terminal.types("/as Ana", "I live in Oslo.", "/idle", "I moved to Bergen.", idle_after="1d")
    skipped = terminal.clock.now()
    turns = await terminal.types("/as Ana", "I moved to Lisbon.", "/idle", "/persona show location", idle_after="1d")

    assert skipped > datetime.now(UTC) + timedelta(hours=23)  # noqa: TID251 - what a session is ahead of
    assert terminal.clock.now() > skipped
    assert "location: Lisbon" in turns[-1].shown
    assert "location, earlier: Bergen" in turns[-1].shown


def test_a_session_is_never_behind_the_one_before() -> None:
    """A clock that caught up is later than what happened last; what lies behind already changes nothing."""
    clock = SessionClock()
    before = clock.now()
    clock.catch_up(before - timedelta(days=1))
    clock.catch_up(None)
    assert clock.now() - before < timedelta(hours=1)

    clock.catch_up(before + timedelta(days=1))

    assert clock.now() > before + timedelta(days=1)


@pytest.mark.parametrize(
    ("idle_after", "said"), [("30m", "30 minutes"), ("1m", "1 minute "), ("20s", "21 seconds"), ("2h", "120 minutes")]
)
async def test_idle_says_how_much_time_passed(terminal: Terminal, idle_after: str, said: str) -> None:
    """The time that passes is as long as a conversation takes to fall idle."""
    turns = await terminal.types("/idle", idle_after=idle_after)

    assert said in turns[0].shown
    assert "Nothing new was said" in turns[0].shown


async def test_several_conversations_are_learned_at_once(terminal: Terminal) -> None:
    """Everything that fell idle is learned, whatever room it was said in."""
    turns = await terminal.types("/room #a", "I speak Dutch.", "/room #b", "hello", "/dm", "hello", "/idle")

    assert "3 conversations" in turns[-1].shown
    assert "1 change to" in turns[-1].shown


async def test_small_talk_teaches_nothing(terminal: Terminal) -> None:
    """A conversation that says nothing of anybody is learned as such."""
    turns = await terminal.types("hello", "/idle", "/persona show")

    assert "no change" in turns[1].shown
    assert "nothing about you" in turns[2].shown


# -- what is typed ----------------------------------------------------------------------------------------------------


async def test_a_newcomer_is_told_what_this_is(terminal: Terminal) -> None:
    """The first lines say that this is no AI, what to try, and where the rest is listed."""
    await terminal.types()

    assert "not an AI" in terminal.greeting
    assert "/idle" in terminal.greeting
    assert "/help" in terminal.greeting


async def test_with_a_key_the_greeting_names_the_model(terminal: Terminal) -> None:
    """With a key the newcomer is told which model answers."""
    await terminal.types(anthropic_api_key="sk-test", anthropic_base_url="http://127.0.0.1:9")

    assert "claude" in terminal.greeting
    assert "not an AI" not in terminal.greeting
    assert "sk-test" not in terminal.greeting


async def test_every_answer_says_that_it_is_no_ai(terminal: Terminal) -> None:
    """No answer of the offline model can be taken for one of an AI."""
    turns = await terminal.types("hello", "what is next?")

    assert all(turn.shown.startswith(f"Rapport #general: {FIRST_LINE}") for turn in turns)


async def test_help_lists_what_can_be_typed(terminal: Terminal) -> None:
    """Help names every command with what it does."""
    turns = await terminal.types("/help")

    assert all(word in turns[0].shown for word in ("/as", "/room", "/dm", "/persona", "/idle", "/help", "/quit"))


@pytest.mark.parametrize("line", ["/dance", "/as", "/room", "/press one", "/"])
async def test_a_mistake_is_explained_and_not_answered(terminal: Terminal, line: str) -> None:
    """What is no command is said to be none, and goes to no model."""
    turns = await terminal.types(line, "/idle")

    assert "/" in turns[0].shown
    assert FIRST_LINE not in turns[0].shown
    assert "Nothing new was said" in turns[1].shown


@pytest.mark.parametrize("line", ["", "   ", "\t", "\u00a0"])
async def test_an_empty_line_is_not_answered(terminal: Terminal, line: str) -> None:
    """Pressing Enter says nothing."""
    turns = await terminal.types(line, "/idle")

    assert turns[0].shown == ""
    assert "Nothing new was said" in turns[1].shown


@pytest.mark.parametrize("line", ["/quit", "/exit", "/QUIT"])
async def test_quitting_ends_the_session(terminal: Terminal, line: str) -> None:
    """Nothing is read after leaving."""
    turns = await terminal.types("hello", line, "never said")

    assert [turn.typed for turn in turns] == ["hello", line]


async def test_the_end_of_input_ends_the_session(terminal: Terminal) -> None:
    """A script that ends without leaving is a session that ends; its last line counts without a line break too."""
    turns = await terminal.reads(io.StringIO("/as Ana\nI live in Lisbon."))

    assert "Lisbon" in turns[-1].shown


@pytest.mark.parametrize("length", [MAX_MESSAGE_CHARS + 1, 100_000])
async def test_a_huge_message_is_answered_with_the_limit(terminal: Terminal, length: int) -> None:
    """A message too long to read gets an honest sentence with both numbers, and the next one an answer."""
    turns = await terminal.types("x" * length, "hello", "/idle")

    assert f"{length:,}" in turns[0].shown
    assert f"{MAX_MESSAGE_CHARS:,}" in turns[0].shown
    assert len(turns[0].shown) < 1_000
    assert FIRST_LINE in turns[1].shown
    assert "learned" in turns[2].shown


async def test_the_longest_message_is_answered(terminal: Terminal) -> None:
    """A message just as long as can be read is."""
    turns = await terminal.types("x" * MAX_MESSAGE_CHARS)

    assert FIRST_LINE in turns[0].shown


@pytest.mark.parametrize(
    "text",
    [
        "\ud800",
        "a\udfffb",
        "\x00\x01\x1b[2J",
        "I live in \ud800Lisbon.",
        "\u202etfel",
        "\ufeffhi",
        "a\rb",
        "👩\u200d👧" * 50,
    ],
)
async def test_no_text_is_too_strange(terminal: Terminal, text: str) -> None:
    """Text that is not quite Unicode, or drives terminals, is answered, stored and learned from like any other."""
    turns = await terminal.types(f"{text} hello", "/idle", "/persona show")

    assert FIRST_LINE in turns[0].shown
    assert "learned from 1 conversation" in turns[-2].shown


async def test_bytes_that_are_no_text_are_read(terminal: Terminal) -> None:
    """A pipe with broken bytes is read to its end."""
    turns = await terminal.reads(
        io.TextIOWrapper(io.BytesIO(b"caf\xe9 \xff\xfe hello\nI use Neovim.\n/idle\n"), "ascii")
    )

    assert len(turns) == 3
    assert FIRST_LINE in turns[0].shown
    assert "1 change to" in turns[2].shown


async def test_a_pipe_that_takes_no_unicode_gets_what_it_can(database: Path) -> None:
    """Output that is no text the target can hold does not end the session."""
    target = io.TextIOWrapper(io.BytesIO(), "ascii")
    clock = SessionClock()
    loaded = settings.load(database_url=f"sqlite:///{database}")
    async with wiring.open_core(loaded, clock=clock, default="on") as core:
        await chat.talk(core, clock, PlainScreen(io.StringIO("¡hola! \ud800\n"), target))
    target.seek(0)

    assert "¡hola!" in target.read()


# -- what is broken ---------------------------------------------------------------------------------------------------


async def test_a_message_that_cannot_be_stored_is_said_to_be(database: Path) -> None:
    """When the notes cannot be written the member hears it, and the session goes on."""
    shown = await without_store(database, "hello\n/help\n")

    assert "I cannot reach my notes" in shown
    assert "/quit" in shown


@pytest.mark.parametrize("line", ["/persona show", "/persona forget all", "/idle"])
async def test_a_command_that_cannot_be_done_is_said_to_be(database: Path, line: str) -> None:
    """When the notes cannot be reached, a command says so like a message does, and the session goes on."""
    shown = await without_store(database, f"{line}\n/help\n")

    assert "I cannot reach my notes" in shown
    assert "/quit" in shown


async def test_a_model_that_refuses_is_said_to_and_nothing_is_lost(terminal: Terminal) -> None:
    """With a wrong key the member hears so, what was said stays to be learned, and is once the key is right."""
    async with AnthropicTwin() as claude:
        turns = await terminal.types(
            "/as Ana", "I use Neovim.", "/idle", anthropic_api_key="sk-wrong", anthropic_base_url=claude.url
        )
    mended = await terminal.types("/as Ana", "/idle", "/idle", "/persona show")

    assert "refuses my key" in turns[1].shown
    assert "sk-wrong" not in turns[1].shown
    assert "could not be learned now" in turns[2].shown
    assert "Neovim" in mended[-1].shown


async def test_the_sweeps_run_beside_the_conversation(database: Path) -> None:
    """What has to be done now and then is done while somebody types, and ends with the session."""
    clock, source, target = Eager(), io.StringIO("hello\n"), io.StringIO()
    loaded = settings.load(database_url=f"sqlite:///{database}")
    async with wiring.open_core(loaded, clock=clock, default="on") as core:
        await chat.talk(core, clock, Waiting(source, target, clock))

    assert FIRST_LINE in target.getvalue()


class Eager(SessionClock):
    """A clock that waits for nothing, and says when it was asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waited.set()


class Waiting(PlainScreen):
    """A screen before which somebody waits until the work beside it has begun."""

    def __init__(self, source: io.StringIO, target: io.StringIO, clock: Eager) -> None:
        super().__init__(source, target)
        self._clock = clock

    async def read(self, who: str, where: str) -> str | None:
        await self._clock.waited.wait()
        return await super().read(who, where)


async def without_store(database: Path, script: str) -> str:
    """What appears in a session whose database goes away as soon as it has begun."""
    target, clock = io.StringIO(), SessionClock()
    loaded = settings.load(database_url=f"sqlite:///{database}")
    async with wiring.open_core(loaded, clock=clock, default="on") as core:
        screen = Unplugged(io.StringIO(script), target, core)
        await chat.talk(core, clock, screen)
    return target.getvalue()


class Unplugged(PlainScreen):
    """A screen whose first line is typed just after the database went away."""

    def __init__(self, source: io.StringIO, target: io.StringIO, core: Core) -> None:
        super().__init__(source, target)
        self._core = core

    async def read(self, who: str, where: str) -> str | None:
        await self._core.store.close()
        return await super().read(who, where)
