"""Application commands: what was registered, what Discord refuses to register, and how people fill them in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.twins.discord.drafts import longest
from tests.twins.discord.model import JSON, Channel, RefusedError, invalid
from tests.twins.discord.server import Server

NAME = re.compile(r"[-_'\w]{1,32}")
LOCALES = {
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
}  # fmt: skip
"""What Discord can be set to (its reference, page Locales)."""

SUBCOMMAND, GROUP = 1, 2
SNOWFLAKE_OPTIONS = {6: "users", 7: "channels", 8: "roles", 9: "users"}
NESTING: tuple[set[int], ...] = ({SUBCOMMAND, GROUP}, {SUBCOMMAND}, set())
"""What may stand in a command, in a group and in a subcommand besides plain options."""
COMMAND_LIMITS = {1: 100, 2: 15, 3: 15}
"""Global commands by type: chat input, user menu, message menu."""


class Commands:
    """The registered commands by scope: a guild id, or None for the global ones."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._scopes: dict[str | None, list[JSON]] = {}
        self.puts: list[tuple[str | None, list[JSON]]] = []
        """Every bulk overwrite that was accepted: its scope and body."""

    def of(self, scope: str | None) -> list[JSON]:
        """The registered commands of a scope."""
        return self._scopes.get(scope, [])

    def put(self, scope: str | None, bodies: list[JSON]) -> list[JSON]:
        """Replace the commands of a scope; a command keeps its id for as long as its name and type stay.

        Raises:
            RefusedError: 50035, a name, text or limit is wrong; 30032, there are too many.
        """
        for kind, limit in COMMAND_LIMITS.items():
            if sum(body.get("type", 1) == kind for body in bodies) > limit:
                raise RefusedError(30032)
        for position, body in enumerate(bodies):
            _check(body, str(position))
        keys = [(body["name"], body.get("type", 1)) for body in bodies]
        if len(set(keys)) < len(keys):
            raise invalid("0.name", "Application command names must be unique")
        ids = {(known["name"], known["type"]): known["id"] for known in self.of(scope)}
        guild = {} if scope is None else {"guild_id": scope}
        own = {"application_id": self._server.bot_id, "version": self._server.snowflake()} | guild
        stored = [
            {"type": 1, "description": "", "options": []}
            | body
            | own
            | {"id": ids.get(key) or self._server.snowflake()}
            for key, body in zip(keys, bodies, strict=True)
        ]
        self._scopes[scope] = stored
        self.puts.append((scope, bodies))
        return stored

    def find(self, name: str, where: Channel, *, kind: int) -> JSON:
        """Return the command people see under this name; a guild's own hides a global one.

        Where the bot is not, people have installed the application for themselves.

        Raises:
            AssertionError: it was never registered, or not for this place.
        """
        known = [*(self.of(where.guild_id) if where.guild_id else ()), *self.of(None)]
        named = [command for command in known if command["name"] == name and command["type"] == kind]
        assert named, f"no command {name!r} was registered here, only {[command['name'] for command in known]}"
        command: JSON = named[0]
        contexts = command.get("contexts")
        hidden = contexts is not None and where.context not in contexts
        hidden |= where.guild_id is None and command.get("dm_permission") is False
        assert not hidden, f"/{name} is not offered here"
        return command


def fill(command: JSON, words: Sequence[str], given: Mapping[str, Any], *, focused: str | None) -> list[JSON]:
    """Return the options of an interaction: the subcommand's, with the values somebody `given` for them.

    Raises:
        AssertionError: Discord's client would not have let them: an unknown or missing option, or a wrong value.
    """
    definitions = command.get("options") or []
    if words:
        inner = next((d for d in definitions if d["name"] == words[0] and d["type"] in {SUBCOMMAND, GROUP}), None)
        assert inner is not None, f"{command['name']!r} has no subcommand {words[0]!r}"
        options = fill(inner, words[1:], given, focused=focused)
        return [{"name": inner["name"], "type": inner["type"], "options": options}]
    assert all(d["type"] not in {SUBCOMMAND, GROUP} for d in definitions), f"{command['name']!r} needs a subcommand"
    known = {definition["name"]: definition for definition in definitions}
    assert given.keys() <= known.keys(), f"{command['name']!r} has no options {given.keys() - known.keys()}"
    missing = {name for name, d in known.items() if d.get("required")} - given.keys()
    assert not missing or focused, f"{command['name']!r} asks for {missing}"
    return [_option(definition, given[name], focused=focused) for name, definition in known.items() if name in given]


