"""Invitations to install: signed and short-lived, so that asking for one keeps nothing, and good for one use."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial

from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from bot.ports import Clock
from bot.store import installations
from bot.store.engine import Store

LIFE = timedelta(minutes=10)
"""As long as Bolt's cookie lives, which ties an invitation to one browser."""


class States(AsyncOAuthStateStore):
    """See `AsyncOAuthStateStore`. Anybody may ask for a page that issues one; only what is used is remembered."""

    def __init__(self, *, secret: str, store: Store, clock: Clock) -> None:
        self._key = hashlib.sha256(f"rapport install state\x1f{secret}".encode()).digest()
        self._store = store
        self._clock = clock

    async def async_issue(self, *args: object, **kwargs: object) -> str:
        """A new one."""
        ends = int((self._clock.now() + LIFE).timestamp())
        said = f"{ends}.{secrets.token_urlsafe(24)}"
        return f"{said}.{self._signature(said)}"

    async def async_consume(self, state: str) -> bool:
        """Whether it is ours, not over, and used for the first time."""
        said, _, signature = state.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(said).encode()):
            return False
        ends, now = datetime.fromtimestamp(int(said.partition(".")[0]), UTC), self._clock.now()
        if ends <= now:
            return False
        digest = hashlib.sha256(state.encode()).hexdigest()
        return await self._store.write(partial(installations.use, digest=digest, expires_at=ends, now=now))

    def _signature(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()
