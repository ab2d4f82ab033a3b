"""Block Kit as Slack checks and shows it: the limits of blocks and views, and the text a human reads in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

MESSAGE_BLOCKS_MAX, VIEW_BLOCKS_MAX = 50, 100
TEXT_TOTAL_MAX = 13_200  # over all blocks of a message: observed, not documented (sheet section 1)
MARKDOWN_TOTAL_MAX = 12_000
VIEW_BYTES_MAX = 250_000
BLOCK_NAMES = """
section divider image actions context context_actions input file call header markdown video rich_text table
task_card plan alert card container carousel auth_provider
"""
BLOCK_TYPES = frozenset(BLOCK_NAMES.split())
TEXT_MAX = {"section": 3_000, "header": 150, "button": 75, "markdown": MARKDOWN_TOTAL_MAX}
STRING_MAX = {"block_id": 255, "action_id": 255, "callback_id": 255, "private_metadata": 3_000}
ITEMS_MAX = {"actions": 25, "context": 10, "context_actions": 5}
FIELDS_MAX, FIELD_TEXT_MAX, VALUE_MAX, OPTIONS_MAX, TITLE_MAX = 10, 2_000, 2_000, 100, 24
LABEL_MAX, PLACEHOLDER_MAX, OPTION_MAX, OPTION_VALUE_MAX, INPUT_MAX = 2_000, 150, 75, 150, 3_000
BUTTON_STYLES = {None, "primary", "danger"}
ACCESSORY_NAMES = """
button overflow datepicker timepicker static_select users_select conversations_select channels_select image
multi_static_select multi_users_select multi_conversations_select multi_channels_select checkboxes radio_buttons
"""
ACCESSORIES = frozenset(ACCESSORY_NAMES.split())
INPUTS = ACCESSORIES - {"button", "overflow", "image"} | {"plain_text_input", "email_text_input", "number_input"}


def walk(node: object, pointer: str = "") -> Iterator[tuple[str, Json]]:
    """Every JSON object in `node` with its JSON pointer, outermost first."""
    if isinstance(node, dict):
        yield pointer, node
        for key, value in node.items():
            yield from walk(value, f"{pointer}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{pointer}/{index}")


def strings(node: object) -> Iterator[str]:
    """Every piece of text in `node` that a human reads, in order."""
    return (item["text"] for _, item in walk(node) if isinstance(item.get("text"), str))


def text_total(blocks: list[Json], kind: str | None = None) -> int:
    """Characters of text in all blocks, or in those of one type only."""
    return sum(len(text) for block in blocks if kind in {None, block.get("type")} for text in strings(block))


def block_errors(blocks: object, at: str = "/blocks", *, most: int = MESSAGE_BLOCKS_MAX) -> list[str]:
    """What Slack finds wrong with these blocks, as it words it; empty when they may be shown."""
    if not isinstance(blocks, list):
        return [f"must be an array [json-pointer:{at}]"]
    found = [] if len(blocks) <= most else [f"no more than {most} items allowed [json-pointer:{at}]"]
    for index, block in enumerate(blocks):
        found += _errors_of_block(block, f"{at}/{index}")
    for pointer, node in walk(blocks, at):
        found += _errors_of_node(node, pointer)
    return found + _repeated(blocks, at, "block_id")


def view_errors(view: Json) -> list[str]:
    """What Slack finds wrong with this modal or Home view; empty when it may be shown."""
    if view.get("type") not in {"modal", "home"}:
        return ["must be one of: modal, home [json-pointer:/view/type]"]
    found = block_errors(view.get("blocks"), "/view/blocks", most=VIEW_BLOCKS_MAX)
    found += _errors_of_node({**view, "type": "view"}, "/view")
    if view["type"] == "modal":
        for part in ("title", "submit", "close"):
            if part == "title" or part in view:
                found += _too_long(view.get(part), TITLE_MAX, f"/view/{part}")
        if any(block.get("type") == "input" for block in view.get("blocks") or ()) and not view.get("submit"):
            found.append("submit is required when an input block is within blocks [json-pointer:/view]")
    return found


def is_too_large(view: Json) -> bool:
    """Whether a view is beyond the size Slack takes."""
    return len(json.dumps(view)) > VIEW_BYTES_MAX


def _errors_of_block(block: object, at: str) -> list[str]:
    if not isinstance(block, dict) or block.get("type") not in BLOCK_TYPES:
        kind = block.get("type") if isinstance(block, dict) else block
        return [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    kind, items = block["type"], block.get("elements", [])
    if kind == "section":
        return _errors_of_section(block, at)
    if kind == "input":
        return _errors_of_input(block, at)
    if kind in {"header", "markdown"}:
        return _too_long(block.get("text"), TEXT_MAX[kind], f"{at}/text")
    if kind in ITEMS_MAX and not 1 <= len(items) <= ITEMS_MAX[kind]:
        return [f"between 1 and {ITEMS_MAX[kind]} items allowed [json-pointer:{at}/elements]"]
    if kind == "context":
        return _errors_of_context(items, f"{at}/elements")
    return _repeated(items, f"{at}/elements", "action_id") if kind == "actions" else []


def _errors_of_context(items: list[Json], at: str) -> list[str]:
    texts = [(index, item) for index, item in enumerate(items) if item.get("type") != "image"]
    return [found for index, item in texts for found in _too_long(item, TEXT_MAX["section"], f"{at}/{index}")]


def _errors_of_section(block: Json, at: str) -> list[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        return [f"missing required field: text or fields [json-pointer:{at}]"]
    found = _too_long(block["text"], TEXT_MAX["section"], f"{at}/text") if "text" in block else []
    if len(fields) > FIELDS_MAX:
        found.append(f"no more than {FIELDS_MAX} items allowed [json-pointer:{at}/fields]")
    for index, item in enumerate(fields):
        found += _too_long(item, FIELD_TEXT_MAX, f"{at}/fields/{index}")
    if "accessory" in block and block["accessory"].get("type") not in ACCESSORIES:
        found.append(f"unsupported type: {block['accessory'].get('type')} [json-pointer:{at}/accessory/type]")
    return found


def _errors_of_input(block: Json, at: str) -> list[str]:
    element = block.get("element") or {}
    found = _too_long(block.get("label"), LABEL_MAX, f"{at}/label")
    if element.get("type") not in INPUTS:
        return [*found, f"unsupported type: {element.get('type')} [json-pointer:{at}/element/type]"]
    if "placeholder" in element:
        found += _too_long(element["placeholder"], PLACEHOLDER_MAX, f"{at}/element/placeholder")
    options = element.get("options")
    if element["type"] == "static_select":
        if not options:
            found.append(f"must be provided: options [json-pointer:{at}/element]")
        elif "initial_option" in element and element["initial_option"] not in options:
            found.append(f"must be one of the options [json-pointer:{at}/element/initial_option]")
    for index, option in enumerate(options or ()):
        found += _too_long(option.get("text"), OPTION_MAX, f"{at}/element/options/{index}/text")
        found += _too_long(option.get("value"), OPTION_VALUE_MAX, f"{at}/element/options/{index}/value")
    most = element.get("max_length", INPUT_MAX)
    if not 1 <= most <= INPUT_MAX:
        found.append(f"must be between 1 and {INPUT_MAX} [json-pointer:{at}/element/max_length]")
    if len(element.get("initial_value") or "") > most:
        found.append(f"must be less than {most + 1} characters [json-pointer:{at}/element/initial_value]")
    return found


def _errors_of_node(node: Json, at: str) -> list[str]:
    """Limits that hold wherever the field stands."""
    found = [
        f"must be less than {most + 1} characters [json-pointer:{at}/{key}]"
        for key, most in STRING_MAX.items()
        if len(str(node.get(key) or "")) > most
    ]
    if node.get("type") == "button":
        found += _too_long(node.get("text"), TEXT_MAX["button"], f"{at}/text")
        if node.get("style") not in BUTTON_STYLES:
            found.append(f"unsupported value: {node['style']} [json-pointer:{at}/style]")
        if len(str(node.get("accessibility_label") or "")) > TEXT_MAX["button"]:
            found.append(f"must be less than {TEXT_MAX['button'] + 1} characters [json-pointer:{at}]")
    if len(str(node.get("value") or "")) > VALUE_MAX:
        found.append(f"must be less than {VALUE_MAX + 1} characters [json-pointer:{at}/value]")
    if len(node.get("options") or ()) > OPTIONS_MAX:
        found.append(f"no more than {OPTIONS_MAX} items allowed [json-pointer:{at}/options]")
    return found


def _too_long(text: object, most: int, at: str) -> list[str]:
    """Check a text object, or the bare string of a markdown block."""
    value, at = (text.get("text"), f"{at}/text") if isinstance(text, dict) else (text, at)
    if not isinstance(value, str) or not value:
        return [f"must be more than 0 characters [json-pointer:{at}]"]
    return [] if len(value) <= most else [f"must be less than {most + 1} characters [json-pointer:{at}]"]


def _repeated(items: list[Json], at: str, key: str) -> list[str]:
    ids = [item[key] for item in items if item.get(key)]
    return [f"{key} {name} already exists [json-pointer:{at}]" for name in sorted(set(ids)) if ids.count(name) > 1]
