"""All verbs of `/persona-admin`, and who may use them: the one place that knows both."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.commands.admin import audit, budgets, consent, pausing, purge, status
from bot.commands.command import OUTDATED, Asked, Command, Context
from bot.messages import ROOMLESS, platform_of
from bot.views import Line, Section, View

PREFIX = "/persona-admin"
ADMIN = "admin:"
"""What the action of an admin's button begins with."""

IsAdmin = Callable[[], Awaitable[bool]]
"""Asks the platform whether whoever asks manages the tenant they ask in; False if it does not say. Never raises."""

REFUSED = View(
    text="That is for admins, and I cannot see that you are one here. Whoever runs me can name you in ADMIN_USER_IDS;"
    " what is yours is in `/persona help`."
)
NOWHERE = View(text=f"That is about a workspace or server. Type `{PREFIX}` in one of its channels.")


async def nobody() -> bool:
    """For whoever is not known to manage anything."""
    return False


async def _help(context: Context, asked: Asked) -> View:
    lines = (Line(text=f"{PREFIX} {command.usage}", note=command.summary) for command in COMMANDS.values())
    return View(
        text="What admins decide for everybody here. No command shows what a member told me, nor whom I know.",
        sections=(Section(title="Verbs", lines=tuple(lines)),),
        footer="Only you see what these commands show.",
    )


_EVERY = (
    status.COMMAND,
    consent.COMMAND,
    pausing.PAUSE,
    pausing.RESUME,
    purge.COMMAND,
    budgets.SHOW,
    budgets.SET,
    audit.COMMAND,
    Command(name="help", usage="help", summary="this list", run=_help),
)
COMMANDS = {command.name: command for command in _EVERY}
"""The verbs by name, in the order help lists them."""


class Administration:
    """Runs what admins type and press. Whoever is none gets a sentence, and nothing is done or looked up."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(self, words: str, asked: Asked, is_admin: IsAdmin) -> View:
        """Run what was typed after `/persona-admin`; without words show the help, and with a verb that is none, too."""
        verb, _, rest = words.partition(" ")
        if refusal := await self._refusal(asked, is_admin):
            return refusal
        command = COMMANDS.get(verb.casefold() or "help")
        if command is None:
            return replace(await _help(self._context, asked), text=f"There is no command “{verb}” for admins.")
        return await command.run(self._context, Asked(member=asked.member, words=rest, room=asked.room))

    async def press(self, action: str, asked: Asked, is_admin: IsAdmin) -> View:
        """Do what a button stands for, if whoever presses it is an admin now."""
        name, _, rest = action.removeprefix(ADMIN).partition(":")
        if refusal := await self._refusal(asked, is_admin):
            return refusal
        command = COMMANDS.get(name)
        if command is None or command.press is None:
            return OUTDATED
        return await command.press(self._context, Asked(member=asked.member, words=rest, room=asked.room))

    async def _refusal(self, asked: Asked, is_admin: IsAdmin) -> View | None:
        if asked.room is None or asked.room.tenant in ROOMLESS:
            return NOWHERE
        return None if self._is_named(asked) or await is_admin() else REFUSED

    def _is_named(self, asked: Asked) -> bool:
        """Whether the settings name them; an id of another workspace may be the same."""
        is_at_home = asked.member.tenant in {asked.tenant, *ROOMLESS}
        return is_at_home and f"{platform_of(asked.tenant)}:{asked.member.id}" in self._context.office.admins
