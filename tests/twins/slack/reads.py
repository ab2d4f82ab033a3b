"""The methods that tell what is there: auth.test, users.info, conversations.*."""

from __future__ import annotations

from dataclasses import asdict
from typing import TypeVar

from tests.twins.slack import payloads
from tests.twins.slack.blocks import Json
from tests.twins.slack.web import HISTORY, READ, Args, Desk, Method, RefusalError
from tests.twins.slack.workspace import BOT_ID, BOT_USER, Channel, Member, Message

T = TypeVar("T")

HISTORY_PAGE, PAGE_MAX = 100, 1_000


def auth_test(desk: Desk, _args: Args) -> Json:
    bot = desk.workspace.members[BOT_USER]
    team = {"team": "Twin", "team_id": desk.workspace.team, "url": f"https://{payloads.DOMAIN}.slack.com/"}
    return {"ok": True, "user": bot.name, "user_id": BOT_USER, "bot_id": BOT_ID, "is_enterprise_install": False} | team


def users_info(desk: Desk, args: Args) -> Json:
    member = desk.workspace.members.get(args.need("user"))
    if member is None:
        raise RefusalError("user_not_found")
    return {"ok": True, "user": _user_json(desk, member, args)}


def users_list(desk: Desk, args: Args) -> Json:
    """Everybody who is or was in the workspace, bots and deactivated members included."""
    members = list(desk.workspace.members.values())
    page, cursor = _page(members, [member.id for member in members], args, PAGE_MAX)
    shown = [_user_json(desk, member, args) for member in page]
    return {"ok": True, "members": shown, "response_metadata": {"next_cursor": cursor}}


def _user_json(desk: Desk, member: Member, args: Args) -> Json:
    profile = {"display_name": member.name, "real_name": member.real_name or member.name, "image_72": f"{desk.url}/72"}
    if member.email and "users:read.email" in desk.scopes:
        profile["email"] = member.email
    shown = asdict(member) | {"team_id": member.team, "real_name": profile["real_name"], "profile": profile}
    shown |= {"is_restricted": bool(member.guest), "is_ultra_restricted": member.guest == "single"}
    hidden = {"team", "guest", "email"} | (set() if args.flag("include_locale") else {"locale"})
    return {key: value for key, value in shown.items() if key not in hidden}


def conversations_open(desk: Desk, args: Args) -> Json:
    if args.has("channel"):
        return {"ok": True, "no_op": True, "already_open": True, "channel": {"id": desk.room(args.text("channel")).id}}
    users = [user for user in args.text("users").split(",") if user]
    if not users:
        raise RefusalError("users_list_not_supplied")
    desk.demand("im:write" if len(users) == 1 else "mpim:write")
    before = len(desk.workspace.channels)
    people = sorted(desk.person(user).id for user in users)
    room = desk.workspace.direct(people[0]) if len(people) == 1 else desk.workspace.group(people)
    old = len(desk.workspace.channels) == before
    return {"ok": True, "no_op": old, "already_open": old, "channel": {"id": room.id}}


def conversations_info(desk: Desk, args: Args) -> Json:
    room = desk.room(args.need("channel"), inside=False, needs=READ)
    return {"ok": True, "channel": _room_json(desk, room, count=args.flag("include_num_members"))}


def _room_json(desk: Desk, room: Channel, *, count: bool) -> Json:
    shown: Json = {
        "id": room.id,
        "name": room.name,
        "is_channel": room.kind == "public",
        "is_group": room.kind == "private",
        "is_im": room.kind == "im",
        "is_mpim": room.kind == "mpim",
        "is_private": room.kind != "public",
        "is_archived": room.archived,
        "is_ext_shared": room.external,
        "is_shared": room.external,
        "is_member": BOT_USER in room.members,
        "context_team_id": desk.workspace.team,
    }
    if room.is_direct:
        shown["user"] = next(user for user in room.members if user != BOT_USER)
    return shown | ({"num_members": len(room.members)} if count else {})


