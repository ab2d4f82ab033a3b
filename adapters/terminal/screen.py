"""Where lines come from and replies go: a pipe here; `rich_screen` is the one for people."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TextIO

from bot.messages import clean

PIECE_BYTES = 65_536
"""What a pipe holds on Linux."""


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
        self._source = _Lines(source)
        self._target = target

    async def read(self, who: str, where: str) -> str | None:
        """See `Screen.read`."""
        line = await self._source.next()
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


class _Lines:
    """The lines of a stream, waited for in the event loop.

    A thread that reads would do, were it not for Ctrl-C: nothing ends such a thread but another line, and the
    interpreter waits for it, or dies of the lock it holds.
    """

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._read = b""

    async def next(self) -> str:
        """The next line; without a line break only at the end of input, where it may be empty."""
        try:
            descriptor = self._source.fileno()
        except OSError:  # it is in memory
            return self._source.readline()
        while b"\n" not in self._read and (piece := await _piece(descriptor)):
            self._read += piece
        line, newline, self._read = self._read.partition(b"\n")
        return (line + newline).decode(errors="replace")


async def _piece(descriptor: int) -> bytes:
    """What there is to read, once there is something; nothing at the end of input."""
    loop, is_ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, is_ready.set)
    except (OSError, NotImplementedError):  # a file, which never lets anybody wait, or Windows, which cannot do this
        return await asyncio.to_thread(os.read, descriptor, PIECE_BYTES)
    try:
        await is_ready.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, PIECE_BYTES)


def for_process() -> Screen:
    """The screen of this process: a rich one if a person sits at both ends."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from adapters.terminal.rich_screen import RichScreen  # noqa: PLC0415 - a pipe needs none of it

        return RichScreen()
    return PlainScreen(sys.stdin, sys.stdout)
