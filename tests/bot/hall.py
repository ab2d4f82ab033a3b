"""A whole core that admins rule, on paper: members talk, admins decide, and everything that was asked can be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bot import settings
from bot.core import Core
from bot.messages import Member, Message, MessageId, Room
from bot.outcomes import Swept
from bot.prompt import Prompt
from bot.store import members
from bot.store.engine import Store
from bot.store.members import ConsentState
from bot.views import View
from bot.wiring import open_core
from persona import store as personas
from persona.ports import StructuredReply, StructuredRequest, Usage
from tests.bot.desk import SONNET, TENANT, Paper, room
from tests.clock import StillClock
from tests.models import ScriptedModel

BOSS = Member(tenant=TENANT, id="U0", name="Boss")
"""The one whom ADMIN_USER_IDS names."""


class Dear(ScriptedModel):
    """A model whose price is known: five cents an answer, or an update, unless told otherwise."""

    name = SONNET

    def __init__(self, *, tokens: int = 25_000) -> None:
        super().__init__()
        self.tokens = tokens

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        async for piece in super().answer(prompt):
            yield (
                Usage(model=self.name, input_tokens=self.tokens, output_tokens=0) if isinstance(piece, Usage) else piece
            )

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        reply = await super().propose(request)
        return StructuredReply(text=reply.text, usage=Usage(model=self.name, input_tokens=self.tokens, output_tokens=0))


def _loaded(database: Path, values: dict[str, Any]) -> settings.Settings:
    given = {"database_url": f"sqlite:///{database}", "admin_user_ids": "slack:U0", "persona_consent": "on"}
    return settings.load(**{**given, **values})


class Hall:
    """Open it with `opened`."""

    def __init__(self, core: Core, clock: StillClock, model: ScriptedModel) -> None:
        self.core, self.clock, self.model = core, clock, model
        self.store = core.store
        self.slack, self.discord = Paper("slack"), Paper("discord")
        core.adapters["slack"], core.adapters["discord"] = self.slack, self.discord

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        database: Path,
        clock: StillClock,
        model: ScriptedModel | None = None,
        *,
        around: Callable[[Store], Store] | None = None,
        **values: Any,
    ) -> AsyncIterator[Hall]:
        """With members who are remembered unless they say no, if `values` say nothing else."""
        model = model or ScriptedModel()
        async with open_core(_loaded(database, values), clock=clock, model=model, around=around) as core:
            yield cls(core, clock, model)

    @classmethod
    @asynccontextmanager
    async def connected(cls, database: Path, clock: StillClock, **values: Any) -> AsyncIterator[Hall]:
        """The same with the model that `values` name as settings do; `model` is then one that nobody asks."""
        async with open_core(_loaded(database, values), clock=clock) as core:
            yield cls(core, clock, ScriptedModel())

    async def rules(self, words: str, where: Room | None = None) -> View:
        """Let the admin type something after `/persona-admin`."""
        return await self.core.commands.administer(words, BOSS, room=where or room())

    async def presses(self, action: str, who: Member = BOSS, where: Room | None = None) -> View:
        return await self.core.commands.press(action, who, room=where or room())

    async def asks(self, who: Member, words: str, where: Room | None = None) -> View:
        """Let a member type something after `/persona`."""
        return await self.core.commands.run(words, who, room=where or room())

    async def says(self, who: Member, text: str, where: Room | None = None) -> str:
        """Say something to Rapport; what it replied."""
        message = await self.accepts(who, text, where)
        await self.core.lanes.drained()
        assert message is not None
        return self.slack.posted[-1][1]

    async def accepts(self, who: Member, text: str, where: Room | None = None) -> Message:
        """Say something and do not wait for the reply."""
        self.clock.advance(seconds=1)
        message = Message(
            id=MessageId(f"{self.clock.now().timestamp():.6f}"),
            room=where or room(),
            author=who,
            text=text,
            said_at=self.clock.now(),
        )
        assert await self.core.intake.accept(message)
        return message

    async def learns(self, update: str | None = None) -> Swept:
        """Let all that was said fall idle and be learned."""
        if update is not None:
            self.model.updates.append(update)
        self.clock.advance(hours=1)
        return await self.core.learning.sweep()

    async def facts(self, who: Member) -> list[str]:
        """What is known of a member."""
        persona = await self.store.read(partial(personas.read, member=who.key, at=self.clock.now()))
        return [f"{fact.field}: {fact.value}" for fact in persona.facts]

    async def decides(self, who: Member, state: ConsentState) -> None:
        await self.store.write(partial(members.set_consent, member=who.key, state=state, now=self.clock.now()))

    async def acts(self) -> list[tuple[str, str]]:
        """What the audit log says of the tenant: who did what, in order."""
        sql = "SELECT actor, action FROM audit WHERE tenant = :tenant ORDER BY number"
        rows = await self.store.read(lambda transaction: transaction.fetch(sql, tenant=TENANT))
        return [(row["actor"], row["action"]) for row in rows]

    def persona_in_prompt(self) -> str | None:
        """What the last prompt held of its asker."""
        return self.model.prompts[-1].persona
