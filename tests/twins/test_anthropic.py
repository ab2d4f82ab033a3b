"""The Anthropic twin keeps to the protocol sheet, as the unmodified SDK sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import pytest
from pydantic import BaseModel

from tests.twins.anthropic import AnthropicTwin, ApiError, Reply, ToolUse
from tests.twins.anthropic.cache import tokens

MODEL = "claude-haiku-5-5"
HELLO: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
TOOL: dict[str, Any] = {"name": "look", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}
LONG = "x" * 4096
"""1,024 tokens: long enough for the cache of the current models."""


class Fact(BaseModel):
    topic: str
    value: int


@pytest.fixture
async def twin() -> AsyncIterator[AnthropicTwin]:
    async with AnthropicTwin() as server:
        yield server


@pytest.fixture
async def client(twin: AnthropicTwin, request: pytest.FixtureRequest) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The SDK as the bot uses it, over aiohttp; tests of trouble also take its own transport."""
    transport = getattr(request, "param", anthropic.DefaultAioHttpClient)
    http = transport(verify=False)  # no certificates are loaded: the twin speaks plain HTTP
    async with anthropic.AsyncAnthropic(base_url=twin.url, api_key="test-key", max_retries=0, http_client=http) as sdk:
        yield sdk


either_transport = pytest.mark.parametrize(
    "client",
    [anthropic.DefaultAioHttpClient, anthropic.DefaultAsyncHttpxClient],
    ids=["aiohttp", "httpx2"],
    indirect=True,
)


@pytest.fixture
async def raw(twin: AnthropicTwin) -> AsyncIterator[httpx2.AsyncClient]:
    """A plain HTTP client with the right key, for what the SDK does not let through."""
    headers = {"x-api-key": "test-key", "anthropic-version": "2026-10-21"}
    async with httpx2.AsyncClient(base_url=twin.url, headers=headers, trust_env=False) as http:
        yield http


async def streamed(client: anthropic.AsyncAnthropic, **changes: Any) -> anthropic.types.Message:
    """The whole of one streamed answer."""
    async with client.messages.stream(**HELLO | changes) as stream:
        return await stream.get_final_message()


async def read(client: anthropic.AsyncAnthropic, seen: list[str]) -> None:
    """Stream an answer into `seen`, which keeps what came before any trouble: the start and every text delta."""
    async with client.messages.stream(**HELLO) as stream:
        async for event in stream:
            if event.type == "message_start":
                seen.append(event.type)
            if event.type == "text":
                seen.append(event.text)


async def asked(client: anthropic.AsyncAnthropic, **changes: Any) -> anthropic.types.Message:
    message: anthropic.types.Message = await client.messages.create(**HELLO | changes)
    return message


def marked(text: str, ttl: str = "5m") -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}


def said(*contents: Any) -> list[dict[str, Any]]:
    """A conversation in which user and assistant take turns."""
    return [{"role": ("user", "assistant")[i % 2], "content": content} for i, content in enumerate(contents)]


# -- answers ----------------------------------------------------------------------------------------------------------


