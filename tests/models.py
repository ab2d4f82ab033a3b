"""A model that says what a test tells it to, and remembers what it was asked."""

from collections import deque
from collections.abc import AsyncIterator

from bot.prompt import Prompt
from persona.ports import StructuredReply, StructuredRequest, Usage


class ScriptedModel:
    """See `bot.ports.Model`. An answer may be an error to raise; updates propose nothing unless scripted."""

    name = "scripted"

    def __init__(self) -> None:
        self.answers: deque[str | Exception] = deque()
        self.updates: deque[str | Exception] = deque()
        self.prompts: list[Prompt] = []
        self.requests: list[StructuredRequest] = []

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        self.prompts.append(prompt)
        answer = self.answers.popleft() if self.answers else f"Answer {len(self.prompts)}."
        if isinstance(answer, Exception):
            raise answer
        for word in answer.split(" "):
            yield f"{word} "
        yield Usage(model=self.name, input_tokens=10, output_tokens=len(answer.split(" ")))

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        self.requests.append(request)
        update = self.updates.popleft() if self.updates else '{"operations": []}'
        if isinstance(update, Exception):
            raise update
        return StructuredReply(text=update, usage=Usage(model=self.name, input_tokens=20, output_tokens=5))

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass
