"""Notices: asking a member once, in private and in their language, whether they may be remembered."""

from functools import partial

import structlog

from bot import consent, errors, language
from bot.delivery import Delivery
from bot.messages import Message
from bot.ports import Clock
from bot.store import members
from bot.store.engine import Store
from persona.persona import MemberKey
from persona.ports import Transaction

_log = structlog.get_logger(__name__)


class Notices:
    """Tells members that there is something to decide."""

    def __init__(self, *, store: Store, delivery: Delivery, default: consent.Default, clock: Clock) -> None:
        self._store = store
        self._delivery = delivery
        self._default = default
        self._clock = clock
        self._asking: set[MemberKey] = set()
        """Who is being asked right now, so that nobody gets two notices."""

    async def ask(self, message: Message) -> None:
        """Ask the author, unless they were asked before. One who cannot be told is asked at the next occasion."""
        member = message.author.key
        if member in self._asking:
            return
        self._asking.add(member)
        try:
            if not await self._store.read(partial(self._is_to_be_asked, message=message)):
                return
            adapter = self._delivery.adapter(message.room)
            spoken = language.of(locale=await adapter.locale(message.author), text=message.text)
            if await adapter.notify(message.room, message.author, consent.notice(spoken)):
                await self._store.write(partial(members.asked, member=member, now=self._clock.now()))
        except errors.PlatformError as error:
            _log.warning("notice.failed", reference=message.reference, error=type(error).__name__, why=str(error))
        finally:
            self._asking.discard(member)

    async def _is_to_be_asked(self, transaction: Transaction, *, message: Message) -> bool:
        held = await consent.holding(transaction, message.room.tenant, self._default)
        return held.is_to_be_asked(await members.consent(transaction, message.author.key))
