"""Who would have been notified by what the bot posted; errs on the side of a ping, so that silence is proof."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.twins.slack.blocks import Json, walk

# <!here>, <!channel|label>, <!subteam^S1>, <@U1>, <@U1|ana>: escaped text has no "<" and cannot match.
MENTION = re.compile(r"<(?:!(here|channel|everyone)|!subteam\^(\w+)|@(\w+))(?:[|^][^>]*)?>")
NAME = re.compile(r"(?<![\w&])@(here|channel|everyone|[\w.-]+)")  # counts only with link_names or parse=full


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One notification the platform would have sent."""

    whom: str
    """`here`, `channel`, `everyone`, a member's id, a user group's id, or a name after `@`."""
    channel: str
    ts: str


def pinged(text: str, blocks: list[Json], attachments: list[Json], *, link_names: bool = False) -> Iterator[str]:
    """Whom this message would notify, in order of appearance, repeated as often as written."""
    for written in (text, *_written(blocks), *_written(attachments)):
        yield from (next(filter(None, found)) for found in MENTION.findall(written))
        if link_names:
            yield from NAME.findall(written)
    for _, node in walk(blocks):
        if node.get("type") in {"user", "usergroup", "broadcast"}:
            yield node.get("user_id") or node.get("usergroup_id") or node.get("range") or "?"


def _written(node: object) -> Iterator[str]:
    """Every string Slack parses for mentions: all but plain_text objects and the literal text of rich_text."""
    for _, item in walk(node):
        if item.get("type") not in {"plain_text", "text"}:
            yield from (item[key] for key in ("text", "pretext", "value") if isinstance(item.get(key), str))
