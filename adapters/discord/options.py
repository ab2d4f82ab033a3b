"""What a verb takes, read from its usage, as the options of a slash command; and what was given, as words again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.commands.command import Command

CHOICE = "choice"
"""The name of an option that takes one of a few words."""

FIELD = "field"
"""The name of an option that takes the name of a field."""

NAMES = frozenset({FIELD, "section", "fact", "id", "value", "words", "page", "code", "amount"})
"""What stands in a usage for something else; every other word is typed as it is, such as `all`."""

_ARGUMENT = re.compile(r"<([^<>]+)>|\[([^\[\]]+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing to type or pick after a verb."""

    name: str
    is_required: bool
    choices: tuple[str, ...] = ()
    """If there are any, nothing else is taken."""
    lead: str = ""
    """What is typed before it, such as the `page` of `[page N]`."""
    others: tuple[str, ...] = ()
    """Words to type as they are that it takes besides what its name says, such as `all`."""


def read(command: Command) -> tuple[Option, ...]:
    """The options of a verb in the order of its usage: `<fact>` is required, `[page]` is not.

    One of several words is a choice between them, such as `[on|off]`; `<field|id|all>` is a field, an id, or that word;
    `[page N]` is a page, typed after that word.
    """
    return tuple(
        _option((needed or wanted).split("|"), is_required=bool(needed))
        for needed, wanted in _ARGUMENT.findall(command.usage)
    )


def words(options: Sequence[Option], given: Mapping[str, str | None]) -> str:
    """What a member would have typed. The name of a field is one word, so that what follows it stands apart."""
    typed = []
    for option in options:
        text = " ".join((given.get(option.name) or "").split())
        is_followed = option.name == FIELD and option is not options[-1]
        typed += [option.lead, text.replace(" ", "_") if is_followed else text] if text else []
    return " ".join(word for word in typed if word)


def _option(names: list[str], *, is_required: bool) -> Option:
    literal = tuple(name for name in names if name not in NAMES)
    if len(literal) == len(names) > 1:
        return Option(name=CHOICE, is_required=is_required, choices=literal)
    name, _, follows = names[0].partition(" ")
    others = tuple(word for word in literal if word != names[0])
    return Option(name=name, is_required=is_required, lead=name if follows else "", others=others)
