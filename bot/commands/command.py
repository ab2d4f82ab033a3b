"""What a verb is: a name, a line of help, and a function from a request to a view."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.consent import Default
from bot.messages import Member
from bot.ports import Clock
from bot.store.engine import Store
from bot.views import View
from persona.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What verbs work with."""

    store: Store
    schema: Schema
    default: Default
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One verb."""

    name: str
    usage: str
    """What is typed after `/persona`, e.g. `forget <field|all>`."""
    summary: str
    words: str = ""
    """What the words after the verb may be, for platforms that ask for them."""
    run: Callable[[Context, Member, str], Awaitable[View]]
    """Gets the words after the verb, trimmed. The view is for this member alone."""
