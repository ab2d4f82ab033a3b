"""Files that the app shares: an address is asked for, the bytes are sent there, and then the file is shared."""

from __future__ import annotations

from tests.twins.slack import payloads
from tests.twins.slack.blocks import Json
from tests.twins.slack.web import Args, Desk, Method, RefusalError
from tests.twins.slack.workspace import BOT_ID, BOT_USER, Message, Upload


def file_json(file_id: str, name: str, content: bytes, *, url: str, mimetype: str = "text/plain") -> Json:
    """A file as messages and events show it."""
    address, kind = f"{url}/files/{file_id}", name.rpartition(".")[2]
    about = {"id": file_id, "name": name, "mimetype": mimetype, "filetype": kind, "size": len(content)}
    return about | {"mode": "hosted", "url_private": address, "url_private_download": address}


def get_upload_url(desk: Desk, args: Args) -> Json:
    name, length = args.need("filename"), int(args.number("length", "invalid_arguments"))
    if length < 1:
        raise RefusalError("invalid_arguments", "must be greater than 0 [json-pointer:/length]")
    file_id = f"F{desk.workspace.number()}"
    desk.workspace.uploads[file_id] = Upload(name=name, length=length)
    return {"ok": True, "file_id": file_id, "upload_url": f"{desk.url}/upload/{file_id}"}


def complete_upload(desk: Desk, args: Args) -> Json:
    """Share files in one conversation that the bot is in; without one they stay the bot's own, which nobody sees."""
    asked = args.data("files")
    ids = [str(one.get("id")) for one in asked] if isinstance(asked, list) else []
    if not ids:
        raise RefusalError("invalid_arguments", "missing required field: files")
    sent = {file_id: desk.workspace.uploads.get(file_id) for file_id in ids}
    room = desk.room(args.text("channel_id")) if args.has("channel_id") else None
    shared: list[Json] = []
    for file_id, upload in sent.items():
        if upload is None or upload.content is None:
            raise RefusalError("file_not_found")
        desk.workspace.files[file_id] = upload.content
        shared.append(file_json(file_id, upload.name, upload.content, url=desk.url))
        del desk.workspace.uploads[file_id]
    if room is not None:
        message = Message(
            channel=room.id,
            ts=desk.workspace.tick(),
            user=BOT_USER,
            bot_id=BOT_ID,
            text=args.text("initial_comment"),
            thread=args.text("thread_ts") or None,
            files=shared,
            subtype="file_share",
        )
        desk.workspace.add(message)
        desk.workspace.record("file", message, args.given)
        desk.workspace.outbox.append(payloads.message_event(desk.workspace, message))
    return {"ok": True, "files": shared}


METHODS: dict[str, Method] = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
}
