"""What the API refuses in a request body: sheet 3.5 and the long-standing rules, in the API's words where known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise, takewhile
from types import NoneType

from tests.twins.anthropic.cache import blocks, parts, prompt_tokens
from tests.twins.anthropic.models import Model
from tests.twins.anthropic.reply import Body, RefusedError
from tests.twins.anthropic.schema import check_schema

CURRENT_VERSION = "2026-10-21"
GONE_FIELDS = {"temperature", "top_p", "top_k"}
"""Refused by the current version, taken by older ones."""
PROMPT_FIELDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "messages": (list,),
    "system": (str, list),
    "tools": (list,),
    "tool_choice": (dict,),
    "thinking": (dict,),
    "output_config": (dict,),
    "cache_control": (dict, NoneType),
    "speed": (str, NoneType),
}
MESSAGE_FIELDS: dict[str, tuple[type, ...]] = PROMPT_FIELDS | {
    "max_tokens": (int,),
    "metadata": (dict,),
    "stop_sequences": (list,),
    "stream": (bool,),
    "service_tier": (str,),
    "container": (str, dict, NoneType),
    "diagnostics": (dict, NoneType),
    "inference_geo": (str, NoneType),
}
BLOCK_TYPES = {
    "user": {"text", "image", "document", "search_result", "tool_result", "container_upload"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use"},
    "system": {"text"},
}
EFFORTS = {"low", "medium", "high", "xhigh", "max", None}


def check_message(body: Body, models: Mapping[str, Model], *, version: str = CURRENT_VERSION) -> Model:
    """Refuse what `POST /v1/messages` refuses; return the model that is asked.

    Raises:
        RefusedError: 400, or 404 for a model that is not in `models`.
    """
    older = set() if version == CURRENT_VERSION else GONE_FIELDS
    _check_fields({name: body[name] for name in body.keys() - older}, MESSAGE_FIELDS, {"model", "max_tokens"})
    model = _model(body, models)
    if not 0 <= body["max_tokens"] <= model.max_tokens:
        raise RefusedError(f"max_tokens: {body['max_tokens']} is not from 0 to {model.max_tokens}, as {model.id} wants")
    _check_prompt(body, model)
    return model


def check_count(body: Body, models: Mapping[str, Model]) -> None:
    """Refuse what `POST /v1/messages/count_tokens` refuses.

    Raises:
        RefusedError: as `check_message`.
    """
    _check_fields(body, PROMPT_FIELDS, {"model"})
    _check_prompt(body, _model(body, models))


def _check_fields(body: Body, allowed: Mapping[str, tuple[type, ...]], required: Collection[str]) -> None:
    for name in (*required, "messages"):
        if name not in body:
            raise RefusedError(f"{name}: Field required")
    for name, value in body.items():
        if name not in allowed:
            raise RefusedError(f"{name}: Extra inputs are not permitted")
        if type(value) not in allowed[name]:
            raise RefusedError(f"{name}: Input should be a valid {allowed[name][0].__name__}")


def _model(body: Body, models: Mapping[str, Model]) -> Model:
    if body["model"] not in models:
        raise RefusedError(f"model: {body['model']}", 404)
    return models[body["model"]]


def _check_prompt(body: Body, model: Model) -> None:
    try:
        _check_messages(body, model)
        _check_pairs(body["messages"])
        _check_tools(body, model)
        _check_thinking(body, model)
        _check_output_config(body.get("output_config", {}))
        _check_marks(body)
    except (AttributeError, KeyError, TypeError) as error:
        raise RefusedError(f"the prompt is malformed: {error!r}") from error
    if (size := prompt_tokens(body)) > model.context:
        raise RefusedError(f"prompt is too long: {size} tokens > {model.context} maximum")


def _check_messages(body: Body, model: Model) -> None:
    messages = body["messages"]
    if not messages or messages[0]["role"] != "user":
        raise RefusedError('messages: first message must use the "user" role')
    if messages[-1]["role"] == "assistant" and "prefill" in model.refuses:
        raise RefusedError("This model does not support assistant message prefill.")
    for i, message in enumerate(messages):
        if not message["content"]:
            raise RefusedError(f"messages.{i}: all messages must have non-empty content")
        for j, block in enumerate(parts(message["content"])):
            _check_block(f"messages.{i}.content.{j}", message["role"], block)
    for i, block in enumerate(parts(body.get("system")) if isinstance(body.get("system"), list) else []):
        _check_block(f"system.{i}", "system", block)


def _check_block(path: str, role: str, block: Body) -> None:
    if block["type"] not in BLOCK_TYPES[role]:
        raise RefusedError(f"{path}: Input tag '{block['type']}' is not one of {', '.join(sorted(BLOCK_TYPES[role]))}")
    if block["type"] == "text" and not block["text"].strip():
        wish = "contain non-whitespace text" if block["text"] else "be non-empty"
        raise RefusedError(f"{path.partition('.')[0]}: text content blocks must {wish}")
    if block["type"] == "text" and role == "user" and block.get("citations") is not None:
        raise RefusedError(f"{path}.text.citations: Extra inputs are not permitted")
    if "thinking" in block["type"] and block.get("cache_control") is not None:
        raise RefusedError(f"{path}.{block['type']}.cache_control: Extra inputs are not permitted")


def _turns(messages: list[Body]) -> Iterator[tuple[int, list[Body]]]:
    """Index and blocks of each turn: neighbours of one role are one turn, system messages are none."""
    role, start, turn = "user", 0, list[Body]()
    for i, message in enumerate(messages):
        if message["role"] not in {role, "system"}:
            yield start, turn
            role, start, turn = message["role"], i, []
        if message["role"] == role:
            turn.extend(parts(message["content"]))
    yield start, turn


def _check_pairs(messages: list[Body]) -> None:
    open_ids: list[str] = []
    for i, turn in [*_turns(messages), (len(messages), list[Body]())]:
        for result in (block["tool_use_id"] for block in turn if block["type"] == "tool_result"):
            if result not in open_ids:
                raise RefusedError(f"messages.{i}: unexpected `tool_use_id` found in `tool_result` blocks: {result}.")
        first = [block["tool_use_id"] for block in takewhile(lambda block: block["type"] == "tool_result", turn)]
        if missing := [open_id for open_id in open_ids if open_id not in first]:
            raise RefusedError(
                f"messages.{i - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}."
            )
        open_ids = [block["id"] for block in turn if block["type"] == "tool_use"]


def _check_tools(body: Body, model: Model) -> None:
    tools, choice = body.get("tools", []), body.get("tool_choice", {})
    names = [tool["name"] for tool in tools]
    if len(set(names)) < len(names):
        raise RefusedError("tools: Tool names must be unique.")
    for i, tool in enumerate(tools):
        if tool.get("type", "custom") == "custom" and tool["input_schema"]["type"] != "object":
            raise RefusedError(f"tools.{i}.custom.input_schema.type: Input should be 'object'")
        if tool.get("strict"):
            check_schema(tool["input_schema"], f"tools.{i}.custom.input_schema")
    if choice and not tools:
        raise RefusedError("tool_choice: may only be specified while providing tools")
    if choice.get("type") == "tool" and choice["name"] not in names:
        raise RefusedError(f"Tool '{choice['name']}' not found in provided tools")
    if choice.get("type") in {"any", "tool"} and "forced" in model.refuses:
        raise RefusedError(f"tool_choice: {model.id} does not support forced tool use")


def _check_thinking(body: Body, model: Model) -> None:
    thinking = body.get("thinking", {"type": "adaptive"})
    match thinking["type"]:
        case "adaptive" | "between_tools":
            return
        case "disabled" if "disabled" not in model.refuses:
            return
        case "enabled" if "budget" not in model.refuses:
            if not 1024 <= thinking["budget_tokens"] < body.get("max_tokens", float("inf")):
                raise RefusedError("thinking.enabled.budget_tokens: must be at least 1024 and less than max_tokens")
        case kind:
            raise RefusedError(f"thinking.type: '{kind}' is not supported by {model.id}")


def _check_output_config(config: Body) -> None:
    if unknown := config.keys() - {"effort", "format"}:
        raise RefusedError(f"output_config.{min(unknown)}: Extra inputs are not permitted")
    if config.get("effort") not in EFFORTS:
        raise RefusedError("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
    if (wanted := config.get("format")) is None:
        return
    if wanted.keys() != {"type", "schema"} or wanted["type"] != "json_schema":
        raise RefusedError("output_config.format: Input should have the type 'json_schema' and a schema")
    check_schema(wanted["schema"], "output_config.format.schema")


def _check_marks(body: Body) -> None:
    marked = [block for block in blocks(body) if block.mark is not None]
    for block in marked:
        if block.mark["type"] != "ephemeral" or block.ttl not in {"5m", "1h"}:
            raise RefusedError(f"{block.path}.cache_control.ttl: Input should be '5m' or '1h'")
    if len(marked) > 4:  # sheet 1.2
        raise RefusedError(f"A maximum of 4 blocks with cache_control may be provided. Found {len(marked)}.")
    for before, block in pairwise(marked):
        if (before.ttl, block.ttl) == ("5m", "1h"):
            raise RefusedError(
                f"{block.path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block."
            )
    top = body.get("cache_control")
    if top is not None and marked[-1].ttl != top.get("ttl", "5m"):
        raise RefusedError("Top-level cache_control has another ttl than the cache_control of the target block")
