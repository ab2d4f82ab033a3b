"""Claude over the unmodified SDK: answers, updates, and every trouble of the fault matrix (reliability B16)."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bot import errors
from bot.models.anthropic import AnthropicModel, Deadlines
from bot.ports import RESTART, Restart
from bot.prompt import INSTRUCTIONS, Prompt, Turn
from persona.optimizer import Optimizer
from persona.ports import StructuredRequest, Usage
from persona.schema import SHIPPED, load
from tests.clock import NOON, StillClock
from tests.twins.anthropic import AnthropicTwin, ApiError, Reply, ToolUse
from tests.twins.anthropic.cache import prompt_tokens, tokens
from tests.twins.anthropic.wire import frame
from tests.twins.server import Fault

KEY = "sk-ant-never-to-be-shown"
QUESTION = "Where did I leave the unspeakable umbrella?"
ANSWER_MODEL = "claude-sonnet-5-5"
PERSONA_MODEL = "claude-haiku-5-5"
PATIENT = Deadlines(whole=30.0, silence=30.0)
"""For tests in which nothing may run out of time, however busy the machine."""
SILENCE_S = 0.1
"""For what is meant to fall silent: short enough to wait for three times."""
SSE = {"Content-Type": "text/event-stream"}
REPO = Path(__file__).parents[3]

PROMPT = Prompt(
    instructions=INSTRUCTIONS,
    persona='{"style":{},"facts":{"preferred_name":"Ada"}}',
    history=(),
    question=Turn(name="Ada", text=QUESTION),
    asked_at=NOON,
    is_direct=True,
)
REQUEST = StructuredRequest(
    instructions="Find the umbrella.",
    data=json.dumps({"sessions": [QUESTION]}),
    schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    max_tokens=1_000,
)

Trouble: TypeAlias = Reply | Callable[[dict[str, Any]], Reply] | Fault
Case: TypeAlias = tuple[Trouble, type[errors.ModelError], int]
"""What every request meets, the error the caller gets, and how many requests are made for it."""
Ask: TypeAlias = Callable[[AnthropicModel], Awaitable[object]]


@dataclass(slots=True)
class Heard:
    """What a caller of `answer` got."""

    texts: list[str] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    error: errors.ModelError | None = None


async def heard(model: AnthropicModel, prompt: Prompt = PROMPT) -> Heard:
    """Everything that one answer yields, and the error that ends it."""
    got = Heard()
    try:
        async for piece in model.answer(prompt):
            if isinstance(piece, Usage):
                got.usages.append(piece)
            elif piece is RESTART:
                got.texts.clear()
            else:
                got.texts.append(piece)
    except errors.ModelError as error:
        got.error = error
    return got


async def answered(model: AnthropicModel) -> list[str | Restart | Usage]:
    return [piece async for piece in model.answer(PROMPT)]


async def proposed(model: AnthropicModel) -> object:
    return await model.propose(REQUEST)


either_call = pytest.mark.parametrize("ask", [answered, proposed], ids=["answer", "propose"])


@asynccontextmanager
async def connected(
    url: str,
    clock: StillClock,
    *,
    deadlines: Deadlines = PATIENT,
    answer_model: str = ANSWER_MODEL,
    persona_model: str = PERSONA_MODEL,
) -> AsyncIterator[AnthropicModel]:
    model = AnthropicModel(
        key=KEY,
        base_url=url,
        answer_model=answer_model,
        persona_model=persona_model,
        clock=clock,
        deadlines=deadlines,
    )
    yield model
    await model.close()


def meet(twin: AnthropicTwin, trouble: Trouble) -> None:
    """Let every request meet `trouble`."""
    if isinstance(trouble, Fault):
        # Each test has a copy: a fault counts down how often it was met.
        copy = Fault(status=trouble.status, body=trouble.body, headers=trouble.headers, times=-1)
        copy.reset_before = trouble.reset_before
        twin.fault("POST", "/v1/messages", copy)
    else:
        twin.default = trouble


def asked(twin: AnthropicTwin) -> int:
    """How many requests for a message reached the twin."""
    return len(twin.calls("/v1/messages"))


@pytest.fixture
async def twin() -> AsyncIterator[AnthropicTwin]:
    async with AnthropicTwin(keys={KEY}) as server:
        yield server


@pytest.fixture
async def model(twin: AnthropicTwin, clock: StillClock) -> AsyncIterator[AnthropicModel]:
    async with connected(twin.url, clock) as opened:
        yield opened


# -- answers ----------------------------------------------------------------------------------------------------------


async def test_an_answer_streams_in_order_and_ends_with_its_usage(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """Pieces of text come in the order of the stream, and the usage comes once, last."""
    chunks = ["Under", " the ", "", "stairs — ", "да, ", "🌂", "\n"]
    twin.script(Reply(chunks=chunks))

    *texts, usage = await answered(model)

    assert texts == chunks
    assert isinstance(usage, Usage)
    assert usage.model == ANSWER_MODEL
    assert usage.input_tokens == prompt_tokens(twin.requests[0].body)
    assert (usage.output_tokens, usage.cached_tokens) == (tokens("".join(chunks)), 0)


async def test_pieces_come_while_the_model_is_still_writing(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """A piece reaches the caller before the next one is written."""
    go_on = asyncio.Event()
    twin.script(Reply(chunks=["first", "second"], hold_after=(1, go_on)))

    pieces = model.answer(PROMPT)
    first = await anext(pieces)
    go_on.set()
    rest = [piece async for piece in pieces]

    assert first == "first"
    assert rest[0] == "second"


async def test_thinking_is_not_part_of_an_answer(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """Thinking, shown or omitted, and tool calls never reach the member as text."""
    twin.script(Reply(thinking="The member seems forgetful.", text="In the hall."), Reply(thinking="", text="Yes."))

    answers = [(await heard(model)).texts for _ in range(2)]

    assert answers == [["In", " the", " hall."], ["Yes."]]


async def test_usage_counts_the_whole_prompt_and_what_the_cache_gave(
    twin: AnthropicTwin, model: AnthropicModel
) -> None:
    """The input is the sum of what was new, written to the cache and read from it."""
    counters = {"input_tokens": 3, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 2_000}
    twin.script(Reply(text="Yes.", usage=counters | {"output_tokens": 9}))

    got = await heard(model)

    assert got.usages == [
        Usage(model=ANSWER_MODEL, input_tokens=2_043, output_tokens=9, cached_tokens=2_000, written_tokens=40)
    ]


async def test_usage_without_cache_counters_is_usage(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """An endpoint that knows no cache leaves its counters out, and the rest still counts."""
    counters = {"input_tokens": 7, "cache_creation_input_tokens": None, "cache_read_input_tokens": None}
    twin.script(Reply(text="Yes.", usage=counters | {"output_tokens": 2}))

    got = await heard(model)

    assert got.usages == [Usage(model=ANSWER_MODEL, input_tokens=7, output_tokens=2, cached_tokens=0)]


async def test_the_closing_counters_replace_the_opening_ones(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """The totals at the end of a stream win over those at its start (anthropic sheet 3.3)."""
    opening = _start({"input_tokens": 10, "cache_read_input_tokens": 0, "output_tokens": 1})
    closing = _delta("end_turn", {"input_tokens": 25, "cache_read_input_tokens": 5, "output_tokens": 8})
    meet(twin, Fault(status=200, headers=SSE, body=opening + closing + frame("message_stop", {"type": "message_stop"})))

    got = await heard(model)

    assert got.usages == [Usage(model="m", input_tokens=30, output_tokens=8, cached_tokens=5)]


async def test_what_is_written_to_the_cache_is_counted_by_its_life(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """What is kept for an hour costs more than what is kept for five minutes, so the two are counted apart."""
    past = (Turn(name="Ada", text="x" * 4_000), Turn(name=None, text="Noted."))
    twin.default = "Yes."

    prompt = Prompt(**{**_fields(PROMPT), "instructions": INSTRUCTIONS * 3, "history": past})
    (usage,) = (await heard(model, prompt)).usages

    fresh = usage.input_tokens - usage.written_tokens - usage.written_hour_tokens
    assert min(fresh, usage.written_tokens, usage.written_hour_tokens) > 0
    assert usage.cached_tokens == 0


async def test_the_next_question_reads_the_conversation_from_the_cache(
    twin: AnthropicTwin, model: AnthropicModel
) -> None:
    """What two questions of a conversation share is paid for once."""
    twin.default = "Yes."
    past = (Turn(name="Ada", text="x" * 4_000), Turn(name=None, text="Noted."))
    first = Prompt(**{**_fields(PROMPT), "history": past})
    second = Prompt(**{**_fields(PROMPT), "history": (*past, first.question, Turn(name=None, text="Yes."))})

    before, after = [(await heard(model, prompt)).usages[0] for prompt in (first, second)]

    assert before.cached_tokens == 0
    assert after.cached_tokens == before.input_tokens - tokens(f"[Sunday 2026-11-22 12:00 UTC]\n{QUESTION}")


async def test_an_answer_at_the_token_limit_says_so(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """An answer that stopped at the token limit is an answer, marked as cut."""
    twin.script(Reply(text="And so on and", stop_reason="max_tokens"))

    got = await heard(model)

    assert got.error is None
    assert [usage.is_cut for usage in got.usages] == [True]


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence"])
async def test_a_finished_answer_is_not_cut(twin: AnthropicTwin, model: AnthropicModel, reason: str) -> None:
    """An answer that ended by itself or at a stop sequence is whole."""
    twin.script(Reply(text="Yes.", stop_reason=reason))

    got = await heard(model)

    assert got.error is None
    assert [usage.is_cut for usage in got.usages] == [False]


@pytest.mark.parametrize("name", [ANSWER_MODEL, PERSONA_MODEL, "claude-opus-5-5", "claude-fable-5-1", "claude-opus-5"])
@either_call
async def test_every_current_model_takes_our_requests(
    twin: AnthropicTwin, clock: StillClock, name: str, ask: Ask
) -> None:
    """The API refuses nothing of what we send, whichever model is set."""
    twin.default = "{}"

    async with connected(twin.url, clock, answer_model=name, persona_model=name) as model:
        await ask(model)

    assert twin.refused == []
    assert [request.body["model"] for request in twin.requests] == [name]


async def test_answers_and_updates_have_a_model_each(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """Answers are streamed from one model, updates asked of the other, and the name is that of the first."""
    twin.default = "{}"

    await answered(model)
    await proposed(model)

    assert model.name == ANSWER_MODEL
    assert [(request.body["model"], request.stream) for request in twin.requests] == [
        (ANSWER_MODEL, True),
        (PERSONA_MODEL, False),
    ]


async def test_the_key_that_was_given_wins_over_the_machine(
    twin: AnthropicTwin, model: AnthropicModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials and addresses that other programs left in the environment are not used."""
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "somebody-else")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "somebody-else")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    twin.script("Yes.")

    got = await heard(model)

    assert got.error is None
    assert "somebody-else" not in repr(twin.ledger[0].headers)


