"""What members type, pick, press and fill in, answered for them alone.

Discord takes the first response to an interaction for three seconds, and the rest for fifteen minutes (Discord sheet,
section 1). What comes too late is logged and shown nowhere; nothing of it reaches the host.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

import discord
import structlog

from adapters.discord import forms, translate, views
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.errors import GONE, called
from bot import errors
from bot.commands.administration import IsAdmin
from bot.core import Core
from bot.messages import Member, Room
from bot.views import FORM, Form, View

FORM_WAIT_S = 2.0
"""How long a form may take to be put together: it has to be the first response."""

SLOW = View(text="My notes take too long to open right now, so I cannot show the form. Please press again in a minute.")

UNSHOWN = View(text="Discord did not take what I wanted to show you. `/persona show` shows how it is now.")

T_co = TypeVar("T_co", covariant=True)

_log = structlog.get_logger(__name__)


class Work(Protocol[T_co]):
    """Something of `Commands`, its words already given."""

    def __call__(self, member: Member, *, room: Room | None = None) -> Awaitable[T_co]:
        """Do it for this member, who asked for it in this room."""
        ...


class Interactions:
    """Answers interactions. Whoever makes one, it is about the persona of that member."""

    def __init__(self, adapter: DiscordAdapter, core: Core) -> None:
        self._adapter = adapter
        self._core = core

    async def heard(self, interaction: discord.Interaction) -> None:
        """Listener: do what one of our components stands for, or take what was filled into one of our forms."""
        data: Mapping[str, Any] = interaction.data or {}
        action = views.action(data)
        if action is None:
            return
        if interaction.type is discord.InteractionType.modal_submit:
            await self.answer(interaction, partial(self._core.commands.fill, action, forms.answers(data)))
        elif interaction.type is discord.InteractionType.component and action.startswith(FORM):
            await self._open(interaction, action)
        elif interaction.type is discord.InteractionType.component:
            press = partial(self._core.commands.press, action, is_admin=is_admin(interaction))
            await self.answer(interaction, press)

    async def answer(self, interaction: discord.Interaction, work: Work[View]) -> None:
        """Say that it was heard, do it, and show what came of it: in place of what stood there, if that was private.

        What Discord does not let us acknowledge is not done: the member is told by Discord that it failed.
        """
        if await _taken(interaction, _acknowledged(interaction)):
            await self._shown(interaction, await _done(interaction, work))

    async def _open(self, interaction: discord.Interaction, action: str) -> None:
        """Show the form, or the view that says why there is none."""
        opened = await _done(interaction, partial(self._form, action))
        if isinstance(opened, Form):
            await _taken(interaction, interaction.response.send_modal(forms.modal(opened)))
        elif await _taken(interaction, _acknowledged(interaction)):
            await self._shown(interaction, opened)

    async def _form(self, action: str, member: Member, *, room: Room | None = None) -> Form | View:
        try:
            async with asyncio.timeout(FORM_WAIT_S):
                return await self._core.commands.form(action, member, room=room)
        except TimeoutError:
            _log.warning("form.late", waited_s=FORM_WAIT_S)
            return SLOW

    async def _shown(self, interaction: discord.Interaction, view: View) -> None:
        """Show it, or that it cannot be shown: Discord would say for ever that we are thinking."""
        if not await _taken(interaction, self._show(interaction, view)):
            await _taken(interaction, self._show(interaction, UNSHOWN))

    async def _show(self, interaction: discord.Interaction, view: View) -> None:
        """Fill the reply; if it was deleted meanwhile, begin another one."""
        view = views.within(view, most_bytes=interaction.filesize_limit)
        drawn = self._adapter.drawn(view)
        try:
            await interaction.edit_original_response(content=None, attachments=views.files(view), **drawn)
        except discord.NotFound as error:
            if error.code != GONE:
                raise
            shown = {name: part for name, part in drawn.items() if part is not None}
            await interaction.followup.send(ephemeral=True, files=views.files(view), **shown)


def is_admin(interaction: discord.Interaction) -> IsAdmin:
    """Whether Discord says with an interaction that whoever makes it manages the server, and that we are in it."""

    async def manages() -> bool:
        may = interaction.permissions
        return interaction.is_guild_integration() and (may.manage_guild or may.administrator)

    return manages


async def _acknowledged(interaction: discord.Interaction) -> None:
    """Take up to fifteen minutes; what is shown then is seen by the member alone, whoever sees what was pressed."""
    if _is_private(interaction):
        await interaction.response.defer()
    else:
        await interaction.response.defer(ephemeral=True, thinking=True)


def _is_private(interaction: discord.Interaction) -> bool:
    """Whether what was pressed is a message that nobody else sees."""
    shown, where = interaction.message, translate.asked_in(interaction)
    return shown is not None and (shown.flags.ephemeral or (where is not None and where.kind == "direct"))


async def _done(interaction: discord.Interaction, work: Work[T_co]) -> T_co | View:
    """What comes of it, or an honest sentence."""
    try:
        return await work(translate.member(interaction.user), room=translate.asked_in(interaction))
    except errors.BotError as error:
        _log.error("command.failed", error=type(error).__name__, why=str(error))
        return View(text=error.for_member)
    except Exception as error:  # noqa: BLE001 - the outer edge: above is the host's command tree
        _log.error("command.failed", error=type(error).__name__, why="")
        return View(text=errors.BotError.for_member)


async def _taken(interaction: discord.Interaction, response: Awaitable[object]) -> bool:
    """Whether Discord took a response."""
    try:
        await called(response)
    except Exception as error:  # noqa: BLE001 - the outer edge, as above
        why = str(error) if isinstance(error, errors.BotError) else ""
        _log.warning("interaction.not_answered", kind=interaction.type.name, error=type(error).__name__, why=why)
        return False
    return True
