"""Interactions as people begin them: slash and context menu commands, buttons, selects, modals, autocompletion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.twins.discord.commands import SNOWFLAKE_OPTIONS, Commands, fill
from tests.twins.discord.drafts import BUTTON, SELECT, TEXT_DISPLAY, TEXT_INPUT, walk
from tests.twins.discord.model import JSON, Channel, Message, Permission
from tests.twins.discord.payloads import role
from tests.twins.discord.rest_interactions import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    MODAL,
    Interaction,
    InteractionRoutes,
)
from tests.twins.discord.timeline import Timeline
from tests.twins.server import Twin

ATTACHMENT_SIZE_LIMIT = 10 * 2**20


class Interactions:
    """What people do with commands and components.

    Each returns once the bot has responded for the first time, or after `timeout_s` seconds as failed. Doing what
    Discord's client would not offer (a command nobody registered, a disabled button) is an AssertionError.
    """

    def __init__(
        self, twin: Twin, timeline: Timeline, commands: Commands, routes: InteractionRoutes, *, timeout_s: float
    ) -> None:
        self._twin, self._commands, self._routes = twin, commands, routes
        self._server, self._payloads, self._gateway = timeline.server, timeline.payloads, timeline.gateway
        self.timeout_s = timeout_s
        self.say_where = True
        """Whether events carry their channel, which Discord's reference calls optional."""

    # -- commands -------------------------------------------------------------------------------------------------

    async def command(
        self,
        member: str,
        channel: str,
        name: str,
        *,
        options: Mapping[str, Any] | None = None,
        locale: str = "en-US",
        target: Message | None = None,
    ) -> Interaction:
        """Let a member use a slash command, e.g. `persona show`, or with a `target` a message context menu command.

        Users, channels and roles in `options` are given by id.
        """
        words = [name] if target else name.split()
        who, where = self._server.user(member).id, self._server.room(channel)
        data = self._command_data(who, where, words, options or {}, target=target)
        interaction = self._begin(COMMAND, who, where, data, locale=locale)
        interaction.menu = target is not None
        return await self._answered(interaction)

    async def autocompletes(
        self,
        member: str,
        channel: str,
        name: str,
        option: str,
        typed: str,
        *,
        options: Mapping[str, Any] | None = None,
        locale: str = "en-US",
    ) -> list[JSON]:
        """Let a member type into an option with autocompletion; return what they are offered, nothing if too late."""
        who, where = self._server.user(member).id, self._server.room(channel)
        given = {**(options or {}), option: typed}
        data = self._command_data(who, where, name.split(), given, focused=option)
        return (await self._answered(self._begin(AUTOCOMPLETE, who, where, data, locale=locale))).choices

    def _command_data(
        self,
        who: str,
        where: Channel,
        words: Sequence[str],
        given: Mapping[str, Any],
        *,
        focused: str | None = None,
        target: Message | None = None,
    ) -> JSON:
        command = self._commands.find(words[0], where, kind=3 if target else 1)
        self._may_use(who, where, command)
        data = {"id": command["id"], "name": command["name"], "type": command["type"]}
        data |= {"guild_id": command["guild_id"]} if "guild_id" in command else {}
        if target is not None:
            shown = self._payloads.message(self._server.messages[target.id])
            return data | {"target_id": target.id, "resolved": {"messages": {target.id: shown}}}
        options = fill(command, words[1:], given, focused=focused)
        return data | {"options": options, "resolved": self._resolved(options, where)}

    def _may_use(self, who: str, where: Channel, command: JSON) -> None:
        granted, asked = self._server.permissions(who, where), command.get("default_member_permissions")
        needed = Permission.USE_APPLICATION_COMMANDS | Permission(int(asked or 0))
        assert where.guild_id is None or needed in granted, f"{who} may not use {command['name']!r} in {where.name!r}"

    def _resolved(self, options: Sequence[JSON], where: Channel) -> JSON:
        """The objects that options of the snowflake types point at."""
        found: JSON = {}
        for option in _leaves(options):
            kind, key = SNOWFLAKE_OPTIONS.get(option["type"]), option["value"]
            if kind == "users":
                self._resolve_user(found, key, where)
            elif kind == "channels":
                found.setdefault(kind, {})[key] = self._payloads.channel(self._server.channels[key]) | {
                    "permissions": "0"
                }
            elif kind == "roles":
                found.setdefault(kind, {})[key] = role(self._server.roles[key])
        return found

    def _resolve_user(self, found: JSON, user_id: str, where: Channel) -> None:
        found.setdefault("users", {})[user_id] = self._payloads.user(user_id)
        member = self._server.members.get((where.guild_id or "", user_id))
        if member is not None:
            found.setdefault("members", {})[user_id] = self._payloads.member(member)

    # -- components and modals ------------------------------------------------------------------------------------

    async def press(self, member: str, message: Message, custom_id: str) -> Interaction:
        """Let a member press a button of a message they see."""
        who = self._server.user(member).id
        node = self._component(who, message, custom_id)
        assert node["type"] == BUTTON, f"{custom_id!r} is no button"
        return await self._use(who, message, node, {})

    async def selects(self, member: str, message: Message, custom_id: str, values: Sequence[str]) -> Interaction:
        """Let a member choose values in a select of a message they see; users, channels and roles by id."""
        who = self._server.user(member).id
        node = self._component(who, message, custom_id)
        assert node["type"] in {SELECT, 5, 6, 7, 8}, f"{custom_id!r} is no select"
        offered = [option["value"] for option in node.get("options", ())]
        assert node["type"] != SELECT or set(values) <= set(offered), f"{custom_id!r} offers {offered}"
        assert node.get("min_values", 1) <= len(values) <= node.get("max_values", 1), f"{len(values)} values chosen"
        options = [{"type": {5: 6, 6: 8, 8: 7}.get(node["type"], 3), "value": value} for value in values]
        resolved = self._resolved(options, self._server.channels[message.channel_id])
        return await self._use(
            who, message, node, {"values": list(values)} | ({"resolved": resolved} if resolved else {})
        )

    async def submits_modal(self, member: str, shown: Interaction, values: Mapping[str, Any]) -> Interaction:
        """Let a member send the modal they were shown, with a text (or list of choices) by custom id."""
        assert shown.modal is not None, "no modal was shown"
        inputs = {node["custom_id"]: node for _, node in walk(shown.modal["components"]) if "custom_id" in node}
        assert values.keys() <= inputs.keys(), f"the modal has {list(inputs)}"
        for node in inputs.values():
            _check_input(node, _given(node, values))
        filled = [_filled(node, values) for node in shown.modal["components"]]
        data = {"custom_id": shown.modal["custom_id"], "components": filled}
        who = self._server.user(member).id
        return await self._answered(self._begin(MODAL, who, shown.channel, data, source=shown.source))

    async def repeats(self, interaction: Interaction) -> None:
        """Dispatch an interaction again, as a session does that is resumed after its event was not acknowledged."""
        self._gateway.dispatch("INTERACTION_CREATE", interaction.event)
        await self._twin.changed()

    def _component(self, who: str, message: Message, custom_id: str) -> JSON:
        now = self._server.messages.get(message.id)
        assert now is not None, f"message {message.id} is gone"
        assert now.viewer in {None, who}, f"{who} does not see that message"
        nodes = {node["custom_id"]: node for _, node in walk(now.components) if "custom_id" in node}
        assert custom_id in nodes, f"the message has {list(nodes)}, not {custom_id!r}"
        assert not nodes[custom_id].get("disabled"), f"{custom_id!r} is disabled"
        return nodes[custom_id]

    async def _use(self, who: str, message: Message, node: JSON, more: JSON) -> Interaction:
        data = {"id": node["id"], "custom_id": node["custom_id"], "component_type": node["type"]} | more
        source, where = self._server.messages[message.id], self._server.channels[message.channel_id]
        return await self._answered(self._begin(COMPONENT, who, where, data, source=source))

    # -- beginning ------------------------------------------------------------------------------------------------

    def _begin(
        self, kind: int, who: str, where: Channel, data: JSON, *, locale: str = "en-US", source: Message | None = None
    ) -> Interaction:
        server = self._server
        assert Permission.VIEW_CHANNEL in server.permissions(who, where), f"{who} does not see {where.name!r}"
        made = server.snowflake()
        interaction = Interaction(
            id=made,
            token=f"interaction-token-{made}",
            kind=kind,
            member_id=who,
            channel=where,
            made_at=server.now,
            server=server,
            source=source,
        )
        self._routes.known[made] = interaction
        interaction.event = self._event(interaction, data, locale)
        self._gateway.dispatch("INTERACTION_CREATE", interaction.event)
        return interaction

    def _event(self, interaction: Interaction, data: JSON, locale: str) -> JSON:
        where, who, server = interaction.channel, interaction.member_id, self._server
        event = {
            "id": interaction.id,
            "application_id": server.bot_id,
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": where.id,
            "channel": self._payloads.channel(where),
            "locale": locale,
            "app_permissions": str(int(server.permissions(server.bot_id, where))),
            "attachment_size_limit": ATTACHMENT_SIZE_LIMIT,
            "entitlements": [],
            "authorizing_integration_owners": self._installed(where, who),
            "context": where.context,
        }
        if not self.say_where:
            del event["channel"], event["channel_id"]
        if interaction.source is not None:
            event["message"] = self._payloads.message(interaction.source)
        if where.guild_id is None:
            return event | {"user": self._payloads.user(who)}
        member = self._payloads.full_member(server.members[where.guild_id, who])
        member["permissions"] = str(int(server.permissions(who, where)))
        guild = {"id": where.guild_id, "locale": "en-US", "features": []}
        return event | {"guild_id": where.guild_id, "guild": guild, "guild_locale": "en-US", "member": member}

    def _installed(self, where: Channel, who: str) -> JSON:
        """Who brought the application here: the guild (0 for a DM with the bot), or, where it is not, the user."""
        is_here = where.context == 1 or (where.guild_id or "", self._server.bot_id) in self._server.members
        return {"0": where.guild_id or "0"} if is_here else {"1": who}

    async def _answered(self, interaction: Interaction) -> Interaction:
        await self._twin.changed()
        try:
            await self._twin.wait_for(lambda: interaction.answer, timeout_s=self.timeout_s)
        except AssertionError:
            interaction.failed = True
        return interaction


