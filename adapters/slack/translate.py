"""What Slack delivers, as the core's own data. Pure: payload in, data out.

A post is announced as `message`, and as `app_mention` too when it names us: both become the same message with the
same key. What is not for us becomes None: bots, our own posts, joins, unfurls, talk that does not address us.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.messages import Deletion, Edit, Member, Message, MessageId, Room, TenantId
from persona.audience import RoomKind

Payload = Mapping[str, Any]

_KINDS: dict[str, RoomKind] = {"im": "direct", "mpim": "private", "group": "private", "channel": "public"}
_SPOKEN_SUBTYPES = {None, "thread_broadcast", "me_message", "file_share"}
_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""What Slack's ids and timestamps are made of; they become keys of ours, and parts of addresses."""
_ENTITY = re.compile(r"<([^<>\n]*)>")


def event(payload: Payload, *, bot_user: str) -> Message | Edit | Deletion | None:
    """What an Events API payload says to us, if anything.

    `bot_user` is our user id; the payload's own `authorizations` win, since one app may live in many workspaces.
    A payload that is not as Slack makes them raises whatever reading it raises (`errors.MALFORMED`).
    """
    inner = payload.get("event") or {}
    bot_user = _bot_user(payload) or bot_user
    if inner.get("type") == "app_mention":
        return _message(payload, inner, bot_user)
    if inner.get("type") != "message":
        return None
    match inner.get("subtype"):
        case "message_changed":
            return _changed(payload, inner, bot_user)
        case "message_deleted":
            return _deletion(payload, inner, inner.get("previous_message") or {})
        case subtype if subtype in _SPOKEN_SUBTYPES:
            is_direct = inner.get("channel_type") == "im"
            is_for_us = is_direct or _mention(bot_user).search(str(inner.get("text", ""))) is not None
            return _message(payload, inner, bot_user) if is_for_us else None
        case _:
            return None


def posted(post: Payload, *, room: Room, bot_user: str) -> Message | None:
    """What a post in the history of a room says to us, if anything: the message that its event would have brought."""
    said = str(post.get("text") or "")
    is_for_us = room.kind == "direct" or _mention(bot_user).search(said) is not None
    if post.get("subtype") not in _SPOKEN_SUBTYPES or not is_for_us or not _is_person(post, bot_user):
        return None
    team = post.get("user_team") or post.get("team") or room.tenant.partition(":")[2]
    return Message(
        id=MessageId(_id(post["ts"])),
        room=replace(room, thread=_thread(post, is_direct=room.kind == "direct")),
        author=Member(tenant=TenantId(f"slack:{_id(team)}"), id=_id(post["user"])),
        text=text(said, bot_user=bot_user),
        said_at=moment(str(post["ts"])),
    )


def room(payload: Payload, inner: Payload, post: Payload) -> Room:
    """The room of a post: a thread of its own in a channel, the one conversation in a direct message."""
    channel = _id(inner["channel"])
    kind = _kind(payload, inner)
    thread = _thread(post, is_direct=kind == "direct")
    return Room(tenant=tenant(payload), channel=channel, thread=thread, kind=kind)


def _thread(post: Payload, *, is_direct: bool) -> str | None:
    root = post.get("thread_ts") or post.get("ts")
    if is_direct and root == post.get("ts"):
        return None  # the conversation itself, whether or not somebody began a thread below this message
    return root and _id(root)


def tenant(payload: Payload) -> TenantId:
    """The workspace a payload comes from."""
    team = payload.get("team_id") or (payload.get("team") or {}).get("id") or payload["user"]["team_id"]
    return TenantId(f"slack:{_id(team)}")


def reached_by(payload: Payload) -> list[TenantId]:
    """The workspaces by which a payload may reach us, likeliest first.

    In a channel shared with others it may have happened in one where we are not installed: then Slack says by which
    installation we hear of it, in `authorizations`, and for modals in the view (as Bolt's `extract_team_id` knows).
    """
    team, user, view = payload.get("team"), payload.get("user"), payload.get("view")
    told = [
        payload.get("team_id"),
        team.get("id") if isinstance(team, Mapping) else None,
        view.get("app_installed_team_id") if isinstance(view, Mapping) else None,
        *(one.get("team_id") for one in payload.get("authorizations") or ()),
        user.get("team_id") if isinstance(user, Mapping) else None,
    ]
    return [TenantId(f"slack:{one}") for one in dict.fromkeys(told) if one]


def seen_from(payload: Payload, tenant: TenantId) -> Payload:
    """A payload as it happened in a workspace that we are installed in."""
    return {**payload, "team_id": tenant.partition(":")[2]}


