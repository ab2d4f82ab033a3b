"""`/persona privacy`: on one screen what is kept, why, how long, who can see it, and how to get it out or erased."""

from datetime import timedelta

from bot.applying import MAX_PER_DAY
from bot.commands.command import Asked, Command, Context
from bot.store import retention
from bot.views import Button, Line, Section, View
from persona import audit, quarantine, special
from persona.consolidation import LIVES
from persona.sensitive import CATEGORIES


async def run(context: Context, asked: Asked) -> View:
    """Show it, with the numbers that hold here."""
    return View(
        text="I keep what you tell me about yourself, if you agree, to answer you better, and for nothing else.",
        sections=(
            Section(title="What, and how long", lines=tuple(_kept(context))),
            Section(title="Who can see it", lines=tuple(map(_line, _WHO))),
            Section(title="What you can do", lines=tuple(map(_line, _DO))),
        ),
        buttons=(Button(action="show::1", label="Show what is kept"),),
    )


def _line(text: str) -> Line:
    return Line(text=text)


def _kept(context: Context) -> list[Line]:
    fields = context.schema.agreed(()).fields
    lives = sorted({field.life_days for field in fields if field.life_days is not None})
    over = f"; not said again, a fact is over after {_span(timedelta(days=lives[0] * LIVES))}" if lives else ""
    upwards = " or more, by its field" if len(lives) > 1 else ""
    private = f", one from a private room after {_span(timedelta(days=lives[0]))}{upwards}" if lives else ""
    return [
        Line(text=f"facts, with the words they rest on: until you forget them{over}{upwards}{private}"),
        Line(text=f"your messages to me: {_span(context.message_retention)} once learned from"),
        Line(
            text=f"messages I could not learn from: {_span(retention.PARKED_LIFE)};"
            f" my replies: {_span(context.reply_retention)} after they were sent"
        ),
        Line(
            text=f"what only a closed room knew, and all of yours once you left or said nothing for"
            f" {_span(context.silent_after)}: {_span(context.departed_retention)}, unused"
        ),
        Line(text=f"that something was refused, and why, without your words: {_span(quarantine.LIFE)}"),
        Line(text=f"what answering you cost: {_span(retention.USAGE_LIFE)}"),
        Line(text=f"that something was learned, changed or forgotten, without any words of it: {_span(audit.LIFE)}"),
        *_agreed(context),
        Line(
            text=f"never: {', '.join(name for name in CATEGORIES if name not in context.schema.special)}; nor more than"
            f" {MAX_PER_DAY} facts from what you say in a day"
        ),
    ]


def _agreed(context: Context) -> list[Line]:
    categories = context.schema.special
    if not categories:
        return []
    return [
        Line(
            text=f"only if you agree to each, and only what you say of it in our direct message on Slack:"
            f" {', '.join(categories)}; {_span(special.LIFE)} at most, used nowhere else"
        )
    ]


_WHO = (
    "You see all of it; nobody can ask me for what another member told.",
    "A fact shapes my answers only where every reader may know it; `/persona why` says where, for each.",
    "What you write, and the facts that bear on it, go to the language model that writes my answers.",
    "Whoever runs me holds the database, in which your words are sealed, and its keys.",
)
_DO = (
    "`/persona export`: all of it as files",
    "`/persona forget`: one fact, a field, or all, for good; all takes what you wrote to me along",
    "`/persona consent`: pause, or stop and forget everything",
)


def _span(time: timedelta) -> str:
    """A span in the largest unit that names it exactly."""
    seconds = round(time.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}{'s' * (number != 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"


COMMAND = Command(name="privacy", usage="privacy", summary="what is kept, why, how long, and who can see it", run=run)
