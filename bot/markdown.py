"""Cutting Markdown into pieces a platform takes, with no code fence left open."""

import re
import unicodedata
from collections.abc import Callable

_FENCE = re.compile(r"[ ]{0,3}(?P<mark>`{3,12}|~{3,12})(?P<info>[^`]{0,40})")


def split(text: str, limit: int, *, length: Callable[[str], int] = len) -> list[str]:
    """Cut `text` into pieces of at most `limit`, in order, preferably between lines, then between words.

    A fence that is cut is closed at the end of its piece and opened again, with its language, in the next. `length`
    measures a line as the platform will count it, or more; a piece is as long as its lines with a character between.
    """
    splitter = _Splitter(limit, length)
    for line in text.split("\n"):
        splitter.add(line)
    return splitter.finish() or [text]


def fence_after(fence: str, line: str) -> str:
    """The opening line of the code fence one is in after `line`, or nothing; `fence` is the one before it."""
    found = _FENCE.fullmatch(line.rstrip())
    if found is None:
        return fence
    if not fence:
        return line.strip()
    is_end = not found["info"].strip() and found["mark"].startswith(_mark(fence))
    return "" if is_end else fence


class _Splitter:
    def __init__(self, limit: int, length: Callable[[str], int]) -> None:
        self._limit = limit
        self._length = length
        self._pieces: list[str] = []
        self._lines: list[str] = []
        self._used = 0
        self._fence = ""
        self._has_just_opened = False
        self._own = 0
        """Lines of the open piece that are not a fence opened again."""

    def add(self, line: str) -> None:
        following = fence_after(self._fence, line)
        if following != self._fence:
            line = line.rstrip()  # a fence is never cut, so it must not be long
        while self._left(following) < self._length(line):
            if self._own == 0 and following == self._fence:
                cut = _cut(line, self._left(following), self._length)
                self._append(line[:cut].rstrip(), following)
                line = line[cut:].lstrip()
            self._end()
        self._append(line, following)

    def finish(self) -> list[str]:
        self._end()
        return [piece for piece in self._pieces if piece.strip()]

    def _left(self, fence: str) -> int:
        """What a line may still measure if the piece then has to close `fence`."""
        return self._limit - self._used - (self._length(_mark(fence)) + 1 if fence else 0)

    def _append(self, line: str, following: str) -> None:
        self._has_just_opened = bool(following) and not self._fence
        self._fence = following
        self._lines.append(line)
        self._own += 1
        self._used += self._length(line) + 1

    def _end(self) -> None:
        """Close the piece; a fence that has only just begun is left to the next."""
        lines = self._lines[:-1] if self._has_just_opened else self._lines
        closing = [_mark(self._fence)] if self._fence and not self._has_just_opened else []
        self._pieces.append("\n".join([*lines, *closing]))
        self._lines = [self._fence] if self._fence else []
        self._used = sum(self._length(line) + 1 for line in self._lines)
        self._own, self._has_just_opened = 0, False


def _mark(fence: str) -> str:
    found = _FENCE.fullmatch(fence)
    return found["mark"] if found else ""


def _cut(line: str, limit: int, length: Callable[[str], int]) -> int:
    """Where to cut a line so that its beginning fits: after the last space, if that leaves not too little."""
    low, high = 1, min(len(line), max(limit, 1))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if length(line[:middle]) <= limit else (low, middle - 1)
    space = line.rfind(" ", 1, low + 1)
    return space if space > low // 2 else _between_characters(line, low)


def _between_characters(line: str, at: int) -> int:
    """The last place up to `at` that does not tear what is one character to a reader: accents, flags, families."""
    for place in range(at, max(0, at - 30), -1):
        after, before = line[place : place + 1], line[place - 1]
        is_joined = before == "\u200d" or (after and unicodedata.category(after) in {"Mn", "Me", "Cf"})
        if not is_joined and not "\U0001f3fb" <= after <= "\U0001f3ff" and not _is_flag_half(line, place):
            return place
    return at


def _is_flag_half(line: str, place: int) -> bool:
    """Whether an odd number of regional letters stands before `place` and another one after it."""
    run = 0
    while place - run > 0 and "\U0001f1e6" <= line[place - run - 1] <= "\U0001f1ff":
        run += 1
    return run % 2 == 1 and "\U0001f1e6" <= line[place : place + 1] <= "\U0001f1ff"
