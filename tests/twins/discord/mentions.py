"""Whom a message mentions: the marks in its text, cut down by `allowed_mentions`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.twins.discord.model import JSON, invalid

CODE = re.compile(r"```.*?```|``.*?``|`[^`]*`", re.DOTALL)
"""Marks inside code notify nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """What a text asks for; whether the targets exist and may be pinged is for the server to say."""

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    everyone: bool = False
    replied: bool = False


def mentions(text: str, allowed: JSON | None) -> Mentions:
    """Find the marks in `text` that `allowed` lets through; without it, all of them and the reply ping.

    Raises:
        RefusedError: 50035, a kind is both parsed and listed, or a list is too long.
    """
    text = CODE.sub("", text)
    users, roles = re.findall(r"<@!?(\d+)>", text), re.findall(r"<@&(\d+)>", text)
    everyone = re.search(r"@(everyone|here)\b", text) is not None
    if allowed is None:
        return Mentions(users=_unique(users), roles=_unique(roles), everyone=everyone, replied=True)
    return Mentions(
        users=_allowed(users, "users", allowed),
        roles=_allowed(roles, "roles", allowed),
        everyone=everyone and "everyone" in (allowed.get("parse") or ()),
        replied=bool(allowed.get("replied_user")),
    )


def _allowed(found: list[str], kind: str, allowed: JSON) -> tuple[str, ...]:
    listed = [str(target) for target in allowed.get(kind) or ()]
    parsed = kind in (allowed.get("parse") or ())
    if listed and parsed:
        raise invalid(f"allowed_mentions.{kind}", f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.')
    if len(listed) > 100:
        raise invalid(f"allowed_mentions.{kind}", "Must be 100 or fewer in length.")
    return _unique(found if parsed else [target for target in found if target in listed])


def _unique(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
