"""All verbs, and what is pressed: the one place that knows which there are."""

from collections.abc import Mapping
from typing import Literal

from bot.commands import (
    about,
    add,
    consent,
    edit,
    export,
    forget,
    history,
    home,
    link,
    observe,
    offers,
    pause,
    privacy,
    show,
    special,
    undo,
    used,
    why,
    widen,
)
from bot.commands.administration import ADMIN, Administration, IsAdmin, nobody
from bot.commands.command import OUTDATED, Asked, Command, Context
from bot.messages import Member, MessageId, Room, TenantId, clean
from bot.views import FORM, Form, Line, Section, View

PREFIX = "/persona"


async def _help(context: Context, asked: Asked) -> View:
    return View(
        text="I answer your questions and remember what you tell me about yourself, if you agree. These are yours:",
        sections=tuple(
            Section(
                title=title,
                lines=tuple(Line(text=f"{PREFIX} {command.usage}", note=command.summary) for command in group),
            )
            for title, group in _GROUPS.items()
        ),
        footer="Only you see what these commands show.",
    )


HELP = Command(name="help", usage="help", summary="this list", run=_help)
_GROUPS = {
    "See": (show.COMMAND, why.COMMAND, used.COMMAND, history.COMMAND),
    "Change": (add.COMMAND, edit.COMMAND, forget.COMMAND, undo.COMMAND),
    "Decide": (consent.COMMAND, pause.PAUSE, pause.RESUME, observe.COMMAND, offers.COMMAND),
    "Know": (privacy.COMMAND, export.COMMAND, link.LINK, link.UNLINK, HELP),
}
_EVERY = (*(command for group in _GROUPS.values() for command in group), special.COMMAND, widen.COMMAND)
COMMANDS = {command.name: command for command in _EVERY if command.is_listed}
"""The verbs by name, in the order help lists them."""

_BY_NAME = {command.name: command for command in _EVERY}


class Commands:
    """Runs what members type and press. What comes back is for that member alone.

    `room` is where it was asked, if the platform says so.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._administration = Administration(context)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields a member may name, for platforms that suggest words, in the order of the schema."""
        return tuple(field.label for field in self._context.schema.agreed(()).fields if not field.sensitive)

    async def run(self, words: str, member: Member, *, room: Room | None = None) -> View:
        """Run what was typed after `/persona`; without words, or with a verb that is none, show the help."""
        verb, _, rest = " ".join(clean(words).split()).partition(" ")
        asked = Asked(member=member, words=rest, room=room)
        command = COMMANDS.get(verb.casefold() or "help")
        if command is None:
            helped = await _help(self._context, asked)
            return View(text=f"There is no command “{verb}”.", sections=helped.sections, footer=helped.footer)
        return await command.run(self._context, asked)

    async def administer(
        self, words: str, member: Member, *, room: Room | None = None, is_admin: IsAdmin = nobody
    ) -> View:
        """Run what was typed after `/persona-admin`; whoever is no admin gets a sentence."""
        asked = Asked(member=member, room=room)
        return await self._administration.run(" ".join(clean(words).split()), asked, is_admin)

    async def press(self, action: str, member: Member, *, room: Room | None = None, is_admin: IsAdmin = nobody) -> View:
        """Do what a button stands for. Whoever presses it, it is about the persona of that member.

        `is_admin` is asked only for the buttons of admins, which are about the tenant.
        """
        if action.startswith(ADMIN):
            return await self._administration.press(action, Asked(member=member, room=room), is_admin)
        name, _, rest = action.partition(":")
        command = _BY_NAME.get(name)
        if command is None or command.press is None:
            return OUTDATED
        return await command.press(self._context, Asked(member=member, words=rest, room=room))

    async def form(self, action: str, member: Member, *, room: Room | None = None) -> Form | View:
        """The form that an action beginning with `FORM` opens; a view instead says why there is none."""
        name, _, rest = action.removeprefix(FORM).partition(":")
        command = _BY_NAME.get(name)
        if command is None or command.form is None:
            return OUTDATED
        return await command.form(self._context, Asked(member=member, words=rest, room=room))

    async def home(self, member: Member, *, tenant: TenantId) -> tuple[View, ...]:
        """What a page of the member's own shows, from top to bottom; `tenant` is where they look at it."""
        return await self.run("show", member), await home.view(self._context, member, tenant)

    async def fill(self, action: str, answers: Mapping[str, str], member: Member, *, room: Room | None = None) -> View:
        """Take what was filled into the form of `action`."""
        name, _, rest = action.partition(":")
        command = _BY_NAME.get(name)
        if command is None or command.fill is None:
            return OUTDATED
        filled = {name: clean(answer).strip() for name, answer in answers.items() if answer.strip()}
        return await command.fill(self._context, Asked(member=member, words=rest, room=room), filled)

    async def about(self, verb: Literal["why", "forget"], member: Member, room: Room, message: MessageId) -> View:
        """What a message taught this member, or forget it: the entries of a message's menu.

        The same is shown whether nobody or somebody else was learned from in it.
        """
        asked = Asked(member=member, room=room)
        answer = about.why if verb == "why" else about.forgotten
        return await answer(self._context, asked, room, message)
