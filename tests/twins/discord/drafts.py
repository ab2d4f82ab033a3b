"""A message body the bot sends: turned into fields of a `Message`, and refused where Discord's limits refuse it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.twins.discord.model import (
    COMPONENTS_V2,
    EPHEMERAL,
    JSON,
    LOADING,
    SILENT,
    SUPPRESS_EMBEDS,
    Attachment,
    Message,
    RefusedError,
    invalid,
)
from tests.twins.discord.server import Server

MIB = 2**20
ROW, BUTTON, SELECT, TEXT_INPUT, TEXT_DISPLAY, LABEL = 1, 2, 3, 4, 10, 18
"""Component types."""
EMBED_LIMITS = {"title": 256, "description": 4096, "footer.text": 2048, "author.name": 256}
COMPONENT_LIMITS: dict[int, dict[str, int]] = {
    BUTTON: {"label": 80, "custom_id": 100},
    SELECT: {"placeholder": 150, "custom_id": 100},
    TEXT_INPUT: {"label": 45, "placeholder": 100, "value": 4000, "custom_id": 100},
    LABEL: {"label": 45, "description": 100},
}
OPTION_LIMITS = {"label": 100, "value": 100, "description": 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file part of a multipart request."""

    filename: str
    data: bytes


def fields(
    server: Server, body: JSON, uploads: Mapping[int, Upload], *, old: Message | None = None, more_flags: int = 0
) -> dict[str, Any]:
    """Return the fields of `Message` that `body` sets: all it names, for a new message or for a change of `old`.

    Flags of `old` stay, except that its embeds may be shown or suppressed; discord.py sends `flags: 0` in every edit.
    """
    found: dict[str, Any] = {}
    if "content" in body:
        found["content"] = body["content"] or ""
    if "embeds" in body:
        found["embeds"] = tuple({"type": "rich"} | embed for embed in body["embeds"] or ())
    if "components" in body:
        found["components"] = _numbered(body["components"] or ())
    if "attachments" in body or uploads:
        found["attachments"] = _attachments(server, body.get("attachments"), uploads, old.attachments if old else ())
    if "flags" in body or more_flags:
        settable = SUPPRESS_EMBEDS | COMPONENTS_V2 | (0 if old else SILENT | EPHEMERAL)
        kept = old.flags & ~SUPPRESS_EMBEDS if old else more_flags
        found["flags"] = kept | ((body.get("flags") or 0) & settable)
    return found


def _numbered(components: Sequence[JSON]) -> tuple[JSON, ...]:
    """Give every component that has none an integer id."""
    used = {node.get("id") for _, node in walk(components)}
    fresh = (number for number in itertools.count(1) if number not in used)

    def number(node: JSON) -> JSON:
        inner: JSON = {key: number(node[key]) for key in ("component", "accessory") if key in node}
        if "components" in node:
            inner["components"] = [number(child) for child in node["components"]]
        return {"id": next(fresh)} | node | inner

    return tuple(number(node) for node in components)


def _attachments(
    server: Server, listed: Sequence[JSON] | None, uploads: Mapping[int, Upload], kept: Sequence[Attachment]
) -> tuple[Attachment, ...]:
    total = sum(len(upload.data) for upload in uploads.values())
    if len(uploads) > 10 or total > 25 * MIB or any(len(upload.data) > 10 * MIB for upload in uploads.values()):
        raise RefusedError(40005)
    known: dict[str, Attachment] = {attachment.id: attachment for attachment in kept}
    entries = [{"id": key} for key in [*known, *uploads]] if listed is None else listed
    found = []
    for position, entry in enumerate(entries):
        if str(entry["id"]) in known:
            found.append(known[str(entry["id"])])
        elif (upload := uploads.get(int(entry["id"]))) is not None:
            name, about = entry.get("filename") or upload.filename, entry.get("description")
            found.append(server.store_file(name, upload.data, description=about))
        else:
            raise invalid(f"attachments.{position}.id", "Attachment data not found")
    return tuple(found)


def walk(components: Sequence[JSON], path: str = "components") -> Iterator[tuple[str, JSON]]:
    """Every component with its path, parents first."""
    for position, node in enumerate(components):
        here = f"{path}.{position}"
        yield here, node
        yield from walk(node.get("components", ()), f"{here}.components")
        for key in ("component", "accessory"):
            if key in node:
                yield f"{here}.{key}", node[key]


def displayed_text(components: Sequence[JSON]) -> str:
    """The text that Components V2 show; mentions in it notify as those in content do."""
    return "\n".join(node["content"] for _, node in walk(components) if node["type"] == TEXT_DISPLAY)