async def test_a_string_is_answered_as_text(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A scripted string is the text of an ordinary message with its usage and its request id."""
    twin.script("Hello, Ada.")

    message = await asked(client, system="Be brief.")

    assert [block.text for block in message.content if block.type == "text"] == ["Hello, Ada."]
    assert (message.stop_reason, message.model) == ("end_turn", MODEL)
    assert message.usage.input_tokens == tokens("Be brief.") + tokens("Hello")
    assert message.usage.output_tokens == tokens("Hello, Ada.")
    assert message._request_id == "req_000001"


async def test_a_stream_carries_the_same_message(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A stream adds up to the message that JSON would have carried, thinking first and tools last."""
    twin.default = Reply(thinking="Hm.", text="Let me look.", tools=[ToolUse(name="look", input={"q": "Ada"})])

    whole = await asked(client, tools=[TOOL])
    stream = await streamed(client, tools=[TOOL])

    assert [block.type for block in stream.content] == ["thinking", "text", "tool_use"]
    assert stream.stop_reason == "tool_use"
    left_out: Any = {"id": True, "content": {2: {"id"}}}
    assert stream.model_dump(exclude=left_out) == whole.model_dump(exclude=left_out)


async def test_events_come_in_the_order_of_the_sheet(twin: AnthropicTwin, raw: httpx2.AsyncClient) -> None:
    """Every event has its name twice, and a text stream has the events of the sheet in their order."""
    twin.script(Reply(chunks=["Hel", "lo"]))

    response = await raw.post("/v1/messages", json=HELLO | {"stream": True})

    events = [dict(line.split(": ", 1) for line in event.splitlines()) for event in response.text.split("\n\n")[:-1]]
    assert [event["event"] for event in events] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(json.loads(event["data"])["type"] == event["event"] for event in events)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["request-id"]


async def test_omitted_thinking_has_only_its_signature(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """Thinking that is not displayed is an empty block with a signature, in front of the text."""
    twin.script(Reply(thinking="", text="Yes."))

    thinking, text = (await streamed(client)).content

    assert thinking.type == "thinking"
    assert (thinking.thinking, bool(thinking.signature), text.type) == ("", True, "text")


async def test_a_dictionary_answers_a_structured_request(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A scripted dictionary is the JSON that `parse` and a typed stream read."""
    twin.default = {"topic": "café", "value": 3}

    parsed = await client.messages.parse(**HELLO, output_format=Fact)
    async with client.messages.stream(**HELLO, output_format=Fact) as stream:
        final = await stream.get_final_message()

    assert parsed.parsed_output == final.parsed_output == Fact(topic="café", value=3)
    assert [request.structured for request in twin.requests] == [True, True]
    assert [request.stream for request in twin.requests] == [False, True]


async def test_rate_limit_headers_come_with_success(twin: AnthropicTwin, raw: httpx2.AsyncClient) -> None:
    """Success carries limit, remaining and reset of every rate limit."""
    twin.script("Hi")

    headers = (await raw.post("/v1/messages", json=HELLO)).headers

    for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
        for part in ("limit", "remaining", "reset"):
            assert headers[f"anthropic-ratelimit-{kind}-{part}"]


# -- scripts ----------------------------------------------------------------------------------------------------------


async def test_matches_come_before_the_queue_and_the_queue_before_the_default(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic
) -> None:
    """The latest match that fits answers and leaves the queue alone; the default answers when the queue is empty."""
    twin.match(lambda body: "opus" in body["model"], "covered")
    twin.match(lambda body: body["model"] == "claude-opus-5", "matched")
    twin.script("first")
    twin.default = "default"

    answers = [await asked(client, model=model) for model in ("claude-opus-5", MODEL, MODEL)]

    texts = [block.text for message in answers for block in message.content if block.type == "text"]
    assert texts == ["matched", "first", "default"]


async def test_a_callable_sees_the_request(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A callable, async or not, makes its reply from the request body."""

    async def shout(body: dict[str, Any]) -> str:
        return str(body["messages"][-1]["content"]).upper()

    twin.script(shout, lambda body: Reply(text=body["model"]))

    answers = [await asked(client), await asked(client)]

    assert [block.text for a in answers for block in a.content if block.type == "text"] == ["HELLO", MODEL]


async def test_an_unscripted_request_says_so(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """Without a script the answer is a 500 that blames the test, and that the SDK does not retry."""
    with pytest.raises(anthropic.InternalServerError, match="the test scripted nothing"):
        await asked(client.with_options(max_retries=2))

    assert twin.unscripted == twin.requests
    assert len(twin.requests) == 1


async def test_a_script_that_raises_says_so(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """What a scripted callable raises reaches the test in the answer, once."""
    twin.script(lambda body: str(body["no such field"]))

    with pytest.raises(anthropic.InternalServerError, match="KeyError"):
        await asked(client.with_options(max_retries=2))


async def test_a_request_is_kept_as_it_came(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """The test can see the exact bytes, the headers and every text that the model saw."""
    twin.script("ok")
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "Found it"}]}
    use = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}

    await asked(client, system=[marked("Rules")], messages=said("Hello", [use], [result]), tools=[TOOL])

    (request,) = twin.requests
    assert request.text == "Rules\nHello\nFound it"
    assert json.loads(request.raw) == request.body
    assert request.headers["Anthropic-Version"] == "2026-10-21"


# -- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expected",
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (402, "billing_error", anthropic.PaymentRequiredError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (409, "conflict_error", anthropic.ConflictError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (503, "api_error", anthropic.ServiceUnavailableError),
        (504, "timeout_error", anthropic.GatewayTimeoutError),
        (529, "overloaded_error", anthropic.OverloadedError),
    ],
)
@pytest.mark.parametrize("ask", [asked, streamed])
@either_transport
async def test_scripted_errors_are_the_errors_of_the_sheet(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, ask: Any, expected: tuple[int, str, type[Exception]]
) -> None:
    """A scripted status comes with its error type, and the SDK raises its class, streaming or not."""
    status, kind, raised = expected
    twin.script(Reply(error=ApiError(status=status, message="Sorry.")))

    with pytest.raises(anthropic.APIStatusError) as caught:
        await ask(client)

    assert type(caught.value) is raised
    assert (caught.value.type, caught.value.api_message) == (kind, "Sorry.")
    assert caught.value.body == {
        "type": "error",
        "error": {"type": kind, "message": "Sorry."},
        "request_id": caught.value.request_id,
    }


async def test_an_error_code_travels_in_the_details(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """An error code arrives as `error_code`, a spend limit without a time to wait."""
    twin.script(Reply(error=ApiError(status=429, error_code="enforced_spend_limit_reached")))

    with pytest.raises(anthropic.RateLimitError) as caught:
        await asked(client)

    assert caught.value.error_code == "enforced_spend_limit_reached"
    assert "retry-after" not in caught.value.response.headers
    assert caught.value.response.headers["anthropic-ratelimit-requests-remaining"] == "0"


@either_transport
async def test_a_retry_meets_the_next_reply(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """After an error with retry-after the SDK asks again and gets the next scripted reply."""
    twin.script(Reply(error=ApiError(status=529, headers={"retry-after-ms": "1"})), "Better.")

    message = await streamed(client.with_options(max_retries=1))

    assert message.content[0].type == "text"
    assert [request.headers["x-stainless-retry-count"] for request in twin.requests] == ["0", "1"]


@either_transport
async def test_an_error_need_not_be_json(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A 401 with a page instead of JSON is still an AuthenticationError."""
    twin.script(Reply(error=ApiError(status=401, raw="<h1>Sign in</h1>")))

    with pytest.raises(anthropic.AuthenticationError) as caught:
        await asked(client)

    assert caught.value.body == "<h1>Sign in</h1>"


@pytest.mark.parametrize("after", [-1, 0, 1, 99])
@either_transport
async def test_an_error_event_ends_the_stream(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, after: int
) -> None:
    """An error event, even before message_start, raises APIStatusError with status 200 and is never retried."""
    twin.script(Reply(chunks=["a", "b", "c"], error=ApiError(status=529, after=after)))
    seen: list[str] = []

    with pytest.raises(anthropic.APIStatusError) as caught:
        await read(client.with_options(max_retries=2), seen)

    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")
    assert seen == (["message_start"] if after >= 0 else []) + ["a", "b", "c"][: max(after, 0)]
    assert len(twin.requests) == 1


@pytest.mark.parametrize("after", [0, 2, 99])
@either_transport
async def test_a_cut_stream_keeps_what_came_before(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, after: int
) -> None:
    """A cut in the middle raises an httpx2 error after exactly the scripted number of deltas."""
    twin.script(Reply(chunks=["a", "b", "c"], cut_after=after))
    seen: list[str] = []

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await read(client, seen)

    assert seen == ["message_start", "a", "b", "c"][: after + 1]
    assert twin.disconnects == []


@pytest.mark.parametrize("ask", [asked, streamed])
@either_transport
async def test_a_cut_before_the_head_is_retried(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, ask: Any
) -> None:
    """A connection that drops before the response head raises APIConnectionError."""
    twin.script(Reply(cut_after=-1))

    with pytest.raises(anthropic.APIConnectionError):
        await ask(client)


@either_transport
async def test_a_cut_json_answer(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A JSON answer can be cut in the middle of its body."""
    twin.script(Reply(text="Hello", cut_after=0))

    with pytest.raises((httpx2.HTTPError, anthropic.APIConnectionError)):
        await asked(client)


@either_transport
async def test_silence_lasts_until_the_test_ends_it(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A held stream shows what came before, and goes on when the test sets the event."""
    go = asyncio.Event()
    twin.script(Reply(chunks=["a", "b"], hold_after=(1, go)))

    async with client.messages.stream(**HELLO) as stream:
        first = await anext(stream.text_stream)
        go.set()
        rest = [text async for text in stream.text_stream]

    assert (first, rest) == ("a", ["b"])


@pytest.mark.parametrize("position", [-1, 1])
@either_transport
async def test_silence_in_a_stream_is_a_read_timeout(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, position: int
) -> None:
    """Silence longer than the read timeout raises httpx2.ReadTimeout, and the twin sees the client go."""
    twin.script(Reply(chunks=["a", "b"], hold_after=(position, asyncio.Event())))
    seen: list[str] = []

    with pytest.raises(httpx2.ReadTimeout):
        await read(client.with_options(timeout=0.2), seen)

    assert seen == ["message_start", "a", "b"][: position + 1]
    assert await twin.wait_for(lambda: twin.disconnects) == twin.requests


@pytest.mark.parametrize("ask", [asked, streamed])
@either_transport
async def test_silence_before_the_head_is_a_timeout(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, ask: Any
) -> None:
    """Silence before the response head raises APITimeoutError."""
    twin.script(Reply(hold=asyncio.Event()))

    with pytest.raises(anthropic.APITimeoutError):
        await ask(client.with_options(timeout=0.05))


async def test_pings_are_not_an_answer(twin: AnthropicTwin, raw: httpx2.AsyncClient) -> None:
    """A stream can be nothing but pings, as many as the client reads, until the test ends them."""
    go = asyncio.Event()
    twin.script(Reply(text="Done.", ping_only=go))

    async with raw.stream("POST", "/v1/messages", json=HELLO | {"stream": True}) as response:
        lines = response.aiter_lines()
        pings = {await anext(lines) for _ in range(3000)}
        go.set()
        rest = [line async for line in lines]

    assert pings == {"event: ping", 'data: {"type": "ping"}', ""}
    assert "event: message_stop" in rest


@either_transport
async def test_a_client_that_leaves_is_noticed(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A client that closes a stream half-way is listed in disconnects, and a finished one is not."""
    twin.script("Hello.", Reply(chunks=["a", "b"], hold_after=(1, asyncio.Event())))

    await streamed(client)
    async with client.messages.stream(**HELLO) as stream:
        await anext(stream.text_stream)

    assert await twin.wait_for(lambda: twin.disconnects) == twin.requests[1:]
    assert twin.finished == twin.requests[:1]


@either_transport
async def test_a_stream_without_an_end(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A clean end without message_stop is no error: the stop reason stays None."""
    twin.script(Reply(text="Half an", no_stop=True))

    message = await streamed(client)

    assert message.stop_reason is None
    assert message.content[0].type == "text"


@pytest.mark.parametrize("wire", ["empty", "json", "unnamed"])
@either_transport
async def test_a_stream_that_is_none(twin: AnthropicTwin, client: anthropic.AsyncAnthropic, wire: Any) -> None:
    """An empty body, JSON, or events without names make the stream helper fail its assertion."""
    twin.script(Reply(text="Hello", wire=wire))

    with pytest.raises(AssertionError):
        await streamed(client)


@pytest.mark.parametrize("ask", [asked, streamed])
async def test_a_refusal_explains_itself(twin: AnthropicTwin, client: anthropic.AsyncAnthropic, ask: Any) -> None:
    """A refusal has its stop reason and details, and no content."""
    twin.script(Reply(stop_reason="refusal"))

    message = await ask(client)

    assert (message.stop_reason, message.stop_details.type, message.content) == ("refusal", "refusal", [])


async def test_tool_json_cut_by_max_tokens(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """Tool JSON that max_tokens cut is no error; the input holds what could be closed."""
    twin.script(Reply(tools=[ToolUse(name="look", raw='{"q": "Ada", "n": [1,')], stop_reason="max_tokens"))

    message = await streamed(client, tools=[TOOL])

    assert message.stop_reason == "max_tokens"
    assert message.content[0].type == "tool_use"
    assert message.content[0].input == {"q": "Ada", "n": [1]}


async def test_garbage_for_a_structured_request(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """Text that breaks the schema reaches pydantic, not the SDK's errors."""
    twin.script('{"topic": "tea", "val')

    with pytest.raises(ValueError, match="Invalid JSON"):
        await client.messages.parse(**HELLO, output_format=Fact)


async def test_closing_the_twin_releases_every_hold() -> None:
    """A twin that closes ends the silences it keeps, so that no client waits for ever."""
    async with AnthropicTwin() as twin:
        twin.script(Reply(text="Late.", hold=asyncio.Event()))
        client = anthropic.AsyncAnthropic(base_url=twin.url, api_key="test-key", max_retries=0)
        async with client, asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(asked(client))
            await twin.wait_for(lambda: twin.requests)
            await twin.__aexit__()

    assert answer.result().stop_reason == "end_turn"


# -- refusals ---------------------------------------------------------------------------------------------------------

USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "additionalProperties": False}


def shaped(schema: dict[str, Any]) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model": None}, "model: Field required"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"messages": None}, "messages: Field required"),
        ({"max_tokens": "many"}, "max_tokens: Input should be a valid int"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid int"),
        ({"max_tokens": 10**6}, "max_tokens: 1000000"),
        ({"colour": "blue"}, "colour: Extra inputs are not permitted"),
        ({"thread": {"type": "create"}}, "thread: Extra inputs"),
        ({"output_format": {"type": "json_schema"}}, "output_format: Extra inputs"),
        ({"temperature": 0.5}, "temperature: Extra inputs"),
        ({"top_p": 0.5}, "top_p: Extra inputs"),
        ({"top_k": 5}, "top_k: Extra inputs"),
        ({"messages": []}, "first message"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "first message"),
        ({"messages": said("")}, "non-empty content"),
        ({"messages": said([{"type": "text", "text": ""}])}, "text content blocks must be non-empty"),
        ({"messages": said([{"type": "text", "text": " "}])}, "non-whitespace"),
        ({"messages": said(" ")}, "non-whitespace"),
        ({"messages": said([{"type": "hologram"}])}, "hologram"),
        ({"messages": said([{"text": "no type"}])}, "malformed"),
        ({"messages": [{"role": "narrator", "content": "Hi"}, *said("a")]}, "first message"),
        ({"messages": said("a", [{"type": "document", "source": {}}])}, "document"),
        ({"messages": said([{"type": "text", "text": "a", "citations": []}])}, "citations"),
        ({"system": [{"type": "text", "text": ""}]}, "system: text content blocks must be non-empty"),
        ({"messages": said([RESULT])}, "unexpected `tool_use_id`"),
        ({"messages": said("a", [USE], "b"), "tools": [TOOL]}, "messages.1: `tool_use` ids were found without"),
        ({"messages": said("a", [USE]), "tools": [TOOL]}, "`tool_use` ids were found without"),
        ({"messages": said("a", [USE], [{"type": "text", "text": "b"}, RESULT])}, "without `tool_result`"),
        ({"model": "claude-sonnet-5-5", "messages": said("a", "b")}, "prefill"),
        ({"model": "claude-sonnet-5-5", "thinking": {"type": "disabled"}}, "'disabled' is not supported"),
        ({"model": "claude-sonnet-5-5", "thinking": {"type": "enabled", "budget_tokens": 2000}}, "'enabled' is not"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "at least 1024"),
        ({"model": "claude-opus-5-5", "tools": [TOOL], "tool_choice": {"type": "any"}}, "forced"),
        ({"tool_choice": {"type": "auto"}}, "while providing tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}, "Tool 'x' not found"),
        ({"tools": [TOOL, TOOL]}, "must be unique"),
        ({"tools": [TOOL | {"strict": True}]}, "additionalProperties"),
        ({"system": [marked("x")] * 5}, "Found 5"),
        ({"system": [marked("x")] * 4, "cache_control": {"type": "ephemeral"}}, "Found 5"),
        ({"system": [marked("x")], "messages": said([marked("y", "1h")])}, "messages.0.content.0.cache_control.ttl"),
        ({"system": [marked("x", "2h")]}, "'5m' or '1h'"),
        ({"messages": said([marked("y", "1h")]), "cache_control": {"type": "ephemeral"}}, "another ttl"),
        ({"output_config": {"effort": "enormous"}}, "effort"),
        ({"output_config": {"shape": "round"}}, "output_config.shape: Extra inputs"),
        ({"output_config": {"format": {"type": "json"}}}, "output_config.format"),
        (shaped({"type": "object"}), "'additionalProperties' must be explicitly set to false"),
        (shaped({"type": "array", "items": {"type": "object"}}), "additionalProperties"),
        (shaped(NUMBER), "For 'integer' type, property 'minimum' is not supported"),
        (shaped({"type": "string", "maxLength": 3}), "For 'string' type, property 'maxLength' is not supported"),
        (shaped({"type": "string", "format": "colour"}), "format 'colour'"),
        (shaped({"type": "array", "items": {"type": "null"}, "minItems": 2}), "'minItems' values other than 0 or 1"),
    ],
)
async def test_bad_requests_are_refused(
    twin: AnthropicTwin, raw: httpx2.AsyncClient, changes: dict[str, Any], complaint: str
) -> None:
    """What the API refuses is answered 400 and reaches neither the script nor the list of requests."""
    body = {name: value for name, value in (HELLO | changes).items() if value is not None}

    response = await raw.post("/v1/messages", json=body)

    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert complaint in response.json()["error"]["message"]
    assert response.headers["request-id"] == response.json()["request_id"]
    assert twin.requests == []


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": said("a", "b")},
        {"messages": [*said("a"), {"role": "system", "content": "Now in French."}, *said("b")]},
        {"messages": said("a", [USE], [RESULT, {"type": "text", "text": "and?"}]), "tools": [TOOL]},
        {"messages": [*said("a", [USE, USE | {"id": "t2"}], [RESULT]), *said([RESULT | {"tool_use_id": "t2"}])]},
        {
            "model": "claude-opus-5-5",
            "thinking": {"type": "adaptive"},
            "tools": [TOOL],
            "tool_choice": {"type": "auto"},
        },
        {"system": [marked("x", "1h"), marked("y")], "cache_control": {"type": "ephemeral"}},
        {"system": "", "output_config": {"effort": "low"}, "metadata": {"user_id": "u"}, "cache_control": None},
        shaped({"$defs": {"A": {"enum": ["a", "b"]}}, "anyOf": [{"$ref": "#/$defs/A"}, {"type": ["null", "string"]}]}),
    ],
)
async def test_good_requests_pass(twin: AnthropicTwin, raw: httpx2.AsyncClient, changes: dict[str, Any]) -> None:
    """What the API takes is taken, prefill and merged turns included."""
    twin.script("ok")

    response = await raw.post("/v1/messages", json=HELLO | changes)

    assert response.status_code == 200, response.text


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer test-key"}, {"x-api-key": "test-key"}])
async def test_either_header_carries_the_key(twin: AnthropicTwin, headers: dict[str, str]) -> None:
    """A known key is accepted as a bearer token and as x-api-key."""
    async with httpx2.AsyncClient(base_url=twin.url, trust_env=False) as http:
        response = await http.get("/v1/models", headers=headers | {"anthropic-version": "2026-10-21"})

    assert response.status_code == 200


async def test_a_wrong_key_is_refused(twin: AnthropicTwin) -> None:
    """An unknown key is answered 401 on every path."""
    async with anthropic.AsyncAnthropic(base_url=twin.url, api_key="other", max_retries=0) as sdk:
        with pytest.raises(anthropic.AuthenticationError, match="authentication_error"):
            await asked(sdk)

    assert [error.status for error in twin.refused] == [401]


async def test_an_unknown_model_is_not_found(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A model the twin does not know is answered 404, for messages, counts and the model list."""
    for call in (asked(client, model="claude-0"), client.models.retrieve("claude-0")):
        with pytest.raises(anthropic.NotFoundError, match="model: claude-0"):
            await call


async def test_a_body_that_is_too_large(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A body over the limit is answered 413."""
    assert twin.max_bytes == 32 * 2**20
    twin.max_bytes = 1000

    with pytest.raises(anthropic.ContentTooLargeError, match="request_too_large"):
        await asked(client, system=LONG)


async def test_a_body_that_is_no_json(twin: AnthropicTwin, raw: httpx2.AsyncClient) -> None:
    """A body that cannot be parsed is answered 400, an unknown path 404, both as JSON errors."""
    broken = await raw.post("/v1/messages", content=b"{", headers={"content-type": "application/json"})
    nowhere = await raw.get("/v2/messages")

    assert (broken.status_code, nowhere.status_code) == (400, 404)
    assert nowhere.json()["error"]["type"] == "not_found_error"


async def test_an_older_version_still_takes_temperature(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """The fields that 2026-10-21 dropped are accepted under the version before it."""
    twin.script("ok")

    await asked(client, extra_body={"temperature": 0.2}, extra_headers={"anthropic-version": "2023-06-01"})

    assert twin.requests[0].body["temperature"] == 0.2


# -- tokens and the prompt cache --------------------------------------------------------------------------------------


async def counters(client: anthropic.AsyncAnthropic, **changes: Any) -> tuple[int | None, int | None, int]:
    """Tokens written to the cache, read from it, and neither."""
    usage = (await asked(client, **changes)).usage
    return usage.cache_creation_input_tokens, usage.cache_read_input_tokens, usage.input_tokens


async def test_counting_agrees_with_usage(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A count is the sum of the three input counters of the same request."""
    twin.default = "ok"
    prompt: dict[str, Any] = {"system": [marked(LONG)], "tools": [TOOL], "messages": said("Grüße", "b", "c")}

    count = await client.messages.count_tokens(model=MODEL, **prompt)

    assert count.input_tokens == sum(number or 0 for number in await counters(client, **prompt))


async def test_a_count_takes_no_max_tokens(raw: httpx2.AsyncClient) -> None:
    """count_tokens refuses what only a message request has."""
    response = await raw.post("/v1/messages/count_tokens", json=HELLO)

    assert response.json()["error"]["message"] == "max_tokens: Extra inputs are not permitted"


async def test_a_marked_prefix_is_written_once_and_then_read(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic
) -> None:
    """The first request writes the marked prefix, the next reads it whatever comes behind."""
    twin.default = "ok"

    first = await counters(client, system=[marked(LONG)])
    second = await counters(client, system=[marked(LONG)], messages=said("Another"))

    assert first == (1024, 0, tokens("Hello"))
    assert second == (0, 1024, tokens("Another"))


async def test_a_growing_conversation_writes_only_what_is_new(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic
) -> None:
    """A top-level mark moves along: earlier turns are read, new ones written for the next time."""
    twin.default = "ok"
    auto: dict[str, Any] = {"system": [marked(LONG, "1h")], "cache_control": {"type": "ephemeral"}}

    await counters(client, **auto)
    second = (await asked(client, messages=said("Hello", "b", "cc"), **auto)).usage

    assert second.cache_read_input_tokens == 1024 + tokens("Hello")
    assert second.cache_creation is not None
    assert second.cache_creation.ephemeral_5m_input_tokens == tokens("b") + tokens("cc")
    assert (second.cache_creation.ephemeral_1h_input_tokens, second.input_tokens) == (0, 0)


async def test_each_lifetime_is_counted_apart(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """Tokens up to the one-hour mark and those behind it are written under their own lifetimes."""
    twin.default = "ok"

    usage = (await asked(client, system=[marked(LONG, "1h"), marked(LONG)])).usage

    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_1h_input_tokens == usage.cache_creation.ephemeral_5m_input_tokens == 1024


async def test_entries_expire_and_reading_renews_them(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A five-minute entry lives five minutes from its last use."""
    twin.default = "ok"
    reads = []

    for wait_s in (0, 299, 299, 300):
        twin.advance(wait_s)
        reads.append((await counters(client, system=[marked(LONG)]))[1])

    assert reads == [0, 1024, 1024, 0]


async def test_an_entry_keeps_its_own_lifetime(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A one-hour entry that a five-minute mark reads stays for an hour."""
    twin.default = "ok"

    await counters(client, system=[marked(LONG, "1h")])
    await counters(client, system=[marked(LONG)])
    twin.advance(3599)

    assert (await counters(client, system=[marked(LONG)]))[1] == 1024


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({}, 1024),
        ({"model": "claude-opus-5"}, 0),
        ({"tools": [TOOL]}, 0),
        ({"extra_headers": {"Authorization": "Bearer second-key"}}, 0),
        ({"thinking": {"type": "adaptive"}}, 1024),
        ({"system": [marked(LONG[1:])]}, 0),
    ],
)
async def test_what_breaks_the_cache(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, changes: dict[str, Any], read: int
) -> None:
    """Another workspace, model, tool list or system text reads nothing; thinking spares the system text."""
    twin.keys |= {"second-key"}
    twin.default = "ok"
    await counters(client, system=[marked(LONG)])

    assert (await counters(client, **{"system": [marked(LONG)]} | changes))[1] == read


@pytest.mark.parametrize("changes", [{"thinking": {"type": "adaptive"}}, shaped({"type": "string"})])
async def test_a_setting_breaks_the_messages_only(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic, changes: dict[str, Any]
) -> None:
    """Another thinking setting or schema reads the system text again, but not the messages behind it."""
    twin.default = "ok"
    prompt: dict[str, Any] = {"system": [marked(LONG)], "messages": said([marked(LONG)])}
    await counters(client, **prompt)

    written, read, plain = await counters(client, **changes, **prompt)

    schema = changes.get("output_config", {}).get("format")
    assert (written, read, plain) == (1024 + (tokens(json.dumps(schema)) if schema else 0), 1024, 0)


async def test_a_short_prefix_is_not_cached(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A prefix under the model's minimum is no error and counts as plain input each time."""
    twin.default = "ok"
    short: dict[str, Any] = {"system": [marked("x" * 2040)]}

    assert [await counters(client, **short) for _ in range(2)] == [(0, 0, 510 + tokens("Hello"))] * 2


async def test_a_mark_looks_back_twenty_blocks(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """An entry further than twenty blocks before the mark is not found."""
    twin.default = "ok"
    plain = [{"type": "text", "text": "more"}]
    await counters(client, messages=said([marked(LONG)]))

    near = await counters(client, messages=said([marked(LONG) | {"cache_control": None}, *plain * 18, marked("end")]))
    twin.advance(3600)
    await counters(client, messages=said([marked(LONG)]))
    far = await counters(client, messages=said([marked(LONG) | {"cache_control": None}, *plain * 19, marked("fin")]))

    assert (near[1], far[1]) == (1024, 0)


async def test_parallel_first_requests_all_pay_the_write(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """An entry is readable only once the first response has started."""
    go = asyncio.Event()
    twin.default = Reply(text="ok", hold=go)

    async with asyncio.TaskGroup() as tasks:
        pair = [tasks.create_task(counters(client, system=[marked(LONG)])) for _ in range(2)]
        await twin.wait_for(lambda: len(twin.requests) == 2)
        go.set()

    assert [task.result()[:2] for task in pair] == [(1024, 0), (1024, 0)]


async def test_no_output_tokens_warm_the_cache(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A request for no tokens asks no model, and leaves its prefix in the cache."""
    twin.script("ok")

    warm = await asked(client, max_tokens=0, system=[marked(LONG)])
    answer = await counters(client, system=[marked(LONG)])

    assert (warm.content, warm.usage.output_tokens) == ([], 0)
    assert answer[1] == 1024


async def test_usage_can_be_scripted(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """Scripted counters replace those the twin worked out, streaming or not."""
    twin.default = Reply(text="ok", usage={"input_tokens": 9, "output_tokens": 7})

    usages = [(await asked(client)).usage, (await streamed(client)).usage]

    assert [(usage.input_tokens, usage.output_tokens) for usage in usages] == [(9, 7), (9, 7)]


# -- models and batches -----------------------------------------------------------------------------------------------


async def test_models_are_listed_page_by_page(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """The SDK walks the pages of the model list, and finds each model by its id."""
    listed = [model.id async for model in client.models.list(limit=2)]

    assert listed == list(twin.models)
    assert (await client.models.retrieve(MODEL)).display_name == "Claude Haiku 5.5"


def requests(*custom_ids: str) -> Any:
    return [{"custom_id": custom_id, "params": HELLO | {"system": custom_id}} for custom_id in custom_ids]


async def test_a_batch_ends_when_the_test_says_so(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A batch runs until it is finished; its results come from the script, in any order."""
    twin.default = lambda body: f"for {body['system']}"
    batch = await client.messages.batches.create(requests=requests("a", "b", "c"))
    with pytest.raises(anthropic.AnthropicError, match="No `results_url`"):
        await client.messages.batches.results(batch.id)

    await twin.finish_batch(batch.id, order=["b", "c", "a"])

    rows = [row async for row in await client.messages.batches.results(batch.id)]
    ended = await client.messages.batches.retrieve(batch.id)
    assert (batch.processing_status, batch.request_counts.processing, batch.results_url) == ("in_progress", 3, None)
    assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 3)
    assert [row.custom_id for row in rows] == ["b", "c", "a"]
    assert rows[0].result.type == "succeeded"
    assert rows[0].result.message.content[0].to_dict()["text"] == "for b"
    assert rows[0].result.message.usage.service_tier == "batch"


async def test_each_request_of_a_batch_has_its_own_outcome(
    twin: AnthropicTwin, client: anthropic.AsyncAnthropic
) -> None:
    """Requests can be scripted to fail, and a bad one is errored at the end, not refused at creation."""
    twin.default = "ok"
    bad: Any = {"custom_id": "bad", "params": HELLO | {"model": "claude-0"}}
    batch = await client.messages.batches.create(requests=[*requests("a", "b", "c", "d"), bad])

    overloaded = ApiError(status=529)
    await twin.finish_batch(batch.id, outcomes={"b": "expired", "c": "canceled", "d": overloaded})

    rows: dict[str, Any] = {
        row.custom_id: row.result.to_dict() async for row in await client.messages.batches.results(batch.id)
    }
    assert list(rows) == ["bad", "d", "c", "b", "a"]
    assert [rows[name]["type"] for name in "abc"] == ["succeeded", "expired", "canceled"]
    assert [rows[name]["error"]["error"]["type"] for name in ("d", "bad")] == ["overloaded_error", "not_found_error"]


async def test_a_batch_can_be_canceled_and_deleted(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """A canceled batch is canceling until it ends, what was not answered is canceled, and then it can go."""
    batch = await client.messages.batches.create(requests=requests("a"))
    canceling = await client.messages.batches.cancel(batch.id)
    with pytest.raises(anthropic.BadRequestError):
        await client.messages.batches.delete(batch.id)

    await twin.finish_batch(batch.id)

    ended = await client.messages.batches.retrieve(batch.id)
    await client.messages.batches.delete(batch.id)
    assert (canceling.processing_status, ended.request_counts.canceled) == ("canceling", 1)
    assert [left async for left in client.messages.batches.list()] == []


async def test_batches_are_listed_newest_first(twin: AnthropicTwin, client: anthropic.AsyncAnthropic) -> None:
    """The list of batches is paged, newest first, in both directions."""
    made = [(await client.messages.batches.create(requests=requests("a"))).id for _ in range(3)]

    newest = [batch.id async for batch in client.messages.batches.list(limit=1)]
    page = await client.messages.batches.list(before_id=made[0], limit=1)

    assert newest == made[::-1]
    assert ([batch.id for batch in page.data], page.has_more) == ([made[1]], True)


@pytest.mark.parametrize("rows", [[], requests("a", "a"), requests("no spaces"), [{"custom_id": "a"}]])
async def test_a_bad_batch_is_refused(twin: AnthropicTwin, client: anthropic.AsyncAnthropic, rows: Any) -> None:
    """A batch needs requests with distinct, plain custom ids."""
    with pytest.raises(anthropic.BadRequestError):
        await client.messages.batches.create(requests=rows)

    assert not twin.batches
