"""The JSON that Slack sends to an app: events, commands, actions, views (sheet 4.3). Functions of the workspace."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from tests.twins.slack.blocks import Json, walk
from tests.twins.slack.workspace import APP_ID, BOT_ID, BOT_USER, Channel, Member, Message, Workspace

CHANNEL_TYPE = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}
DOMAIN = "twin"
MARK = re.compile(r"<(@|#|!subteam\^|!|)([^|>]+)(?:\|([^>]*))?>")
PRESSED = {"button", "icon_button", "feedback_buttons"}
SELECTED = {  # element type → where its choice stands in an action and in a view's state
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}


def rich_text(text: str) -> list[Json]:
    """The blocks that Slack makes of what a person types; `text` is in wire form: escaped, mentions in brackets."""
    section = {"type": "rich_text_section", "elements": list(_elements(text))}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


def _elements(text: str) -> Iterator[Json]:
    end = 0
    for mark in MARK.finditer(text):
        if mark.start() > end:
            yield {"type": "text", "text": html.unescape(text[end : mark.start()])}
        yield _element(*mark.groups())
        end = mark.end()
    if end < len(text):
        yield {"type": "text", "text": html.unescape(text[end:])}


def _element(sigil: str, name: str, label: str | None) -> Json:
    if sigil == "@":
        return {"type": "user", "user_id": name}
    if sigil == "#":
        return {"type": "channel", "channel_id": name}
    if sigil == "!subteam^":
        return {"type": "usergroup", "usergroup_id": name}
    if sigil == "!":
        return {"type": "broadcast", "range": name}
    return {"type": "link", "url": html.unescape(name)} | ({"text": html.unescape(label)} if label else {})


def message_json(workspace: Workspace, message: Message) -> Json:
    """A message as events and the Web API show it; its metadata is added by who may see it."""
    team = team_of(workspace, message.user)
    shown: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts, "team": team}
    optional = {
        "subtype": message.subtype,
        "client_msg_id": message.client_msg_id,
        "thread_ts": message.thread,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "files": message.files,
        "edited": message.edited and {"user": message.user, "ts": message.edited},
        "streaming_state": message.streaming,
        "reactions": [{"name": n, "users": [*u], "count": len(u)} for n, u in message.reactions.items() if u],
    }
    shown |= {key: value for key, value in optional.items() if value}
    if message.bot_id:
        shown |= {"bot_id": message.bot_id, "app_id": APP_ID, "bot_profile": {"id": message.bot_id, "app_id": APP_ID}}
    return shown


def message_event(workspace: Workspace, message: Message) -> Json:
    """The `message` event of a new message."""
    room = workspace.channels[message.channel]
    inner = message_json(workspace, message)
    if message.thread and (root := workspace.find(message.channel, message.thread)):
        inner["parent_user_id"] = root.user
    if room.external:
        inner |= {"user_team": inner["team"], "source_team": inner["team"]}
    return inner | {"channel": room.id, "channel_type": CHANNEL_TYPE[room.kind], "event_ts": message.ts}


def changed_event(workspace: Workspace, message: Message, previous: Json) -> Json:
    """The `message_changed` event of a message that read as `previous` before."""
    changed = {"message": message_json(workspace, message), "previous_message": previous}
    return _hidden(workspace, message, "message_changed") | changed


def deleted_event(workspace: Workspace, message: Message, previous: Json) -> Json:
    """The event of a deletion: for the root of a thread with replies a change into a tombstone."""
    if workspace.replies(message.channel, message.ts):
        changed = _hidden(workspace, message, "message_changed")
        return changed | {"message": tombstone(message), "previous_message": previous}
    gone = _hidden(workspace, message, "message_deleted")
    return gone | {"deleted_ts": message.ts, "previous_message": previous}


def tombstone(message: Message) -> Json:
    """What stands in the place of a deleted root that has replies."""
    place = {"ts": message.ts, "thread_ts": message.ts, "user": "USLACKBOT", "hidden": True}
    return place | {"type": "message", "subtype": "tombstone", "text": "This message was deleted."}


def _hidden(workspace: Workspace, message: Message, subtype: str) -> Json:
    ts, room = workspace.tick(), workspace.channels[message.channel]
    place = {"channel": room.id, "channel_type": CHANNEL_TYPE[room.kind], "ts": ts, "event_ts": ts}
    return place | {"type": "message", "subtype": subtype, "hidden": True}


def event_callback(workspace: Workspace, inner: Json) -> Json:
    """The outer part of an event."""
    authorization = {"enterprise_id": None, "team_id": workspace.team, "user_id": BOT_USER, "is_bot": True}
    room = workspace.channels.get(str(inner.get("channel")))
    return {
        "token": "v",
        "team_id": workspace.team,
        "context_team_id": workspace.team,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "type": "event_callback",
        "event_id": f"Ev{workspace.number()}",
        "event_time": int(workspace.now),
        "event_context": f"4-{workspace.number()}",
        "is_ext_shared_channel": bool(room and room.external),
        "authorizations": [authorization | {"is_enterprise_install": False}],
        "event": inner,
    }


def user_json(member: Member) -> Json:
    """A member as events show them."""
    return {
        "id": member.id,
        "team_id": member.team,
        "name": member.name,
        "deleted": member.deleted,
        "is_bot": member.is_bot,
        "is_admin": member.is_admin,
        "is_owner": member.is_owner,
        "is_restricted": bool(member.guest),
        "is_ultra_restricted": member.guest == "single",
        "profile": {"display_name": member.name, "real_name": member.real_name or member.name},
    }


def command_payload(workspace: Workspace, member: Member, room: Channel, command: str, text: str) -> Json:
    """A slash command; response_url and trigger_id are added by the caller."""
    name = {"im": "directmessage", "private": "privategroup", "mpim": "privategroup"}.get(room.kind, room.name)
    return {
        "token": "v",
        "team_id": workspace.team,
        "team_domain": DOMAIN,
        "channel_id": room.id,
        "channel_name": name,
        "user_id": member.id,
        "user_name": member.name,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
    }


def interaction(workspace: Workspace, member: Member, kind: str) -> Json:
    """What every interaction has in common."""
    return {
        "type": kind,
        "user": {"id": member.id, "username": member.name, "name": member.name, "team_id": member.team},
        "api_app_id": APP_ID,
        "token": "v",
        "trigger_id": workspace.trigger(member.id),
        "team": {"id": workspace.team, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def source(workspace: Workspace, message: Message) -> Json:
    """Where a button stood: container, channel, and the message unless it is ephemeral."""
    hidden, room = message.only_for is not None, workspace.channels[message.channel]
    container = {"type": "message", "message_ts": message.ts, "channel_id": room.id, "is_ephemeral": hidden}
    where: Json = {
        "container": container | ({"thread_ts": message.thread} if message.thread else {}),
        "channel": {"id": room.id, "name": room.name or "directmessage"},
    }
    return where if hidden else where | {"message": message_json(workspace, message)}


def find_element(blocks: list[Json], action_id: str, value: str | None) -> tuple[str, Json]:
    """The block id and the element a human means by `action_id`, and by `value` where several share it.

    Raises:
        AssertionError: there is nothing like that to press.
    """
    for block in blocks:
        for _, element in walk(block):
            if element.get("action_id") == action_id and _offers(element, value):
                return block.get("block_id", ""), element
    raise AssertionError(f"nothing to press called {action_id!r} with value {value!r} in {blocks!r}")


def _offers(element: Json, value: str | None) -> bool:
    """Whether a human can choose this value here; pickers take any."""
    return value is None or element["type"] in SELECTED or any(node.get("value") == value for _, node in walk(element))


def choice(element: Json, value: str | None) -> Json:
    """What an action or a view's state says once `value` was chosen or typed into this element."""
    kind = element["type"]
    if kind in SELECTED:
        return {"type": kind, SELECTED[kind]: value}
    if kind in PRESSED or kind == "plain_text_input":
        standing = element.get("value", element.get("initial_value"))
        return {"type": kind, "value": standing if value is None else value}
    options = [node for _, node in walk(element) if value and node.get("value") == value and "text" in node]
    if kind.startswith("multi_") or kind == "checkboxes":
        return {"type": kind, "selected_options": options or element.get("initial_options", [])}
    return {"type": kind, "selected_option": options[0] if options else element.get("initial_option")}