@pytest.mark.parametrize(("suffix", "path"), [("", ""), ("/", ""), ("/proxy", "/proxy"), ("/proxy/", "/proxy")])
@either_call
async def test_the_base_url_is_honoured(
    twin: AnthropicTwin, clock: StillClock, suffix: str, path: str, ask: Ask
) -> None:
    """Requests go to the address that was set, with its path, whether or not it ends with a slash."""
    twin.default = "{}"

    async with connected(twin.url + suffix, clock) as model:
        await _outcome(ask, model)

    assert twin.ledger[0].path == f"{path}/v1/messages"


async def test_calls_at_the_same_time_do_not_mix(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """Answers that are written at the same time each get their own text and usage."""
    twin.default = lambda body: f"You asked: {body['messages'][-1]['content'][-1]['text']}"
    questions = [f"What is {number} squared?" for number in range(8)]
    prompts = [Prompt(**{**_fields(PROMPT), "question": Turn(name="Ada", text=text)}) for text in questions]

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(heard(model, prompt)) for prompt in prompts]

    for question, task in zip(questions, tasks, strict=True):
        assert "".join(task.result().texts).endswith(question)
        assert len(task.result().usages) == 1


# -- trouble ----------------------------------------------------------------------------------------------------------


def refused(status: int, **more: Any) -> Reply:
    """An error of the API that repeats what nobody may read."""
    return Reply(error=ApiError(status=status, message=f"{KEY} asked: {QUESTION}", **more))


