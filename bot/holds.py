"""Holds: the messages this process is answering, each under the claim it has, for as long as its lease goes on.

A process that was stopped for longer than a lease finds out here, by its own clock, before it posts anything; and once
more in the database, where whatever it writes under an older claim is refused (decision 0024).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from bot import errors
from bot.messages import Accepted, AnswerId
from bot.ports import Clock
from bot.store import inbox
from bot.store.engine import Store
from bot.store.workers import ALONE, Worker

_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Hold:
    token: int
    since: float
    ends_at: float
    """Both by the event loop's clock, which nobody sets."""


class Holds:
    """What is being answered here. Whoever is alone on a database loses nothing, and renews nothing."""

    def __init__(self, *, store: Store, clock: Clock, worker: Worker = ALONE) -> None:
        self.worker = worker
        self._store = store
        self._clock = clock
        self._held: dict[AnswerId, _Hold] = {}

    @contextmanager
    def holding(self, accepted: Accepted, *, token: int, since: float) -> Iterator[None]:
        """Answer a message that was claimed; `since` is a moment of the event loop's clock before the claim was."""
        ends_at = since + self._lease_s
        self._held[accepted.answer] = _Hold(token=token, since=since, ends_at=ends_at)
        try:
            yield
        finally:
            del self._held[accepted.answer]

    def token(self, accepted: Accepted) -> int | None:
        """Under which claim a message is being answered; None if it is not."""
        hold = self._held.get(accepted.answer)
        return None if hold is None else hold.token

    def check(self, answer: AnswerId) -> None:
        """Let something be shown only as long as nobody else may be showing it.

        Raises:
            LeaseLostError: the lease is over, as far as is known here.
        """
        hold = self._held.get(answer)
        if hold is not None and asyncio.get_running_loop().time() >= hold.ends_at:
            raise errors.LeaseLostError

    async def renewing(self) -> None:
        """Renew what is held at a third of its lease, until cancelled."""
        if self.worker.is_alone:
            return
        while True:
            await asyncio.sleep(self.worker.lease.total_seconds() / 3)
            if self._held:
                try:
                    await self.renew()
                except errors.StoreError as error:  # a lease has two more tries
                    _log.warning("messages.not_renewed", error=type(error).__name__, why=str(error))

    async def renew(self) -> None:
        """Renew what is held; what another worker has by now is known to be lost."""
        began = asyncio.get_running_loop().time()
        kept = await self._store.write(partial(inbox.renew, now=self._clock.now(), worker=self.worker))
        for answer, hold in self._held.items():
            if (answer, hold.token) in kept:
                hold.ends_at = began + self._lease_s
            elif hold.since < began:
                hold.ends_at = began

    @property
    def _lease_s(self) -> float:
        return float("inf") if self.worker.is_alone else self.worker.lease.total_seconds()
