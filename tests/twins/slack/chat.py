"""The chat.* methods: post, update, delete, ephemeral, permalink, streams."""

from __future__ import annotations

import json

from tests.twins.slack import payloads
from tests.twins.slack.blocks import MARKDOWN_TOTAL_MAX, TEXT_TOTAL_MAX, Json, block_errors, text_total
from tests.twins.slack.web import Args, Desk, Method, RefusalError
from tests.twins.slack.workspace import BOT_ID, BOT_USER, Channel, Message

TEXT_MAX, UPDATE_MAX = 40_000, 4_000
METADATA_MAX = 8_000  # bytes of JSON; Slack documents no number ("a few kB at most", sheet section 1)
STREAM_LIFE_S = 300.0  # reported by several adapters: a stream ends about five minutes after its start


def check_content(args: Args, *, most: int = TEXT_MAX, may_be_empty: bool = False) -> None:
    """Refuse text, blocks and metadata that Slack would refuse."""
    text, markdown, blocks = args.text("text"), args.text("markdown_text"), args.data("blocks", "invalid_blocks_format")
    if markdown and (text or blocks):
        raise RefusalError("markdown_text_conflict")
    if not (text.strip() or markdown.strip() or blocks or args.data("attachments") or may_be_empty):
        raise RefusalError("no_text")
    if len(text) > most or len(markdown) > MARKDOWN_TOTAL_MAX:
        raise RefusalError("msg_too_long")
    if blocks is not None:
        check_blocks(blocks)
    check_metadata(args)


def check_blocks(blocks: object) -> None:
    """Refuse blocks that are wrong, or more text than a message takes."""
    if found := block_errors(blocks):
        raise RefusalError("invalid_blocks", *found)
    assert isinstance(blocks, list)
    if text_total(blocks) > TEXT_TOTAL_MAX or text_total(blocks, "markdown") > MARKDOWN_TOTAL_MAX:
        raise RefusalError("msg_blocks_too_long")


