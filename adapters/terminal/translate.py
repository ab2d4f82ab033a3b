"""What a typed line means. Pure: no screen, no store."""

import unicodedata
from dataclasses import dataclass

TENANT = "terminal:local"
MAX_NAME_CHARS = 40


@dataclass(frozen=True, slots=True)
class Say:
    """A message to Rapport."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeakAs:
    """Be another member."""

    name: str


@dataclass(frozen=True, slots=True)
class Enter:
    """Go to a room."""

    room: str


@dataclass(frozen=True, slots=True)
class Direct:
    """Go to the direct message of the member who speaks."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A `/persona` command, or one of `/persona-admin`."""

    words: str
    is_admins: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """Press a button shown before, by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class Idle:
    """Let time pass until conversations are idle, and learn from them."""


@dataclass(frozen=True, slots=True)
class Help:
    """List what can be typed."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that cannot be done, and what can."""

    why: str


Action = Say | SpeakAs | Enter | Direct | Persona | Press | Idle | Help | Quit | Mistake

COMMANDS = {
    "/as NAME": "speak as another member",
    "/room #NAME": "go to a public room",
    "/dm": "go to your direct message with Rapport",
    "/persona show": "what Rapport remembers about you; /persona help has the rest",
    "/persona-admin": "what an admin decides for everybody: consent, pause, purge, budget",
    "/idle": "let half an hour pass, so that Rapport learns from what was said",
    "/help": "this list",
    "/quit": "leave; everything is kept for next time",
}


def action(line: str) -> Action | None:
    """What a typed line means; None for an empty one."""
    line = line.strip()
    if not line.startswith("/"):
        return Say(line) if line else None
    verb, rest = (*line.split(maxsplit=1), "")[:2]
    match verb.lower():
        case "/as":
            return SpeakAs(rest) if _is_name(rest) else Mistake("Who? A name of letters and digits, such as /as Ana.")
        case "/room":
            room = rest.removeprefix("#")
            return (
                Enter(room) if _is_name(room) else Mistake("Which room? Write /room and a name, such as /room #team.")
            )
        case "/dm":
            return Direct()
        case "/persona" | "/persona-admin" as command:
            return Persona(rest, is_admins=command == "/persona-admin")
        case "/press":
            is_number = rest.isdecimal() and len(rest) < 4
            return Press(int(rest)) if is_number else Mistake("Which button? Write /press and its number.")
        case "/idle":
            return Idle()
        case "/help":
            return Help()
        case "/quit" | "/exit":
            return Quit()
        case _:
            return Mistake(f"There is no command {verb}. /help lists those there are.")


def _is_name(text: str) -> bool:
    """Letters and digits of any script, with what stands inside names."""
    return 0 < len(text) <= MAX_NAME_CHARS and all(
        char.isalnum() or char in " .'’-_" or unicodedata.category(char).startswith("M") for char in text
    )


def member_id(name: str) -> str:
    """The id of the member of that name: the same however it is cased."""
    return name.casefold()