def check_message(message: Message) -> None:
    """Refuse (50006, 50035) a message that Discord would not take; limits from its message and component pages."""
    longest(message, "content", 2000)
    longest(message, "nonce", 25)
    _check_embeds(message.embeds)
    v2 = bool(message.flags & COMPONENTS_V2)
    if v2 and (message.content or message.embeds):
        raise invalid("content", "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
    if v2 and len(displayed_text(message.components)) > 4000:
        raise invalid("components", "The total displayable text must be 4000 or fewer in length.")
    _check_layout(message.components, v2=v2)
    check_components(message.components)
    shown = message.content.strip() or message.embeds or message.attachments or message.components or message.snapshot
    if not shown and not message.flags & LOADING:
        raise RefusedError(50006)


def longest(holder: object, path: str, limit: int, *, under: str = "") -> None:
    """Refuse a text at `path` of an object or dictionary that is longer than `limit` code points."""
    value: Any = holder
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
    if value is not None and len(value) > limit:
        raise invalid(f"{under}{path}", f"Must be {limit} or fewer in length.")


def _check_embeds(embeds: Sequence[JSON]) -> None:
    if len(embeds) > 10:
        raise invalid("embeds", "Must be 10 or fewer in length.")
    total = 0
    for position, embed in enumerate(embeds):
        for path, limit in EMBED_LIMITS.items():
            longest(embed, path, limit, under=f"embeds.{position}.")
        rows = embed.get("fields", ())
        if len(rows) > 25:
            raise invalid(f"embeds.{position}.fields", "Must be 25 or fewer in length.")
        for number, row in enumerate(rows):
            longest(row, "name", 256, under=f"embeds.{position}.fields.{number}.")
            longest(row, "value", 1024, under=f"embeds.{position}.fields.{number}.")
        total += _embed_size(embed)
    if total > 6000:
        raise invalid("embeds", "Embed size exceeds maximum size of 6000")


def _embed_size(embed: JSON) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [embed.get("footer", {}).get("text"), embed.get("author", {}).get("name")]
    texts += [text for row in embed.get("fields", ()) for text in (row["name"], row["value"])]
    return sum(len(text) for text in texts if text)


def _check_layout(components: Sequence[JSON], *, v2: bool) -> None:
    if not v2 and len(components) > 5:
        raise invalid("components", "Must be 5 or fewer in length.")
    if not v2 and any(node["type"] != ROW for node in components):
        raise invalid("components", "Only action rows may stand at the top without IS_COMPONENTS_V2")
    if len(list(walk(components))) > 40:
        raise invalid("components", "The total number of components cannot exceed 40")


def check_components(components: Sequence[JSON], *, in_modal: bool = False) -> None:
    """Refuse rows, labels, options and custom ids that are too many, too long, missing, used twice or out of place."""
    seen: set[str] = set()
    for path, node in walk(components):
        kind = SELECT if node["type"] in {5, 6, 7, 8} else node["type"]
        for key, limit in COMPONENT_LIMITS.get(kind, {}).items():
            longest(node, key, limit, under=f"{path}.")
        if kind in ({BUTTON} if in_modal else {TEXT_INPUT, LABEL}):
            raise invalid(f"{path}.type", "This component cannot stand here")
        if kind == ROW:
            _check_row(node, path, in_modal=in_modal)
        if kind == BUTTON:
            _check_button(node, path)
        if kind == SELECT:
            _check_options(node, path)
        if kind == TEXT_INPUT:
            _check_text_input(node, path)
        if kind == LABEL and (not node.get("label") or "component" not in node):
            raise invalid(path, "A label needs a text and a component")
        if kind in {BUTTON, SELECT, TEXT_INPUT} and node.get("style") != 5:
            _check_custom_id(node, path, seen)


def _check_row(row: JSON, path: str, *, in_modal: bool) -> None:
    children = row.get("components", ())
    if in_modal and any(child["type"] != TEXT_INPUT for child in children):
        raise invalid(f"{path}.components", "Rows of a modal hold text inputs; all else stands in labels")
    buttons = all(child["type"] == BUTTON for child in children)
    if not 1 <= len(children) <= (5 if buttons else 1):
        raise invalid(f"{path}.components", "Must be between 1 and 5 in length.")


def _check_button(button: JSON, path: str) -> None:
    if button.get("style") not in range(1, 7):
        raise invalid(f"{path}.style", "Value must be one of {1, 2, 3, 4, 5, 6}.")
    if not button.get("label") and not button.get("emoji"):
        raise invalid(f"{path}.label", "A button must have a label or an emoji")


def _check_text_input(asked: JSON, path: str) -> None:
    least, most = asked.get("min_length") or 0, asked.get("max_length") or 4000
    if not 0 <= least <= most <= 4000 or asked.get("style") not in {1, 2}:
        raise invalid(path, "A text input has a style of 1 or 2 and takes at most 4000 characters")
    longest(asked, "value", most, under=f"{path}.")


def _check_options(select: JSON, path: str) -> None:
    options = select.get("options", ())
    if len(options) > 25 or (select["type"] == SELECT and not options):
        raise invalid(f"{path}.options", "Must be between 1 and 25 in length.")
    for position, option in enumerate(options):
        for key, limit in OPTION_LIMITS.items():
            longest(option, key, limit, under=f"{path}.options.{position}.")
        if not option["label"] or not option["value"]:
            raise invalid(f"{path}.options.{position}", "This field is required")
    if len({option["value"] for option in options}) < len(options):
        raise invalid(f"{path}.options", "The specified option value is already used")


def _check_custom_id(node: JSON, path: str, seen: set[str]) -> None:
    custom_id = node.get("custom_id")
    if not custom_id:
        raise invalid(f"{path}.custom_id", "A custom id is required")
    if custom_id in seen:
        raise invalid(f"{path}.custom_id", "Component custom id cannot be duplicated")
    seen.add(custom_id)


def check_modal(modal: JSON) -> None:
    """Refuse a modal whose title, ids or inputs Discord would not take."""
    longest(modal, "title", 45, under="data.")
    longest(modal, "custom_id", 100, under="data.")
    if not modal.get("title") or not modal.get("custom_id") or not 1 <= len(modal.get("components", ())) <= 5:
        raise invalid("data", "A modal needs a title, a custom id and 1 to 5 components")
    check_components(modal["components"], in_modal=True)