def member(payload: Payload) -> Member:
    """Who typed a command or pressed a button."""
    user = payload.get("user")
    if isinstance(user, Mapping):
        return Member(tenant=TenantId(f"slack:{user.get('team_id') or payload['team']['id']}"), id=str(user["id"]))
    return Member(tenant=tenant(payload), id=str(payload["user_id"]))


def is_look(payload: Payload) -> bool:
    """Whether somebody opened one of the app's own tabs: nothing is said, so there is nothing to store."""
    inner = payload.get("event")
    return isinstance(inner, Mapping) and inner.get("type") == "app_home_opened"


def asked_in(payload: Payload) -> Room | None:
    """Where a command was typed, a button pressed or a shortcut chosen; nowhere on the Home tab or in a modal.

    Who reads there is not said, so it counts as external: a D may also be two members' own direct message.
    """
    channel = payload.get("channel_id") or (payload.get("channel") or {}).get("id")
    if not channel:
        return None
    place = payload.get("container") or payload.get("message") or {}
    thread = place.get("thread_ts")
    return Room(tenant=tenant(payload), channel=str(channel), thread=thread, kind="external")


def chosen(payload: Payload) -> tuple[Room, MessageId]:
    """The message whose menu was opened, and the conversation it belongs to; who reads there is not said either."""
    post, channel = payload["message"], str(payload["channel"]["id"])
    ts = str(post["ts"])
    root = post.get("thread_ts") or ts
    if channel.startswith("D") and root == ts:
        root = None
    return Room(tenant=tenant(payload), channel=channel, thread=root, kind="external"), MessageId(ts)


def _message(payload: Payload, inner: Payload, bot_user: str) -> Message | None:
    if not _is_person(inner, bot_user):
        return None
    return Message(
        id=MessageId(_id(inner["ts"])),
        room=room(payload, inner, inner),
        author=_author(payload, inner),
        text=text(str(inner.get("text") or ""), bot_user=bot_user),
        said_at=moment(str(inner["ts"])),
    )


def _changed(payload: Payload, inner: Payload, bot_user: str) -> Edit | Deletion | None:
    """An edit, if words changed: Slack sends the same event for link previews and for our own growing replies."""
    new, old = inner.get("message") or {}, inner.get("previous_message") or {}
    if new.get("subtype") == "tombstone":
        return _deletion(payload, inner, old or new)
    if not _is_person(new, bot_user) or new.get("text") == old.get("text"):
        return None
    return Edit(
        room=room(payload, inner, new),
        message=MessageId(_id(new["ts"])),
        author=_author(payload, new),
        text=text(str(new.get("text") or ""), bot_user=bot_user),
    )


def _deletion(payload: Payload, inner: Payload, old: Payload) -> Deletion | None:
    ts = inner.get("deleted_ts") or old.get("ts")
    if ts is None:
        return None
    return Deletion(room=room(payload, inner, {**old, "ts": ts}), message=MessageId(_id(ts)))


def _is_person(post: Payload, bot_user: str) -> bool:
    return bool(post.get("user")) and post["user"] != bot_user and not post.get("bot_id")


def _author(payload: Payload, post: Payload) -> Member:
    """Ids only: a name, a picture or a signature can be anybody's."""
    team = post.get("user_team") or post.get("team") or payload["team_id"]
    return Member(tenant=TenantId(f"slack:{_id(team)}"), id=_id(post["user"]))


def _id(found: object) -> str:
    """An id as Slack makes them; raises `ValueError` for anything else."""
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise ValueError("not an id of Slack's")
    return found


def _bot_user(payload: Payload) -> str | None:
    return next((str(one["user_id"]) for one in payload.get("authorizations") or () if one.get("is_bot")), None)


def _kind(payload: Payload, inner: Payload) -> RoomKind:
    """Who can read there; `app_mention` does not say, and unknown means external."""
    if payload.get("is_ext_shared_channel"):
        return "external"
    return _KINDS.get(str(inner.get("channel_type")), "external")


def moment(ts: str) -> datetime:
    """When a post was made: its `ts`, exact to the microsecond."""
    seconds, _, fraction = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]))


def text(marked_up: str, *, bot_user: str) -> str:
    """Slack's own markup as plain text: our mention taken out, others as @names, links as they are."""
    without_us = _mention(bot_user).sub("", marked_up) if bot_user else marked_up
    return html.unescape(_ENTITY.sub(_entity, without_us)).strip()


def _mention(bot_user: str) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>[:,]?")


def _entity(found: re.Match[str]) -> str:
    target, _, label = found[1].partition("|")
    if target.startswith(("@", "#")):
        return f"{target[0]}{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:].split('^')[0]}"
    if target.startswith(("mailto:", "tel:")):
        return label or target.partition(":")[2]
    return f"{label} ({target})" if label and label != target else target