def _leaves(options: Sequence[JSON]) -> Iterator[JSON]:
    for option in options:
        if "value" in option:
            yield option
        yield from _leaves(option.get("options", ()))


def _check_input(node: JSON, value: Any) -> None:
    least = 1 if node.get("required", True) else 0
    least = max(least, node.get("min_length") or 0) if value or least else 0
    most = node.get("max_length") or 4000
    assert least <= len(value) <= most, f"{node['custom_id']!r} takes {least} to {most} characters"


def _given(node: JSON, values: Mapping[str, Any]) -> Any:
    """What is sent of an input: what somebody filled in, or what stood there already."""
    if node["type"] == TEXT_INPUT:
        return values.get(node["custom_id"], node.get("value") or "")
    return values.get(
        node["custom_id"], [option["value"] for option in node.get("options", ()) if option.get("default")]
    )


def _filled(node: JSON, values: Mapping[str, Any]) -> JSON:
    """The submitted form of a modal's component: rows and labels as the bot sent them."""
    base = {"type": node["type"], "id": node.get("id", 1)}
    if "components" in node:
        return base | {"components": [_filled(child, values) for child in node["components"]]}
    if "component" in node:
        return base | {"component": _filled(node["component"], values)}
    if node["type"] == TEXT_DISPLAY:
        return base
    given = _given(node, values)
    value = {"value": given} if node["type"] == TEXT_INPUT else {"values": list(given)}
    return base | {"custom_id": node["custom_id"]} | value
