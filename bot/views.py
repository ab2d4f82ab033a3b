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
    action: str = ""
    """What opens more about it, and what can be done with it; nothing if there is no more. As of `Button.action`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines under a heading."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press."""

    action: str
    """What comes back to `Commands.press`: a verb, and after a colon whatever that verb needs. At most 80 characters.
    One that begins with `FORM` is answered by a form, which platforms want at once."""
    label: str
    is_primary: bool = False
    is_danger: bool = False
    """Whether it destroys something; drawn so, never as the first."""


FORM = "form:"
"""What the action of a button begins with that opens a form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One thing to fill in."""

    name: str
    """What its answer comes back under."""
    label: str
    """At most 45 characters."""
    value: str = ""
    """What stands there already."""
    hint: str = ""
    """Shown while it is empty, at most 100 characters."""
    choices: tuple[str, ...] = ()
    """If there are any, one of these is picked; at most 25."""
    max_chars: int = 200
    is_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a member fills in; the answers come back to `Commands.fill` with `action`."""

    action: str
    """As of `Button.action`."""
    title: str
    """At most 24 characters."""
    text: str = ""
    """A sentence over the inputs."""
    inputs: tuple[Input, ...]
    """At most five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Something to keep, such as an export."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one member sees, alone."""

    text: str
    """One or a few sentences; enough by themselves where nothing else can be drawn."""
    sections: tuple[Section, ...] = ()
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    """At most ten."""
    files: tuple[File, ...] = ()
    """For the member alone, like everything here; an adapter that cannot attach them sends them in a direct message."""
