"""The Home tab: the member's persona with its buttons, switches and usage, drawn anew when something changed."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import structlog

from adapters.slack.modals import Origin
from adapters.slack.surfaces import Workspace
from adapters.slack.views import Block
from bot import errors
from bot.commands.registry import Commands
from bot.messages import Member, TenantId
from bot.views import Form, View

MAX_BLOCKS = 100
"""Slack takes no more on a Home tab."""

MAX_ANSWER_BLOCKS = 30
"""Of them, what a button pressed there shows; the rest is shared by what always stands there."""

_log = structlog.get_logger(__name__)


class Home:
    """Publishes members' Home tabs."""

    def __init__(self, workspace: Workspace, commands: Commands) -> None:
        self._workspace = workspace
        self._commands = commands
        self._drawing: WeakValueDictionary[Member, asyncio.Lock] = WeakValueDictionary()
        """One at a time for each member, or what was read first could be published last."""

    async def publish(
        self,
        member: Member,
        tenant: TenantId,
        *,
        answer: View | None = None,
        standing: Mapping[str, Any] | None = None,
    ) -> None:
        """Draw the Home tab, `answer` on top of it. If it is what stands there already, nothing is sent.

        Slack hands us what stands there with each event, and that carries its own digest: nobody has to remember it.
        """
        async with self._drawing.setdefault(member, asyncio.Lock()):
            pages = await self._pages(member, tenant)
            blocks = self._blocks(pages, None if answer in pages else answer)  # nothing stands there twice
            digest = hashlib.sha256(json.dumps(blocks).encode()).hexdigest()
            if standing is not None and standing.get("private_metadata") == digest:
                return
            view = {"type": "home", "private_metadata": digest, "blocks": blocks}
            await self._workspace.done(
                lambda: self._workspace.client.views_publish(user_id=member.id, view=view), "home.not_published"
            )

    async def _pages(self, member: Member, tenant: TenantId) -> Sequence[View]:
        try:
            return await self._commands.home(member, tenant=tenant)
        except errors.BotError as error:
            _log.error("command.failed", error=type(error).__name__, why=str(error))
            return [View(text=error.for_member)]

    def _blocks(self, pages: Sequence[View], answer: View | None) -> list[Block]:
        draw, divider = self._workspace.adapter.blocks, {"type": "divider"}
        over = [] if answer is None else [*draw(answer, most=MAX_ANSWER_BLOCKS - 1), divider]
        most = (MAX_BLOCKS - MAX_ANSWER_BLOCKS) // len(pages) - 1  # and a divider
        below = [block for page in pages for block in (divider, *draw(page, most=most))]
        return [*over, *below[1:]]


class InHome:
    """See `Surface`: a button on the Home tab, where there is no address to answer to."""

    def __init__(self, workspace: Workspace, home: Home, *, member: Member, tenant: TenantId, trigger: str) -> None:
        self.origin = Origin(is_home=True)
        self._workspace = workspace
        self._home = home
        self._member = member
        self._tenant = tenant
        self._trigger = trigger

    async def show(self, view: View) -> None:
        """See `Surface.show`: on top of the Home tab, whose rest is drawn as it is after the press."""
        await self._home.publish(self._member, self._tenant, answer=view)

    async def open(self, form: Form) -> None:
        """See `Surface.open`."""
        if why_not := await self._workspace.opened(form, trigger=self._trigger, origin=self.origin):
            await self.show(why_not)
