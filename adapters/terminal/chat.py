"""The conversation at the terminal: reads lines and does what they mean, one after the other."""

import asyncio
from datetime import timedelta
from functools import partial

from adapters.terminal import screen as screens
from adapters.terminal import translate, views
from adapters.terminal.adapter import TerminalAdapter, where
from adapters.terminal.clock import SessionClock
from bot.core import Core
from bot.errors import StoreError
from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.outcomes import Swept
from bot.store import conversations
from bot.tasks import alongside
from bot.views import FORM, Form, View
from persona.moments import to_micros

TENANT = TenantId(translate.TENANT)

SETTLE_S = 0.3
"""Background work begins this long after the first prompt, so that nobody waits for it."""


async def talk(core: Core, clock: SessionClock, screen: screens.Screen | None = None) -> None:
    """Talk until `/quit` or the end of input."""
    screen = screen or screens.for_process()
    clock.catch_up(await core.store.read(partial(conversations.last_moment, tenant=TENANT)))
    chat = _Chat(core, clock, screen)
    async with alongside(partial(_background, core, clock)):
        await chat.run()


async def _background(core: Core, clock: SessionClock) -> None:
    await clock.sleep(SETTLE_S)
    async with core.working():
        await asyncio.Event().wait()


class _Chat:
    def __init__(self, core: Core, clock: SessionClock, screen: screens.Screen) -> None:
        self._core = core
        self._clock = clock
        self._screen = screen
        self._adapter = TerminalAdapter(screen)
        core.adapters["terminal"] = self._adapter
        self._member = _member("you")
        self._room = _room("general")
        self._typed_ahead: str | None = None
        """A command that was typed instead of filling in a form."""

    async def run(self) -> None:
        self._screen.lines(self._greeting())
        await self._core.intake.recover()
        while (line := await self._next()) is not None:
            action = translate.action(line)
            if isinstance(action, translate.Quit):
                break
            if action is not None:
                await self._try(action)

    async def _next(self) -> str | None:
        """The next line: one that was typed into a form and belongs to no form, or what is typed now."""
        line, self._typed_ahead = self._typed_ahead, None
        return line if line is not None else await self._screen.read(self._member.name, where(self._room))

    async def _try(self, action: translate.Action) -> None:
        try:
            await self._do(action)
        except StoreError as error:
            self._screen.lines([f"{error.for_member} ({error})"])

    async def _do(self, action: translate.Action) -> None:
        match action:
            case translate.Say(text):
                await self._say(text)
            case translate.SpeakAs() | translate.Enter() | translate.Direct():
                self._go(action)
            case translate.Persona(words, is_admins=False):
                self._adapter.show(await self._core.commands.run(words, self._member, room=self._room))
            case translate.Persona(words):
                administer = self._core.commands.administer
                self._adapter.show(await administer(words, self._member, room=self._room, is_admin=_sits_here))
            case translate.Press(number):
                await self._press(number)
            case translate.Idle():
                await self._idle()
            case translate.Help():
                self._screen.lines([f"  {usage:<16} {summary}" for usage, summary in translate.COMMANDS.items()])
            case translate.Mistake(why):
                self._screen.lines([why])

    def _go(self, action: translate.SpeakAs | translate.Enter | translate.Direct) -> None:
        """Change who speaks, or where. Whoever takes over in a direct message comes into their own."""
        if isinstance(action, translate.SpeakAs):
            self._member = _member(action.name)
        if isinstance(action, translate.Enter):
            self._room = _room(action.room)
        elif isinstance(action, translate.Direct) or self._room.kind == "direct":
            self._room = _direct(self._member)

    async def _say(self, text: str) -> None:
        now = self._clock.now()
        message = Message(
            id=MessageId(str(to_micros(now))), room=self._room, author=self._member, text=text, said_at=now
        )
        await self._core.intake.accept(message)
        await self._core.lanes.drained()  # the answer, and what it was asked to learn at once

    async def _press(self, number: int) -> None:
        actions = self._adapter.actions
        if not 0 < number <= len(actions):
            self._screen.lines(["There is no such button."])
            return
        action = actions[number - 1]
        if not action.startswith(FORM):
            press = self._core.commands.press
            self._adapter.show(await press(action, self._member, room=self._room, is_admin=_sits_here))
            return
        opened = await self._core.commands.form(action, self._member, room=self._room)
        if isinstance(opened, View):
            self._adapter.show(opened)
        else:
            await self._fill(opened)

    async def _fill(self, form: Form) -> None:
        """Ask for each input of a form, and hand it in; a command in between, or the end of input, leaves it."""
        self._screen.lines(views.opening(form))
        answers: dict[str, str] = {}
        for asked in form.inputs:
            self._screen.lines([views.question(asked)])
            line = await self._screen.read(self._member.name, where(self._room))
            if line is None or line.lstrip().startswith("/"):
                self._typed_ahead = line
                self._screen.lines(["The form was left; nothing changed."])
                return
            answers[asked.name] = line.strip() or asked.value
        self._adapter.show(await self._core.commands.fill(form.action, answers, self._member, room=self._room))

    async def _idle(self) -> None:
        """Let the time pass that makes every conversation idle, then learn from all of them."""
        skipped = self._core.settings.idle_after + timedelta(seconds=1)
        self._clock.advance(skipped)
        done = Swept()
        while (swept := await self._core.learning.sweep()).sessions:
            done += swept
        self._screen.lines([f"({_minutes(skipped)} pass. {_told(done)})"])

    def _greeting(self) -> list[str]:
        model = self._core.model.name
        who = (
            "Rapport, offline: I am not an AI and answer from templates. Set ANTHROPIC_API_KEY for real answers."
            if model == "offline"
            else f"Rapport, answering with {model}."
        )
        return [who, "Say something about yourself, then /idle, then /persona show. /help lists the rest.", ""]


async def _sits_here() -> bool:
    """Whoever sits at the terminal runs everything."""
    return True


def _told(done: Swept) -> str:
    if done.failures:
        return "Something could not be learned now; it comes due again. LOG_LEVEL=warning says why."
    if not done.sessions:
        return "Nothing new was said."
    changes = "no change" if not done.operations else f"{done.operations} change{'s' * (done.operations > 1)}"
    return f"I learned from {done.sessions} conversation{'s' * (done.sessions > 1)}: {changes} to what I remember."


def _minutes(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    return f"{minutes} minute{'s' * (minutes != 1)}" if minutes else f"{round(time.total_seconds())} seconds"


def _member(name: str) -> Member:
    return Member(tenant=TENANT, id=translate.member_id(name), name=name)


def _room(name: str) -> Room:
    return Room(tenant=TENANT, channel=name, kind="public")


def _direct(member: Member) -> Room:
    return Room(tenant=TENANT, channel=f"dm:{member.id}", kind="direct")
