"""What a member is shown for a command, wherever they see it: to be read, pressed, opened and filled in."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

PREFIX = "rapport:"

Kind: TypeAlias = Literal["run", "press", "form", "fill"]
Did: TypeAlias = set[tuple[str, Kind]]
"""Which functions of which verbs a member used: what was sent says so, not the test."""


class Panel(Protocol):
    """What one member is shown, as it stands now."""

    @property
    def text(self) -> str:
        """All that can be read in it."""
        ...

    @property
    def labels(self) -> list[str]:
        """What its buttons say."""
        ...

    @property
    def lines(self) -> list[str]:
        """What its lines say that open more."""
        ...

    @property
    def standing(self) -> dict[str, str]:
        """What stands in each input of the form that is open."""
        ...

    async def press(self, label: str) -> None:
        """Press the button that says this."""
        ...

    async def open(self, line: str) -> None:
        """Open more about the first line that begins so."""
        ...

    async def fill(self, **answers: str) -> None:
        """Send the form that is open, with these answers in the order of its inputs."""
        ...


def done(action: str) -> tuple[str, Kind]:
    """What an action does."""
    verb = action.removeprefix("form:").partition(":")[0]
    return verb, "form" if action.startswith("form:") else "press"
