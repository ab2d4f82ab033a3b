"""The points that are seen on the wire alone (reliability B.1): a twin kills whom it talks to, at a certain byte."""

import asyncio
from collections.abc import Callable
from typing import Literal

WIRE = ("K3", "K5", "K8")
"""After the acknowledgement; in the middle of the model's stream; when a post has been taken and nobody is told."""


class Trap(asyncio.Event):
    """Springs when a twin waits for it the `nth` time, instead of making it wait."""

    def __init__(self, spring: Callable[[], None], *, nth: int = 1) -> None:
        super().__init__()
        self._spring = spring
        self.nth = nth
        self._left = nth

    @property
    def has_sprung(self) -> bool:
        """Whether what it was set for has happened."""
        return self._left <= 0

    def disarm(self) -> None:
        """Let it never spring any more."""
        self._spring = lambda: None

    async def wait(self) -> Literal[True]:
        """Spring, if it is time to."""
        self._left -= 1
        if self._left == 0:
            self._spring()
        return True