def _start(usage: dict[str, int]) -> bytes:
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    return frame("message_start", {"type": "message_start", "message": message})


def _delta(reason: str, usage: dict[str, int]) -> bytes:
    return frame("message_delta", {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage})


def _fields(prompt: Prompt) -> dict[str, Any]:
    return {name: getattr(prompt, name) for name in Prompt.__slots__}


async def _outcome(ask: Ask, model: AnthropicModel) -> errors.ModelError | None:
    try:
        await ask(model)
    except errors.ModelError as error:
        return error
    return None


HTTP_TROUBLE: dict[str, Case] = {
    "400": (refused(400), errors.ModelRequestError, 1),
    "401": (refused(401), errors.ModelKeyError, 1),
    "401 without JSON": (refused(401, raw=f"<h1>Sign in, {KEY}</h1>"), errors.ModelKeyError, 1),
    "402": (refused(402), errors.ModelLimitError, 1),
    "402 without JSON": (refused(402, raw="Pay."), errors.ModelLimitError, 1),
    "403": (refused(403), errors.ModelKeyError, 1),
    "403 without JSON": (refused(403, raw=""), errors.ModelKeyError, 1),
    "404": (refused(404), errors.ModelUnknownError, 1),
    "404 without JSON": (refused(404, raw="nginx"), errors.ModelUnknownError, 1),
    "408": (refused(408), errors.ModelBusyError, 3),
    "409": (refused(409), errors.ModelBusyError, 3),
    "413": (refused(413), errors.ModelRequestError, 1),
    "413 without JSON": (refused(413, raw="nginx"), errors.ModelRequestError, 1),
    "418 of an unknown type": (refused(418, type="teapot_error"), errors.ModelRequestError, 1),
    "422 without JSON": (refused(422, raw="{"), errors.ModelRequestError, 1),
    "429 with retry-after": (refused(429, headers={"retry-after": "3"}), errors.ModelBusyError, 3),
    "429 with a huge retry-after": (refused(429, headers={"retry-after": "3600"}), errors.ModelBusyError, 1),
    "429 with a date": (
        refused(429, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        errors.ModelBusyError,
        1,
    ),
    "429 until infinity": (refused(429, headers={"retry-after": "inf"}), errors.ModelBusyError, 1),
    "429 until no number": (refused(429, headers={"retry-after": "nan"}), errors.ModelBusyError, 1),
    "429 until the past": (refused(429, headers={"retry-after": "-5"}), errors.ModelBusyError, 3),
    "429 without retry-after": (refused(429), errors.ModelBusyError, 1),
    "429 without JSON": (refused(429, raw="Slow down.", headers={"retry-after": "1"}), errors.ModelBusyError, 3),
    "429 spend limit": (
        refused(429, error_code="enforced_spend_limit_reached", headers={"retry-after": "1"}),
        errors.ModelLimitError,
        1,
    ),
    "400 spend limit": (refused(400, error_code="workspace_spend_limit_reached"), errors.ModelLimitError, 1),
    "500": (refused(500), errors.ModelBusyError, 3),
    "500 of an unknown type": (refused(500, type="gremlin_error"), errors.ModelBusyError, 3),
    "502 without JSON": (refused(502, raw="<h1>Bad gateway</h1>"), errors.ModelBusyError, 3),
    "503": (refused(503), errors.ModelBusyError, 3),
    "504": (refused(504), errors.ModelBusyError, 3),
    "529": (refused(529), errors.ModelBusyError, 3),
    "529 with a huge retry-after": (refused(529, headers={"retry-after": "600"}), errors.ModelBusyError, 1),
    "529, do not retry": (refused(529, headers={"x-should-retry": "false"}), errors.ModelBusyError, 3),
    "400, do retry": (refused(400, headers={"x-should-retry": "true"}), errors.ModelRequestError, 1),
    "429 spend limit, do retry": (
        refused(429, error_code="enforced_spend_limit_reached", headers={"x-should-retry": "true"}),
        errors.ModelLimitError,
        1,
    ),
    "no error at all in the body": (Fault(status=500, body=b"[]"), errors.ModelBusyError, 3),
    "an error that is a text": (Fault.json(400, {"error": "no"}), errors.ModelRequestError, 1),
    "a type that is a number": (Fault.json(401, {"error": {"type": 401}}), errors.ModelKeyError, 1),
    "reset before the head": (Fault(reset_before=True), errors.ModelUnreachableError, 3),
    "hung up before the head": (Reply(cut_after=-1), errors.ModelUnreachableError, 3),
}
"""What is the same for answers and updates."""

ODD_TROUBLE: dict[str, Case] = {
    "a type that is a list": (Fault.json(401, {"error": {"type": ["a"]}}), errors.ModelKeyError, 1),
    "an error code that is a list": (
        Fault.json(400, {"error": {"type": "billing_error", "details": {"error_code": ["a"]}}}),
        errors.ModelLimitError,
        1,
    ),
}
"""What only an endpoint that speaks the API loosely would send, to answers and updates alike."""

STREAM_TROUBLE: dict[str, Case] = {
    "cut before text": (Reply(text="a b", cut_after=0), errors.ModelUnreachableError, 3),
    "cut while thinking": (Reply(thinking="Hm.", text="a b", cut_after=1), errors.ModelUnreachableError, 3),
    "cut after text": (Reply(text="a b c", cut_after=2), errors.ModelCutError, 3),
    "cut after all text": (Reply(text="a b c", cut_after=99), errors.ModelCutError, 3),
    "clean end without message_stop": (Reply(text="a b", no_stop=True), errors.ModelCutError, 3),
    "clean end before text": (Reply(no_stop=True), errors.ModelCutError, 3),
    "overload before message_start": (
        Reply(text="a b", error=ApiError(status=529, after=-1)),
        errors.ModelBusyError,
        3,
    ),
    "overload before text": (Reply(text="a b", error=ApiError(status=529, after=0)), errors.ModelBusyError, 3),
    "overload after text": (Reply(text="a b", error=ApiError(status=529, after=1)), errors.ModelCutError, 3),
    "fault after all text": (Reply(text="a b", error=ApiError(status=500, after=99)), errors.ModelCutError, 3),
    "spend limit after text": (
        Reply(text="a b", error=ApiError(status=429, error_code="enforced_spend_limit_reached", after=1)),
        errors.ModelLimitError,
        1,
    ),
    "key revoked after text": (Reply(text="a b", error=ApiError(status=401, after=1)), errors.ModelKeyError, 1),
    "an error event that is no JSON": (
        Fault(status=200, headers=SSE, body=b"event: error\ndata: oops\n\n"),
        errors.ModelError,
        3,
    ),
    "empty body": (Reply(text="a b", wire="empty"), errors.ModelCutError, 3),
    "JSON instead of a stream": (Reply(text="a b", wire="json"), errors.ModelCutError, 3),
    "events without names": (Reply(text="a b", wire="unnamed"), errors.ModelCutError, 3),
    "a page instead of a stream": (
        Fault(status=200, headers={"Content-Type": "text/html"}, body=b"<h1>Welcome</h1>"),
        errors.ModelCutError,
        3,
    ),
    "garbage bytes": (Fault(status=200, headers=SSE, body=bytes(range(256)) * 8), errors.ModelCutError, 3),
    "garbage as an event": (
        Fault(status=200, headers=SSE, body=b"event: message_start\ndata: \xff\xfe\n\n"),
        errors.ModelCutError,
        3,
    ),
    "an event that is no JSON": (
        Fault(status=200, headers=SSE, body=b"event: message_start\ndata: {]\n\n"),
        errors.ModelCutError,
        3,
    ),
    "refusal": (Reply(stop_reason="refusal"), errors.ModelRefusedError, 1),
    "refusal after text": (Reply(text="Well, a", stop_reason="refusal"), errors.ModelRefusedError, 1),
    "context window exceeded": (
        Reply(text="a", stop_reason="model_context_window_exceeded"),
        errors.ModelRequestError,
        1,
    ),
    "pause_turn": (Reply(text="a", stop_reason="pause_turn"), errors.ModelCutError, 1),
    "a tool call": (Reply(text="a", tools=[ToolUse(name="look")]), errors.ModelCutError, 1),
    "an unknown stop reason": (Reply(text="a", stop_reason="bored"), errors.ModelCutError, 1),
}

UPDATE_TROUBLE: dict[str, Case] = {
    "cut in the middle": (Reply(text='{"operations": []}', cut_after=0), errors.ModelUnreachableError, 3),
    "empty body": (Reply(wire="empty"), errors.ModelCutError, 3),
    "garbage bytes": (
        Fault(status=200, headers={"Content-Type": "application/json"}, body=b"\xff\xfe{{"),
        errors.ModelCutError,
        3,
    ),
    "a page instead of JSON": (
        Fault(status=200, headers={"Content-Type": "text/html"}, body=b"<h1>Welcome</h1>"),
        errors.ModelError,
        3,
    ),
    "a text instead of a message": (Fault.json(200, "hello"), errors.ModelError, 3),
    "a list instead of a message": (Fault.json(200, []), errors.ModelError, 3),
    "an object that is no message": (Fault.json(200, {}), errors.ModelError, 3),
    "no content": (Fault.json(200, {"stop_reason": "end_turn", "usage": {}}), errors.ModelError, 3),
    "no usage": (Fault.json(200, {"stop_reason": "end_turn", "content": []}), errors.ModelError, 3),
    "no stop reason": (Fault.json(200, {"stop_reason": None, "content": []}), errors.ModelCutError, 3),
    "refusal": (Reply(stop_reason="refusal"), errors.ModelRefusedError, 1),
    "refusal after text": (Reply(text="{}", stop_reason="refusal"), errors.ModelRefusedError, 1),
    "token limit": (Reply(text='{"operations": [', stop_reason="max_tokens"), errors.ModelCutError, 1),
    "token limit after valid JSON": (Reply(text="{}", stop_reason="max_tokens"), errors.ModelCutError, 1),
    "context window exceeded": (
        Reply(text="{}", stop_reason="model_context_window_exceeded"),
        errors.ModelRequestError,
        1,
    ),
    "pause_turn": (Reply(text="{}", stop_reason="pause_turn"), errors.ModelCutError, 1),
    "a tool call": (Reply(text="{}", tools=[ToolUse(name="look")]), errors.ModelCutError, 1),
    "an unknown stop reason": (Reply(text="{}", stop_reason="bored"), errors.ModelCutError, 1),
}


def _cases(*tables: dict[str, Case]) -> pytest.MarkDecorator:
    rows = [pytest.param(*case, id=name) for table in tables for name, case in table.items()]
    return pytest.mark.parametrize(("trouble", "error", "tries"), rows)


def tells_no_secret(raised: object, log: pytest.LogCaptureFixture) -> bool:
    """Whether neither an error nor the log repeats the key or what the member wrote, even if the API does."""
    told = f"{raised} {raised!r} {log.text}"
    return KEY not in told and "unspeakable" not in told


@_cases(HTTP_TROUBLE, ODD_TROUBLE, STREAM_TROUBLE)
async def test_an_answer_in_trouble_ends_in_one_of_our_errors(
    twin: AnthropicTwin,
    model: AnthropicModel,
    *,
    trouble: Trouble,
    error: type[errors.ModelError],
    tries: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each trouble is told by its own error after at most three requests, without a secret; no partial text is paid."""
    caplog.set_level(logging.INFO, logger="bot")
    meet(twin, trouble)

    got = await heard(model)

    assert isinstance(got.error, error), repr(got.error)
    assert asked(twin) == tries
    assert got.usages == []
    assert tells_no_secret(got.error, caplog)
    assert caplog.text.count("model.retried") == tries - 1


@_cases(HTTP_TROUBLE, ODD_TROUBLE, UPDATE_TROUBLE)
async def test_an_update_in_trouble_ends_in_one_of_our_errors(
    twin: AnthropicTwin,
    model: AnthropicModel,
    *,
    trouble: Trouble,
    error: type[errors.ModelError],
    tries: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each trouble is told by its own error after at most three requests, without a secret, and teaches nothing."""
    caplog.set_level(logging.INFO, logger="bot")
    meet(twin, trouble)

    with pytest.raises(error) as caught:
        await model.propose(REQUEST)

    assert asked(twin) == tries
    assert tells_no_secret(caught.value, caplog)
    assert caplog.text.count("model.retried") == tries - 1


@pytest.mark.parametrize(
    "echo", [{"type": f"{KEY} {QUESTION}"}, {"error_code": f"{KEY} {QUESTION}"}], ids=["type", "code"]
)
async def test_no_message_tells_a_secret_that_an_odd_endpoint_echoes(
    twin: AnthropicTwin, model: AnthropicModel, echo: dict[str, str]
) -> None:
    """An endpoint that puts the key or the question into the type or code of an error cannot make us repeat it."""
    twin.default = refused(401, **echo)

    got = await heard(model)

    assert KEY not in str(got.error)
    assert "unspeakable" not in str(got.error)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 429, 500, 529])
