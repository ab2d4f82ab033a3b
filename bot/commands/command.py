"""What a verb is: a name, a line of help, and functions from what a member asked to what they see."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import consent
from bot.consent import Default
from bot.messages import Member, Platform, Room, TenantId
from bot.ports import Away, Clock
from bot.store import members, retention
from bot.store.engine import Store
from bot.store.usage import Purpose
from bot.views import Form, View
from persona.ports import Transaction
from persona.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the verbs of admins work with besides."""

    admins: Collection[str]
    """Who is one wherever they are, as platform and id: `slack:U123`."""
    adapters: Collection[Platform]
    """What is connected now."""
    models: Mapping[Purpose, str]
    """Which model is asked for what."""
    monthly: int | None
    """The installation's budget for each tenant and month, in micro-dollars."""
    purge: Callable[[TenantId, datetime], Awaitable[bool]]
    """Erases what was said in a tenant, and all that was learned from it; False if it did since that moment."""
    away: Callable[[], Mapping[Purpose, Away]] = dict
    """Which of the models are away now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What verbs work with."""

    store: Store
    schema: Schema
    default: Default
    clock: Clock
    office: Office
    message_retention: timedelta
    """How long the text of learned messages is kept."""
    reply_retention: timedelta = retention.REPLY_LIFE
    departed_retention: timedelta = timedelta(days=30)
    silent_after: timedelta = timedelta(days=365)
    """After which a member who says nothing counts as one who left."""


OUTDATED = View(text="This button is from an older version of mine. `/persona help` shows what there is now.")
"""What is shown when nothing answers to an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a member asks of a verb, by typing or pressing."""

    member: Member
    words: str = ""
    """What was typed after the verb, or what stands after it in a button's action; trimmed."""
    room: Room | None = None
    """Where it was asked, if the platform says so."""

    @property
    def tenant(self) -> TenantId:
        """The tenant it was asked in: if the platform does not say, the one the member's account lives in."""
        return self.member.tenant if self.room is None else self.room.tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One verb. Whatever it shows is for the member alone who asked, and about nobody else."""

    name: str
    usage: str
    """What is typed after `/persona` or `/persona-admin`, e.g. `forget <field|all>`."""
    summary: str
    words: str = ""
    """What the words after the verb may be, for platforms that ask for them."""
    run: Callable[[Context, Asked], Awaitable[View]]
    """Typed."""
    press: Callable[[Context, Asked], Awaitable[View]] | None = None
    """One of its buttons was pressed; the words are what follows `<name>:` in the action."""
    form: Callable[[Context, Asked], Awaitable[Form | View]] | None = None
    """Likewise for an action that begins with `form:<name>:`; a view says why there is no form."""
    fill: Callable[[Context, Asked, Mapping[str, str]], Awaitable[View]] | None = None
    """Its form was filled in, with an answer for each input that was not left empty."""
    is_listed: bool = True
    """Whether it is typed at all, and not only pressed."""


async def holding(transaction: Transaction, *, context: Context, asked: Asked) -> consent.Holding:
    """What holds for everybody where a verb is asked."""
    return await consent.holding(transaction, asked.tenant, context.default)


async def decided(
    transaction: Transaction, *, context: Context, asked: Asked
) -> tuple[members.Consent, consent.Holding]:
    """What whoever asks decided, and what holds for everybody."""
    decision = await members.consent(transaction, asked.member.key)
    return decision, await holding(transaction, context=context, asked=asked)
