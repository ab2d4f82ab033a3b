"""Claude through Anthropic's Messages API, or anything that speaks it. The one file that knows the SDK's calls.

The SDK takes seconds to import, so it is imported in a thread at first use. Its retries are off: it repeats spend
limits and never repeats a broken stream (reliability 0.4 to 0.7). Answers are streamed over its aiohttp transport, a
third of the helper's CPU (performance section 3).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot import errors
from bot.models import anthropic_replies as replies
from bot.models import anthropic_requests as requests
from bot.models.anthropic_batches import AnthropicBatches
from bot.models.breaker import Breaker, Breakers
from bot.ports import NO_USAGE, RESTART, Clock, Restart
from persona.ports import StructuredReply, StructuredRequest, Usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import RawMessageStreamEvent

    from bot.models.anthropic_errors import Failure
    from bot.prompt import Prompt

T = TypeVar("T")

TRIES = 3
FIRST_WAIT_S = 0.5

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a call may take, in seconds. Silence is counted by content: pings keep a dead stream open for ever."""

    whole: float = 100.0
    silence: float = 40.0


class AnthropicModel:
    """Answers with one model, proposes updates with another, cheaper one."""

    def __init__(
        self,
        *,
        key: str,
        base_url: str,
        answer_model: str,
        persona_model: str,
        clock: Clock,
        deadlines: Deadlines | None = None,
        breakers: Breakers | None = None,
    ) -> None:
        self.name = answer_model
        self._persona_model = persona_model
        self._key = key
        self._base_url = base_url
        self._clock = clock
        self._deadlines = deadlines or Deadlines()
        self._breakers = breakers or Breakers(clock=clock)
        self._client: AsyncAnthropic | None = None
        self._opening = asyncio.Lock()

    @property
    def batches(self) -> AnthropicBatches:
        """The same model for updates that nobody waits for."""
        return AnthropicBatches(
            open_client=self._open, persona_model=self._persona_model, deadline_s=self._deadlines.whole
        )

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Restart | Usage]:
        """See `bot.ports.Model.answer`. All tries together keep to the deadline of one call."""
        create = (await self._open()).messages.create
        from bot.models.anthropic_errors import ODDITIES, failure  # noqa: PLC0415 - it imports the SDK

        breaker, ends_at, spent = self._breakers.answers, self._ends_at(), NO_USAGE
        for attempt in range(TRIES):
            self._pass(breaker, spent)
            has_text, reading = False, None
            try:
                stream = await self._within(create(**requests.answer(prompt, self.name), stream=True), ends_at)
                reading = _Reading(stream, self._deadlines.silence, ends_at, spent=spent)
                async for piece in reading.pieces():
                    has_text = True
                    yield piece
            except ODDITIES as error:
                spent = reading.usage if reading else spent
                failed = failure(error)
                breaker.failed(failed.error)
                await self._pause(failed.cut() if has_text else failed, attempt, ends_at, spent, breaker)
                if has_text:
                    yield RESTART
            except errors.ModelError:
                breaker.spoke()
                raise
            else:
                breaker.spoke()
                return

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        """See `persona.ports.StructuredModel.propose`."""
        create = (await self._open()).messages.create
        from bot.models.anthropic_errors import ODDITIES, failure  # noqa: PLC0415 - it imports the SDK

        breaker, ends_at, spent = self._breakers.updates, self._ends_at(), NO_USAGE
        for attempt in range(TRIES):
            self._pass(breaker, spent)
            try:
                message = await self._within(create(**requests.update(request, self._persona_model)), ends_at)
                spent += replies.used(message.usage, message.model)
                reply = replies.structured(message, spent)
            except ODDITIES as error:
                failed = failure(error)
                breaker.failed(failed.error)
                await self._pause(failed, attempt, ends_at, spent, breaker)
            except errors.ModelError:
                breaker.spoke()
                raise
            else:
                breaker.spoke()
                return reply
        raise AssertionError("the last pause raises")

    async def warm(self) -> None:
        """See `bot.ports.Model.warm`: import the SDK and open the client."""
        await self._open()

    async def close(self) -> None:
        """See `bot.ports.Model.close`."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _open(self) -> AsyncAnthropic:
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(_client, self._key, self._base_url)
            return self._client

    def _ends_at(self) -> float:
        return asyncio.get_running_loop().time() + self._deadlines.whole

    async def _within(self, call: Awaitable[T], ends_at: float) -> T:
        async with asyncio.timeout_at(ends_at):
            return await call

    def _pass(self, breaker: Breaker, spent: Usage) -> None:
        """Go on to a try, unless the model is away by now; what earlier ones consumed is known to the error."""
        try:
            breaker.check()
        except errors.ModelError as error:
            error.used = _consumed(spent)
            raise

    async def _pause(self, failed: Failure, attempt: int, ends_at: float, spent: Usage, breaker: Breaker) -> None:
        """Wait before the next try, or raise if there is to be none, with what all of them consumed."""
        wait_s = max(failed.wait_s or 0.0, FIRST_WAIT_S * 2**attempt * random.uniform(0.75, 1.0))  # noqa: S311 - jitter
        is_late = asyncio.get_running_loop().time() + wait_s >= ends_at
        if failed.wait_s is None or attempt == TRIES - 1 or is_late or breaker.away:
            failed.error.used = _consumed(spent)
            raise failed.error
        _log.info("model.retried", model=self.name, attempt=attempt + 1, why=str(failed.error))
        await self._clock.sleep(wait_s)


class _Reading:
    """Reads one streamed reply and insists on its end."""

    def __init__(
        self, stream: AsyncStream[RawMessageStreamEvent], silence_s: float, ends_at: float, *, spent: Usage
    ) -> None:
        self._stream = stream
        self._silence_s = silence_s
        self._ends_at = ends_at
        self._stop_reason: str | None = None
        self._spent = spent
        self._usage = NO_USAGE

    @property
    def usage(self) -> Usage:
        """What was consumed so far, with what earlier tries had `spent`."""
        return self._spent + self._usage

    async def pieces(self) -> AsyncIterator[str | Usage]:
        async with self._stream:
            while (event := await self._next()) is not None:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    yield event.delta.text
                else:
                    self._note(event)
        replies.check_stop_reason(self._stop_reason, self.usage)
        yield replace(self.usage, is_cut=self._stop_reason == "max_tokens")

    async def _next(self) -> RawMessageStreamEvent | None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(min(self._ends_at, loop.time() + self._silence_s)):
            return await anext(self._stream, None)

    def _note(self, event: RawMessageStreamEvent) -> None:
        if event.type == "message_start":
            self._usage = replies.used(event.message.usage, event.message.model)
        elif event.type == "message_delta":
            self._stop_reason = event.delta.stop_reason
            self._usage = replies.replaced(self._usage, replies.used(event.usage, self._usage.model))


def _consumed(spent: Usage) -> Usage | None:
    return spent if spent.input_tokens else None


def _client(key: str, base_url: str) -> AsyncAnthropic:
    from anthropic import AsyncAnthropic, DefaultAioHttpClient  # noqa: PLC0415 - seconds, see the module's docstring

    # Deadlines are ours; without a timeout of its own the SDK refuses large allowances before it asks anything.
    return AsyncAnthropic(
        api_key=key, base_url=base_url, max_retries=0, timeout=600.0, http_client=DefaultAioHttpClient()
    )
