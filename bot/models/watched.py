"""A language model of which every call is a step: purpose, tokens, cost and how it ended, never what was said."""

from collections.abc import AsyncIterator, Collection, Mapping

from bot import prices, steps
from bot.ports import BatchModel, BatchResult, Model, Restart
from bot.prompt import Prompt
from bot.steps import Step
from persona.ports import StructuredReply, StructuredRequest, Usage


class WatchedModel:
    """See `bot.ports.Model`; everything is done by the model inside."""

    def __init__(self, inside: Model) -> None:
        self.name = inside.name
        self._inside = inside

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Restart | Usage]:
        """See `bot.ports.Model.answer`."""
        with steps.beside("model", purpose="answer", model=self.name) as step:
            async for piece in self._inside.answer(prompt):
                if isinstance(piece, Usage):
                    _consumed(step, piece)
                yield piece

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        """See `persona.ports.StructuredModel.propose`."""
        with steps.beside("model", purpose="learn", model="") as step:
            reply = await self._inside.propose(request)
            _consumed(step, reply.usage)
            return reply

    async def warm(self) -> None:
        """See `bot.ports.Model.warm`."""
        await self._inside.warm()

    async def close(self) -> None:
        """See `bot.ports.Model.close`."""
        await self._inside.close()


class WatchedBatches:
    """See `bot.ports.BatchModel`: a result that is read is a step that took no time of ours."""

    def __init__(self, inside: BatchModel) -> None:
        self._inside = inside

    async def submit(self, questions: Mapping[str, StructuredRequest]) -> str:
        """See `bot.ports.BatchModel.submit`."""
        return await self._inside.submit(questions)

    async def ended(self, batches: Collection[str]) -> set[str]:
        """See `bot.ports.BatchModel.ended`."""
        return await self._inside.ended(batches)

    async def results(self, batch: str) -> list[BatchResult]:
        """See `bot.ports.BatchModel.results`."""
        results = await self._inside.results(batch)
        for result in results:
            with steps.beside("model", purpose="batch", model="") as step:
                if isinstance(result.outcome, StructuredReply):
                    _consumed(step, result.outcome.usage)
                else:
                    step.error = type(result.outcome).__name__
        return results

    async def discard(self, batch: str) -> None:
        """See `bot.ports.BatchModel.discard`."""
        await self._inside.discard(batch)


def _consumed(step: Step, usage: Usage) -> None:
    step.fields |= {
        "model": usage.model or step.fields["model"],
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "cost": prices.cost(usage) or 0,
    }