@either_call
async def test_an_operator_reads_the_status_and_what_to_do(
    twin: AnthropicTwin, model: AnthropicModel, ask: Ask, status: int
) -> None:
    """The message of an error that the API sent has its status and type, and the advice of its class."""
    twin.default = refused(status)

    raised = await _outcome(ask, model)

    assert str(raised).startswith(f"status {status} {ApiError(status=status).kind}. ")
    assert str(raised).endswith(str(type(raised).__doc__))


async def test_an_unknown_model_is_named_as_such(twin: AnthropicTwin, clock: StillClock) -> None:
    """A model that does not exist is a mistake in the settings: told at once, with the setting to check."""
    async with connected(twin.url, clock, answer_model="claude-0", persona_model="claude-0") as model:
        raised = [await _outcome(ask, model) for ask in (answered, proposed)]

    assert [type(error) for error in raised] == [errors.ModelUnknownError] * 2
    assert all("ANTHROPIC_MODEL" in str(error) and "404" in str(error) for error in raised)
    assert len(twin.refused) == 2


async def test_a_prompt_that_is_too_large_is_told_at_once(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """A body over the size limit is not sent again."""
    twin.max_bytes = 1_000

    got = await heard(model)

    assert type(got.error) is errors.ModelRequestError
    assert len(twin.refused) == 1


@either_call
async def test_a_wrong_key_is_told_at_once(twin: AnthropicTwin, model: AnthropicModel, ask: Ask) -> None:
    """A key that the API does not know is not tried twice, and the error says what to check."""
    twin.keys = frozenset({"another"})

    raised = await _outcome(ask, model)

    assert type(raised) is errors.ModelKeyError
    assert "ANTHROPIC_API_KEY" in str(raised)
    assert asked(twin) == 1


@either_call
async def test_nobody_listening_is_unreachable(clock: StillClock, ask: Ask) -> None:
    """A refused connection is tried three times and then told as one."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port, and it refuses
        async with connected(f"http://127.0.0.1:{closed.getsockname()[1]}", clock) as model:
            raised = await _outcome(ask, model)

    assert type(raised) is errors.ModelUnreachableError
    assert len(clock.slept) == 2


EVENTS = {
    "start without a message": [{"type": "message_start"}],
    "start that is null": [None],
    "start that is a list": [[]],
    "start that is a text": ["hello"],
    "no type": [{"message": {}}],
    "delta without a delta": [{"type": "content_block_delta", "index": 0}],
    "delta that is null": [{"type": "content_block_delta", "index": 0, "delta": None}],
    "delta of an unknown type": [{"type": "content_block_delta", "index": 0, "delta": {"type": "smell"}}],
    "text that is null": [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": None}}],
    "end without usage": [{"type": "message_delta", "delta": {"stop_reason": None}}],
    "end without a delta": [{"type": "message_delta", "usage": {"output_tokens": 1}}],
    "unknown event": [{"type": "confetti"}],
}


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS.keys())
async def test_events_of_another_shape_are_our_error_too(
    twin: AnthropicTwin, model: AnthropicModel, events: list[Any]
) -> None:
    """An endpoint that speaks the API loosely cannot make a call raise anything but a model error."""
    body = b"".join(frame(event.get("type") if isinstance(event, dict) else "message_start", event) for event in events)
    meet(twin, Fault(status=200, headers=SSE, body=body))

    got = await heard(model)

    assert isinstance(got.error, errors.ModelError)
    assert got.usages == []


async def test_a_large_allowance_is_no_trouble(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """An update may ask for as many tokens as its model can give; the SDK refuses that unless it is given a timeout."""
    twin.script("{}")

    reply = await model.propose(
        StructuredRequest(
            instructions=REQUEST.instructions, data=REQUEST.data, schema=REQUEST.schema, max_tokens=30_000
        )
    )

    assert reply.text == "{}"


# -- silence and deadlines --------------------------------------------------------------------------------------------

QUICK = Deadlines(whole=30.0, silence=SILENCE_S)

SILENCE: dict[str, Case] = {
    "after the head": (
        lambda _: Reply(text="a b", hold_after=(-1, asyncio.Event())),
        errors.ModelUnreachableError,
        3,
    ),
    "before text": (lambda _: Reply(text="a b", hold_after=(0, asyncio.Event())), errors.ModelUnreachableError, 3),
    "only pings": (lambda _: Reply(text="a b", ping_only=asyncio.Event()), errors.ModelUnreachableError, 3),
}


@_cases(SILENCE)
async def test_silence_ends_a_try(
    twin: AnthropicTwin, clock: StillClock, trouble: Trouble, error: type[errors.ModelError], tries: int
) -> None:
    """A stream that brings no content for too long is given up and tried again, however many pings it sends."""
    meet(twin, trouble)

    async with connected(twin.url, clock, deadlines=QUICK) as model:
        got = await heard(model)

    assert type(got.error) is error
    assert asked(twin) == tries
    assert got.usages == []


@pytest.mark.parametrize(
    ("reply", "calls"),
    [(Reply(text="a b", stop_reason="refusal"), 1), (Reply(text="a b", no_stop=True), 3)],
    ids=["a refusal", "no end three times"],
)
async def test_what_failed_says_what_it_consumed(
    twin: AnthropicTwin, model: AnthropicModel, reply: Reply, calls: int
) -> None:
    """A provider charges for what it read and wrote, of use or not: the error knows it, over all tries."""
    for _ in range(calls):
        twin.script(reply)

    got = await heard(model)

    assert got.error is not None
    assert got.error.used is not None
    assert got.error.used.input_tokens == calls * prompt_tokens(twin.requests[0].body)
    assert got.error.used.model == ANSWER_MODEL


async def test_an_answer_at_the_second_try_counts_both(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """A stream that broke off was paid for too."""
    twin.script(Reply(text="a b c d", cut_after=2), "Better.")

    got = await heard(model)

    (usage,) = got.usages
    assert usage.input_tokens == 2 * prompt_tokens(twin.requests[0].body)


async def test_silence_after_text_begins_the_answer_again(twin: AnthropicTwin, clock: StillClock) -> None:
    """A stream that falls silent after text is begun again, and what it said before is void."""
    twin.script(Reply(text="a b", hold_after=(1, asyncio.Event())), "c d")

    async with connected(twin.url, clock, deadlines=Deadlines(whole=30.0, silence=0.1)) as model:
        got = await heard(model)

    assert ("".join(got.texts), len(got.usages), got.error) == ("c d", 1, None)
    assert asked(twin) == 2


@either_call
async def test_silence_before_the_head_lasts_no_longer_than_the_call(
    twin: AnthropicTwin, clock: StillClock, ask: Ask
) -> None:
    """A server that takes the request and says nothing is left when the time for the whole call is up."""
    twin.default = lambda _: Reply(hold=asyncio.Event())

    async with connected(twin.url, clock, deadlines=Deadlines(whole=SILENCE_S, silence=30.0)) as model:
        raised = await _outcome(ask, model)

    assert type(raised) is errors.ModelUnreachableError
    assert asked(twin) == 1
    assert await twin.wait_for(lambda: twin.disconnects) == twin.requests


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (lambda _: Reply(text="a b", ping_only=asyncio.Event()), errors.ModelUnreachableError),
        (lambda _: Reply(text="a b", hold_after=(0, asyncio.Event())), errors.ModelUnreachableError),
    ],
    ids=["pings", "silence"],
)
async def test_a_call_ends_at_its_deadline(
    twin: AnthropicTwin, clock: StillClock, trouble: Trouble, error: type[errors.ModelError]
) -> None:
    """The time for the whole call ends it where silence alone would not yet, and there is no other try."""
    meet(twin, trouble)

    async with connected(twin.url, clock, deadlines=Deadlines(whole=SILENCE_S, silence=30.0)) as model:
        got = await heard(model)

    assert type(got.error) is error
    assert asked(twin) == 1


async def test_an_answer_that_never_ends_is_cut(twin: AnthropicTwin, clock: StillClock) -> None:
    """A stream that brings a letter now and then, and no end, is not silent; the time for the whole call ends it."""
    twin.default = lambda _: Reply(text="a b", drip=asyncio.Event())

    async with connected(twin.url, clock, deadlines=Deadlines(whole=0.5, silence=30.0)) as model:
        got = await heard(model)

    assert type(got.error) is errors.ModelCutError
    assert (got.usages, asked(twin)) == ([], 1)


async def test_a_slow_answer_ends_at_the_deadline(twin: AnthropicTwin, clock: StillClock) -> None:
    """An answer that is still being written when the time for the whole call is up is cut."""
    twin.default = lambda _: Reply(text="a b", hold_after=(1, asyncio.Event()))

    async with connected(twin.url, clock, deadlines=Deadlines(whole=0.5, silence=30.0)) as model:
        got = await heard(model)

    assert (got.texts, got.usages) == (["a"], [])
    assert type(got.error) is errors.ModelCutError


@either_call
async def test_no_wait_goes_past_the_deadline(twin: AnthropicTwin, clock: StillClock, ask: Ask) -> None:
    """A wait that would not leave time for another try is not begun."""
    twin.default = refused(429, headers={"retry-after": "15"})

    async with connected(twin.url, clock, deadlines=Deadlines(whole=10.0, silence=10.0)) as model:
        raised = await _outcome(ask, model)

    assert type(raised) is errors.ModelBusyError
    assert (asked(twin), clock.slept) == (1, [])


def test_a_member_waits_at_most_two_minutes() -> None:
    """By default a call ends, in an answer or an error, within the 120 seconds of the fault matrix."""
    assert Deadlines().silence <= Deadlines().whole <= 120.0


# -- recovery ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        refused(529),
        refused(500),
        refused(429, headers={"retry-after": "0"}),
        Reply(cut_after=-1),
        Reply(text="Lost.", cut_after=0),
        Reply(thinking="Hm.", text="Lost.", cut_after=1),
        Reply(text="Lost.", error=ApiError(status=529, after=0)),
    ],
    ids=["529", "500", "429", "no head", "cut before text", "cut while thinking", "overload before text"],
)
async def test_an_answer_survives_passing_trouble(
    twin: AnthropicTwin, model: AnthropicModel, clock: StillClock, trouble: Reply
) -> None:
    """One passing failure before any text costs a short wait, and the member gets one whole answer."""
    twin.script(trouble, "All is well.")

    got = await heard(model)

    assert got.error is None
    assert "".join(got.texts) == "All is well."
    assert (len(got.usages), asked(twin)) == (1, 2)
    assert [0.375 <= wait <= 0.5 for wait in clock.slept] == [True]


async def test_an_update_survives_passing_trouble(
    twin: AnthropicTwin, model: AnthropicModel, clock: StillClock
) -> None:
    """Two passing failures cost two waits, the second one longer, and the third try counts."""
    twin.script(refused(529), Reply(wire="empty"), '{"operations": []}')

    reply = await model.propose(REQUEST)

    assert reply.text == '{"operations": []}'
    assert asked(twin) == 3
    first, second = clock.slept
    assert 0.375 <= first <= 0.5
    assert 0.75 <= second <= 1.0


@pytest.mark.parametrize(("header", "least"), [("7", 7.0), ("2.5", 2.5), ("20", 20.0), ("0", 0.375)])
@either_call
async def test_the_wait_the_server_asks_for_is_kept(
    twin: AnthropicTwin, model: AnthropicModel, clock: StillClock, *, ask: Ask, header: str, least: float
) -> None:
    """Another try comes no sooner than `retry-after` says, up to twenty seconds."""
    twin.script(refused(429, headers={"retry-after": header}), "{}")

    await ask(model)

    assert [wait >= least for wait in clock.slept] == [True]


async def test_waits_grow_and_vary(twin: AnthropicTwin, clock: StillClock) -> None:
    """Members whose answers fail at one moment do not all come back at one other moment."""
    twin.default = refused(529)

    async with connected(twin.url, clock) as model:
        for _ in range(4):
            await heard(model)

    assert all(second > first for first, second in list(pairwise(clock.slept))[::2])
    assert len(set(clock.slept)) == len(clock.slept)


async def test_a_model_works_again_after_trouble(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """A failed call leaves nothing behind that the next one could meet."""
    twin.script(Reply(text="a b c", stop_reason="pause_turn"), "Better.")

    got = [await heard(model) for _ in range(2)]

    assert [type(one.error) for one in got] == [errors.ModelCutError, type(None)]
    assert got[1].texts == ["Better."]


# -- leaving, opening, closing ----------------------------------------------------------------------------------------


async def test_a_caller_that_leaves_early_ends_the_answer(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """When nobody reads on, the connection is closed, so that nobody pays for the rest."""
    twin.script(Reply(text="a b c", hold_after=(1, asyncio.Event())))

    async for _ in model.answer(PROMPT):
        break

    assert await twin.wait_for(lambda: twin.disconnects) == twin.requests


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: Reply(text="a b c", hold_after=(1, asyncio.Event())),
        lambda _: Reply(text="a b c", ping_only=asyncio.Event()),
        lambda _: Reply(hold=asyncio.Event()),
    ],
    ids=["after text", "pings", "before the head"],
)
@either_call
async def test_a_cancelled_call_ends_the_request(
    twin: AnthropicTwin, model: AnthropicModel, ask: Ask, reply: Callable[[dict[str, Any]], Reply]
) -> None:
    """Cancelling a call closes its connection and is not swallowed."""
    twin.default = reply if ask is answered else lambda _: Reply(hold=asyncio.Event())

    async with asyncio.TaskGroup() as group:
        task = group.create_task(_asking(ask, model))
        await twin.wait_for(lambda: twin.requests)
        task.cancel()

    assert task.cancelled()
    assert await twin.wait_for(lambda: twin.disconnects) == twin.requests


async def _asking(ask: Ask, model: AnthropicModel) -> object:
    return await ask(model)


@pytest.mark.parametrize("times", [1, 2])
async def test_closing_is_harmless(twin: AnthropicTwin, clock: StillClock, times: int) -> None:
    """A model can be closed before its first call, and again after the last."""
    twin.script("Yes.")

    async with connected(twin.url, clock) as model:
        await model.close()
        got = await heard(model)
        for _ in range(times):
            await model.close()

    assert got.texts == ["Yes."]


async def test_warming_asks_nothing(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """Warming loads the SDK, sends no request, and may be repeated."""
    await model.warm()
    await model.warm()

    assert "anthropic" in sys.modules
    assert twin.ledger == []


async def test_making_a_model_asks_nothing(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """An answer that nobody reads is never asked for."""
    model.answer(PROMPT)

    assert twin.ledger == []


@pytest.mark.slow
def test_the_sdk_is_imported_late() -> None:
    """Importing and making a model loads no SDK: it takes seconds, and the terminal needs none."""
    program = (
        "import sys\n"
        "import bot.clock, bot.models.anthropic as ours\n"
        "ours.AnthropicModel(key='k', base_url='http://127.0.0.1', answer_model='a', persona_model='p',"
        " clock=bot.clock.SystemClock())\n"
        "print([name for name in ('anthropic', 'httpx2', 'aiohttp') if name in sys.modules])"
    )

    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# -- updates ----------------------------------------------------------------------------------------------------------


async def test_an_update_has_its_text_and_its_tokens(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """A structured answer comes as its text, without thinking, and counts the whole prompt."""
    text = '{"operations": [], "note": "д 🌂"}'
    counters = {"input_tokens": 3, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 2_000}
    twin.script(Reply(thinking="Hm.", text=text, usage=counters | {"output_tokens": 9}))

    reply = await model.propose(REQUEST)

    used = Usage(model=PERSONA_MODEL, input_tokens=2_043, output_tokens=9, cached_tokens=2_000, written_tokens=40)
    assert (reply.text, reply.usage) == (text, used)


@pytest.mark.parametrize("text", ['{"operations": [', "I would rather not.", "", "[]"])
async def test_text_that_is_no_update_is_handed_on(twin: AnthropicTwin, model: AnthropicModel, text: str) -> None:
    """A finished answer is text, whatever is in it: whoever asked checks its shape."""
    twin.script(Reply(text=text))

    assert (await model.propose(REQUEST)).text == text


@pytest.mark.parametrize("schema", sorted(SHIPPED))
@pytest.mark.parametrize("name", [PERSONA_MODEL, ANSWER_MODEL, "claude-opus-5-5"])
async def test_the_schemas_that_ship_are_taken(twin: AnthropicTwin, clock: StillClock, schema: str, name: str) -> None:
    """The shape of an update is sent as the output format, in the subset that the API takes."""
    twin.script({"operations": []})

    async with connected(twin.url, clock, persona_model=name) as model:
        optimizer = Optimizer(model=model, schema=load(schema))
        update = await optimizer.propose([], fences={})

    (request,) = twin.requests
    assert twin.refused == []
    assert request.body["output_config"]["format"] == {"type": "json_schema", "schema": optimizer.request([]).schema}
    assert "output_format" not in request.body
    assert update.operations == ()


async def test_the_same_update_twice_reads_its_instructions_from_the_cache(
    twin: AnthropicTwin, model: AnthropicModel
) -> None:
    """The optimizer's instructions, the same for everybody, are paid for once an hour."""
    twin.default = {"operations": []}
    optimizer = Optimizer(model=model, schema=load())

    for _ in range(2):
        await optimizer.propose([], fences={})

    assert twin.requests[0].raw == twin.requests[1].raw
    marks = [block.get("cache_control") for block in twin.requests[0].body["system"]]
    assert marks == [{"type": "ephemeral", "ttl": "1h"}]


@pytest.fixture(autouse=True)
def _nothing_unscripted(twin: AnthropicTwin) -> Iterator[None]:
    """A request for which nothing was scripted is a mistake of the test."""
    yield
    assert twin.unscripted == []