def check_metadata(args: Args) -> None:
    """Refuse metadata of the wrong form or size."""
    metadata = args.data("metadata", "invalid_metadata_format")
    if not metadata:
        return
    if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= set(metadata):
        raise RefusalError("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > METADATA_MAX:
        raise RefusalError("metadata_too_large")


def writable(desk: Desk, args: Args) -> Channel:
    """The conversation to post into; a member's id stands for the direct conversation with them."""
    target = args.need("channel")
    at_person = target in desk.workspace.members
    room = desk.workspace.direct(desk.person(target).id) if at_person else desk.room(target)
    if room.archived:
        raise RefusalError("is_archived")
    return room


def compose(desk: Desk, room: Channel, args: Args, *, only_for: str | None = None) -> Message:
    """The message the bot wants to post; refused when its thread does not exist."""
    thread = args.text("thread_ts") or None
    if thread and not (desk.workspace.find(room.id, thread) or desk.workspace.replies(room.id, thread)):
        raise RefusalError("thread_not_found")
    return Message(
        channel=room.id,
        ts=desk.workspace.tick(),
        user=BOT_USER,
        bot_id=BOT_ID,
        text=args.text("text") or args.text("markdown_text"),
        thread=thread,
        blocks=_list(args, "blocks"),
        attachments=_list(args, "attachments"),
        metadata=_metadata(args),
        subtype="thread_broadcast" if thread and args.flag("reply_broadcast") else None,
        only_for=only_for,
    )


def _list(args: Args, name: str) -> list[Json]:
    value = args.data(name)
    return value if isinstance(value, list) else []


def _metadata(args: Args) -> Json | None:
    value = args.data("metadata")
    return value if isinstance(value, dict) and value else None


def post_message(desk: Desk, args: Args) -> Json:
    room = writable(desk, args)
    check_content(args)
    message = compose(desk, room, args)
    _appear(desk, message)
    desk.workspace.record("post", message, args.given)
    return _shown(desk, message)


def _appear(desk: Desk, message: Message) -> None:
    """Show a new message of the bot, which ends its status in that thread, and let the app hear of it."""
    desk.workspace.add(message)
    desk.workspace.statuses.pop((message.channel, message.thread or ""), None)
    desk.workspace.outbox.append(payloads.message_event(desk.workspace, message))


def _shown(desk: Desk, message: Message) -> Json:
    shown = payloads.message_json(desk.workspace, message)
    if message.metadata:
        shown["metadata"] = message.metadata
    return {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


def _own(desk: Desk, args: Args, code: str) -> Message:
    message = desk.message(desk.room(args.need("channel")), args.need("ts"))
    if message.bot_id != BOT_ID:
        raise RefusalError(code)
    return message


def update(desk: Desk, args: Args) -> Json:
    """Change a message: new text without blocks takes the old blocks away, new blocks keep the old text."""
    message = _own(desk, args, "cant_update_message")
    if desk.workspace.channels[message.channel].archived:
        raise RefusalError("is_inactive")
    if message.streaming == "in_progress":
        raise RefusalError("streaming_state_conflict")
    window = desk.workspace.edit_window_s
    if window is not None and desk.workspace.now - float(message.ts) > window:
        raise RefusalError("edit_window_closed")
    check_content(args, most=UPDATE_MAX)
    previous = payloads.message_json(desk.workspace, message)
    if args.has("text") or args.has("markdown_text"):
        message.text, message.blocks = args.text("text") or args.text("markdown_text"), []
        message.edited = desk.workspace.tick()
    if args.has("blocks"):
        message.blocks = _list(args, "blocks")
    if args.has("attachments"):
        message.attachments = _list(args, "attachments")
    if args.has("metadata"):
        message.metadata = _metadata(args)
    desk.workspace.change(message)
    desk.workspace.record("update", message, args.given)
    desk.workspace.outbox.append(payloads.changed_event(desk.workspace, message, previous))
    return _shown(desk, message)


def delete(desk: Desk, args: Args) -> Json:
    message = _own(desk, args, "cant_delete_message")
    previous = payloads.message_json(desk.workspace, message)
    message.deleted = True
    desk.workspace.record("delete", message, args.given)
    desk.workspace.outbox.append(payloads.deleted_event(desk.workspace, message, previous))
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def post_ephemeral(desk: Desk, args: Args) -> Json:
    room = writable(desk, args)
    if args.need("user") not in room.members:
        raise RefusalError("user_not_in_channel")
    check_content(args)
    message = compose(desk, room, args, only_for=args.text("user"))
    if message.thread is None or desk.workspace.replies(room.id, message.thread):
        desk.workspace.add(message)  # below a message that nobody answered yet, Slack takes it and shows it to nobody
    desk.workspace.record("ephemeral", message, args.given)
    return {"ok": True, "message_ts": message.ts}


def get_permalink(desk: Desk, args: Args) -> Json:
    room = desk.room(args.need("channel"))
    message = desk.message(room, args.need("message_ts"))
    link = f"https://{payloads.DOMAIN}.slack.com/archives/{room.id}/p{message.ts.replace('.', '')}"
    query = f"?thread_ts={message.thread}&cid={room.id}" if message.thread else ""
    return {"ok": True, "channel": room.id, "permalink": link + query}


def start_stream(desk: Desk, args: Args) -> Json:
    room = writable(desk, args)
    args.need("thread_ts")
    for name in () if room.is_direct else ("recipient_user_id", "recipient_team_id"):
        if not args.has(name):
            raise RefusalError(f"missing_{name}")
    message = compose(desk, room, args)
    message.streaming, message.text = "in_progress", ""
    _grow(message, args)
    _appear(desk, message)
    desk.workspace.record("stream", message, args.given)
    return {"ok": True, "channel": room.id, "ts": message.ts}


def append_stream(desk: Desk, args: Args) -> Json:
    message = _streaming(desk, args)
    if not (args.text("markdown_text") or args.data("chunks")):
        raise RefusalError("no_text")
    _grow(message, args)
    desk.workspace.change(message)
    desk.workspace.record("append", message, args.given)
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def stop_stream(desk: Desk, args: Args) -> Json:
    message = _streaming(desk, args)
    blocks = args.data("blocks", "invalid_blocks_format")
    if blocks is not None:
        check_blocks(blocks)
    check_metadata(args)
    previous = payloads.message_json(desk.workspace, message)
    _grow(message, args)
    message.streaming, message.metadata = "completed", _metadata(args)
    # final blocks stand below the streamed text
    message.blocks = [{"type": "markdown", "text": message.text}, *_list(args, "blocks")] if blocks else []
    if args.has("session_status"):
        desk.workspace.statuses[message.channel, message.thread or ""] = args.text("session_status")
    desk.workspace.change(message)
    desk.workspace.record("stop", message, args.given)
    desk.workspace.outbox.append(payloads.changed_event(desk.workspace, message, previous))
    return _shown(desk, message)


def _streaming(desk: Desk, args: Args) -> Message:
    message = _own(desk, args, "message_not_owned_by_app")
    if message.streaming == "stopped":
        raise RefusalError("stopped_by_user")
    if message.streaming != "in_progress" or desk.workspace.now - float(message.ts) > STREAM_LIFE_S:
        raise RefusalError("message_not_in_streaming_state")
    return message


def _grow(message: Message, args: Args) -> None:
    """Append what came: text to the text, every chunk to the chunks."""
    chunks = _list(args, "chunks")
    if args.text("markdown_text"):
        chunks = [{"type": "markdown_text", "text": args.text("markdown_text")}, *chunks]
    for chunk in chunks:
        if chunk.get("type") not in {"markdown_text", "task_update", "plan_update", "blocks"}:
            raise RefusalError("invalid_chunks")
        if len(str(chunk.get("text", ""))) > MARKDOWN_TOTAL_MAX:
            raise RefusalError("msg_too_long")
    message.chunks += chunks
    message.text += "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")


METHODS: dict[str, Method] = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
    "chat.startStream": start_stream,
    "chat.appendStream": append_stream,
    "chat.stopStream": stop_stream,
}
