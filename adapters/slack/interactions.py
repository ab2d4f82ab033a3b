"""What members type, press, fill in and look at: the command, buttons, modals and the Home tab."""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal, TypeVar

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from adapters.slack import modals, translate
from adapters.slack.home import Home, InHome
from adapters.slack.surfaces import Body, InMessage, InModal, Surface, Workspace
from adapters.slack.views import ACTION_PREFIX
from bot import errors
from bot.commands import administration
from bot.commands.registry import PREFIX
from bot.core import Core
from bot.messages import Member, Room
from bot.views import FORM, Form, View

T = TypeVar("T")
Matcher = Callable[[], Awaitable[bool]]

_OURS = re.compile(f"^{re.escape(ACTION_PREFIX)}")

SHORTCUTS: dict[str, Literal["why", "forget"]] = {f"{ACTION_PREFIX}why": "why", f"{ACTION_PREFIX}forget": "forget"}
"""What the entries in a message's menu come back with, as `manifest.json` says; what each asks about the message."""

_SHORTCUT = re.compile("|".join(f"^{re.escape(callback)}$" for callback in SHORTCUTS))

_log = structlog.get_logger(__name__)


class Interactions:
    """Answers to one member alone, whatever they did and wherever in one workspace."""

    def __init__(self, workspace: Workspace, core: Core) -> None:
        self._workspace = workspace
        self._commands = core.commands
        self._home = Home(workspace, core.commands)

    async def typed(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        """Answer `/persona`."""
        await ack()
        words, member, room = str(body.get("text") or ""), translate.member(body), await self._room(body)
        surface = InMessage(self._workspace, body, respond, member=member, room=room)
        await self._show(surface, member, await _tried(lambda: self._commands.run(words, member, room=room)))

    async def administered(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        """Answer `/persona-admin`."""
        await ack()
        words, member, room = str(body.get("text") or ""), translate.member(body), await self._room(body)
        surface = InMessage(self._workspace, body, respond, member=member, room=room)
        is_admin = partial(self._workspace.adapter.is_admin, member)
        work = partial(self._commands.administer, words, member, room=room, is_admin=is_admin)
        await self._show(surface, member, await _tried(work))

    async def pressed(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        """Answer a button, wherever it stands."""
        await ack()
        action = str(body["actions"][0]["action_id"]).removeprefix(ACTION_PREFIX)
        member, surface = translate.member(body), await self._surface(body, respond)
        room = surface.origin.room
        if not action.startswith(FORM):
            is_admin = partial(self._workspace.adapter.is_admin, member)
            work = partial(self._commands.press, action, member, room=room, is_admin=is_admin)
            view: Form | View = await _tried(work)
        else:
            view = await _tried(lambda: self._commands.form(action, member, room=room))
        if isinstance(view, Form):
            await surface.open(view)
        else:
            await self._show(surface, member, view)
            if isinstance(surface, InModal) and surface.origin.is_home:
                await self._home.publish(member, translate.tenant(body))  # what stands behind the modal

    async def filled(self, ack: AsyncAck, body: Body) -> None:
        """Show in the modal what came of it: it stays the member's alone, and needs no address to answer to.

        Files are sent before: an update of the modal could overtake the acknowledgement, which would undo it.
        """
        modal, member = body["view"], translate.member(body)
        origin, given = modals.Origin.of(modal), modals.answers(modal)
        try:
            view = await self._commands.fill(modals.action(modal), given, member, room=origin.room)
        except errors.BotError as error:
            _log_failed(error)
            view = View(text=error.for_member)
            if complaint := modals.complaint(modal, error.for_member):
                await ack(response_action="errors", errors=complaint)
                return
        view = await self._workspace.adapter.without_files(view, member)
        await ack(response_action="update", view=modals.shown(view, origin, link=self._workspace.adapter.link))
        if origin.is_home:
            await self._home.publish(member, translate.tenant(body))

    async def chosen(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        """Answer what was chosen in a message's menu, to whoever chose it: others may read the message, too."""
        await ack()
        verb, member = SHORTCUTS[str(body["callback_id"])], translate.member(body)
        said_in, message = translate.chosen(body)
        room = await self._workspace.adapter.classified(said_in)
        surface = InMessage(self._workspace, body, respond, member=member, room=await self._room(body))
        await self._show(surface, member, await _tried(lambda: self._commands.about(verb, member, room, message)))

    async def looked_at(self, body: Body) -> None:
        """Draw the Home tab for whoever opened it."""
        event = body["event"]
        if event.get("tab") == "home":
            tenant = translate.tenant(body)
            member = Member(tenant=tenant, id=str(event["user"]))
            await self._home.publish(member, tenant, standing=event.get("view"))

    async def _show(self, surface: Surface, member: Member, view: View) -> None:
        await surface.show(await self._workspace.adapter.without_files(view, member))

    async def _surface(self, body: Body, respond: AsyncRespond) -> Surface:
        """Where a pressed button stands."""
        member, view = translate.member(body), body.get("view")
        if view is None:
            return InMessage(self._workspace, body, respond, member=member, room=await self._room(body))
        if view["type"] == "modal":
            return InModal(self._workspace, view)
        trigger = str(body["trigger_id"])
        return InHome(self._workspace, self._home, member=member, tenant=translate.tenant(body), trigger=trigger)

    async def _room(self, body: Body) -> Room | None:
        """Where it was done; only for what may be a direct message with us is Slack asked who reads there."""
        room = translate.asked_in(body)
        if room is None or not room.channel.startswith("D"):
            return room
        return await self._workspace.adapter.classified(room)


Handler = Callable[[Interactions, AsyncAck, Body, AsyncRespond], Awaitable[None]]
Reached = Callable[[Body], Awaitable[tuple[Interactions, Body] | None]]
"""Who answers in the workspace by which something reaches us, and what came as it is seen from there."""


def listen(app: AsyncApp, matchers: Sequence[Matcher], *, of: Reached) -> None:
    """Add the listeners, each heard only while all of `matchers` are true."""
    app.command(PREFIX, matchers=matchers)(_heard(Interactions.typed, of))
    app.command(administration.PREFIX, matchers=matchers)(_heard(Interactions.administered, of))
    app.action(_OURS, matchers=matchers)(_heard(Interactions.pressed, of))
    app.view(_OURS, matchers=matchers)(_heard(lambda here, ack, body, _: here.filled(ack, body), of))
    app.message_shortcut(_SHORTCUT, matchers=matchers)(_heard(Interactions.chosen, of))
    looked_at = _heard(lambda here, _, body, __: here.looked_at(body), of)
    app.event("app_home_opened", matchers=matchers)(looked_at)


def _heard(handle: Handler, of: Reached) -> Callable[[AsyncAck, Body, AsyncRespond], Awaitable[None]]:
    """What Bolt calls. Where we are not installed any more, it is acknowledged and nothing else."""

    async def heard(ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        if reached := await of(body):
            here, body = reached
            await handle(here, ack, body, respond)
        else:
            await ack()

    return heard


async def _tried(work: Callable[[], Awaitable[T]]) -> T | View:
    """What `work` finds, or an honest sentence."""
    try:
        return await work()
    except errors.BotError as error:
        _log_failed(error)
        return View(text=error.for_member)


def _log_failed(error: errors.BotError) -> None:
    _log.error("command.failed", error=type(error).__name__, why=str(error))
