"""What people do to the app itself: commands, buttons, modals. Each returns what the person got to see."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.twins.slack import payloads
from tests.twins.slack.blocks import Json, view_errors
from tests.twins.slack.delivery import EnvelopeKind
from tests.twins.slack.people import People
from tests.twins.slack.workspace import BOT_ID, BOT_USER, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a command, a button press or a modal."""

    acked: bool
    error: str | None
    """What Slack tells the member instead: `operation_timeout` when nothing was acked, `dispatch_failed` when the
    app had no socket open.
    """
    payload: Json | None
    """The payload of the ack."""
    trigger_id: str
    response_url: str
    seen: list[Message]
    """What the app answered through the ack or the response_url, oldest first; later answers join this list."""


class Interactions(People):
    """Commands, presses and submissions: sent once, never again, and answered by an ack or a response_url."""

    async def command(self, user: str, channel: str, command: str, text: str = "") -> Outcome:
        """Type a slash command; an answer in the ack is shown to the member, or to all when it is `in_channel`."""
        member, room = self._present(user, channel)
        name = self.workspace.response_url(user, channel)
        trigger_id = self.workspace.trigger(user)
        about = payloads.command_payload(self.workspace, member, room, command, text)
        payload = about | {"response_url": f"{self.url}/response/{name}", "trigger_id": trigger_id}
        outcome = await self._ask("slash_commands", payload, answers=True, response=name)
        if outcome.payload:
            self.respond(name, outcome.payload)
        return outcome

    async def press(self, user: str, target: Message | Json, action_id: str, *, value: str | None = None) -> Outcome:
        """Press a button, or choose `value`, in a message, an ephemeral message or a view that the member sees."""
        member, ts = self.workspace.members[user], self.workspace.tick()
        blocks = target.blocks if isinstance(target, Message) else target["blocks"]
        block_id, element = payloads.find_element(blocks, action_id, value)
        action = payloads.choice(element, value) | {"block_id": block_id, "action_id": action_id, "action_ts": ts}
        payload = payloads.interaction(self.workspace, member, "block_actions") | {"actions": [action]}
        if not isinstance(target, Message):
            where = {"container": {"type": "view", "view_id": target["id"]}, "view": target}
            return await self._ask("interactive", payload | where)
        assert target.only_for in {None, user}, f"{user} does not see what is for {target.only_for}"
        assert not target.deleted, f"{target.ts} is gone"
        name = self.workspace.response_url(user, target.channel, target)
        payload |= payloads.source(self.workspace, target) | {"state": {"values": {}}}
        payload["response_url"] = f"{self.url}/response/{name}"
        return await self._ask("interactive", payload, response=name)

    async def submits(self, user: str, typed: Json | None = None) -> Outcome:
        """Submit the member's open modal with `typed` as {block_id: {action_id: value}}; apply what the app answers."""
        stack = self.workspace.modals[user]
        assert stack[-1].get("submit"), "there is nothing to submit"
        view = stack[-1] | {"state": payloads.state(stack[-1], typed or {})}
        _check_filled(view)
        payload = payloads.interaction(self.workspace, self.workspace.members[user], "view_submission")
        outcome = await self._ask("interactive", payload | {"view": view, "response_urls": []}, answers=True)
        if outcome.acked and not self._after_submission(stack, outcome.payload or {}):
            return replace(outcome, error="invalid_response")
        await self.changed()
        return outcome

    async def shortcut(self, user: str, message: Message, callback_id: str) -> Outcome:
        """Choose one of the app's shortcuts in the menu of a message."""
        self._present(user, message.channel)
        assert message.only_for is None, "ephemeral messages have no such menu"
        payload = payloads.interaction(self.workspace, self.workspace.members[user], "message_action")
        name = self.workspace.response_url(user, message.channel)
        where = payloads.source(self.workspace, message)
        payload |= {"callback_id": callback_id, "message_ts": message.ts, "message": where["message"]}
        payload |= {"channel": where["channel"], "response_url": f"{self.url}/response/{name}"}
        return await self._ask("interactive", payload, response=name)

    def _after_submission(self, stack: list[Json], answer: Json) -> bool:
        """Do what the ack says; False where Slack tells the member of trouble instead."""
        what, top = answer.get("response_action"), stack[-1]
        if what == "errors":
            inputs = {block["block_id"] for block in top["blocks"] if block["type"] == "input"}
            return bool(answer.get("errors")) and set(answer["errors"]) <= inputs
        if what in {"push", "update"} and view_errors(answer.get("view") or {}):
            return False
        if what == "clear":
            stack.clear()
        elif what == "push":
            stack.append(payloads.view_json(self.workspace, answer["view"], root=top["root_view_id"]))
        elif what == "update":
            new = payloads.view_json(self.workspace, answer["view"], root=top["root_view_id"])
            stack[-1] = new | {"id": top["id"]}
        else:
            stack.pop()
        return True

    async def _ask(self, kind: EnvelopeKind, payload: Json, *, answers: bool = False, response: str = "") -> Outcome:
        """Send something that is never sent again, and tell what the member saw at once."""
        place = self.workspace.response_urls.get(response)
        outcome = Outcome(
            acked=False,
            error="dispatch_failed",
            payload=None,
            trigger_id=payload["trigger_id"],
            response_url=payload.get("response_url", ""),
            seen=place.seen if place else [],
        )
        if not self.reachable():
            return outcome
        ack = await self.offer(kind, {"type": kind, "accepts_response_payload": answers, "payload": payload})
        if ack is None:
            return replace(outcome, error="operation_timeout")
        return replace(outcome, acked=True, error=None, payload=ack.payload if answers else None)

    def respond(self, name: str, body: Json) -> None:
        """Show what the app answers to a command or a press: to the member alone, or `in_channel`."""
        place = self.workspace.response_urls[name]
        original = place.original
        if original and body.get("delete_original"):
            original.deleted = True
            self.workspace.record("delete", original, body)
            return
        if original and body.get("replace_original"):
            message = original
            message.text, message.blocks = body.get("text", ""), body.get("blocks", [])
            self.workspace.change(message)
        else:
            message = self._said(place.user, place.channel, body)
            if message.only_for and message.thread and not self.workspace.replies(place.channel, message.thread):
                return  # nobody sees what is private below a message that nobody answered yet
            self.workspace.add(message)
        place.seen.append(message)
        self.workspace.record("respond", message, body)

    def _said(self, user: str, channel: str, body: Json) -> Message:
        return Message(
            channel=channel,
            ts=self.workspace.tick(),
            user=BOT_USER,
            bot_id=BOT_ID,
            text=body.get("text", ""),
            thread=body.get("thread_ts"),
            blocks=body.get("blocks", []),
            attachments=body.get("attachments", []),
            only_for=None if body.get("response_type") == "in_channel" else user,
        )


def _check_filled(view: Json) -> None:
    """What Slack does not even send: an empty field that has to be filled, or one with more text than it takes."""
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        (answer,) = view["state"]["values"][block["block_id"]].values()
        given = answer.get("value") or answer.get("selected_option") or ""
        assert given or block.get("optional"), f"{block['block_id']} has to be filled in"
        most = block["element"].get("max_length")
        assert most is None or len(given) <= most, f"{block['block_id']} takes {most} characters"
