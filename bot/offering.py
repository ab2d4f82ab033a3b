"""Offering an answer in private: somebody asks in front of others what I may only use with them alone.

The answer that everybody reads was written before, without knowing of it, and nothing here runs in the room's lane:
neither its words nor its pace tell whether there is something to offer (decision 0017).
"""

from functools import partial

import structlog

from bot import consent, language
from bot.messages import Message
from bot.outcomes import Tell
from bot.ports import Clock
from bot.store import members, offers
from bot.store.engine import Store
from bot.views import Button, View
from bot.wording import wording
from persona import relevance
from persona import store as personas
from persona.audience import known_in
from persona.canonical import comparable, typed
from persona.persona import Fact
from persona.ports import Transaction
from persona.schema import Schema

_log = structlog.get_logger(__name__)


class Offers:
    """Tells members in private that a direct message would get them a better answer: once a day, and no facts."""

    def __init__(self, *, store: Store, schema: Schema, default: consent.Default, clock: Clock, tell: Tell) -> None:
        self._store = store
        self._schema = schema
        self._default = default
        self._clock = clock
        self._tell = tell

    async def consider(self, message: Message) -> None:
        """Offer it, if something that this room may not know bears on the question. Records trouble, raises nothing."""
        try:
            if not is_question(message.text) or not await self._store.read(partial(self._has_more, message=message)):
                return
            take = partial(offers.take, member=message.author.key, now=self._clock.now())
            if await self._store.write(take):
                await self._tell(message.room, message.author, _offer(message))
        except Exception as error:  # noqa: BLE001 - the outer edge: nobody waits for an offer, and a lane goes on
            _log.warning("offer.failed", reference=message.reference, error=type(error).__name__)

    async def _has_more(self, transaction: Transaction, *, message: Message) -> bool:
        """Whether the member's facts that this room may not know share words with what they ask."""
        member, known = message.author.key, known_in(message.room.place)
        held = await consent.holding(transaction, message.room.tenant, self._default)
        if known is None or not held.is_on(await members.consent(transaction, member)):
            return False
        persona = await personas.read(transaction, member, at=self._clock.now())
        told = {_said(fact) for fact in persona.current if fact.audience in known}
        asked = relevance.words(" ".join(typed(message.text)))
        return any(
            bool(self._words(fact) & asked)
            for fact in persona.current
            if fact.audience not in known and _said(fact) not in told
        )

    def _words(self, fact: Fact) -> frozenset[str]:
        field = self._schema.by_name.get(fact.field)
        if field is None or field.special:  # not even a hint of those leaves the direct message
            return frozenset()
        return relevance.words(f"{field.label} {fact.value}")


def is_question(text: str) -> bool:
    """Whether something is asked, as far as a question mark tells: statements need no better answer."""
    return any(mark in passage for passage in typed(text) for mark in ("?", "？", "؟"))


def _said(fact: Fact) -> tuple[str, str]:
    return fact.field, comparable(fact.value)


def _offer(message: Message) -> View:
    spoken = language.of(locale=None, text=message.text)
    return View(
        text=wording("offer", spoken),
        buttons=(Button(action="offers:off", label=wording("offer_no", spoken)),),
    )
