"""Updates through Anthropic's Message Batches API: half the price, within a day (anthropic sheet 1.4 and 3.6).

Nothing is tried twice here: the next sweep asks again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from bot import errors
from bot.models import anthropic_replies as replies
from bot.models import anthropic_requests as requests
from bot.ports import BatchResult
from persona.ports import StructuredReply, StructuredRequest

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types.messages import MessageBatchResult
    from anthropic.types.messages.batch_create_params import Request

T = TypeVar("T")

MAX_LISTED = 100
"""Batches asked about in one call; older ones are asked about one by one."""


class AnthropicBatches:
    """See `bot.ports.BatchModel`."""

    def __init__(
        self, *, open_client: Callable[[], Awaitable[AsyncAnthropic]], persona_model: str, deadline_s: float
    ) -> None:
        self._open = open_client
        self._persona_model = persona_model
        self._deadline_s = deadline_s

    async def submit(self, questions: Mapping[str, StructuredRequest]) -> str:
        """See `bot.ports.BatchModel.submit`. Each question is sent as a call of its own would be."""
        rows: list[Request] = [
            {"custom_id": name, "params": requests.update(question, self._persona_model)}  # type: ignore[typeddict-item]  # built as keyword arguments
            for name, question in questions.items()
        ]

        async def create(client: AsyncAnthropic) -> str:
            batch = await client.messages.batches.create(requests=rows)
            if not isinstance(batch.id, str):
                raise TypeError
            return batch.id

        return await self._call(create)

    async def ended(self, batches: Collection[str]) -> set[str]:
        """See `bot.ports.BatchModel.ended`: one call for the newest batches, however many of them are ours."""
        known = await self._call(_listed) if len(batches) > 1 else {}
        for batch in batches:
            if batch not in known:
                known[batch] = await self._status(batch)
        return {batch for batch in batches if known[batch] == "ended"}

    async def _status(self, batch: str) -> str:
        async def retrieve(client: AsyncAnthropic) -> str:
            return (await client.messages.batches.retrieve(batch)).processing_status

        try:
            return await self._call(retrieve)
        except errors.ModelUnknownError:
            return "ended"

    async def results(self, batch: str) -> list[BatchResult]:
        """See `bot.ports.BatchModel.results`.

        Read from their documented place. The SDK's own call asks for the batch once more, takes the address from the
        answer, and sends the key there, whoever's it is (anthropic sheet 3.6).
        """
        path = f"/v1/messages/batches/{quote(batch, safe='')}/results"

        async def read(client: AsyncAnthropic) -> list[BatchResult]:
            text = await client.get(path, cast_to=str, options={"headers": {"Accept": "application/binary"}})
            found = [result for line in text.split("\n") if (result := _result(line)) is not None]
            if not found:
                raise EOFError
            return found

        return await self._call(read)

    async def discard(self, batch: str) -> None:
        """See `bot.ports.BatchModel.discard`."""

        async def delete(client: AsyncAnthropic) -> None:
            await client.messages.batches.delete(batch)

        await self._call(delete)

    async def _call(self, ask: Callable[[AsyncAnthropic], Awaitable[T]]) -> T:
        client = await self._open()
        from bot.models.anthropic_errors import ODDITIES, failure  # noqa: PLC0415 - it imports the SDK

        try:
            async with asyncio.timeout(self._deadline_s):
                return await ask(client)
        except ODDITIES as error:
            raise failure(error).error from error


async def _listed(client: AsyncAnthropic) -> dict[str, str]:
    page = await client.messages.batches.list(limit=MAX_LISTED)
    return {batch.id: batch.processing_status for batch in page.data}


def _result(line: str) -> BatchResult | None:
    """One row of the results; None if it cannot be read, so that its request counts as missing."""
    from anthropic.types.messages import MessageBatchIndividualResponse  # noqa: PLC0415 - late, like the SDK itself

    from bot.models.anthropic_errors import ODDITIES  # noqa: PLC0415 - it imports the SDK

    try:
        row = MessageBatchIndividualResponse.construct(**json.loads(line))
        return BatchResult(request=row.custom_id, outcome=_outcome(row.result))
    except ODDITIES:
        return None


def _outcome(result: MessageBatchResult) -> StructuredReply | errors.ModelError:
    from bot.models.anthropic_errors import named  # noqa: PLC0415 - it imports the SDK

    if result.type == "succeeded":
        try:
            usage = replies.used(result.message.usage, result.message.model)
            return replies.structured(result.message, replace(usage, is_batch=True))
        except errors.ModelError as error:
            return error
    if result.type == "errored":
        return named(result.error.error.type)
    return errors.ModelBusyError(f"the request was {result.type} in its batch")