def conversations_members(desk: Desk, args: Args) -> Json:
    room = desk.room(args.need("channel"), inside=False, needs=READ)
    page, cursor = _page(room.members, room.members, args, HISTORY_PAGE)
    return {"ok": True, "members": page, "response_metadata": {"next_cursor": cursor}}


def conversations_history(desk: Desk, args: Args) -> Json:
    """Top-level messages and broadcast replies, newest first."""
    room = desk.room(args.need("channel"), needs=HISTORY)
    found = [m for m in _readable(desk, room) if not m.thread or m.thread == m.ts or m.subtype == "thread_broadcast"]
    return _listing(desk, args, [m for m in reversed(found) if _within(m, args)], most=HISTORY_PAGE)


def conversations_replies(desk: Desk, args: Args) -> Json:
    """The root, then its replies, oldest first; a reply's own timestamp gives that reply alone."""
    room, ts = desk.room(args.need("channel"), needs=HISTORY), args.need("ts")
    readable = _readable(desk, room)
    replies = [m for m in readable if m.thread == ts and m.ts != ts and _within(m, args)]
    root = next((m for m in readable if m.ts == ts), None)
    if root is None:
        raise RefusalError("thread_not_found")
    return _listing(desk, args, [root, *replies], most=PAGE_MAX)


def _readable(desk: Desk, room: Channel) -> list[Message]:
    """What history shows: no ephemeral messages, tombstones of deleted roots, nothing within the lag."""
    newest = desk.workspace.now - desk.workspace.history_lag_s
    return [
        m
        for m in desk.workspace.messages[room.id].values()
        if m.only_for is None
        and (not m.deleted or desk.workspace.replies(room.id, m.ts))
        and (not desk.workspace.history_lag_s or float(m.ts) <= newest)
    ]


def _within(message: Message, args: Args) -> bool:
    ts = float(message.ts)
    oldest, latest = (args.number(name, f"invalid_ts_{name}") for name in ("oldest", "latest"))
    if args.flag("inclusive") and ts in {oldest, latest}:
        return True
    return ts > oldest and (not latest or ts < latest)


def _listing(desk: Desk, args: Args, found: list[Message], *, most: int) -> Json:
    page, cursor = _page(found, [m.ts for m in found], args, most, cap=desk.workspace.history_cap)
    shown = [_message_json(desk, message, whole=args.flag("include_all_metadata")) for message in page]
    return {"ok": True, "messages": shown, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


def _message_json(desk: Desk, message: Message, *, whole: bool) -> Json:
    if message.deleted:
        return payloads.tombstone(message)
    shown = payloads.message_json(desk.workspace, message)
    if message.metadata:
        shown["metadata"] = message.metadata if whole else {"event_type": message.metadata["event_type"]}
    if replies := desk.workspace.replies(message.channel, message.ts):
        shown |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
    return shown


def _page(items: list[T], names: list[str], args: Args, most: int, *, cap: int | None = None) -> tuple[list[T], str]:
    """One page of `items`, of `most` unless the app asks otherwise, and a cursor that names the last item on it."""
    cursor, limit = args.text("cursor"), min(int(args.number("limit", "invalid_limit")) or most, cap or PAGE_MAX)
    if cursor and cursor not in names:
        raise RefusalError("invalid_cursor")
    start = names.index(cursor) + 1 if cursor else 0
    more = len(items) > start + limit
    return items[start : start + limit], names[start + limit - 1] if more else ""


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "users.info": users_info,
    "users.list": users_list,
    "conversations.open": conversations_open,
    "conversations.info": conversations_info,
    "conversations.members": conversations_members,
    "conversations.history": conversations_history,
    "conversations.replies": conversations_replies,
}

GET = {"users.info", "users.list", "chat.getPermalink"}
GET |= {name for name in METHODS if name.startswith("conversations.")} - {"conversations.open"}
"""The methods that the Python SDK calls with GET."""
