"""Where lines come from and replies go: a pipe here; `rich_screen` is the one for people."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TextIO

from bot.messages import clean


class Screen(Protocol):
    """What the terminal needs of a screen."""

    async def read(self, who: str, where: str) -> str | None:
        """The next line typed, or None at the end of input."""
        ...

    def reply(self, where: str, text: str) -> None:
        """Show what Rapport says, in Markdown."""
        ...

    def lines(self, lines: Sequence[str]) -> None:
        """Show lines as they are."""
        ...

    def working(self) -> AbstractContextManager[object]:
        """Show that an answer is on its way."""
        ...


class PlainScreen:
    """Lines in, lines out: for pipes, scripts and terminals without powers. Echoes what it reads."""

    def __init__(self, source: TextIO, target: TextIO) -> None:
        for stream in (source, target):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="replace")
        self._source = source
        self._target = target

    async def read(self, who: str, where: str) -> str | None:
        """See `Screen.read`."""
        line = await asyncio.to_thread(self._source.readline)
        if not line:
            return None
        self.lines([f"{who} {where}> {line.rstrip()}"])
        return line

    def reply(self, where: str, text: str) -> None:
        """See `Screen.reply`."""
        self.lines([f"Rapport {where}: {text}"])

    def lines(self, lines: Sequence[str]) -> None:
        """See `Screen.lines`."""
        print(*map(clean, lines), sep="\n", file=self._target, flush=True)

    def working(self) -> AbstractContextManager[object]:
        """See `Screen.working`: a pipe sees only what is finished."""
        return nullcontext()


def for_process() -> Screen:
    """The screen of this process: a rich one if a person sits at both ends."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from adapters.terminal.rich_screen import RichScreen  # noqa: PLC0415 - a pipe needs none of it

        return RichScreen()
    return PlainScreen(sys.stdin, sys.stdout)
