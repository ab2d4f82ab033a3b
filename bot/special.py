"""Special categories: asking a member once whether what they just said may be kept, and ending what is over.

Nothing here decides what is kept: the guard does, and the query that reads facts (persona.special).
"""

from datetime import datetime
from functools import partial

import structlog

from bot import agreements, consent, errors
from bot.applying import Terms
from bot.messages import Message
from bot.outcomes import Tell
from bot.ports import Clock
from bot.store import members
from bot.store.engine import Store
from bot.views import Button, View
from persona import audit, special
from persona.ports import Transaction
from persona.special import Agreement

AT_ONCE = 50
"""Agreements ended in one transaction: each may change a persona, and others want to write too."""

_log = structlog.get_logger(__name__)


class SpecialCategories:
    """Offers agreements, each category once, and ends them. Does nothing but end them where none is allowed."""

    def __init__(self, *, store: Store, terms: Terms, clock: Clock, tell: Tell) -> None:
        self._store = store
        self._terms = terms
        self._clock = clock
        self._tell = tell

    @property
    def are_allowed(self) -> bool:
        """Whether whoever runs us allows any."""
        return bool(self._terms.schema.special)

    async def consider(self, message: Message) -> None:
        """Ask the author, if they say something of a category that may be kept. Records trouble, raises nothing."""
        try:
            if not agreements.is_place(message.room, message.author.key):
                return
            for category in special.spoken_of(message.text, self._terms.schema.special):
                offered = await self._store.write(partial(self._offer, message=message, category=category))
                if offered is not None and not await self._is_told(message, offered):
                    await self._store.write(partial(special.end, agreement=offered))
        except Exception as error:  # noqa: BLE001 - the outer edge: nobody waits for it, and a lane goes on
            _log.warning("special.not_offered", reference=message.reference, error=type(error).__name__)

    async def _is_told(self, message: Message, offered: Agreement) -> bool:
        try:
            return await self._tell(message.room, message.author, offer(message, offered))
        except errors.PlatformError as error:
            _log.warning("special.not_offered", reference=message.reference, error=type(error).__name__)
            return False

    async def _offer(self, transaction: Transaction, *, message: Message, category: str) -> Agreement | None:
        member = message.author.key
        held = await consent.holding(transaction, message.room.tenant, self._terms.default)
        if not held.is_on(await members.consent(transaction, member)):
            return None
        is_new = await special.offer(
            transaction,
            member,
            category,
            room=message.room.id,
            message=message.id,
            said_at=message.said_at,
            now=self._clock.now(),
        )
        return (await special.read(transaction, member))[category] if is_new else None

    async def sweep(self) -> int:
        """End what is over, and what is no longer allowed, with all that was kept. Returns how many agreements."""
        done = 0
        while ended := await self._store.write(partial(self._end_some, now=self._clock.now())):
            done += sum(one.state == "agreed" for one in ended)
        if done:
            _log.info("special.ended", agreements=done)
        return done

    async def _end_some(self, transaction: Transaction, *, now: datetime) -> list[Agreement]:
        schema = self._terms.schema
        every = await special.over(transaction, allowed=schema.special, now=now, most=AT_ONCE)
        for one in every:
            if one.state == "agreed":
                why = "ended" if one.holds(now) else "expired"
                await agreements.erase(transaction, one, schema=schema, now=now, actor=audit.BY_SYSTEM, why=why)
            await special.end(transaction, one)
        return every


def offer(message: Message, agreement: Agreement) -> View:
    """What a member is asked, once, in their direct message."""
    category = agreement.category
    return View(
        text=f"That may be about {agreements.about(category)}. I keep nothing of the kind, unless you want me to: then"
        " what you say of it here, beginning with that message, is used to answer you here and nowhere else. The"
        f" language model that answers gets it too. It is erased after {special.LIFE.days} days, or as soon as you say"
        " so with `/persona consent`.",
        buttons=(
            agreements.agreeing(message.author, category, agreement, now=agreement.decided_at),
            Button(action=f"special:stop:{category}", label="No, keep nothing"),
        ),
    )
