"""`/persona-admin purge`: erase what was said here and all that was learned from it, in two steps."""

from datetime import timedelta

from bot.binding import bound
from bot.commands.command import OUTDATED, Asked, Command, Context
from bot.views import Button, Line, Section, View
from persona.moments import from_micros, to_micros

VALID = timedelta(minutes=5)
"""How long the button does it."""

_GOES = (
    "everything I learned from what members said here, with their words and its history",
    "the text of messages and replies that I still keep; the posts themselves stay on the platform",
    "what was refused, what is out to be learned, and whom the rows of the audit log and of usage are about",
)
_STAYS = (
    "what each member decided about being remembered, and had forgotten before: that is theirs",
    "what the models cost, for the budget; what admins decided; the rows of the audit log, which hold no values",
    "what members said elsewhere, and, on Discord, backups of the database: those are for whoever runs me to erase",
)
_LATE = View(
    text="That button is older than five minutes, so I erased nothing. `/persona-admin purge` shows a new one."
)
_ANOTHERS = View(
    text="That button was shown to somebody else, so I erased nothing. `/persona-admin purge` shows yours."
)
_DONE_BEFORE = View(text="That was done already. `/persona-admin purge` shows a new button.")


async def run(context: Context, asked: Asked) -> View:
    """Say what would go and what would stay, with the button that does it."""
    moment = to_micros(context.clock.now())
    return View(
        text="This cannot be undone. Nobody here is told, and members I remember are strangers to me afterwards.",
        sections=(_section("Goes", _GOES), _section("Stays", _STAYS)),
        footer=f"The button is for you alone, once, within {VALID.seconds // 60} minutes.",
        buttons=(
            Button(action=f"admin:purge:{moment}.{_digest(asked, moment)}", label="Erase all of it", is_danger=True),
        ),
    )


async def press(context: Context, asked: Asked) -> View:
    """Do it, if this is the button of whoever presses it, here, and young enough."""
    shown, _, digest = asked.words.partition(".")
    if not (shown.isdecimal() and shown.isascii() and len(shown) <= 16):
        return OUTDATED
    moment = int(shown)
    if digest != _digest(asked, moment):
        return _ANOTHERS
    if context.clock.now() - from_micros(moment) > VALID:
        return _LATE
    if not await context.office.purge(asked.tenant, from_micros(moment)):
        return _DONE_BEFORE
    return View(text="It is gone.", sections=(_section("Gone", _GOES), _section("Stays", _STAYS)))


def _section(title: str, texts: tuple[str, ...]) -> Section:
    return Section(title=title, lines=tuple(Line(text=text) for text in texts))


def _digest(asked: Asked, moment: int) -> str:
    """What binds a button to who asked for it, where and when."""
    return bound("purge", asked.tenant, asked.member.tenant, asked.member.id, str(moment))


COMMAND = Command(
    name="purge",
    usage="purge",
    summary="erase what was said here and all I learned from it; asks before it does",
    run=run,
    press=press,
)
