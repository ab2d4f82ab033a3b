"""Answers commands that were said instead of typed, to the member alone, on every platform."""

from dataclasses import replace

import structlog

from bot import errors, spoken
from bot.commands.registry import COMMANDS, PREFIX, Commands
from bot.delivery import Delivery
from bot.messages import Message
from bot.ports import Post
from bot.views import View

NO_PRIVATE_WAY = (
    f"That is for you alone, and I have no way to show you something alone here. Type `{PREFIX}` instead: what that"
    " shows, only you see."
)

_log = structlog.get_logger(__name__)


class Spoken:
    """See `answer`."""

    def __init__(self, commands: Commands, delivery: Delivery) -> None:
        self._commands = commands
        self._delivery = delivery

    async def answer(self, message: Message) -> None:
        """Run the command in a message and show what it shows to its author alone. Does not raise."""
        try:
            await self._answer(message)
        except Exception as error:  # noqa: BLE001 - the outer edge: the next message is another one
            why = str(error) if isinstance(error, errors.BotError) else ""
            _log.error("command.failed", reference=message.reference, error=type(error).__name__, why=why)

    async def _answer(self, message: Message) -> None:
        adapter = self._delivery.adapter(message.room)
        room = await adapter.classified(message.room)
        try:
            view = await self._commands.run(spoken.words(message.text, COMMANDS) or "", message.author, room=room)
        except errors.BotError as error:
            _log.error("command.failed", reference=message.reference, error=type(error).__name__, why=str(error))
            view = View(text=error.for_member)
        # A thread that would begin with this message is none yet, and Slack shows nothing private in it.
        where = replace(room, thread=None) if room.thread == message.id else room
        if not await adapter.notify(where, message.author, view):
            post = Post(room=room, answer=message.answer, part=0, text=NO_PRIVATE_WAY, reply_to=message.id)
            await adapter.post(post)