def _option(definition: JSON, value: Any, *, focused: str | None) -> JSON:
    name, kind = definition["name"], definition["type"]
    if name == focused:
        assert definition.get("autocomplete"), f"option {name!r} has no autocompletion"
        return {"name": name, "type": kind, "value": value, "focused": True}
    expected: tuple[type, ...] = {4: (int,), 5: (bool,), 10: (int, float)}.get(kind, (str,))
    assert isinstance(value, expected), f"option {name!r} takes {expected}, not {value!r}"
    choices = [choice["value"] for choice in definition.get("choices") or ()]
    assert not choices or value in choices, f"option {name!r} offers {choices}, not {value!r}"
    if kind == 3:
        low, high = definition.get("min_length") or 0, definition.get("max_length") or 6000
        assert low <= len(str(value)) <= high, f"option {name!r} takes {low} to {high} characters"
    return {"name": name, "type": kind, "value": value}


# -- refusals at registration -----------------------------------------------------------------------------------------


def _check(body: JSON, path: str) -> None:
    if body.get("type", 1) == 1:
        _check_named(body, path)
        _check_options(body.get("options") or (), f"{path}.options", depth=0)
        if _size(body) > 8000:
            raise invalid(path, "Command exceeds maximum size (8000)")
    elif not all(1 <= len(name) <= 32 for name in _names(body)) or body.get("description"):
        raise invalid(f"{path}.name", "A context menu command has 1 to 32 characters and no description")


def _check_named(body: JSON, path: str) -> None:
    for localizations in ("name_localizations", "description_localizations"):
        unknown = (body.get(localizations) or {}).keys() - LOCALES
        if unknown:
            raise invalid(f"{path}.{localizations}", f"Unknown locales {unknown}")
    for name in _names(body):
        if not NAME.fullmatch(name) or name != name.lower():
            raise invalid(f"{path}.name", "Command name is invalid")
    for text in [body.get("description") or "", *(body.get("description_localizations") or {}).values()]:
        if not 1 <= len(text) <= 100:
            raise invalid(f"{path}.description", "Must be between 1 and 100 in length.")


def _names(body: JSON) -> list[str]:
    return [body["name"], *(body.get("name_localizations") or {}).values()]


def _check_options(options: Sequence[JSON], path: str, *, depth: int) -> None:
    if len(options) > 25:
        raise invalid(path, "Must be 25 or fewer in length.")
    nested = {option["type"] for option in options} & {SUBCOMMAND, GROUP}
    plain = [option for option in options if option["type"] not in nested]
    required = [bool(option.get("required")) for option in options]
    if (nested and plain) or not nested <= NESTING[depth]:
        raise invalid(path, "Sub-commands and options cannot be mixed or nested deeper")
    if required != sorted(required, reverse=True) or len({o["name"] for o in options}) < len(options):
        raise invalid(path, "Required options must be placed before non-required options, names must be unique")
    for locale in LOCALES:
        shown = [(option.get("name_localizations") or {}).get(locale, option["name"]) for option in options]
        if len(set(shown)) < len(shown):
            raise invalid(path, f"Application command option names must be unique, also in {locale}")
    for position, option in enumerate(options):
        here = f"{path}.{position}"
        _check_named(option, here)
        _check_choices(option.get("choices") or (), f"{here}.choices")
        _check_options(option.get("options") or (), f"{here}.options", depth=2 if option["type"] == SUBCOMMAND else 1)


def _check_choices(choices: Sequence[JSON], path: str) -> None:
    if len(choices) > 25:
        raise invalid(path, "Must be 25 or fewer in length.")
    for position, choice in enumerate(choices):
        longest(choice, "name", 100, under=f"{path}.{position}.")
        if isinstance(choice["value"], str):
            longest(choice, "value", 100, under=f"{path}.{position}.")


def _size(body: JSON) -> int:
    """Characters of all names, descriptions and values; of translations the longest counts."""
    texts = [[body["name"], *(body.get("name_localizations") or {}).values()]]
    texts += [[body.get("description") or "", *(body.get("description_localizations") or {}).values()]]
    texts += [[choice["name"]] for choice in body.get("choices") or ()]
    texts += [[str(choice["value"])] for choice in body.get("choices") or ()]
    return sum(max(map(len, same)) for same in texts) + sum(_size(option) for option in body.get("options") or ())
