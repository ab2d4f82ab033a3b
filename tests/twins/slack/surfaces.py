"""The methods around the conversation: views, reactions, assistant threads, agent sessions."""

from __future__ import annotations

from tests.twins.slack import payloads
from tests.twins.slack.blocks import Json, is_too_large, view_errors
from tests.twins.slack.web import Args, Desk, Method, RefusalError
from tests.twins.slack.workspace import BOT_USER, TRIGGER_LIFE_S, Message

STACK_MAX, TITLE_MAX, PROMPTS_MAX, LOADING_MAX = 3, 200, 4, 10
SESSION_STATUSES = {"active", "processing", "suspended", "closed"}


def views_publish(desk: Desk, args: Args) -> Json:
    user, view = args.need("user_id"), _view(args)
    if user not in desk.workspace.members:
        raise RefusalError("user_not_found")
    _check_hash(desk.workspace.homes.get(user), args)
    shown = desk.workspace.homes[user] = payloads.view_json(desk.workspace, view)
    return {"ok": True, "view": shown}


def views_open(desk: Desk, args: Args) -> Json:
    stack = desk.workspace.modals[_redeem(desk, args.need("trigger_id"))]
    shown = payloads.view_json(desk.workspace, _view(args))
    stack[:] = [shown]
    return {"ok": True, "view": shown}


def views_push(desk: Desk, args: Args) -> Json:
    stack = desk.workspace.modals[_redeem(desk, args.need("trigger_id"))]
    if len(stack) >= STACK_MAX:
        raise RefusalError("push_limit_reached")
    root = stack[0]["id"] if stack else None
    stack.append(payloads.view_json(desk.workspace, _view(args), root=root))
    return {"ok": True, "view": stack[-1]}


def views_update(desk: Desk, args: Args) -> Json:
    view = _view(args)
    for stack in desk.workspace.modals.values():
        for index, old in enumerate(stack):
            if old["id"] == args.text("view_id") or (
                args.has("external_id") and old["external_id"] == args.text("external_id")
            ):
                _check_hash(old, args)
                new = payloads.view_json(desk.workspace, view, root=old["root_view_id"])
                stack[index] = new | {"id": old["id"]}
                return {"ok": True, "view": stack[index]}
    raise RefusalError("not_found")


def _view(args: Args) -> Json:
    view = args.data("view")
    if not isinstance(view, dict):
        raise RefusalError("invalid_arguments", "missing required field: view")
    if found := view_errors(view):
        raise RefusalError("invalid_arguments", *found)
    if is_too_large(view):
        raise RefusalError("view_too_large")
    return view


def _check_hash(standing: Json | None, args: Args) -> None:
    if args.has("hash") and (standing is None or standing["hash"] != args.text("hash")):
        raise RefusalError("hash_conflict")


def _redeem(desk: Desk, trigger_id: str) -> str:
    """Use up a trigger and return the member it belongs to."""
    trigger = desk.workspace.triggers.get(trigger_id)
    if trigger is None:
        raise RefusalError("invalid_trigger_id")
    if trigger.used:
        raise RefusalError("exchanged_trigger_id")
    if desk.workspace.now - trigger.issued_s > TRIGGER_LIFE_S:
        raise RefusalError("expired_trigger_id")
    trigger.used = True
    return trigger.user


def reactions_add(desk: Desk, args: Args) -> Json:
    users = _reacted(desk, args).reactions.setdefault(args.need("name"), [])
    if BOT_USER in users:
        raise RefusalError("already_reacted")
    users.append(BOT_USER)
    return {"ok": True}


def reactions_remove(desk: Desk, args: Args) -> Json:
    users = _reacted(desk, args).reactions.get(args.need("name"), [])
    if BOT_USER not in users:
        raise RefusalError("no_reaction")
    users.remove(BOT_USER)
    return {"ok": True}


def _reacted(desk: Desk, args: Args) -> Message:
    room = desk.room(args.need("channel"))
    if room.archived:
        raise RefusalError("is_archived")
    return desk.message(room, args.need("timestamp"))


def _thread(desk: Desk, args: Args) -> tuple[str, str]:
    """The conversation and the root that a status, a title or prompts belong to."""
    room = desk.room(args.need("channel_id"))
    return room.id, desk.message(room, args.need("thread_ts"), "invalid_thread_ts").ts


def set_status(desk: Desk, args: Args) -> Json:
    """The older way: any text, cleared by the next message or by an empty one."""
    loading = args.data("loading_messages")
    if not args.has("status") or (isinstance(loading, list) and len(loading) > LOADING_MAX):
        raise RefusalError("invalid_arguments", "status, at most 10 loading_messages")
    desk.workspace.statuses[_thread(desk, args)] = args.text("status")
    return {"ok": True}


def set_title(desk: Desk, args: Args) -> Json:
    desk.workspace.titles[_thread(desk, args)] = _title(args)
    return {"ok": True}


def _title(args: Args) -> str:
    title = args.need("title")
    if len(title) > TITLE_MAX:
        raise RefusalError("invalid_arguments", f"must be less than {TITLE_MAX + 1} characters [json-pointer:/title]")
    return title


def set_prompts(desk: Desk, args: Args) -> Json:
    prompts = args.data("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= PROMPTS_MAX:
        raise RefusalError("invalid_arguments", f"between 1 and {PROMPTS_MAX} items allowed [json-pointer:/prompts]")
    room = desk.room(args.need("channel_id"))
    thread = _thread(desk, args)[1] if args.has("thread_ts") else ""
    desk.workspace.prompts[room.id, thread] = prompts
    return {"ok": True}


def session_status(desk: Desk, args: Args) -> Json:
    """The newer way: one of four states; a title counts only when this creates the session."""
    status, thread = args.need("status"), _thread(desk, args)
    if status not in SESSION_STATUSES:
        raise RefusalError("invalid_arguments", f"unsupported value: {status} [json-pointer:/status]")
    if args.has("title") and thread not in desk.workspace.statuses:
        desk.workspace.titles[thread] = _title(args)
    desk.workspace.statuses[thread] = status
    title = desk.workspace.titles.get(thread, "")
    return {"ok": True, "status": status, "agent_status": status, "title": title}


METHODS: dict[str, Method] = {
    "views.publish": views_publish,
    "views.open": views_open,
    "views.push": views_push,
    "views.update": views_update,
    "reactions.add": reactions_add,
    "reactions.remove": reactions_remove,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setTitle": set_title,
    "assistant.threads.setSuggestedPrompts": set_prompts,
    "agents.sessions.setStatus": session_status,
    "agents.sessions.rename": set_title,
}
