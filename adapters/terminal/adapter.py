"""The terminal as an adapter: replies appear on the screen."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from adapters.terminal import files, views
from adapters.terminal.screen import Screen
from bot.messages import Member, Message, MessageId, Platform, Room
from bot.ports import History, Post
from bot.views import File, View


class TerminalAdapter:
    """See `bot.ports.Adapter`."""

    platform: Platform = "terminal"
    grow_every_s: float | None = None
    lag_s = 0.0
    streams = ("terminal",)

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.actions: tuple[str, ...] = ()
        """What was last offered to press, by its number from 1."""

    def serves(self, room: Room) -> bool:
        """There is one terminal."""
        return True

    async def classified(self, room: Room) -> Room:
        """Rooms here are what they are called."""
        return room

    def parts(self, text: str) -> list[str]:
        """A screen scrolls: one part."""
        return [text]

    async def post(self, post: Post) -> str:
        """Print the reply."""
        self._screen.reply(where(post.room), post.text)
        return f"{post.answer}.{post.part}"

    async def edit(self, post: Post, post_id: str) -> str:
        """Print it again: what stands on a screen cannot be changed."""
        self._screen.reply(where(post.room), post.text)
        return post_id

    async def remove(self, post: Post, post_id: str) -> None:
        """What stands on a screen stays there."""

    async def find(self, post: Post) -> str | None:
        """A screen remembers nothing."""
        return None

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        """Show that an answer is on its way."""
        with self._screen.working():
            yield

    async def locale(self, member: Member) -> str | None:
        """Whoever sits there can be anybody."""
        return None

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        """Show it to whoever sits there."""
        self.show(view)
        return True

    def listed_in(self, room: Room, message: MessageId) -> Room:
        """Where it was said."""
        return room

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        """Nothing can be deleted on a screen."""
        return None

    async def hears(self) -> bool:
        """Whoever types is heard."""
        return True

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        """Nothing is said while nobody runs it."""
        return []

    def show(self, view: View) -> None:
        """Print a view, remember what can be pressed, and write its files."""
        self.actions = views.actions(view) or self.actions
        self._screen.lines([*views.lines(view), *map(_written, view.files)])


def _written(file: File) -> str:
    """What became of a file."""
    try:
        return f"  Written to {files.write(file, Path.cwd())}"
    except OSError as error:
        return f"  {file.name} could not be written here ({error.strerror}); start me in a folder of yours."


def where(room: Room) -> str:
    """The room as people call it."""
    return "(direct message)" if room.kind == "direct" else f"#{room.channel}"
