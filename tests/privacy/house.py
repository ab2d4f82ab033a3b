"""A whole core with a platform of its own: rooms are of the kind a test says they are, and posts are kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot import errors, settings
from bot.core import Core
from bot.messages import Accepted, Member, Message, MessageId, Platform, Room
from bot.models import anthropic_requests
from bot.ports import History, Model, Post
from bot.prompt import Prompt
from bot.responder import Responder, _Turn
from bot.store.engine import Store
from bot.views import View
from bot.wiring import open_core
from persona import schema
from persona.audience import RoomKind
from tests.clock import StillClock

SCHEMA = schema.load()
ANSWERS = "claude-sonnet-5-5"


class Rooms:
    """A platform with nothing but rooms. See `bot.ports.Adapter`."""

    platform: Platform = "slack"
    grow_every_s: float | None = None
    lag_s = 0.0
    streams = ("paper",)

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, str], RoomKind] = {}
        """Who can read in each channel of each tenant now; external where nothing is known."""
        self.posts: list[Post] = []
        self.told: list[tuple[Room, Member, View]] = []
        self.is_reachable = True

    def serves(self, room: Room) -> bool:
        return True

    async def classified(self, room: Room) -> Room:
        return replace(room, kind=self.kinds.get((room.tenant, room.channel), "external"))

    def parts(self, text: str) -> list[str]:
        return [text]

    async def post(self, post: Post) -> str:
        self.posts.append(post)
        return f"{post.answer}.{post.part}"

    async def edit(self, post: Post, post_id: str) -> str:
        self.posts.append(post)
        return post_id

    async def remove(self, post: Post, post_id: str) -> None:
        raise AssertionError(post_id)

    async def find(self, post: Post) -> str | None:
        return next((f"{post.answer}.{post.part}" for one in self.posts if one.answer == post.answer), None)

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        yield

    async def locale(self, member: Member) -> str | None:
        return None

    def listed_in(self, room: Room, message: MessageId) -> Room:
        return room

    async def hears(self) -> bool:
        return True

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        return list(known)

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        return None

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        if not self.is_reachable:
            raise errors.PlatformUnreachableError
        self.told.append((room, member, view))
        return True


class House:
    """A core, and the platform its members are on."""

    def __init__(self, core: Core, clock: StillClock) -> None:
        self.core, self.store, self.clock, self.model, self.lanes = core, core.store, clock, core.model, core.lanes
        self.intake, self.commands = core.intake, core.commands
        self.learning, self.tidying, self.special = core.learning, core.tidying, core.special
        self.rooms = Rooms()
        core.adapters["slack"] = self.rooms
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        database: Path,
        clock: StillClock,
        *,
        model: Model | None = None,
        around: Callable[[Store], Store] | None = None,
        claude: str | None = None,
        categories: str = "",
        **more: str,
    ) -> AsyncIterator[House]:
        """A house on a database, with a model or the address of one; who decided nothing is remembered in it.

        `categories` are the special ones that its members may agree to, `more` other settings.
        """
        values: dict[str, Any] = {"database_url": f"sqlite:///{database}", "persona_consent": "on", **more}
        values["special_categories"] = categories
        if claude is not None:
            values |= {"anthropic_api_key": "test-key", "anthropic_base_url": claude}
        loaded = settings.load(**values)
        async with open_core(loaded, clock=clock, model=model, around=around) as core:
            await core.model.warm()
            yield cls(core, clock)

    def message(self, author: Member, room: Room, text: str) -> Message:
        """Something that is said now."""
        self._count += 1
        self.clock.advance(seconds=1)
        return Message(id=MessageId(f"{self._count}.0"), room=room, author=author, text=text, said_at=self.clock.now())

    async def turn(self, accepted: Accepted) -> _Turn:
        """Everything one turn needs, read as the responder reads it, in the room as it is now."""
        room = await self.rooms.classified(accepted.room)
        responder: Responder = self.intake._answer.__self__  # type: ignore[attr-defined]  # a method of it
        turn = await self.store.write(partial(responder._begin, accepted=replace(accepted, room=room)))
        assert isinstance(turn, _Turn)
        return turn


def wire(prompt: Prompt) -> str:
    """What is sent to the model for a prompt."""
    return json.dumps(anthropic_requests.answer(prompt, ANSWERS), ensure_ascii=False)
