"""What a command shows: plain data that every adapter draws in its platform's own way."""

from dataclasses import dataclass

from bot.messages import MessageId, RoomId, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The message something rests on; an adapter turns it into a link where the platform has links."""

    tenant: TenantId
    room: RoomId
    message: MessageId
    quote: str
    """The words in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing, and what is to be said about it."""

    text: str
    note: str = ""
    """Smaller and after the text: dates, who may know."""
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines under a heading."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press. `action` comes back to `Commands.press`."""

    action: str
    label: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one member sees, alone."""

    text: str
    """One or a few sentences; enough by themselves where nothing else can be drawn."""
    sections: tuple[Section, ...] = ()
    footer: str = ""
    buttons: tuple[Button, ...] = ()
