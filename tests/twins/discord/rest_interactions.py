"""Interactions as the bot answers them: the callback, @original and followups, and what each refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.twins.discord.drafts import check_modal, displayed_text, fields, longest
from tests.twins.discord.http import Api, Asked, Routes
from tests.twins.discord.model import EPHEMERAL, JSON, LOADING, Channel, Message, RefusedError, invalid
from tests.twins.discord.server import Server
from tests.twins.discord.timeline import Timeline

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
"""Interaction types."""
REPLY, THINK, DEFER_UPDATE, UPDATE, CHOICES, SHOW_MODAL = 4, 5, 6, 7, 8, 9
"""Callback types."""
POSSIBLE = {
    COMMAND: {REPLY, THINK, SHOW_MODAL},
    COMPONENT: {REPLY, THINK, DEFER_UPDATE, UPDATE, SHOW_MODAL},
    AUTOCOMPLETE: {CHOICES},
    MODAL: {REPLY, THINK, DEFER_UPDATE, UPDATE},
}
ANSWER_LIFE, TOKEN_LIFE = timedelta(seconds=3), timedelta(minutes=15)


@dataclass(slots=True, kw_only=True, eq=False)
class Interaction:
    """What one member did, and what they see of the answer; it keeps up as the bot goes on working."""

    id: str
    token: str
    kind: int
    member_id: str
    channel: Channel
    made_at: datetime
    server: Server
    menu: bool = False
    """Whether a command came from a context menu."""
    source: Message | None = None
    """The message whose button or select was used."""
    answer: int | None = None
    """The callback type of the first response."""
    failed: bool = False
    """INTERACTION_FAILURE: the member was told that the application did not respond."""
    event: JSON = field(default_factory=dict)
    """The data of the INTERACTION_CREATE."""
    modal: JSON | None = None
    choices: list[JSON] = field(default_factory=list)
    original_id: str | None = None
    followup_ids: list[str] = field(default_factory=list)

    @property
    def deferred(self) -> bool:
        """Whether the first response only announced another one."""
        return self.answer in {THINK, DEFER_UPDATE}

    @property
    def message(self) -> Message | None:
        """The response as it is now, if there is one."""
        return self.server.messages.get(self.original_id or "")

    @property
    def followups(self) -> list[Message]:
        """The further messages that are still there, oldest first."""
        return [self.server.messages[i] for i in self.followup_ids if i in self.server.messages]

    @property
    def ephemeral(self) -> bool:
        """Whether only the member sees the response."""
        return self.message is not None and self.message.viewer is not None

    @property
    def thinking(self) -> bool:
        """Whether the response still is "… is thinking"."""
        return self.message is not None and self.message.thinking

    @property
    def text(self) -> str:
        """The text of the response, also that of its text displays; empty as long as there is none."""
        return (self.message.content or displayed_text(self.message.components)) if self.message else ""

    @property
    def embeds(self) -> tuple[JSON, ...]:
        """The embeds of the response."""
        return self.message.embeds if self.message else ()

    @property
    def components(self) -> tuple[JSON, ...]:
        """The components of the response."""
        return self.message.components if self.message else ()


class InteractionRoutes:
    """Handlers of the callback and of the interaction's webhook."""

    def __init__(self, timeline: Timeline) -> None:
        self._server, self._payloads, self._timeline = timeline.server, timeline.payloads, timeline
        self.known: dict[str, Interaction] = {}
        """By id."""

    def routes(self, api: Api) -> Routes:
        """The routes, to be added to the application; the token in their path is all they ask for."""
        webhook = "/webhooks/{application}/{token}"
        return [
            api.route("POST", "/interactions/{interaction}/{token}/callback", self.callback, anybody=True),
            api.route("POST", webhook, self.follow_up, anybody=True),
            api.route("GET", webhook + "/messages/{message}", self.fetch, anybody=True),
            api.route("PATCH", webhook + "/messages/{message}", self.edit, anybody=True),
            api.route("DELETE", webhook + "/messages/{message}", self.delete, anybody=True),
        ]

    # -- the first response ---------------------------------------------------------------------------------------

    def callback(self, asked: Asked) -> JSON | None:
        """Take the first response, within 3 seconds and once."""
        interaction = self.known.get(asked.args["interaction"])
        if interaction is None or interaction.token != asked.args["token"] or self._late(interaction):
            raise RefusedError(10062)
        if interaction.answer is not None:
            raise RefusedError(40060)
        kind = asked.body["type"]
        if kind not in POSSIBLE[interaction.kind]:
            raise invalid("type", f"Value must be one of {POSSIBLE[interaction.kind]}.")
        message = self._respond(interaction, kind, asked)
        interaction.answer = kind
        return self._receipt(interaction, kind, message) if "with_response" in asked.query else None

    def _late(self, interaction: Interaction) -> bool:
        return interaction.failed or interaction.made_at + ANSWER_LIFE < self._server.now

    def _respond(self, interaction: Interaction, kind: int, asked: Asked) -> Message | None:
        data = asked.body.get("data") or {}
        if kind in {REPLY, THINK}:
            message = self._post(interaction, asked, data, more_flags=LOADING if kind == THINK else 0)
            interaction.original_id = message.id
            return message
        if kind in {UPDATE, DEFER_UPDATE}:
            return self._update(interaction, kind, asked, data)
        if kind == CHOICES:
            interaction.choices = _checked_choices(data["choices"])
        else:
            check_modal(data)
            interaction.modal = data
        return None

    def _update(self, interaction: Interaction, kind: int, asked: Asked, data: JSON) -> Message | None:
        """Change the message a component was used on; one that is gone can still be announced to change."""
        if interaction.source is None:
            raise invalid("type", "There is no message to update")
        interaction.original_id = interaction.source.id
        source = self._server.messages.get(interaction.source.id)
        if kind == DEFER_UPDATE:
            return source
        if source is None:
            raise RefusedError(10008)
        return self._change(source, asked, data)

    def _receipt(self, interaction: Interaction, kind: int, message: Message | None) -> JSON:
        about: JSON = {"id": interaction.id, "type": interaction.kind}
        resource: JSON = {"type": kind}
        if message is not None:
            about |= {"response_message_id": message.id, "response_message_loading": message.thinking}
            about |= {"response_message_ephemeral": message.viewer is not None}
            resource |= {"message": self._payloads.message(message)}
        return {"interaction": about, "resource": resource}

    def _post(self, interaction: Interaction, asked: Asked, data: JSON, *, more_flags: int = 0) -> Message:
        found = fields(self._server, data, asked.uploads, more_flags=more_flags)
        found |= {
            "kind": {COMMAND: 23 if interaction.menu else 20}.get(interaction.kind, 0),
            "viewer": interaction.member_id if found.get("flags", 0) & EPHEMERAL else None,
            "interaction": self._metadata(interaction),
        }
        allowed = data.get("allowed_mentions")
        message = self._timeline.create(interaction.channel, self._server.bot_id, found, allowed=allowed)
        self._server.record("create", message, data)
        return message

    def _metadata(self, interaction: Interaction) -> JSON:
        user = self._payloads.user(interaction.member_id)
        return {"id": interaction.id, "type": interaction.kind, "user": user, "authorizing_integration_owners": {}}

    # -- afterwards -----------------------------------------------------------------------------------------------

    def follow_up(self, asked: Asked) -> JSON | None:
        """Add a message; the first one after "thinking" becomes that message instead, ephemeral as announced."""
        interaction = self._interaction(asked)
        if interaction.message is not None and interaction.thinking:
            message = self._change(interaction.message, asked, asked.body)
        else:
            message = self._post(interaction, asked, asked.body)
            interaction.followup_ids.append(message.id)
        return self._payloads.message(message) if asked.query.get("wait") in {"1", "true"} else None

    def fetch(self, asked: Asked) -> JSON:
        return self._payloads.message(self._message(asked))

    def edit(self, asked: Asked) -> JSON:
        return self._payloads.message(self._change(self._message(asked), asked, asked.body))

    def delete(self, asked: Asked) -> None:
        message = self._message(asked)
        self._timeline.delete(message)
        self._server.record("delete", message, {})

    def _change(self, message: Message, asked: Asked, data: JSON) -> Message:
        found = fields(self._server, data, asked.uploads, old=message)
        found["flags"] = found.get("flags", message.flags) & ~LOADING
        changed = self._timeline.edit(message, found, allowed=data.get("allowed_mentions"))
        self._server.record("edit", changed, data)
        return changed

    def _interaction(self, asked: Asked) -> Interaction:
        found = [i for i in self.known.values() if i.token == asked.args["token"]]
        if not found or found[0].made_at + TOKEN_LIFE < self._server.now:
            raise RefusedError(50027)
        if found[0].answer is None or asked.args["application"] != self._server.bot_id:
            raise RefusedError(10015)
        return found[0]

    def _message(self, asked: Asked) -> Message:
        interaction, wanted = self._interaction(asked), asked.args["message"]
        message_id = interaction.original_id if wanted == "@original" else wanted
        mine = {interaction.original_id, *interaction.followup_ids}
        if message_id is None or message_id not in mine or message_id not in self._server.messages:
            raise RefusedError(10008)
        return self._server.messages[message_id]


def _checked_choices(choices: list[Any]) -> list[JSON]:
    if len(choices) > 25:
        raise invalid("data.choices", "Must be 25 or fewer in length.")
    for position, choice in enumerate(choices):
        longest(choice, "name", 100, under=f"data.choices.{position}.")
    return choices