def state(view: Json, typed: Json) -> Json:
    """The state of a modal's inputs: `typed` is {block_id: {action_id: value}}, the rest keeps its initial value."""
    values: Json = {}
    for block in view["blocks"]:
        for _, element in walk(block):
            action_id = element.get("action_id")
            if action_id and element["type"] not in PRESSED:
                value = typed.get(block["block_id"], {}).get(action_id)
                shown = value if isinstance(value, dict) else choice(element, value)
                values.setdefault(block["block_id"], {})[action_id] = shown
    return {"values": values}


def view_json(workspace: Workspace, view: Json, *, root: str | None = None) -> Json:
    """A view as Slack gives it back: with its ids, and an id for every block."""
    view_id, blocks = f"V{workspace.number()}", view.get("blocks", [])
    shown = {"callback_id": "", "private_metadata": "", "external_id": "", "state": {"values": {}}} | view
    return shown | {
        "id": view_id,
        "team_id": workspace.team,
        "app_id": APP_ID,
        "bot_id": BOT_ID,
        "hash": f"{workspace.tick()}.hash",
        "root_view_id": root or view_id,
        "blocks": [{"block_id": f"b{index}"} | block for index, block in enumerate(blocks)],
    }


def team_of(workspace: Workspace, user: str) -> str:
    """The workspace a member belongs to."""
    member = workspace.members.get(user)
    return member.team if member else workspace.team
